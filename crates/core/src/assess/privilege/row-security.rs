//! Rows that policies hide from the source's login.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::RowSecurity)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!(
        "policies hide rows from the source's login {}: {}",
        facts.source.login.name,
        some_of(&names)
    );
    let why =
        "a move reads with row security off, which the server refuses to those whom policies bind";
    let forced: Vec<&str> =
        all.iter().map(|one| one.sql.as_str()).filter(|sql| !sql.is_empty()).collect();
    let advice = match forced.as_slice() {
        [] => "or use the tables' owner as the source's login".to_owned(),
        forced => format!(
            "or use a superuser as the source's login; FORCE ROW LEVEL SECURITY binds the owner too, \
             unless it is taken off for the time of the move and put back on both servers: {}",
            some_of(forced)
        ),
    };
    let finding = Finding::blocks(message, why)
        .fix(Place::Source, format!("ALTER ROLE {} BYPASSRLS", quoted(&facts.source.login.name)))
        .advice(advice);
    Ok(vec![finding])
}
