//! Attributes of roles that the target does not let anybody give.

use crate::assess::facts::{Facts, Role};
use crate::assess::finding::{quoted, some_of};
use crate::assess::provider::{Power, Provider};
use crate::assess::{Finding, Found, Place};

/// The attribute, who may give it, and whether a role has it.
type Kind = (&'static str, Power, fn(&Role) -> bool);

pub(super) fn find(facts: &Facts) -> Found {
    if !facts.with_roles {
        return Ok(Vec::new());
    }
    let there = facts.target.roles.as_ref().map_err(Clone::clone)?;
    let kinds: [Kind; 3] = [
        ("SUPERUSER", Power::Superuser, |role| role.is_superuser),
        ("REPLICATION", Power::Replication, |role| role.can_replicate),
        ("BYPASSRLS", Power::BypassRowSecurity, |role| role.bypasses_row_security),
    ];
    let mut found = Vec::new();
    for (word, power, has) in kinds {
        let lacking: Vec<&str> = facts
            .source
            .roles
            .as_ref()
            .map_err(Clone::clone)?
            .iter()
            .filter(|role| has(role) && !there.iter().any(|one| one.name == role.name && has(one)))
            .map(|role| role.name.as_str())
            .collect();
        let may = facts.target.may(power);
        if lacking.is_empty() || may == Some(true) {
            continue;
        }
        let message = match may {
            None => format!(
                "whether the target lets roles have {word} is not known: {}",
                some_of(&lacking)
            ),
            _ => format!("roles lose the attribute {word} on the target: {}", some_of(&lacking)),
        };
        let why = format!(
            "{} does not let the login {} give it",
            facts.target.provider.words(),
            facts.target.login.name
        );
        let finding = Finding::risks(message, why);
        found.push(match (facts.target.provider, power) {
            (Provider::Own, _) => finding.fixes(
                Place::Target,
                lacking.iter().map(|name| format!("ALTER ROLE {} {word}", quoted(name))),
            ),
            (Provider::Rds, Power::Replication) => finding.fixes(
                Place::Target,
                lacking.iter().map(|name| format!("GRANT rds_replication TO {}", quoted(name))),
            ),
            (provider, Power::Superuser) => finding.fixes(
                Place::Target,
                lacking.iter().filter_map(|name| {
                    let administrators = provider.administrators()?;
                    Some(format!("GRANT {administrators} TO {}", quoted(name)))
                }),
            ),
            _ => finding.advice("give the role what it reads and writes by GRANT instead"),
        });
    }
    Ok(found)
}
