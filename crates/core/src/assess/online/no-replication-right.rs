//! A login that may not replicate.

use crate::assess::facts::Facts;
use crate::assess::finding::quoted;
use crate::assess::provider::Provider;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let source = &facts.source;
    if source.facts.is_superuser || source.login.can_replicate {
        return Ok(Vec::new());
    }
    let name = &source.login.name;
    let message = format!("the source's login {name} may not replicate");
    let fix = match source.provider {
        Provider::Rds => format!("GRANT rds_replication TO {}", quoted(name)),
        _ => format!("ALTER ROLE {} REPLICATION", quoted(name)),
    };
    Ok(vec![
        Finding::blocks(message, "a slot needs the attribute REPLICATION").fix(Place::Source, fix),
    ])
}
