//! What will not go, or not go along, told before anything is changed.

use std::collections::{BTreeMap, BTreeSet};

use flexway_core::migrate::{Foreseen, MoveError};

use crate::ask::{Outcome, act, flag, query, query_one, text};
use crate::catalog::trees::USERS_OID_MIN;
use crate::catalog::{USER_SCHEMAS, not_of_extension};
use crate::roles::is_carried;
use crate::schema::tablespaces::Tablespaces;
use crate::{Session, quote_ident, quote_literal};

/// Names in one sentence: enough to find the rest by.
const NAMES_MAX: usize = 10;

/// First version without `WITH OIDS`.
const NO_OIDS_SINCE: u32 = 120_000;

/// Looks into a database of the source; `target` may be in any database. `with_roles` tells whether
/// the move makes its login a member of the roles that it needs.
pub(crate) fn foresee(
    source: &mut Session,
    target: &mut Session,
    database: &str,
    with_roles: bool,
) -> Outcome<Foreseen> {
    let mut notes = oids(source)?;
    notes.extend(settings(source, &Tablespaces::read(target)?)?);
    let refusals = [
        types(source, target, database)?,
        unlogged(source, database)?,
        owner(source, target, database, with_roles)?,
    ];
    Ok(Foreseen { refusals: refusals.into_iter().flatten().collect(), notes })
}

/// Tables whose rows have an oid beside their columns.
fn oids(source: &mut Session) -> Outcome<Vec<String>> {
    if source.version().number >= NO_OIDS_SINCE {
        return Ok(Vec::new());
    }
    let own = not_of_extension("pg_class", "c.oid");
    let sql = format!(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relhasoids AND c.relkind IN ('r', 'p') AND {USER_SCHEMAS} AND {own} ORDER BY 1"
    );
    let tables = names(source, "list the tables with oids", &sql)?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "the column oid of tables made WITH OIDS is not carried, newer servers have none: {}; if its \
         values count, copy them into a column of your own on the source first",
        some_of(&tables)
    )])
}

/// Settings of the database that name a tablespace which the target lacks.
fn settings(source: &mut Session, there: &Tablespaces) -> Outcome<Vec<String>> {
    let rows = query(
        source,
        "read the settings of the database",
        "SELECT split_part(s.line, '=', 1), substr(s.line, strpos(s.line, '=') + 1), \
                coalesce(pg_get_userbyid(nullif(s.role, 0)), '') \
         FROM (SELECT unnest(setconfig) AS line, setrole AS role FROM pg_db_role_setting \
               WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())) s \
         ORDER BY 3, 1",
    )?;
    let absent = rows.iter().filter(|row| there.lack(text(row, 0), text(row, 1)));
    Ok(absent
        .map(|row| {
            let whose = match text(row, 2) {
                "" => "the database".to_owned(),
                role => format!("role {role} in the database"),
            };
            there.note(text(row, 0), &whose)
        })
        .collect())
}

/// Columns of types that the target's version does not have any more. Views get their types from
/// what they read.
fn types(source: &mut Session, target: &mut Session, database: &str) -> Outcome<Option<MoveError>> {
    let what = "compare the built-in types";
    let sql = "SELECT t.typname, t.typtype <> 'p' FROM pg_type t JOIN pg_namespace n \
               ON n.oid = t.typnamespace WHERE n.nspname = 'pg_catalog'";
    let there: BTreeMap<String, bool> = query(target, what, sql)?
        .iter()
        .map(|row| (text(row, 0).to_owned(), flag(row, 1)))
        .collect();
    let own = not_of_extension("pg_class", "c.oid");
    let rows = query(
        source,
        what,
        &format!(
            "SELECT format_type(t.oid, NULL), t.typname, t.typtype <> 'p', u.place \
             FROM (SELECT a.atttypid AS oid, concat('column ', a.attname, ' of ', n.nspname, '.', \
                          c.relname) AS place \
                   FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                   JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 \
                   AND NOT a.attisdropped AND {USER_SCHEMAS} AND {own} \
                   UNION ALL SELECT d.typbasetype, concat('domain ', n.nspname, '.', d.typname) \
                   FROM pg_type d JOIN pg_namespace n ON n.oid = d.typnamespace \
                   WHERE d.typtype = 'd' AND {USER_SCHEMAS}) u \
             JOIN pg_type t ON t.oid = u.oid JOIN pg_namespace n ON n.oid = t.typnamespace \
             WHERE n.nspname = 'pg_catalog' AND t.oid < {USERS_OID_MIN} ORDER BY 4"
        ),
    )?;
    let is_gone = |row: &&crate::Row| match there.get(text(row, 1)) {
        None => true,
        // It is a name for something else now, as `unknown` is since 10.
        Some(is_real) => flag(row, 2) && !is_real,
    };
    let gone: Vec<&crate::Row> = rows.iter().filter(is_gone).collect();
    if gone.is_empty() {
        return Ok(None);
    }
    let types: BTreeSet<&str> = gone.iter().map(|row| text(row, 0)).collect();
    let places: Vec<String> = gone.iter().map(|row| text(row, 3).to_owned()).collect();
    Ok(Some(act(
        &format!("move database {database}"),
        format!(
            "PostgreSQL {} has no type {}: {}",
            target.version().major(),
            Vec::from_iter(types).join(", "),
            some_of(&places)
        ),
        "give them another type on the source first (ALTER TABLE ... ALTER COLUMN ... TYPE \
         timestamptz or interval), or drop them",
    )))
}

/// A standby has no rows of unlogged tables.
fn unlogged(source: &mut Session, database: &str) -> Outcome<Option<MoveError>> {
    let what = "look for unlogged tables";
    if !flag(&query_one(source, what, "SELECT pg_is_in_recovery()")?, 0) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT n.nspname || '.' || c.relname FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'm', 'S') AND {USER_SCHEMAS} ORDER BY 1"
    );
    let tables = names(source, what, &sql)?;
    Ok((!tables.is_empty()).then(|| {
        act(
            &format!("read database {database} of a standby"),
            format!("it does not have what is unlogged: {}", some_of(&tables)),
            "name the primary as the source, or make them LOGGED there, or drop them",
        )
    }))
}

/// The database's owner, when the target's login cannot give the database to it.
fn owner(
    source: &mut Session,
    target: &mut Session,
    database: &str,
    with_roles: bool,
) -> Outcome<Option<MoveError>> {
    let what = "ask for the owner of the database";
    let name = quote_literal(database);
    let sql = format!("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = {name}");
    let row = query_one(source, what, &sql)?;
    let owner = text(&row, 0).to_owned();
    let is_newer = target.version().number >= 160_000;
    let kind = if is_newer { "SET" } else { "MEMBER" };
    // What `roles::own` can do with a role that stands.
    let may_join = match (with_roles, is_newer) {
        (false, _) => "false",
        (true, true) => "pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')",
        (true, false) => {
            "r.oid <> 10 AND (pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') \
             OR m.rolcreaterole AND NOT r.rolsuper)"
        }
    };
    let sql = format!(
        "SELECT m.rolname, r.oid IS NOT NULL, pg_has_role(r.oid, '{kind}') OR {may_join} \
           OR EXISTS (SELECT 1 FROM pg_database d WHERE d.datname = {name} AND d.datdba = r.oid) \
         FROM pg_roles m LEFT JOIN pg_roles r ON r.rolname = {} WHERE m.rolname = current_user",
        quote_literal(&owner)
    );
    let row = query_one(target, what, &sql)?;
    let (login, stands, may_give) = (text(&row, 0), flag(&row, 1), flag(&row, 2));
    let (why, help) = match (stands, with_roles && is_carried(&owner)) {
        (true, _) if may_give => return Ok(None),
        (false, true) => return Ok(None),
        (true, _) => (
            format!("the target's login {login} may not become that role"),
            format!(
                "let an administrator of the target: GRANT {} TO {}",
                quote_ident(&owner),
                quote_ident(login)
            ),
        ),
        (false, false) => (
            "the target has no role of that name, and it is not carried".to_owned(),
            format!("create it there: CREATE ROLE {}", quote_ident(&owner)),
        ),
    };
    Ok(Some(act(
        &format!("give database {database} to its owner {owner}"),
        why,
        format!("{help}; or give the database to another role on the source"),
    )))
}

fn names(session: &mut Session, what: &str, sql: &str) -> Outcome<Vec<String>> {
    Ok(query(session, what, sql)?.iter().map(|row| text(row, 0).to_owned()).collect())
}

/// The first names, and how many more there are.
fn some_of(names: &[String]) -> String {
    let shown = names[..names.len().min(NAMES_MAX)].join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
