//! A login that does not administer the service.

use crate::assess::facts::Facts;
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let target = &facts.target;
    let Some(administrators) = target.provider.administrators() else { return Ok(Vec::new()) };
    if target.facts.is_superuser || target.login.is_administrator {
        return Ok(Vec::new());
    }
    let message =
        format!("the target's login {} is not a member of {administrators}", target.login.name);
    let why = format!(
        "{} lets only its members create extensions and see what the service runs",
        target.provider.words()
    );
    let fix = format!("GRANT {administrators} TO {}", quoted(&target.login.name));
    Ok(vec![Finding::risks(message, why).fix(Place::Target, fix)])
}
