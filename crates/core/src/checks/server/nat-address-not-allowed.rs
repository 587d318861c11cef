//! Packets to the source's front door leave through an appliance or gateway, with an address that no rule holds.

use crate::estate::network::NextHop;
use crate::estate::server::FirewallRule;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::gate::Gate;
use crate::trace::leg::Way;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.taken().filter(|leg| matches!(leg.way, Way::Public))?;
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    let is_shut = matches!(leg.gate, Some(Gate::FirewallRuleMissing));
    if is_shut || !matches!(route.next_hop, NextHop::Appliance(_) | NextHop::Gateway) {
        return None;
    }
    let mut rules = path.estate.children::<FirewallRule>(&path.to_id);
    if rules.any(|(_, rule)| rule.is_everything()) {
        return None;
    }
    let message = format!(
        "route `{}` lets packets to server `{}` leave by another way, with an address that is not in the estate",
        route.name,
        path.to_id.name()
    );
    let why = "behind an appliance or a gateway the source sees its address: VNet rules do not match any more, and a \
               firewall rule has to hold that address";
    Some(Finding::blocks(message, why).possible().at(&path.to_id, "").fix(Fix::advice(
        "read the address in the source's refusal or in `inet_client_addr()`, and add a firewall rule for it alone",
    )))
}
