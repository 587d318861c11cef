//! A login that may not create roles.

use crate::assess::facts::Facts;
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let (login, target) = (&facts.target.login, &facts.target.facts);
    if !facts.with_roles || target.is_superuser || login.can_create_roles {
        return Ok(Vec::new());
    }
    let there = facts.target.roles.as_ref().map_err(Clone::clone)?;
    let wanted = facts.source.roles.as_ref().map_err(Clone::clone)?;
    let absent: Vec<&str> = wanted
        .iter()
        .map(|role| role.name.as_str())
        .filter(|name| !there.iter().any(|other| other.name == *name))
        .collect();
    if absent.is_empty() {
        return Ok(Vec::new());
    }
    let message =
        format!("the target's login {} may not create roles: {}", login.name, some_of(&absent));
    let fix = format!("ALTER ROLE {} CREATEROLE", quoted(&login.name));
    let finding = Finding::blocks(message, "CREATE ROLE needs the attribute CREATEROLE")
        .fix(Place::Target, fix)
        .advice("or create the roles by hand and give --no-roles");
    Ok(vec![finding])
}
