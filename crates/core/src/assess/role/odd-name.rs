//! Role names that need care.

use crate::assess::facts::Facts;
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts) -> Found {
    if !facts.with_roles {
        return Ok(Vec::new());
    }
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let roles = facts.source.roles.as_ref().map_err(Clone::clone)?;
    let odd: Vec<String> = roles
        .iter()
        .filter(|role| !role.name.chars().all(is_plain))
        .map(|role| format!("{:?}", role.name))
        .collect();
    if odd.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!("names of roles need quotes: {}", some_of(&odd));
    let why = "they are carried as they are; in a URL an @ is written %40, and Single Server takes \
               what follows an @ for the name of a server";
    Ok(vec![Finding::note(message, why)])
}
