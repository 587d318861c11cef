//! A target whose transactions only read by default.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let name = "default_transaction_read_only";
    if facts.target.setting(name)? != Some("on") {
        return Ok(Vec::new());
    }
    let message = format!("{name} is on at the target {}", facts.target.facts.label);
    let why = "managed services turn it on when a disk is nearly full; the move writes all the same, \
               applications cannot";
    let fix = facts.target.provider.set_parameter(name, "off");
    let finding = Finding::risks(message, why)
        .fix(facts.target.provider.place_on(Place::Target), fix)
        .advice("look at the room on its disk first");
    Ok(vec![finding])
}
