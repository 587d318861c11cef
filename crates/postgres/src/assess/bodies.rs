//! Bodies of functions, which are text, and the words in them that name what the target has no more.

use std::collections::BTreeSet;

use flexway_core::assess::facts::{Known, Object};

use super::ask;
use crate::ask::{Outcome, text};
use crate::catalog::not_of_extension;
use crate::catalog::trees::USERS_OID_MIN;
use crate::{Row, Session, quote_literal};

/// Functions of PostgreSQL, and columns with their relations: two words each, the same for a function.
const NAMES: &str = "\
    SELECT p.proname, p.proname, concat('function ', p.proname) FROM pg_proc p \
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.oid < 16384 \
    UNION SELECT c.relname, a.attname, concat('column ', a.attname, ' of ', c.relname) \
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
    WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v') \
    AND c.oid < 16384 AND a.attnum > 0 AND NOT a.attisdropped";

/// Functions whose text has these words. Name: the function; detail: what it may mean.
pub(super) fn out_of_date(
    here: &mut Session,
    there: &mut Session,
    database: &str,
) -> Outcome<Known<Vec<Object>>> {
    if there.version().number / 10_000 <= here.version().number / 10_000 {
        return Ok(Ok(Vec::new()));
    }
    let what = format!("the bodies of functions of database {database}");
    let ours = match ask(here, &what, NAMES)? {
        Ok(rows) => rows,
        Err(missing) => return Ok(Err(missing)),
    };
    let theirs = match ask(there, "what the target has of its own", NAMES)? {
        Ok(rows) => rows,
        Err(missing) => return Ok(Err(missing)),
    };
    let theirs: BTreeSet<&str> = theirs.iter().map(|row| text(row, 2)).collect();
    let is_word =
        |word: &str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let gone: Vec<&Row> = ours
        .iter()
        .filter(|row| !theirs.contains(text(row, 2)))
        .filter(|row| is_word(text(row, 0)) && is_word(text(row, 1)))
        .collect();
    if gone.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let any: BTreeSet<&str> = gone.iter().map(|row| text(row, 1)).collect();
    let any = any.into_iter().collect::<Vec<_>>().join("|");
    let list = gone.iter().map(|row| {
        let [first, second, words] = [0, 1, 2].map(|index| quote_literal(text(row, index)));
        format!("({first}, {second}, {words})")
    });
    let sql = format!(
        "SELECT concat(i.type, ' ', i.identity), g.words, '' FROM (SELECT p.oid, p.prosrc FROM pg_proc p \
         JOIN pg_language l ON l.oid = p.prolang WHERE p.oid >= {USERS_OID_MIN} \
         AND l.lanname NOT IN ('internal', 'c') AND p.prosrc ~* '\\m({any})\\M' AND {own}) p \
         JOIN (VALUES {list}) AS g (first, second, words) ON p.prosrc ~* ('\\m' || g.first || '\\M') \
         AND p.prosrc ~* ('\\m' || g.second || '\\M'), \
         LATERAL pg_identify_object('pg_proc'::regclass, p.oid, 0) i ORDER BY 1, 2",
        own = not_of_extension("pg_proc", "p.oid"),
        list = list.collect::<Vec<_>>().join(", "),
    );
    Ok(ask(here, &what, &sql)?.map(|rows| rows.iter().map(super::object).collect()))
}
