//! A security admin rule of a network manager denies the flow before any security group is asked.

use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::admin::manager_of;

pub(super) fn find(path: &Path) -> Option<Finding> {
    // Where the record leads past the endpoint that is meant, what stops packets to that one has to go as well.
    let meant = path.intended.as_ref().filter(|_| path.detour.is_some());
    let leg = path.taken().into_iter().chain(meant).find(|leg| !leg.admin_denials.is_empty())?;
    // What surely drops comes first; one that may is another question.
    let surely: Vec<_> = leg.admin_denials.iter().filter(|(_, is_sure)| *is_sure).collect();
    let shown = if surely.is_empty() { leg.admin_denials.iter().collect() } else { surely };
    let (first, is_sure) = shown.first()?;
    let all = path.senders();
    let each: Vec<String> = shown
        .iter()
        .map(|(one, _)| {
            let is_all = all.is_within(&one.senders);
            let whom = if is_all { String::new() } else { format!("{} on ", one.senders) };
            format!("security admin rule `{}` denies {whom}port {}", one.rule.name(), path.port)
        })
        .collect();
    let manager = manager_of(&first.rule).map_or("the network manager".to_owned(), |manager| {
        format!(
            "network manager `{}` (resource group `{}`)",
            manager.name(),
            manager.resource_group()
        )
    });
    let fix = format!(
        "have the owner of {manager} let the flow pass: a rule `Allow` for the copier's range, the source's address and the port, \
         with a lower number than the denial, and deploy the configuration"
    );
    let says: Vec<String> = match shown.as_slice() {
        [(one, _)] => vec![format!("the rule says: {}", one.says)],
        all => {
            all.iter().map(|(one, _)| format!("`{}` says: {}", one.rule.name(), one.says)).collect()
        }
    };
    let rule = format!(
        "{}; admin rules are read before security groups, and a Deny there ends the packet",
        says.join("; ")
    );
    let message = each.join("; ");
    let finding = match is_sure {
        true => Finding::blocks(message, rule),
        false => {
            let why =
                format!("{rule}; whether the rule is in force on the network was not observed");
            Finding::blocks(format!("{message} where it acts"), why).possible()
        }
    };
    Some(finding.at(&first.resource, &first.pointer).fix(Fix::advice(fix)))
}
