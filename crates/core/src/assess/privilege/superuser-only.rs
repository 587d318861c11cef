//! Things that only superusers create.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::provider::{Power, Provider};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    if facts.target.may(Power::Internal) == Some(true) {
        return Ok(Vec::new());
    }
    let all = database.objects(Census::SuperuserOnly)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = all.iter().map(|one| format!("{} {}", one.detail, one.name)).collect();
    let message = format!(
        "only a superuser may create what database {} holds: {}",
        database.name,
        some_of(&names)
    );
    let why = format!(
        "they run inside the server or change how types work; {} has no superuser for its users",
        facts.target.provider.words()
    );
    let why = match facts.target.provider {
        Provider::Own => format!("the target's login {} is none", facts.target.login.name),
        _ => why,
    };
    let drops = all.iter().filter(|one| !one.sql.is_empty()).map(|one| one.sql.clone());
    let advice = "drop or replace them on the source, or use a superuser as the target's login";
    Ok(vec![Finding::blocks(message, why).fixes(Place::Source, drops).advice(advice)])
}
