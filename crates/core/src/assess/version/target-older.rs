//! A target older than the source.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts) -> Found {
    let (source, target) = (&facts.source, &facts.target);
    if target.major() >= source.major() {
        return Ok(Vec::new());
    }
    let message = format!(
        "the source {} is PostgreSQL {}, the target {} is {}",
        source.facts.label,
        source.major(),
        target.facts.label,
        target.major()
    );
    let advice = format!("create the target with PostgreSQL {} or newer", source.major());
    Ok(vec![
        Finding::blocks(message, "an older server does not know what a newer one says")
            .advice(advice),
    ])
}
