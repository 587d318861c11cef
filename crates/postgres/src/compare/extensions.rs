//! Comments on extensions, which an extension brings along and users may change.

use std::collections::BTreeMap;

use flexway_core::migrate::Difference;

use crate::Session;
use crate::ask::{Outcome, flag, query, text};

struct Comment {
    words: String,
    /// Whether it is what this server's version of the extension says of itself.
    is_shipped: bool,
    /// Whether the session's login may change it.
    is_ours: bool,
}

/// Extensions whose comment was changed on one side. Servers ship different words; and what the
/// target's login may not change (on managed servers it belongs to the service) was not carried.
pub(super) fn differences(source: &mut Session, target: &mut Session) -> Outcome<Vec<Difference>> {
    let (wanted, present) = (comments(source)?, comments(target)?);
    let differs = |(name, wanted): &(String, Comment)| {
        present.get(name).is_some_and(|present| {
            present.is_ours
                && wanted.words != present.words
                && !(wanted.is_shipped && present.is_shipped)
        })
    };
    Ok(wanted
        .into_iter()
        .filter(differs)
        .map(|(name, _)| {
            let detail = "comment on EXTENSION differs on the target".to_owned();
            Difference { kind: "schema", name, detail }
        })
        .collect())
}

fn comments(session: &mut Session) -> Outcome<BTreeMap<String, Comment>> {
    let rows = query(
        session,
        "read the comments on extensions",
        "SELECT e.extname, c.words, c.words = coalesce(a.comment, ''), \
                pg_has_role(e.extowner, 'USAGE') \
         FROM pg_extension e LEFT JOIN pg_available_extensions a ON a.name = e.extname \
         CROSS JOIN LATERAL (SELECT coalesce(obj_description(e.oid, 'pg_extension'), '') AS words) c",
    )?;
    Ok(rows
        .iter()
        .map(|row| {
            let comment = Comment {
                words: text(row, 1).to_owned(),
                is_shipped: flag(row, 2),
                is_ours: flag(row, 3),
            };
            (text(row, 0).to_owned(), comment)
        })
        .collect())
}
