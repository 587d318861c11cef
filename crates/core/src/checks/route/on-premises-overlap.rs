//! The source's address lies beyond a gateway, and in a network of Azure too: Azure's own route wins.

use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::outward::Outward;
use crate::trace::place::Place;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let address = path.host_address()?;
    let claiming = match path.place.as_ref()? {
        Place::Here(machine) if machine.holder.is_none() => machine.subnet.parent()?,
        Place::Claimed(vnet) => vnet.clone(),
        Place::Here(_) | Place::Beyond => return None,
    };
    let found = crate::trace::outward::outward(path.estate, &start.vnet, address);
    let (Outward::Through(line) | Outward::NotLent { line: Some(line), .. }) = found.past_the_cut()
    else {
        return None;
    };
    let message = format!(
        "{address} lies in {}, beyond gateway `{}`, and in the address space of network `{}`",
        line.prefix,
        line.gateway.name(),
        claiming.name()
    );
    let why = "routes of networks and peerings beat those of gateways, even longer ones: packets stay in Azure";
    let is_sure = matches!(path.place, Some(Place::Claimed(_)));
    let finding = Finding::blocks(message, why);
    let finding = if is_sure { finding } else { finding.possible() };
    Some(finding.at(&claiming, path.estate.locate(&claiming, "", "addressSpace")).fix(
        Fix::advice("give the source an address that no network of Azure claims, or translate it at the gateway"),
    ))
}
