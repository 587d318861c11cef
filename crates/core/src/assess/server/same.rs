//! One server under two names.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts) -> Found {
    let (source, target) = (&facts.source.facts, &facts.target.facts);
    if source.started_us != target.started_us {
        return Ok(Vec::new());
    }
    let message = format!("{} and {} are the same server", source.label, target.label);
    let why = "its databases would be moved onto themselves";
    Ok(vec![Finding::blocks(message, why).advice("name another server as the target")])
}
