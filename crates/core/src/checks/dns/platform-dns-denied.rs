//! A security rule of the copier's subnet denies Azure's own resolver.

use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let rule = path.dns_denier.as_ref()?;
    let who = match path.start.as_ref()?.interface {
        Some(_) => "the relay host".to_owned(),
        None => format!("subnet `{}`", path.start.as_ref()?.subnet.name()),
    };
    let message = format!(
        "security rule `{}` (priority {}) denies {who} Azure's resolver",
        rule.name, rule.priority
    );
    let why = "a rule that names the tag AzurePlatformDNS acts on queries to 168.63.129.16, which no other rule does: no name \
               resolves there";
    let advice = || Fix::advice("take the rule away, or narrow it to subnets that need no names");
    let fix = fixes::let_names_through(path, rule).unwrap_or_else(advice);
    Some(Finding::blocks(message, why).at(&rule.resource, rule.place.pointer()).fix(fix))
}
