//! No VNet rule of the source names the copier's subnet.

use crate::checks::{fixes, new_endpoint};
use crate::finding::Finding;
use crate::trace::gate::Gate;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let (gate, unseen) = path.taken()?.gate.as_ref()?.as_known();
    let (has_endpoint, is_disputed) = match gate {
        Gate::RuleMissing { has_endpoint } => (has_endpoint, false),
        Gate::Disputed(_) => (&true, true),
        _ => return None,
    };
    let message = format!(
        "server `{}` has no VNet rule for subnet `{}` of network `{}`",
        path.to_id.name(),
        start.subnet.name(),
        start.vnet.name()
    );
    let why = match has_endpoint {
        true => {
            "the subnet's service endpoint is on, so the server sees the subnet, and only a VNet rule can let it in"
        }
        false => {
            "the server lets a subnet in by a VNet rule, which works through the subnet's service endpoint Microsoft.Sql"
        }
    };
    let mut finding = Finding::blocks(message, why).at(&path.to_id, "").unless(unseen);
    if is_disputed {
        finding = finding.possible();
        finding
            .why
            .push_str("; documents disagree whether the rule 0.0.0.0 counts for such a subnet");
    }
    finding.on_fallback = path.leads == Leads::Fallback;
    if super::tier_unsupported::is_basic(path) {
        return Some(finding); // endpoint/tier-unsupported says what to do
    }
    finding.fixes.extend(fixes::let_subnet_in(path));
    finding.fixes.extend(new_endpoint::nearby(path));
    Some(finding)
}
