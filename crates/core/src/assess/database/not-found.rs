//! Databases asked for that the source does not have.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts) -> Found {
    let source = &facts.source.facts;
    let names: Vec<&str> = source.databases.iter().map(|one| one.name.as_str()).collect();
    let has = match names.as_slice() {
        [] => "it has none that can be moved".to_owned(),
        names => format!("databases there: {}", names.join(", ")),
    };
    let mut found = Vec::new();
    for wanted in facts.wanted.iter().filter(|wanted| !names.contains(&wanted.as_str())) {
        found.push(match source.left_out.iter().find(|one| one.name == *wanted) {
            Some(one) => {
                let message = format!("database {wanted} cannot be moved: {}", one.why);
                Finding::blocks(message, one.because.clone()).advice(one.remedy())
            }
            None => {
                let message = format!("the source {} has no database {wanted}", source.label);
                Finding::blocks(message, "names are taken as they are, case included")
                    .advice(has.clone())
            }
        });
    }
    if names.is_empty() {
        let message =
            format!("the source {} has no database that can be connected to", source.label);
        let why = "templates and databases of the service itself are never moved";
        found.push(Finding::blocks(message, why).advice("name another server as the source"));
    }
    Ok(found)
}
