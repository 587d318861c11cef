//! Transactions that are open for long.

use crate::assess::facts::{Facts, Mode};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

/// Younger ones end by themselves before a move is well under way.
const AGE_MIN_S: u64 = 300;

pub(super) fn find(facts: &Facts) -> Found {
    let all = facts.source.transactions.as_ref().map_err(Clone::clone)?;
    let long: Vec<_> = all.iter().filter(|one| one.age_s >= AGE_MIN_S).collect();
    if long.is_empty() {
        return Ok(Vec::new());
    }
    let words: Vec<String> = long
        .iter()
        .map(|one| {
            format!("{} of {} in {} ({} min)", one.id, one.user, one.database, one.age_s / 60)
        })
        .collect();
    let message = format!("transactions of the source are open for long: {}", some_of(&words));
    let ends = long.iter().map(|one| format!("SELECT pg_terminate_backend({})", one.id));
    let finding = match facts.mode {
        Mode::Online => Finding::risks(message, "a slot is made only when all of them have ended"),
        Mode::Offline => Finding::risks(
            message,
            "what they wrote and have not committed is not moved; their locks may be in the way",
        ),
    };
    Ok(vec![finding.fixes(Place::Source, ends)])
}
