//! Comments on extensions: these bring theirs along, users change or remove them, and on managed servers they are the service's.

use std::collections::HashSet;

use flexway_core::migrate::SchemaEntry;

use crate::ask::{Outcome, optional, query, text, try_within};
use crate::catalog::is_superuser;
use crate::{Session, quote_ident, quote_literal};

/// Comments of the source that are not what its extensions brought along. A dump says nothing of one that was removed, nor of any on
/// an extension that every database has.
pub(crate) fn changed(source: &mut Session) -> Outcome<Vec<SchemaEntry>> {
    let what = "read the comments on extensions";
    let sql = "SELECT e.extname, c.words FROM pg_extension e \
         JOIN pg_available_extensions a ON a.name = e.extname \
         CROSS JOIN LATERAL (SELECT obj_description(e.oid, 'pg_extension') AS words) c \
         WHERE c.words IS DISTINCT FROM a.comment ORDER BY 1";
    // One bad control file makes the list fail; the comparison then tells what differs.
    let Ok(rows) = try_within(source, what, |source| query(source, what, sql))? else {
        return Ok(Vec::new());
    };
    let entry = |row| {
        let name = quote_ident(text(row, 0));
        let words = optional(row, 1).map_or("NULL".to_owned(), quote_literal);
        SchemaEntry {
            kind: "COMMENT".to_owned(),
            schema: "-".to_owned(),
            name: format!("EXTENSION {name}"),
            table: None,
            sql: format!("COMMENT ON EXTENSION {name} IS {words};"),
        }
    };
    Ok(rows.iter().map(entry).collect())
}

/// Dump names of comments on extensions that stand on the target and belong to somebody else (on
/// managed servers to the service): the login may not change them, and they are no data.
pub(crate) fn foreign(session: &mut Session) -> Outcome<HashSet<String>> {
    if is_superuser(session)? {
        return Ok(HashSet::new());
    }
    let rows = query(
        session,
        "list the target's extensions",
        "SELECT 'EXTENSION ' || extname FROM pg_extension WHERE NOT pg_has_role(extowner, 'USAGE')",
    )?;
    let names = rows.iter().map(|row| text(row, 0).to_owned());
    // pg_dump writes the name quoted since quoting is asked for.
    Ok(names
        .flat_map(|name| {
            let quoted = format!("EXTENSION \"{}\"", name.trim_start_matches("EXTENSION "));
            [name, quoted]
        })
        .collect())
}
