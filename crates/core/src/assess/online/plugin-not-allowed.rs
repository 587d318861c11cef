//! A server that does not let pgoutput decode.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found, Place};

/// Lists the plug-ins that may decode; known since the minors of August 2026.
const PARAMETER: &str = "output_plugin_libraries";

pub(super) fn find(facts: &Facts) -> Found {
    let source = &facts.source;
    let Some(allowed) = source.setting(PARAMETER)? else { return Ok(Vec::new()) };
    let has = |name: &str| allowed.split(',').any(|one| one.trim().trim_matches('"') == name);
    if has("pgoutput") || has("*") {
        return Ok(Vec::new());
    }
    let message = format!("{PARAMETER} of the source does not list pgoutput");
    let mut wanted: Vec<&str> =
        allowed.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    wanted.push("pgoutput");
    let fix = source.provider.set_parameter(PARAMETER, &wanted.join(","));
    let why = "a slot with a plug-in that is not listed is refused";
    Ok(vec![Finding::blocks(message, why).fix(source.provider.place_on(Place::Source), fix)])
}
