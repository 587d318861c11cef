//! Makes a target database: created like the source's, emptied when asked for, and given the
//! source's settings.

use flexway_core::migrate::{MoveError, Remedy, SchemaEntry};

use crate::ConnInfo;
use crate::ask::{Outcome, act, flag, query, run};
use crate::catalog;
use crate::pool::{client_encoding, connect};
use crate::schema::configure;
use crate::schema::dump::{self, Part};
use crate::schema::empty;
use crate::schema::entries::Dump;
use crate::schema::grantors::{Grantors, SPEAK_FOR};
use crate::schema::replace::{Replacement, remove_leftovers};
use crate::schema::scan::statements;
use crate::{Session, quote_ident, quote_literal};

/// Databases that every server has and that are never dropped.
pub(super) const STANDING_DATABASES: [&str; 2] = ["postgres", "defaultdb"];

/// What has to be done to a database that stands on the target already.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Absent,
    Empty,
    Holds(u64),
}

/// See `flexway_core::port::Databases::prepare`.
pub(crate) fn prepare(
    pg_dump: &str,
    source: &ConnInfo,
    target: &ConnInfo,
    database: &str,
    overwrite: bool,
) -> Outcome<u64> {
    let mut wanted = description(pg_dump, &source.with_database(database))?;
    let mut admin = connect(target)?;
    Grantors::read(&mut admin)?.adapt(&mut wanted);
    remove_leftovers(&mut admin, target, database)?;
    let may_replace = may_replace(&mut admin, target, database)?;
    match standing(&mut admin, target, database)? {
        Standing::Absent => create(&mut admin, &wanted, database, database)?,
        Standing::Holds(count) if !overwrite => return Err(occupied(database, count)),
        Standing::Holds(_) if may_replace => {
            let ended = replace(&mut admin, database, &wanted)?;
            public_like_source(source, target, database)?;
            return Ok(ended);
        }
        Standing::Holds(_) => {
            fits(pg_dump, target, database, &wanted)?;
            configure::check(&mut admin, database, &wanted)?;
            empty::empty(&mut connect(&target.with_database(database))?)?;
        }
        Standing::Empty => {
            fits(pg_dump, target, database, &wanted)?;
            empty::forget_default_privileges(&mut connect(&target.with_database(database))?)?;
        }
    }
    configure::configure(&mut admin, database, &wanted)?;
    public_like_source(source, target, database)?;
    Ok(0)
}

/// Makes the new database first, so that one that cannot be made leaves the old one as it is. Gives
/// the number of others' sessions that were ended.
fn replace(admin: &mut Session, database: &str, wanted: &[SchemaEntry]) -> Outcome<u64> {
    let replacement = Replacement::of(admin, database)?;
    create(admin, wanted, database, &replacement.new)?;
    let result = replacement
        .mark(admin)
        .and_then(|()| replacement.swap(admin, |admin| configure::within(admin, database, wanted)));
    if result.is_err() {
        replacement.give_up(admin);
    }
    result
}

fn occupied(database: &str, count: u64) -> MoveError {
    act(
        &format!("prepare database {database}"),
        format!("it exists on the target and holds {count} objects"),
        "choose another database, or give --overwrite to have its contents removed first",
    )
}

/// Entries of the dump that make the database itself: creation, settings, comment, grants.
fn description(pg_dump: &str, info: &ConnInfo) -> Outcome<Vec<SchemaEntry>> {
    let encoding = client_encoding(&mut connect(info)?)?;
    let text = dump::run(pg_dump, info, encoding, Part::DatabaseOnly, None)?;
    Ok(Dump::parse(&text, None).entries.into_iter().filter(is_of_database).collect())
}

/// Whether a dump's entry describes the database as such.
pub(crate) fn is_of_database(entry: &SchemaEntry) -> bool {
    entry.kind.starts_with("DATABASE") || entry.name.starts_with("DATABASE ") && entry.schema == "-"
}

/// Statements of the entries in order, without leading comments and without pg_dump's own session
/// settings.
pub(super) fn described(entries: &[SchemaEntry]) -> impl Iterator<Item = &str> {
    entries
        .iter()
        .flat_map(|entry| statements(&entry.sql))
        .map(without_comments)
        .filter(|sql| !sql.starts_with("SELECT "))
        .filter(|sql| {
            let speaks = [SPEAK_FOR, "SET ROLE "].iter().any(|one| sql.starts_with(one));
            !sql.starts_with("SET ") || speaks
        })
}

fn without_comments(mut sql: &str) -> &str {
    while let Some((comment, rest)) = sql.split_once('\n')
        && comment.starts_with("--")
    {
        sql = rest.trim_start();
    }
    sql
}

fn standing(admin: &mut Session, target: &ConnInfo, database: &str) -> Outcome<Standing> {
    let sql = format!("SELECT 1 FROM pg_database WHERE datname = {}", quote_literal(database));
    if query(admin, "look the database up on the target", &sql)?.is_empty() {
        return Ok(Standing::Absent);
    }
    let mut session = connect(&target.with_database(database))?;
    Ok(match catalog::user_object_count(&mut session)? {
        0 => Standing::Empty,
        count => Standing::Holds(count),
    })
}

/// Whether the database may be dropped once a new one stands; otherwise it is emptied.
pub(crate) fn may_replace(admin: &mut Session, target: &ConnInfo, database: &str) -> Outcome<bool> {
    Ok(!is_kept(target, database) && may_make_again(admin, database)?)
}

/// Whether every server has the database, or the login comes by it.
pub(crate) fn is_kept(target: &ConnInfo, database: &str) -> bool {
    STANDING_DATABASES.contains(&database) || database == target.database()
}

/// Whether the login may create a database, give it the name of the standing one, and drop that.
pub(super) fn may_make_again(admin: &mut Session, database: &str) -> Outcome<bool> {
    let sql = format!(
        "SELECT pg_has_role(d.datdba, 'USAGE') AND (r.rolcreatedb OR r.rolsuper) \
         AND NOT d.datistemplate \
         FROM pg_database d, pg_roles r WHERE d.datname = {} AND r.rolname = current_user",
        quote_literal(database)
    );
    let rows = query(admin, "read the owner of the database on the target", &sql)?;
    Ok(rows.first().is_some_and(|row| flag(row, 0)))
}

/// A standing, empty database is used as it is when it has the source's encoding: that decides
/// whether the data fits. Another collation may be on purpose, where the target does not have the
/// source's; the comparison tells.
fn fits(pg_dump: &str, target: &ConnInfo, database: &str, wanted: &[SchemaEntry]) -> Outcome<()> {
    let present = description(pg_dump, &target.with_database(database))?;
    let encodings = [wanted, &present]
        .map(|entries| creation(entries).and_then(encoding).unwrap_or("an unknown one"));
    if encodings[0] == encodings[1] {
        return Ok(());
    }
    Err(act(
        &format!("prepare database {database}"),
        format!(
            "it exists on the target with encoding {}; the source's is {}",
            encodings[1], encodings[0]
        ),
        "drop it there; it is created with the right one then",
    ))
}

fn creation(entries: &[SchemaEntry]) -> Option<&str> {
    described(entries).find(|sql| sql.starts_with("CREATE DATABASE "))
}

fn encoding(creation: &str) -> Option<&str> {
    creation.split_once(" ENCODING = '")?.1.split('\'').next()
}

/// Creates `name` with the properties of the source's `database`.
fn create(admin: &mut Session, wanted: &[SchemaEntry], database: &str, name: &str) -> Outcome<()> {
    let what = format!("create database {database}");
    let prefix = format!("CREATE DATABASE {} ", quote_ident(database));
    let properties = creation(wanted)
        .and_then(|sql| sql.strip_prefix(&prefix))
        .ok_or_else(|| act(&what, "pg_dump did not say how the source's was created", ""))?;
    let sql = format!("CREATE DATABASE {} {properties}", quote_ident(name));
    run(admin, &what, &in_words_of(&sql, admin.version().number)).map_err(|mut error| {
        // The server still carries out the same statement of a run that was killed.
        if error.why.contains("pg_database_datname_index") {
            error.remedy = Remedy::Contended;
        }
        if error.why.contains("locale") || error.why.contains("collat") {
            error.help = "install the source's locale on the target, or create the database there \
                          by hand with one that sorts alike, then run again"
                .to_owned();
        }
        error
    })
}

/// Rewrites `CREATE DATABASE` for servers older than pg_dump: `LOCALE_PROVIDER` is known since 15,
/// `LOCALE` since 13.
fn in_words_of(sql: &str, version: u32) -> String {
    let mut sql = sql.to_owned();
    if version < 150_000 {
        sql = sql.replace(" LOCALE_PROVIDER = libc", "");
    }
    if version < 130_000
        && let Some((before, rest)) = sql.split_once(" LOCALE = ")
    {
        let value = rest.trim_end_matches(';');
        sql = format!("{before} LC_COLLATE = {value} LC_CTYPE = {value};");
    }
    sql
}

/// A dump neither creates nor drops `public`, which every new database has: a source that dropped
/// it gets none on the target, and a standing target that lacks it gets one.
pub(super) fn public_like_source(
    source: &ConnInfo,
    target: &ConnInfo,
    database: &str,
) -> Outcome<()> {
    let what = format!("compare schema public of database {database}");
    let sql = "SELECT 1 FROM pg_namespace WHERE nspname = 'public'";
    let is_wanted = !query(&mut connect(&source.with_database(database))?, &what, sql)?.is_empty();
    let mut session = connect(&target.with_database(database))?;
    if is_wanted {
        empty::restore_public(&mut session, &what)
    } else {
        run(&mut session, &what, "DROP SCHEMA IF EXISTS public")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "CREATE DATABASE \"a\" WITH TEMPLATE = template0 ENCODING = 'UTF8' \
        LOCALE_PROVIDER = libc LOCALE = 'C';";

    #[test]
    fn older_servers_get_older_words() {
        assert_eq!(in_words_of(SQL, 150_000), SQL);
        assert!(in_words_of(SQL, 140_000).ends_with("ENCODING = 'UTF8' LOCALE = 'C';"));
        assert!(in_words_of(SQL, 120_000).ends_with("'UTF8' LC_COLLATE = 'C' LC_CTYPE = 'C';"));
    }

    #[test]
    fn the_encoding_is_read() {
        assert_eq!(encoding(SQL), Some("UTF8"));
    }

    #[test]
    fn only_statements_about_the_database_are_described() {
        let entry = SchemaEntry {
            kind: "DATABASE".to_owned(),
            schema: "-".to_owned(),
            name: "a".to_owned(),
            table: None,
            sql: format!(
                "{SQL}\n\n\nALTER DATABASE a OWNER TO x;\n\nSET lock_timeout = 0;\nSELECT 1;"
            ),
        };
        let found: Vec<_> = described(std::slice::from_ref(&entry)).map(str::to_owned).collect();
        assert_eq!(found, [SQL, "ALTER DATABASE a OWNER TO x;"]);
    }
}
