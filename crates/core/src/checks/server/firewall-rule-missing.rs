//! A public server has no firewall rule that could let the copier in.

use crate::finding::{Finding, Fix};
use crate::trace::gate::Gate;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.taken()?;
    let Some(Gate::FirewallRuleMissing) = &leg.gate else { return None };
    let message = format!("source `{}` has no firewall rule", path.to_id.name());
    let why = "a public server lets in only addresses that a firewall rule holds";
    let mut finding = Finding::blocks(message, why).at(&path.to_id, "");
    finding.on_fallback = path.leads == Leads::Fallback;
    if path.start.is_none() {
        return Some(finding.fix(Fix::advice(format!(
            "add a firewall rule for the one public address of `{}`: resolve its name to know it",
            path.from_id.name()
        ))));
    }
    Some(finding.fix(Fix::advice(
        "add a firewall rule for the one public address that the copier leaves with: give its subnet a NAT gateway to know it",
    )))
}
