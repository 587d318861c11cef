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
    let finding = Finding::blocks(message, why)
        .fix(Place::Source, format!("ALTER ROLE {} BYPASSRLS", quoted(&facts.source.login.name)))
        .advice("or use the tables' owner as the source's login");
    Ok(vec![finding])
}
