//! A target that takes no writes.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let target = &facts.target.facts;
    if !target.is_standby {
        return Ok(Vec::new());
    }
    let message = format!(
        "the target {} is a standby: it follows another server and takes no writes",
        target.label
    );
    let finding = Finding::blocks(message, "nothing can be created on a standby")
        .fix(Place::Target, "SELECT pg_promote()")
        .advice("name its primary as the target, or promote it");
    Ok(vec![finding])
}
