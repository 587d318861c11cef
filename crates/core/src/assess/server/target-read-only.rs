//! A target whose transactions only read by default.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let name = "default_transaction_read_only";
    let settings = facts.target.settings.as_ref().map_err(Clone::clone)?;
    let Some(setting) = settings.get(name).filter(|one| one.value == "on") else {
        return Ok(Vec::new());
    };
    let label = &facts.target.facts.label;
    if setting.own.as_deref() != Some("on") {
        let message = format!("{name} is on for the login at the target {label}");
        let why = "its role, its database or the connection sets it; the move writes all the same";
        return Ok(vec![Finding::note(message, why)]);
    }
    let message = format!("{name} is on at the target {label}");
    let why = "managed services turn it on when a disk is nearly full; the move writes all the same, \
               applications cannot";
    let fix = facts.target.provider.set_parameter(name, "off");
    let finding = Finding::risks(message, why)
        .fix(facts.target.provider.place_on(Place::Target), fix)
        .advice("look at the room on its disk first");
    Ok(vec![finding])
}
