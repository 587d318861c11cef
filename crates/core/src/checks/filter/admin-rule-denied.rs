//! A security admin rule of a network manager may deny the flow before any security group is asked.

use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let rule = path.taken()?.admin_rule.as_ref()?;
    let message =
        format!("security admin rule `{}` denies port {} where it acts", rule.name(), path.port);
    let why = "admin rules are read before security groups, and a Deny there ends the packet; which networks the rule acts on \
               is not in the estate";
    Some(Finding::blocks(message, why).possible().at(rule, "").fix(Fix::advice(
        "look at the effective security admin rules of both networks; add an exception ahead of the rule if it acts on them",
    )))
}
