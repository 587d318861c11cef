//! Rows that policies hide from the logins.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let mut found = on_source(facts, database)?;
    found.extend(on_target(facts, database)?);
    Ok(found)
}

/// There the login is a member of the owners, whom `FORCE` alone binds.
fn on_target(facts: &Facts, database: &Database) -> Found {
    let login = &facts.target.login;
    let all = database.objects(Census::ForcedSecurity)?;
    if all.is_empty() || facts.target.facts.is_superuser || login.bypasses_row_security {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!(
        "policies would hide rows from the target's login {}: {}",
        login.name,
        some_of(&names)
    );
    let why = "FORCE ROW LEVEL SECURITY binds the owner too: what arrived cannot be compared";
    let frees: Vec<&str> = all.iter().map(|one| one.sql.as_str()).collect();
    Ok(vec![
        Finding::blocks(message, why)
            .fix(Place::Target, format!("ALTER ROLE {} BYPASSRLS", quoted(&login.name)))
            .advice(format!(
                "or take it off on the source for the time of the move, and put it back on both: {}",
                some_of(&frees)
            )),
    ])
}

fn on_source(facts: &Facts, database: &Database) -> Found {
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
