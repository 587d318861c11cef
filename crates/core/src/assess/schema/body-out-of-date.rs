//! Functions whose text names what the target has no more.

use std::collections::BTreeMap;

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let mut functions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in database.objects(Census::Bodies)? {
        functions.entry(&one.name).or_default().push(&one.detail);
    }
    if functions.is_empty() {
        return Ok(Vec::new());
    }
    let words: Vec<String> =
        functions.iter().map(|(name, what)| format!("{name} ({})", some_of(what))).collect();
    let message = format!(
        "bodies of functions have words for what PostgreSQL {} has no more: {}",
        facts.target.major(),
        some_of(&words)
    );
    let why = "bodies are carried as they are, and fail when they run: in a materialized view or an \
               index, in the move itself";
    Ok(vec![
        Finding::risks(message, why).advice("look at each, and replace it on the source first"),
    ])
}
