//! Databases of the target that hold something, or that nothing can be put into.

use crate::assess::facts::Facts;
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let target = &facts.target.facts;
    // What stands on the source itself must not be dropped: see server/same.
    let is_meant = |name: &String| facts.databases.iter().any(|one| one.name == *name);
    let mut found = Vec::new();
    for one in target.left_out.iter().filter(|one| is_meant(&one.name)) {
        let message = format!("database {} of the target {}: {}", one.name, target.label, one.why);
        let finding = Finding::blocks(message, one.because.clone());
        let mut finding = match one.change.as_str() {
            "" => finding.advice(one.help.clone()),
            change => finding.fix(Place::Target, change),
        };
        finding.database = Some(one.name.clone());
        found.push(finding);
    }
    if facts.overwrite || facts.source.facts.started_us == target.started_us {
        return Ok(found);
    }
    for one in target.databases.iter().filter(|one| is_meant(&one.name)) {
        if facts.touched.contains(&one.name) {
            continue;
        }
        let holds = match one.user_object_count {
            Some(0) => continue,
            Some(count) => format!("holds {count} objects that are not of this move"),
            None => "cannot be looked into".to_owned(),
        };
        let message = format!("database {} of the target {} {holds}", one.name, target.label);
        let mut finding = Finding::blocks(message, "rows of two origins would be mixed")
            .fix(Place::Target, format!("DROP DATABASE {}", quoted(&one.name)))
            .advice(
                "empty it, leave it out by naming the others with --database, or replace what it \
                 holds with --overwrite",
            );
        finding.database = Some(one.name.clone());
        found.push(finding);
    }
    Ok(found)
}
