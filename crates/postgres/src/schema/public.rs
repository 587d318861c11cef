//! Schema `public`: before 15 it belongs to the superuser that made the server, since then to whoever
//! owns the database. Both are what nobody asked for.

use flexway_core::migrate::SchemaEntry;

use crate::Session;
use crate::ask::{Outcome, query, query_one, text};

/// First version in which a database's owner owns it.
const OF_DATABASE_OWNER_SINCE: u32 = 150_000;

/// The role to which the server gives `public` by default, where that is the superuser that made it.
pub(crate) fn default_owner(source: &mut Session) -> Outcome<Option<String>> {
    match source.version().number >= OF_DATABASE_OWNER_SINCE {
        true => Ok(None),
        false => maker(source).map(Some),
    }
}

/// The superuser that made the server.
pub(crate) fn maker(session: &mut Session) -> Outcome<String> {
    let sql = "SELECT rolname FROM pg_roles WHERE oid = 10";
    let row = query_one(session, "ask who made the server", sql)?;
    Ok(text(&row, 0).to_owned())
}

/// What takes the comment away with which `public` comes, where the source has none: a dump with all names quoted does not.
pub(crate) fn without_comment(source: &mut Session) -> Outcome<Option<SchemaEntry>> {
    let sql = "SELECT 1 FROM pg_namespace WHERE nspname = 'public' \
               AND obj_description(oid, 'pg_namespace') IS NULL";
    let has_none = !query(source, "read the comment on schema public", sql)?.is_empty();
    Ok(has_none.then(|| SchemaEntry {
        kind: "COMMENT".to_owned(),
        schema: "-".to_owned(),
        name: "SCHEMA public".to_owned(),
        table: None,
        sql: "COMMENT ON SCHEMA public IS NULL;".to_owned(),
    }))
}

/// Whether the statement gives `public` to the role; quotes do not matter.
pub(crate) fn is_gift(statement: &str, role: &str) -> bool {
    let plain = statement.trim().replace('"', "");
    plain == format!("ALTER SCHEMA public OWNER TO {};", role.replace('"', ""))
}

/// Leaves `public` to the target's database owner: a login that is no superuser cannot give it to one.
pub(crate) fn leave(entries: &mut [SchemaEntry], owner: &str) {
    let of_public = |entry: &&mut SchemaEntry| entry.kind == "SCHEMA" && entry.name == "public";
    for entry in entries.iter_mut().filter(of_public) {
        let kept = entry.sql.split_inclusive('\n').filter(|line| !is_gift(line, owner));
        entry.sql = kept.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_default_owner_is_left_out() {
        let entry = |name: &str, sql: &str| SchemaEntry {
            kind: "SCHEMA".to_owned(),
            schema: "-".to_owned(),
            name: name.to_owned(),
            table: None,
            sql: sql.to_owned(),
        };
        let default = "\n\nALTER SCHEMA \"public\" OWNER TO \"postgres\";\n";
        let chosen = "ALTER SCHEMA public OWNER TO app;";
        let mut entries = [entry("public", default), entry("public", chosen), entry("s", default)];
        leave(&mut entries, "postgres");
        assert_eq!(entries.map(|entry| entry.sql), ["\n\n", chosen, default]);
    }
}
