//! Event triggers, which not every login may create.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::provider::Power;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::EventTriggers)?;
    let may = facts.target.may(Power::EventTrigger);
    if all.is_empty() || may == Some(true) {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let drops = all.iter().map(|one| one.sql.clone());
    let advice = "drop them on the source for the move, or use a superuser as the target's login";
    let (login, provider) = (&facts.target.login.name, facts.target.provider.words());
    let finding = match may {
        None => Finding::risks(
            format!(
                "whether the target's login may create event triggers is not known: {}",
                some_of(&names)
            ),
            format!("PostgreSQL lets superusers only; what {provider} allows is not documented"),
        ),
        _ => Finding::blocks(
            format!(
                "the target's login {login} may not create event triggers: {}",
                some_of(&names)
            ),
            "PostgreSQL lets superusers only",
        ),
    };
    Ok(vec![finding.fixes(Place::Source, drops).advice(advice)])
}
