//! Extensions in a schema of the system.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

/// Extensions that live there by their own choice.
const AT_HOME: [&str; 6] =
    ["adminpack", "azure", "pg_cron", "pg_failover_slots", "pgaadauth", "plpgsql"];

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let is_odd = |schema: &str| schema == "pg_catalog" || schema == "information_schema";
    let odd: Vec<&str> = database
        .extensions
        .iter()
        .filter(|one| is_odd(&one.schema) && !AT_HOME.contains(&one.name.as_str()))
        // Languages are made there.
        .filter(|one| !one.name.starts_with("pl"))
        .map(|one| one.name.as_str())
        .collect();
    if odd.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!("extensions stand in a schema of the system: {}", some_of(&odd));
    let why = "managed services let nobody create things there";
    let fixes =
        odd.iter().map(|name| format!("ALTER EXTENSION {} SET SCHEMA public", quoted(name)));
    let finding = Finding::risks(message, why)
        .fixes(Place::Source, fixes)
        .advice("one that cannot be moved is dropped and created anew in another schema");
    Ok(vec![finding])
}
