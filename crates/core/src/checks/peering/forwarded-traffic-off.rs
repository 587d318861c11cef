//! Packets come through an appliance in a third network, and a peering does not take what that network forwards.

use crate::change::peering;
use crate::checks::joins;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::firewall::{Guard, Sender};
use crate::trace::hop;
use crate::trace::leg::{Leg, Way};

pub(super) fn find(path: &Path) -> Vec<Finding> {
    let (Some(start), Some(leg)) = (path.start.as_ref(), path.intended.as_ref()) else {
        return Vec::new();
    };
    let sender = leg.guard.as_ref().and_then(Guard::sends_on);
    let Some((hub, far)) = hub_and_end(path, leg) else { return Vec::new() };
    if sender == Some(Sender::Replaced) {
        return Vec::new();
    }
    let is_kept = sender == Some(Sender::Kept);
    let off = |from: &ResourceId, to: &ResourceId| {
        let (id, half) = hop::half(path.estate, from, to)?;
        (half.allows_forwarded == Some(false)).then(|| Half {
            id: id.clone(),
            pointer: format!("{}/allowForwardedTraffic", half.fields),
        })
    };
    // Packets on their way there, then the answers on their way back.
    let receivers = far.iter().chain([&start.vnet]);
    let all = receivers.filter_map(|vnet| match off(vnet, &hub) {
        Some(half) => Some(refused(path, &hub, &half, is_kept)),
        None if is_kept => Some(other_half(path, vnet, &off(&hub, vnet)?)),
        None => None,
    });
    match sender {
        Some(_) => all.collect(),
        // Of one that may translate addresses, the first is enough to be asked about.
        None => all.take(1).collect(),
    }
}

/// The network of the appliance, and that of the other end where it is one of Azure's: none stands beyond the hub's own gateway.
fn hub_and_end(path: &Path, leg: &Leg) -> Option<(ResourceId, Option<ResourceId>)> {
    if let Some((middle, end)) = joins::past_a_third(path) {
        return Some((middle.parent()?, Some(end.parent()?)));
    }
    let guard = leg.guard.as_ref().filter(|one| one.sends_on().is_some())?;
    let hub =
        guard.home.parent().filter(|hub| Some(hub) != path.start.as_ref().map(|one| &one.vnet))?;
    matches!(leg.way, Way::Beyond(_)).then_some((hub, None))
}

/// A half of a peering with the flag off.
struct Half {
    id: ResourceId,
    pointer: String,
}

impl Half {
    fn fault(&self, path: &Path, message: String, why: &str) -> Finding {
        let fix = Fix::of(vec![peering::set_flag(path.estate, &self.id, "allowForwardedTraffic")]);
        Finding::blocks(message, why).at(&self.id, self.pointer.clone()).fix(fix)
    }
}

/// The half of the network that receives the packets.
fn refused(path: &Path, hub: &ResourceId, half: &Half, is_sure: bool) -> Finding {
    let message = format!(
        "peering `{}` of network `{}` does not take packets that `{}` forwards",
        half.id.name(),
        half.id.name_at(0),
        hub.name()
    );
    match is_sure {
        true => half.fault(
            path,
            message,
            "packets that the firewall passes on keep their sender, which is in neither of the two networks: the network that \
             receives them has to allow that",
        ),
        false => half
            .fault(
                path,
                message,
                "packets that an appliance passes on keep their sender, which is in neither of the two networks, unless the \
                 appliance translates addresses",
            )
            .possible(),
    }
}

/// The hub's half, where the one of the network that receives the packets allows them.
fn other_half(path: &Path, vnet: &ResourceId, half: &Half) -> Finding {
    let message = format!(
        "peering `{}` of network `{}` does not allow forwarded traffic towards `{}`",
        half.id.name(),
        half.id.name_at(0),
        vnet.name()
    );
    let why = "the receiving network's half allows it, which is what the portal asks for; other documents name this half";
    half.fault(path, message, why).possible()
}
