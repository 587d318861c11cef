//! Who dials servers: not private endpoints, which take connections and open none; and machines with public addresses.

use std::sync::Arc;

use crate::estate::endpoint::{Endpoint, Interface};
use crate::estate::network::{Subnet, is_named_for_endpoints};
use crate::estate::{Estate, Key, Set};
use crate::id::ResourceId;

/// Whether a subnet holds private endpoints, and nothing else by its own list of who is in it; where it has none, by its name and by all
/// interfaces that were captured.
pub(super) fn are_absent(estate: &Estate, id: &ResourceId) -> bool {
    let Some(subnet) = estate.find::<Subnet>(id) else { return false };
    let endpoints = id.parent().map(|vnet| estate.list::<Endpoint>(Key::EndpointsIn(vnet)));
    let holds_one = endpoints.into_iter().flatten().any(|(_, one)| one.subnet.as_ref() == Some(id));
    let is_of_endpoint = |configuration: &ResourceId| {
        let owner = configuration.parent();
        let interface = owner.and_then(|owner| estate.find::<Interface>(&owner));
        interface.is_some_and(|one| one.endpoint.is_some())
    };
    let is_empty_else = || match &subnet.occupants {
        Some(all) => all.iter().all(is_of_endpoint),
        None => is_named_for_endpoints(id.name()) && !with_machines(estate).contains(id),
    };
    holds_one && subnet.delegations.is_empty() && !subnet.is_reserved && is_empty_else()
}

/// Machines of a network that are looked at for themselves.
const MACHINES_MAX: usize = 16;

/// Interfaces of a network's machines that come to front doors with an address that is known: one of their own, or a NAT gateway's.
pub(super) fn with_public_address(estate: &Estate, vnet: &ResourceId) -> Vec<ResourceId> {
    let all = estate.remember("machines with public addresses", &[], |estate| {
        let has_nat = |id: &ResourceId| {
            estate.find::<Subnet>(id).is_some_and(|one| one.nat_gateway.to().is_some())
        };
        let interfaces = estate.all::<Interface>().filter(|(_, one)| one.endpoint.is_none());
        let known = interfaces.filter(|(_, one)| {
            one.public_address.to().is_some() || one.subnet.as_ref().is_some_and(has_nat)
        });
        Arc::new(known.map(|(id, _)| id.clone()).collect::<Vec<_>>())
    });
    let is_here = |id: &&ResourceId| {
        let place = estate.find::<Interface>(id).and_then(|one| one.subnet.as_ref()?.parent());
        place.as_ref() == Some(vnet)
    };
    all.iter().filter(is_here).take(MACHINES_MAX).cloned().collect()
}

/// Subnets in which interfaces stand that are not those of endpoints.
fn with_machines(estate: &Estate) -> Arc<Set<ResourceId>> {
    estate.remember("subnets with machines", &[], |estate| {
        let interfaces = estate.all::<Interface>().map(|(_, one)| one);
        let others = interfaces.filter(|one| one.endpoint.is_none());
        Arc::new(others.filter_map(|one| one.subnet.clone()).collect())
    })
}
