//! Languages that the target does not have.

use crate::assess::facts::{Census, Database, Facts, Known, Object};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Languages)?.iter();
    all.filter(|one| !facts.target.languages.contains(&one.name))
        .map(|one| of_language(facts, one))
        .collect()
}

fn of_language(facts: &Facts, one: &Object) -> Known<Finding> {
    let message = format!("language {} was made without an extension", one.name);
    let is_superuser = facts.target.facts.is_superuser;
    if !one.detail.is_empty() {
        let handler = &one.detail;
        let why = format!("its handler {handler} is code of a library, which the target may lack");
        let finding = match is_superuser {
            true => Finding::risks(message, why),
            false => Finding::blocks(message, why),
        };
        let advice = "drop it with its functions, or have an extension bring it on the source";
        return Ok(finding.fix(Place::Source, one.sql.clone()).advice(advice));
    }
    let why = "its handler is the system's: a dump says its name alone, which makes the extension of that name";
    let offered = facts.target.extensions.as_ref().map_err(Clone::clone)?;
    let extension = quoted(&one.name);
    Ok(match (offered.contains_key(&one.name), is_superuser) {
        (true, true) => Finding::note(message, why),
        (true, false) => Finding::blocks(message, why)
            .fix(Place::Source, one.sql.clone())
            .advice(format!("or make it on the target first: CREATE EXTENSION {extension}")),
        (false, _) => {
            Finding::blocks(format!("{message}, and the target has none to make it"), why)
                .fix(Place::Source, one.sql.clone())
                .advice(
                    "drop it with its functions, or install the extension's package on the target",
                )
        }
    })
}
