//! No route leads to the source's private address.

use crate::checks::joins;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::leg::Way;
use crate::trace::outward::{self, Outward};
use crate::trace::place::Place;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let (Way::Beyond(address), Some(Outward::Nowhere)) = (&leg.way, &leg.outward) else {
        return None;
    };
    let start = path.start.as_ref()?;
    if let Some(Place::Claimed(owner)) = &path.place {
        let owner_name = owner.name();
        let message = format!("no subnet of network `{owner_name}` holds {address}");
        let why = "the network claims the address, so that packets stay in it, and a machine has one of a subnet";
        let finding = Finding::blocks(message, why);
        let finding = finding.at(owner, path.estate.locate(owner, "", "addressSpace"));
        return Some(finding.fix(Fix::advice("give the address that the source has now")));
    }
    // Behind the firewall of a hub the packets are lost there.
    let guard = leg.guard.as_ref().filter(|guard| guard.sends_on().is_some());
    let vnet = guard.and_then(|guard| guard.home.parent()).unwrap_or_else(|| start.vnet.clone());
    let message = format!("no route of network `{}` leads to {address}", vnet.name());
    let why = "no network here, no peered one and no gateway claims the address, and Azure drops packets to private \
               addresses that nobody claims";
    let place = path.estate.locate(&vnet, "", "addressSpace");
    let mut finding = Finding::blocks(message, why).at(&vnet, place);
    let lenders = outward::could_lend(path.estate, &vnet, *address);
    finding.fixes.extend(lenders.iter().map(|lender| joins::lent(path.estate, &vnet, lender)));
    Some(finding.fix(Fix::advice(
        "connect the network that holds the source: by a gateway, or by peering with a network that has one",
    )))
}
