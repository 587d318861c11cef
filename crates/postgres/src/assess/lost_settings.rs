//! Settings that functions, the database and roles in it carry, and that the target does not know or its login may not give.

use std::collections::BTreeSet;

use flexway_core::assess::facts::{Known, Object};

use super::ask;
use crate::ask::{Outcome, failed, flag, query, run, text};
use crate::catalog::not_of_extension;
use crate::catalog::trees::USERS_OID_MIN;
use crate::{Row, Session, quote_ident, quote_literal};

/// Settings of functions that the target does not know. Name: the function; detail: the setting; sql: what takes it away.
pub(super) fn of_functions(here: &mut Session, there: &mut Session) -> Outcome<Known<Vec<Object>>> {
    refused(here, there, &functions(), |there, row| Ok(!is_known(there, text(row, 1))?))
}

/// Settings of functions that the target's login may not give, told alike.
pub(super) fn forbidden_to_functions(
    here: &mut Session,
    there: &mut Session,
) -> Outcome<Known<Vec<Object>>> {
    refused(here, there, &functions(), is_forbidden)
}

/// Function, setting, what takes it away, value.
fn functions() -> String {
    format!(
        "SELECT concat(i.type, ' ', i.identity), s.name, \
         format('ALTER %s %s RESET %I', upper(i.type), i.identity, s.name), \
         substr(c, strpos(c, '=') + 1) \
         FROM pg_proc p, unnest(p.proconfig) c, LATERAL (SELECT split_part(c, '=', 1) AS name) s, \
         LATERAL pg_identify_object('pg_proc'::regclass, p.oid, 0) i \
         WHERE p.oid >= {USERS_OID_MIN} AND {} ORDER BY 2, 1",
        not_of_extension("pg_proc", "p.oid")
    )
}

/// Settings of a database, for all and for roles: whose, the setting, what takes it away, value.
const OF_DATABASE: &str = "SELECT CASE s.setrole WHEN 0 THEN concat('database ', d.datname) \
               ELSE concat('role ', pg_get_userbyid(s.setrole), ' in database ', d.datname) END, n.name, \
               CASE s.setrole WHEN 0 THEN format('ALTER DATABASE %I RESET %I', d.datname, n.name) \
               ELSE format('ALTER ROLE %I IN DATABASE %I RESET %I', pg_get_userbyid(s.setrole), \
               d.datname, n.name) END, substr(c, strpos(c, '=') + 1) \
               FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, \
               unnest(s.setconfig) c, LATERAL (SELECT split_part(c, '=', 1) AS name) n \
               WHERE d.datname = current_database() ORDER BY 2, 1";

/// Settings of the database. Name: whose; detail and sql as above.
pub(super) fn of_database(here: &mut Session, there: &mut Session) -> Outcome<Known<Vec<Object>>> {
    refused(here, there, OF_DATABASE, |there, row| Ok(!is_known(there, text(row, 1))?))
}

/// Settings of the database that the target's login may not give, told alike. Those that name a tablespace are a matter of their own.
pub(super) fn forbidden_to_database(
    here: &mut Session,
    there: &mut Session,
) -> Outcome<Known<Vec<Object>>> {
    refused(here, there, OF_DATABASE, is_forbidden)
}

/// Names of those settings.
pub(crate) fn names_of_database(
    here: &mut Session,
    there: &mut Session,
) -> Outcome<BTreeSet<String>> {
    let rows = query(here, "read the settings of the database", OF_DATABASE)?;
    let mut names = BTreeSet::new();
    for row in &rows {
        if !is_known(there, text(row, 1))? {
            names.insert(text(row, 1).to_owned());
        }
    }
    Ok(names)
}

/// Those of which the target says so.
fn refused(
    here: &mut Session,
    there: &mut Session,
    sql: &str,
    is_refused: impl Fn(&mut Session, &Row) -> Outcome<bool>,
) -> Outcome<Known<Vec<Object>>> {
    let rows = match ask(here, "the settings of functions and of the database", sql)? {
        Ok(rows) => rows,
        Err(missing) => return Ok(Err(missing)),
    };
    let mut found = Vec::new();
    for row in &rows {
        if is_refused(there, row)? {
            found.push(object(row));
        }
    }
    Ok(Ok(found))
}

/// Whether the target keeps its login from it: what may be given to a database or a function may be given to the login itself. That is
/// tried and taken back.
fn is_forbidden(there: &mut Session, row: &Row) -> Outcome<bool> {
    let what = "give a setting on the target in vain";
    run(there, what, "BEGIN")?;
    let [name, value] = [text(row, 1), text(row, 3)];
    let given = there.execute(&format!(
        "ALTER ROLE CURRENT_USER SET {} TO {}",
        quote_ident(name),
        quote_literal(value)
    ));
    match given {
        Err(error) if error.code().is_none() => return Err(failed(what, &error)),
        _ => run(there, what, "ROLLBACK")?,
    }
    Ok(given.is_err_and(|error| error.code() == Some("42501")))
}

fn object(row: &Row) -> Object {
    let [name, setting, sql] = [0, 1, 2].map(|index| text(row, index));
    Object { name: name.to_owned(), detail: format!("setting {setting}"), sql: sql.to_owned() }
}

/// Whether the target has a setting of that name. Any name with a dot may be set; some that can be set
/// are in no list, and what the login may not see is there.
fn is_known(there: &mut Session, name: &str) -> Outcome<bool> {
    if name.contains('.') {
        return Ok(true);
    }
    let name = quote_literal(name);
    let what = "look a setting up on the target";
    let listed = format!("SELECT count(*) > 0 FROM pg_settings WHERE lower(name) = lower({name})");
    if query(there, what, &listed)?.first().is_some_and(|row| flag(row, 0)) {
        return Ok(true);
    }
    let hidden = format!("SELECT current_setting({name}, true) IS NOT NULL");
    Ok(match ask(there, what, &hidden)? {
        Ok(rows) => rows.first().is_some_and(|row| flag(row, 0)),
        Err(_) => true,
    })
}
