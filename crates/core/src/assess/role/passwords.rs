//! Passwords that are not carried, or not as they are.

use crate::assess::facts::Facts;
use crate::assess::finding::{quoted, some_of};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    if !facts.with_roles {
        return Ok(Vec::new());
    }
    let there = facts.target.roles.as_ref().map_err(Clone::clone)?;
    let roles = facts.source.roles.as_ref().map_err(Clone::clone)?;
    let new: Vec<_> = roles
        .iter()
        .filter(|role| role.can_login && !there.iter().any(|one| one.name == role.name))
        .collect();
    if !facts.source.login.reads_passwords {
        let names: Vec<&str> = new.iter().map(|role| role.name.as_str()).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let message =
            format!("passwords of {} roles are not carried: {}", names.len(), some_of(&names));
        let why = "only a superuser of the source reads verifiers (pg_authid)";
        let fixes =
            names.iter().map(|name| format!("ALTER ROLE {} PASSWORD '<new>'", quoted(name)));
        let advice = "after the move, or give the move a superuser as the source's login";
        return Ok(vec![
            Finding::risks(message, why)
                .fixes(Place::Target, fixes.collect::<Vec<_>>())
                .advice(advice),
        ]);
    }
    let old: Vec<&str> = new
        .iter()
        .filter(|role| role.verifier.as_deref() == Some("md5"))
        .map(|role| role.name.as_str())
        .collect();
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let message = format!("passwords of roles are MD5 verifiers: {}", some_of(&old));
    let why = "they are carried as they are; a server that asks for SCRAM refuses them, and from 18 on \
               PostgreSQL warns of them";
    let fixes = old.iter().map(|name| format!("ALTER ROLE {} PASSWORD '<new>'", quoted(name)));
    Ok(vec![Finding::risks(message, why).fixes(Place::Target, fixes.collect::<Vec<_>>())])
}
