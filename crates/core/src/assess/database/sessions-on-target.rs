//! Sessions in a database that is to be replaced.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let standing = database.standing.as_ref().map_err(Clone::clone)?;
    let count = match standing {
        Some(standing) if facts.overwrite => standing.session_count,
        _ => return Ok(Vec::new()),
    };
    if count == 0 {
        return Ok(Vec::new());
    }
    let login = &facts.target.login;
    let message =
        format!("{count} sessions of others are in database {} of the target", database.name);
    if login.can_signal {
        let why = "they are ended when the new database takes the old one's name";
        return Ok(vec![Finding::risks(message, why)]);
    }
    let why = format!("they keep it from being replaced, and {} may not end them", login.name);
    let fix = format!("GRANT pg_signal_backend TO {}", quoted(&login.name));
    Ok(vec![Finding::blocks(message, why).fix(Place::Target, fix)])
}
