//! Extensions whose library has to be loaded at the start.

use crate::assess::facts::{Database, Facts};
use crate::assess::{Finding, Found, Place};

/// Extension, library, and whether the extension cannot be created without.
const PRELOADED: [(&str, &str, bool); 9] = [
    ("pg_cron", "pg_cron", true),
    ("pg_hint_plan", "pg_hint_plan", false),
    ("pg_partman", "pg_partman_bgw", false),
    ("pg_prewarm", "pg_prewarm", false),
    ("pg_stat_statements", "pg_stat_statements", false),
    ("pg_squeeze", "pg_squeeze", false),
    ("pgaudit", "pgaudit", true),
    ("pglogical", "pglogical", true),
    ("timescaledb", "timescaledb", true),
];

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let name = "shared_preload_libraries";
    let loaded = facts.target.setting(name)?.unwrap_or_default();
    let list: Vec<&str> = loaded.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    let here = facts.source.setting(name);
    let mut found = Vec::new();
    for (extension, library, is_required) in PRELOADED {
        // Where the source goes without, the target may.
        let was_loaded =
            here.as_ref().map_or(true, |value| value.is_some_and(|one| one.contains(library)));
        let is_used = database.extensions.iter().any(|one| one.name == extension);
        if !is_used || list.contains(&library) || !(is_required || was_loaded) {
            continue;
        }
        let message = format!("{name} of the target lacks {library}, which {extension} wants");
        let mut wanted = list.clone();
        wanted.push(library);
        let fix = facts.target.provider.set_parameter(name, &wanted.join(","));
        let finding = match is_required {
            true => Finding::blocks(message, "the extension cannot be created without it"),
            false => {
                Finding::risks(message, "the extension can be created, and does nothing without it")
            }
        };
        found.push(
            finding
                .fix(facts.target.provider.place_on(Place::Target), fix)
                .advice("restart the target after that"),
        );
    }
    Ok(found)
}
