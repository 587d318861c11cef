//! What dumps do not say of extensions: comments, which they bring along and users may change, and members that users added.

use std::collections::BTreeMap;

use flexway_core::migrate::Difference;

use crate::ask::{Outcome, flag, optional, query, run, text, try_within};
use crate::{Row, Session};

struct Comment {
    words: String,
    /// Whether it is what this server's version of the extension says of itself; `None` where the server
    /// cannot tell: one bad file among those of all extensions is enough for that.
    is_shipped: Option<bool>,
    /// Whether the session's login may change it.
    is_ours: bool,
}

/// Extensions that differ in their comment or their members.
pub(super) fn differences(source: &mut Session, target: &mut Session) -> Outcome<Vec<Difference>> {
    let mut found = of_comments(source, target)?;
    found.extend(of_members(source, target)?);
    Ok(found)
}

/// Relations that belong to an extension on the source alone. Versions of an extension bring different ones: of another version only
/// tables that hold rows count.
fn of_members(source: &mut Session, target: &mut Session) -> Outcome<Vec<Difference>> {
    let (wanted, present) = (members(source)?, members(target)?);
    let differs = |((extension, relation), member): (&(String, String), &Member)| {
        let version = &present.get(&(extension.clone(), String::new()))?.version;
        let counts = member.holds_rows || member.version == *version;
        let is_there = present.contains_key(&(extension.clone(), relation.clone()));
        (counts && !is_there).then(|| Difference {
            kind: "schema",
            name: extension.clone(),
            detail: format!("{relation} belongs to the EXTENSION on the source only"),
        })
    };
    Ok(wanted.iter().filter_map(differs).collect())
}

struct Member {
    /// Of the extension.
    version: String,
    holds_rows: bool,
}

/// Relations of extensions, by the names of both; an empty one stands for the extension itself.
fn members(session: &mut Session) -> Outcome<BTreeMap<(String, String), Member>> {
    let rows = query(
        session,
        "read the members of extensions",
        "SELECT x.extname, '', x.extversion, false FROM pg_extension x \
         UNION ALL SELECT x.extname, format('%I.%I', n.nspname, c.relname), x.extversion, \
           c.relkind = 'r' AND pg_relation_size(c.oid) > 0 \
         FROM pg_extension x JOIN pg_depend e ON e.refclassid = 'pg_extension'::regclass \
           AND e.refobjid = x.oid AND e.deptype = 'e' AND e.classid = 'pg_class'::regclass \
         JOIN pg_class c ON c.oid = e.objid AND c.relkind <> 'c' \
         JOIN pg_namespace n ON n.oid = c.relnamespace",
    )?;
    let member = |row| Member { version: text(row, 2).to_owned(), holds_rows: flag(row, 3) };
    let key = |row| (text(row, 0).to_owned(), text(row, 1).to_owned());
    Ok(rows.iter().map(|row| (key(row), member(row))).collect())
}

/// Extensions whose comment was changed on one side. Servers ship different words; and what the
/// target's login may not change (on managed servers it belongs to the service) was not carried.
fn of_comments(source: &mut Session, target: &mut Session) -> Outcome<Vec<Difference>> {
    let wanted = comments(source)?;
    run(target, COMMENTS, "BEGIN")?;
    let present = comments(target)?;
    run(target, COMMENTS, "COMMIT")?;
    let mut found = Vec::new();
    for (name, wanted) in wanted {
        let Some(present) = present.get(&name) else { continue };
        let shipped = [wanted.is_shipped, present.is_shipped];
        if !present.is_ours || wanted.words == present.words || shipped == [Some(true); 2] {
            continue;
        }
        let mut detail = "comment on EXTENSION differs on the target".to_owned();
        if !shipped.contains(&Some(false)) {
            detail +=
                "; which words it came with is not known, since pg_available_extensions fails";
        }
        found.push(Difference { kind: "schema", name, detail });
    }
    Ok(found)
}

const COMMENTS: &str = "read the comments on extensions";

/// The comments on a server's extensions, by a session within a transaction.
fn comments(session: &mut Session) -> Outcome<BTreeMap<String, Comment>> {
    let sql = |is_shipped: &str, from: &str| {
        format!(
            "SELECT e.extname, c.words, {is_shipped}, pg_has_role(e.extowner, 'USAGE') \
             FROM pg_extension e {from} \
             CROSS JOIN LATERAL (SELECT coalesce(obj_description(e.oid, 'pg_extension'), '') AS words) c"
        )
    };
    let offered = "LEFT JOIN pg_available_extensions a ON a.name = e.extname";
    let all = sql("c.words = coalesce(a.comment, '')", offered);
    let rows = match try_within(session, COMMENTS, |session| query(session, COMMENTS, &all))? {
        Ok(rows) => rows,
        Err(_) => query(session, COMMENTS, &sql("NULL", ""))?,
    };
    let comment = |row: &Row| Comment {
        words: text(row, 1).to_owned(),
        is_shipped: optional(row, 2).map(|word| word == "t"),
        is_ours: flag(row, 3),
    };
    Ok(rows.iter().map(|row| (text(row, 0).to_owned(), comment(row))).collect())
}
