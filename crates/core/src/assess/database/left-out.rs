//! Databases of users that are not moved.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts) -> Found {
    let all = &facts.source.facts.left_out;
    let unnamed = all.iter().filter(|one| one.is_users && facts.wanted.is_empty());
    Ok(unnamed
        .map(|one| {
            let message = format!("database {} is left out: {}", one.name, one.why);
            Finding::risks(message, one.because.clone()).advice(one.remedy())
        })
        .collect())
}
