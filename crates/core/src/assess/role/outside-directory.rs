//! Roles that stand for users of an outside directory.

use crate::assess::facts::Facts;
use crate::assess::finding::some_of;
use crate::assess::provider::Provider;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    if !facts.with_roles {
        return Ok(Vec::new());
    }
    let there = facts.target.roles.as_ref().map_err(Clone::clone)?;
    let roles = facts.source.roles.as_ref().map_err(Clone::clone)?;
    let outside: Vec<&str> = roles
        .iter()
        .filter(|role| role.is_external && !there.iter().any(|one| one.name == role.name))
        .map(|role| role.name.as_str())
        .collect();
    if outside.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!("roles log in through a directory of the service: {}", some_of(&outside));
    let why = "the role is carried, its tie to the directory is not";
    let finding = Finding::risks(message, why);
    Ok(vec![match facts.target.provider {
        Provider::Azure => finding.fixes(
            Place::Target,
            outside.iter().map(|name| {
                let name = name.replace('\'', "''");
                format!("SELECT * FROM pgaadauth_create_principal('{name}', false, false)")
            }),
        ),
        _ => finding.advice("make them on the target as its service documents, before the move"),
    }])
}
