//! Packets come through an appliance in a third network, and a peering does not take what that network forwards.

use crate::change::peering;
use crate::estate::endpoint::Interface;
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::appliance::Appliance;
use crate::trace::hop;
use crate::trace::leg::Way;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (start, leg) = (path.start.as_ref()?, path.intended.as_ref()?);
    let Some(Routed::Elsewhere(route, _)) = &leg.route else { return None };
    let (NextHop::Appliance(_), Some(Appliance::Forwards(nic))) = (&route.next_hop, &leg.appliance)
    else {
        return None;
    };
    let hub = path.estate.get::<Interface>(nic).ok()?.subnet.as_ref()?.parent()?;
    let far = far_network(&leg.way)?;
    // An appliance in the network of one end passes on what comes from there, or what stays there.
    if hub == far || hub == start.vnet {
        return None;
    }
    // Packets on their way there, then the answers on their way back.
    let refusing = [&far, &start.vnet].into_iter().find_map(|vnet| {
        let (id, half) = hop::half(path.estate, vnet, &hub)?;
        (half.allows_forwarded == Some(false)).then_some((id, half))
    });
    let (half, facts) = refusing?;
    let message = format!(
        "peering `{}` of network `{}` does not take packets that `{}` forwards",
        half.name(),
        half.name_at(0),
        hub.name()
    );
    let why = "packets that an appliance passes on keep their sender, which is in neither of the two networks, unless the \
               appliance translates addresses; documents disagree on which half of the peering has to allow them";
    let fix = Fix::of(vec![peering::set_flag(path.estate, half, "allowForwardedTraffic")]);
    let pointer = format!("{}/allowForwardedTraffic", facts.fields);
    Some(Finding::blocks(message, why).possible().at(half, pointer).fix(fix))
}

fn far_network(way: &Way) -> Option<ResourceId> {
    match way {
        Way::Endpoint(view) => view.vnet().ok(),
        Way::Injected(subnet) => subnet.parent(),
        Way::Machine(machine) => machine.subnet.parent(),
        Way::Public | Way::Beyond(_) => None,
    }
}
