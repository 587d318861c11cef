//! Packets to the source's front door leave through an appliance or gateway, with an address that no rule holds.

use crate::address::AddressSet;
use crate::checks::{fixes, new_endpoint};
use crate::estate::network::NextHop;
use crate::estate::server::FirewallRule;
use crate::finding::{Finding, Fix};
use crate::trace::gate::Gate;
use crate::trace::leg::Way;
use crate::trace::route::{Routed, UserRoute};
use crate::trace::{Leads, Path};

const WHY: &str = "behind an appliance or a gateway the source sees its address: VNet rules do not match any more, and a \
                   firewall rule has to hold that address";

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.taken().filter(|leg| matches!(leg.way, Way::Public))?;
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    let mut rules = path.estate.children::<FirewallRule>(&path.to_id).peekable();
    let known = leg.gate.as_ref().map(Gate::as_known);
    match known {
        // Without any rule: server/firewall-rule-missing
        Some((Gate::AddressNotAllowed(addresses), unseen)) => {
            return rules.peek().map(|_| not_held(path, route, addresses).unless(unseen));
        }
        Some((
            Gate::FirewallRuleMissing
            | Gate::ServiceEndpointMissing(_)
            | Gate::OtherRegion(..)
            | Gate::Open(_),
            None,
        )) => return None,
        _ => {}
    }
    if !matches!(route.next_hop, NextHop::Appliance(_) | NextHop::Gateway) {
        return None;
    }
    if rules.any(|(_, rule)| rule.is_everything()) {
        return None;
    }
    let message = format!(
        "route `{}` lets packets to server `{}` leave by another way, with an address that is not in the estate",
        route.name,
        path.to_id.name()
    );
    Some(Finding::blocks(message, WHY).possible().at(&path.to_id, "").fix(Fix::advice(
        "read the address in the server's refusal or in `inet_client_addr()`, and add a firewall rule for it alone",
    )))
}

/// The addresses of the firewall at the next hop are known, and no rule holds them.
fn not_held(path: &Path, route: &UserRoute, addresses: &AddressSet) -> Finding {
    let message = format!(
        "no firewall rule of server `{}` holds {addresses}, with which packets arrive that route `{}` hands to the firewall",
        path.to_id.name(),
        route.name
    );
    let fix = fixes::let_address_in(path, addresses);
    let mut finding = Finding::blocks(message, WHY).at(&path.to_id, "").fix(fix);
    finding.on_fallback = path.leads == Leads::Fallback;
    finding.fixes.extend(fixes::let_subnet_in(path));
    finding.fixes.extend(new_endpoint::nearby(path));
    finding
}
