//! What PostgreSQL lets superusers do, and a provider perhaps its administrators too.

use super::facts::{Census, Database, Facts};
use super::finding::some_of;
use super::provider::Power;
use super::{Finding, Found, Place};

/// Objects of the source that the target's login may not create, or perhaps not. `noun` is what they are, in the plural.
///
/// # Errors
/// The objects were not observed.
pub(super) fn lacking(
    facts: &Facts,
    database: &Database,
    (census, power): (Census, Power),
    noun: &str,
) -> Found {
    let all = database.objects(census)?;
    let may = facts.target.may(power);
    if all.is_empty() || may == Some(true) {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let drops = all.iter().map(|one| one.sql.clone());
    let advice = "drop them on the source for the move, or use a superuser as the target's login";
    let (login, provider) = (&facts.target.login.name, facts.target.provider.words());
    let names = some_of(&names);
    let finding = match may {
        None => Finding::risks(
            format!("whether the target's login may create {noun} is not known: {names}"),
            format!("PostgreSQL lets superusers only; what {provider} allows is not documented"),
        ),
        Some(_) => Finding::blocks(
            format!("the target's login {login} may not create {noun}: {names}"),
            "PostgreSQL lets superusers only",
        ),
    };
    Ok(vec![finding.fixes(Place::Source, drops).advice(advice)])
}
