//! Functions that are names of code inside the server: whether the target has that code.

use std::collections::BTreeMap;

use flexway_core::assess::facts::{Known, Missing, Object};

use super::{ask, cascade};
use crate::ask::{Outcome, text};
use crate::catalog::trees::USERS_OID_MIN;
use crate::catalog::{is_superuser, not_of_extension};
use crate::pool::connect;
use crate::{ConnInfo, PgError, Session, quote_literal};

/// Beginnings of codes that say nothing of the code: of the transaction, rights, rollbacks, resources, an operator's intervention.
const OTHER_CODES: [&str; 5] = ["25", "42501", "40", "53", "57"];

/// Functions in C and internal ones whose code the target lacks. Name: the function; detail: what the target has against it; sql:
/// what takes the function away.
///
/// The target is asked to make each, as the move does, and all is rolled back. Only superusers may.
pub(super) fn lacking(here: &mut Session, target: &ConnInfo) -> Outcome<Known<Vec<Object>>> {
    let rows = match ask(here, "the functions in C", &functions())? {
        Ok(rows) if rows.is_empty() => return Ok(Ok(Vec::new())),
        Ok(rows) => rows,
        Err(missing) => return Ok(Err(missing)),
    };
    // A session of its own, which a library may end.
    let mut there = connect(target)?;
    if !is_superuser(&mut there)? {
        return Ok(Ok(Vec::new()));
    }
    let mut known: BTreeMap<[&str; 3], Option<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for row in &rows {
        let [name, sql, code @ ..] = [0, 1, 2, 3, 4].map(|index| text(row, index));
        let refusal = match known.get(&code) {
            Some(refusal) => refusal.clone(),
            None => match refusal(&mut there, code) {
                Ok(refusal) => refusal,
                Err(error) => {
                    let what = format!("whether the target has the code of {name}");
                    return Ok(Err(Missing { what, why: error.to_string() }));
                }
            },
        };
        found.extend(refusal.as_ref().map(|detail| Object {
            name: name.to_owned(),
            detail: detail.clone(),
            sql: sql.to_owned(),
        }));
        known.insert(code, refusal);
    }
    Ok(Ok(found))
}

/// Name, what takes it away, language, library and symbol.
fn functions() -> String {
    let drop = cascade::statement(
        "format('DROP %s IF EXISTS %s', upper(i.type), i.identity)",
        "'pg_proc'::regclass",
        "p.oid",
    );
    format!(
        "SELECT concat(i.type, ' ', i.identity), {drop}, l.lanname, coalesce(p.probin, ''), p.prosrc \
         FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang, \
         LATERAL pg_identify_object('pg_proc'::regclass, p.oid, 0) i \
         WHERE l.lanname IN ('c', 'internal') AND i.type <> 'aggregate' AND p.oid >= {USERS_OID_MIN} \
         AND {} ORDER BY 1",
        not_of_extension("pg_proc", "p.oid")
    )
}

/// What the target has against a function of this language, library and symbol.
///
/// # Errors
/// Something else is the matter.
fn refusal(
    there: &mut Session,
    [language, library, symbol]: [&str; 3],
) -> Result<Option<String>, PgError> {
    let library = match language {
        "internal" => String::new(),
        _ => format!("{}, ", quote_literal(library)),
    };
    let symbol = quote_literal(symbol);
    there.execute("BEGIN")?;
    let made = there.execute(&format!(
        "CREATE FUNCTION pg_temp.flexway_look() RETURNS void LANGUAGE {language} AS {library}{symbol}"
    ));
    let ended = there.execute("ROLLBACK");
    let Err(error) = made else { return ended.map(|()| None) };
    match error.code() {
        Some(code) if !OTHER_CODES.iter().any(|other| code.starts_with(other)) => {
            ended.map(|()| Some(error.to_string()))
        }
        _ => Err(error),
    }
}
