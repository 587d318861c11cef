//! A security rule of the copier's subnet denies Azure's own resolver.

use crate::checks::fixes;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let denial = path.dns_denial.as_ref()?;
    let rule = &denial.rule;
    let who = match path.start.as_ref()?.interface {
        Some(_) => "the relay host".to_owned(),
        None if denial.is_whole => format!("subnet `{}`", path.start.as_ref()?.subnet.name()),
        None => denial.denied.to_string(),
    };
    let message = format!(
        "security rule `{}` (priority {}) denies {who} Azure's resolver",
        rule.name, rule.priority
    );
    let why = format!(
        "the rule says: {}; a rule that names the tag AzurePlatformDNS acts on queries to 168.63.129.16, which no other rule does: no name \
         resolves there",
        rule.words()
    );
    let advice = || Fix::advice("take the rule away, or narrow it to subnets that need no names");
    let fix = fixes::let_names_through(path, denial).unwrap_or_else(advice);
    Some(Finding::blocks(message, why).at(&rule.resource, rule.place.pointer()).fix(fix))
}
