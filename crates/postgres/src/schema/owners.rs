//! Owners of things in schemas in which they may not create, or not before the dump's grants: a login that is no superuser gives
//! things to roles that may, so they may as long as that takes.

use std::collections::{BTreeMap, BTreeSet};

use flexway_core::migrate::SchemaEntry;

use crate::ask::{Outcome, flag, optional, query, query_one, text};
use crate::schema::scan::statements;
use crate::{Session, quote_ident, quote_literal};

/// Lets owners create from where all schemas stand until before the dump's own grants. The owner of a schema may in any case.
pub(crate) fn let_create(session: &mut Session, entries: &mut Vec<SchemaEntry>) -> Outcome<()> {
    let sql =
        "SELECT quote_ident(pg_get_userbyid(nspowner)) FROM pg_namespace WHERE nspname = 'public'";
    let public = query(session, "ask who owns schema public", sql)?;
    let of_public = public.first().and_then(|row| optional(row, 0)).unwrap_or_default();
    insert(entries, of_public);
    Ok(())
}

fn insert(entries: &mut Vec<SchemaEntry>, of_public: &str) {
    let mut owners = BTreeMap::from([("public", of_public.to_owned())]);
    let mut needed = BTreeSet::new();
    for entry in entries.iter() {
        let Some(owner) = owner(entry) else { continue };
        match entry.kind.as_str() {
            "SCHEMA" => {
                owners.insert(&entry.name, owner.to_owned());
            }
            _ if entry.schema != "-" => {
                needed.insert((entry.schema.as_str(), owner));
            }
            _ => {}
        }
    }
    let is_owner = |schema: &str, role: &str| {
        owners.get(schema).is_some_and(|owner| owner.trim_matches('"') == role.trim_matches('"'))
    };
    needed.retain(|(schema, role)| !is_owner(schema, role));
    if needed.is_empty() {
        return;
    }
    let rights = |verb: &str, word: &str| SchemaEntry {
        kind: "RIGHTS".to_owned(),
        schema: "-".to_owned(),
        name: "of owners to create".to_owned(),
        table: None,
        sql: needed
            .iter()
            .map(|(schema, role)| {
                format!("{verb} CREATE ON SCHEMA {} {word} {role};\n", quote_ident(schema))
            })
            .collect(),
    };
    let (before, after) = (rights("GRANT", "TO"), rights("REVOKE", "FROM"));
    let end = entries.iter().position(|entry| entry.kind.ends_with("ACL"));
    entries.insert(end.unwrap_or(entries.len()), after);
    let start = entries.iter().rposition(|entry| entry.kind == "SCHEMA").map_or(0, |at| at + 1);
    entries.insert(start, before);
}

/// The entry as one that lets its owner create as long as it takes; `None` where he may, or it has none.
pub(super) fn letting_create(
    session: &mut Session,
    entry: &SchemaEntry,
) -> Outcome<Option<String>> {
    let Some(owner) = owner(entry) else { return Ok(None) };
    let what = "ask where an owner may create";
    let role = quote_literal(&owner.trim_matches('"').replace("\"\"", "\""));
    let (may, place) = match entry.schema.as_str() {
        "-" => {
            let sql = "SELECT format('DATABASE %I', current_database())";
            let place = text(&query_one(session, what, sql)?, 0).to_owned();
            (format!("has_database_privilege({role}, current_database(), 'CREATE')"), place)
        }
        schema => {
            let name = quote_literal(schema);
            let place = format!("SCHEMA {}", quote_ident(schema));
            (format!("has_schema_privilege({role}, {name}, 'CREATE')"), place)
        }
    };
    if flag(&query_one(session, what, &format!("SELECT {may}"))?, 0) {
        return Ok(None);
    }
    let sql = &entry.sql;
    Ok(Some(format!(
        "GRANT CREATE ON {place} TO {owner}; {sql}\n; REVOKE CREATE ON {place} FROM {owner}"
    )))
}

/// To whom an entry gives its thing, as the dump quotes it.
fn owner(entry: &SchemaEntry) -> Option<&str> {
    let is_gift = |sql: &&str| sql.starts_with("ALTER ") && sql.contains(" OWNER TO ");
    let gift = statements(&entry.sql).into_iter().map(without_comments).find(is_gift)?;
    Some(gift.rsplit_once(" OWNER TO ")?.1.trim_end_matches(';'))
}

/// A statement without the comments ahead of it: of schema `public` pg_dump says that it is not made.
fn without_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, schema: &str, name: &str, sql: &str) -> SchemaEntry {
        let [kind, schema, name, sql] = [kind, schema, name, sql].map(str::to_owned);
        SchemaEntry { kind, schema, name, table: None, sql }
    }

    #[test]
    fn owners_create_between_schemas_and_grants() {
        let function = "CREATE FUNCTION f() AS $$;\nALTER x OWNER TO \"no\";\n$$;\n\n\nALTER FUNCTION f() OWNER TO \"b\";";
        let mut entries = vec![
            entry(
                "SCHEMA",
                "-",
                "s",
                "CREATE SCHEMA \"s\";\n\n\nALTER SCHEMA \"s\" OWNER TO \"a\";",
            ),
            entry("FUNCTION", "s", "f()", function),
            entry(
                "TABLE",
                "s",
                "t",
                "CREATE TABLE t ();\n\nALTER TABLE \"s\".\"t\" OWNER TO \"a\";",
            ),
            entry("TABLE", "public", "t", "ALTER TABLE \"public\".\"x\ny\" OWNER TO \"it\"\"s\";"),
            entry("TABLE", "public", "u", "ALTER TABLE \"public\".\"u\" OWNER TO \"o\";"),
            entry("ACL", "-", "SCHEMA s", "GRANT ALL ON SCHEMA \"s\" TO \"b\";"),
        ];
        insert(&mut entries, "o");
        let kinds: Vec<&str> = entries.iter().map(|entry| entry.kind.as_str()).collect();
        assert_eq!(
            kinds,
            ["SCHEMA", "RIGHTS", "FUNCTION", "TABLE", "TABLE", "TABLE", "RIGHTS", "ACL"]
        );
        let given = "GRANT CREATE ON SCHEMA \"public\" TO \"it\"\"s\";\nGRANT CREATE ON SCHEMA \"s\" TO \"b\";\n";
        assert_eq!(entries[1].sql, given);
        assert_eq!(entries[6].sql, given.replace("GRANT", "REVOKE").replace(" TO ", " FROM "));
        let mut alone = vec![entries.remove(4)];
        insert(&mut alone, "\"it\"\"s\"");
        assert_eq!(alone.len(), 1);
        let given = "-- *not* creating schema, since initdb creates it\n\n\nALTER SCHEMA \"public\" OWNER TO \"it\"\"s\";";
        let mut given = vec![entry("SCHEMA", "-", "public", given), alone.remove(0)];
        insert(&mut given, "pg_database_owner");
        assert_eq!(given.len(), 2);
    }
}
