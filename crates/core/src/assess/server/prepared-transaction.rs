//! Prepared transactions.

use crate::assess::facts::Facts;
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let all = facts.source.prepared.as_ref().map_err(Clone::clone)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let words: Vec<String> =
        all.iter().map(|one| format!("{} in {}", one.id, one.database)).collect();
    let message = format!("the source has prepared transactions: {}", some_of(&words));
    let why =
        "what they wrote is not committed and therefore not moved; a slot waits for their end";
    let ends = all.iter().map(|one| format!("ROLLBACK PREPARED '{}'", one.id.replace('\'', "''")));
    let advice = "in their database; COMMIT PREPARED keeps what they wrote";
    Ok(vec![Finding::risks(message, why).fixes(Place::Source, ends).advice(advice)])
}
