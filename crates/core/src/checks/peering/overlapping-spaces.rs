//! Both networks claim the same addresses, so they cannot be peered.

use crate::checks::{joins, new_endpoint};
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop::Joined;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let Some(Joined::Apart { overlap: Some(overlap), .. }) = &leg.joined else { return None };
    let (near, far) = joins::ends(path, leg)?;
    let (names, shared) = ((near.name(), far.name()), &overlap.addresses);
    let claim = match &overlap.peer {
        None => format!("both hold {shared}"),
        Some((vnet, peer)) => format!(
            "`{}` is peered with `{}` of group `{}`, which holds {shared} too",
            vnet.name(),
            peer.name(),
            peer.resource_group()
        ),
    };
    let message = format!("networks `{}` and `{}` are not peered, and {claim}", names.0, names.1);
    let why = "Azure refuses to peer networks whose address spaces overlap; nor may two peers of one network overlap";
    let advice = || {
        Fix::advice(
            "move one of the servers to a network with other addresses, or copy through a relay host",
        )
    };
    let place = path.estate.locate(&near, "", "addressSpace");
    let finding = Finding::blocks(message, why).at(&near, place);
    Some(finding.fixes_or(new_endpoint::nearby(path), advice))
}
