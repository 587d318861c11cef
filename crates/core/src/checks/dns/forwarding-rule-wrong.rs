//! A forwarding rule catches the name and leads it astray.

use crate::change::dns;
use crate::checks::questions;
use crate::finding::{Finding, Fix};
use crate::trace::{Path, forwarded};

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
    let finding = Finding::blocks(message, why);
    // The rule itself is right where questions arrive once they do not come back.
    if let Some(round) = wrong.link_at_fault() {
        // The link may be known by the list of its network alone.
        let is_captured = path.estate.resource(&round.link).is_some();
        let pointer = is_captured.then(|| path.estate.locate(&round.link, "", "virtualNetwork"));
        let unlink = dns::unlink_ruleset(path.estate, &round.link, &round.vnet);
        return Some(
            finding.at(&round.link, pointer.unwrap_or_default()).fix(Fix::of(vec![unlink])),
        );
    }
    if let Some((start, server)) = &wrong.lost {
        let leg = forwarded::leg(path.estate, start, *server);
        let asking = Path { start: Some(start.clone()), ..path.clone() };
        let fact = questions::closed(&leg).and_then(|step| step.facts.first());
        let finding = match fact {
            Some(fact) => finding.at(&fact.resource, fact.pointer.clone()),
            None => finding.at(&wrong.rule, wrong.pointer.clone()),
        };
        let fix = questions::mend(&asking, &leg, *server);
        // Where nothing leads to that server, the rule stands in the way of all that could answer.
        return Some(match fix {
            Some(fix) => finding.fix(fix),
            None => finding
                .fix(Fix::of(vec![dns::switch_off_rule(path.estate, &wrong.rule)]))
                .fix(Fix::advice("mend the way to that server, or name another one")),
        });
    }
    let fix = Fix::of(vec![dns::switch_off_rule(path.estate, &wrong.rule)]);
    Some(finding.at(&wrong.rule, wrong.pointer.clone()).fix(fix))
}
