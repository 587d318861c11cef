//! Extensions that are older on the target.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let offered = facts.target.extensions.as_ref().map_err(Clone::clone)?;
    let mut found = Vec::new();
    for extension in &database.extensions {
        let Some(there) = offered.get(&extension.name).and_then(|one| one.versions.first()) else {
            continue;
        };
        let (ours, theirs) = (parts(&extension.version), parts(there));
        if theirs < ours {
            let message = format!(
                "extension {} is {} on the source, {there} on the target",
                extension.name, extension.version
            );
            let why = "an older version may lack what the database uses";
            let update = format!("ALTER EXTENSION {} UPDATE", quoted(&extension.name));
            let finding = Finding::risks(message, why)
                .fix(Place::Target, update)
                .advice("after newer files are installed there");
            found.push(if extension.name == "postgis" { finding.coded("603406") } else { finding });
        } else if extension.name == "postgis" && theirs.first() != ours.first() {
            let message =
                format!("postgis is {} on the source, {there} on the target", extension.version);
            let why =
                "functions that a new major dropped leave views and indexes that cannot be made";
            let finding = Finding::risks(message, why)
                .fix(Place::Source, "SELECT postgis_extensions_upgrade()")
                .advice("upgrade PostGIS on the source first");
            found.push(finding.coded("603406"));
        }
    }
    Ok(found)
}

/// Numbers of a version, for an order: `1.10` is newer than `1.9`.
fn parts(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}
