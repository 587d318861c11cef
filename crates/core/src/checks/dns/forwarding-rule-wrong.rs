//! A forwarding rule catches the name and leads it astray.

use crate::change::dns;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let wrong = path.astray.iter().find_map(|answer| answer.wrong_rule.as_ref())?;
    let message = format!(
        "forwarding rule `{}` of ruleset `{}` sends questions for {} {}",
        wrong.rule.name(),
        wrong.rule.name_at(0),
        path.server_name(),
        wrong.why
    );
    let why = "a rule decides for every name that it catches and no linked zone holds: no other place is asked";
    let fix = Fix::of(vec![dns::switch_off_rule(path.estate, &wrong.rule)]);
    Some(Finding::blocks(message, why).at(&wrong.rule, wrong.pointer.clone()).fix(fix))
}
