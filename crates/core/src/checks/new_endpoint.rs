//! New private endpoints of a server: which subnet, which address.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::change::endpoint::{self, NewEndpoint};
use crate::change::exposure::{self, End, MANY};
use crate::change::{Change, free_name};
use crate::checks::fixes;
use crate::estate::Key;
use crate::estate::endpoint::Endpoint;
use crate::estate::network::{Subnet, Vnet, is_named_for_endpoints, region_key};
use crate::estate::server::ServerKind;
use crate::finding::Fix;
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::endpoint::View;

/// Addresses at the start of a subnet that Azure keeps for itself.
const RESERVED_FIRST: u32 = 4;

/// Names tried before giving up; a group holds fewer endpoints of one server.
const NAMES_TRIED_MAX: usize = 1_000;

/// Subnets that Azure gives one purpose only.
const SPECIAL_SUBNETS: [&str; 5] = [
    "gatewaysubnet",
    "azurefirewallsubnet",
    "azurefirewallmanagementsubnet",
    "azurebastionsubnet",
    "routeserversubnet",
];

/// Words in the names of subnets that services need for themselves, be it told by a delegation or not.
const SERVICES: [&str; 4] = ["databricks", "appgw", "app-gateway", "applicationgateway"];

/// Subnets that are offered where the way into none of them is open: which one takes the fewest changes is for the search to say.
const PLACES_MAX: usize = 3;

/// New private endpoints of the server in the copier's own network, which need no peering: one in each subnet that may be the best. None
/// when the server cannot have one or no subnet there can hold it.
pub(super) fn nearby(path: &Path) -> Vec<Fix> {
    let is_possible = path.to.delegated_subnet.is_none() && path.to.kind != ServerKind::Host;
    let Some(start) = &path.start else { return Vec::new() };
    let Some(vnet) = path.estate.find::<Vnet>(&start.vnet) else { return Vec::new() };
    let Some(location) = vnet.location.clone().filter(|_| is_possible) else { return Vec::new() };
    let lacking = super::provider_unregistered::lacking(path, &start.vnet);
    if super::tier_unsupported::is_basic(path) || lacking.is_some() {
        return Vec::new();
    }
    let places = places(path, &start.subnet, &start.vnet);
    if places.is_empty() {
        return in_new_subnet(path, &start.vnet, vnet, location).into_iter().collect();
    }
    let create = |place: Place| {
        Some(Fix::of(vec![new_endpoint(path, place.subnet, place.address, &location)?]))
    };
    places.into_iter().filter_map(create).collect()
}

/// New private endpoints in the copier's own network, each with the record that leads there, for whoever may not touch the way to the one
/// that is there.
pub(super) fn instead(path: &Path) -> Vec<Fix> {
    let with_record = |made: Fix| {
        let record = |(id, address)| fixes::records(path, (id, address), true);
        let records = made.changes.iter().find_map(endpoint::made).map(record).unwrap_or_default();
        let record = records.into_iter().next().map(|fix| fix.changes).unwrap_or_default();
        Fix::last_resort([made.changes, record].concat())
    };
    nearby(path).into_iter().map(with_record).collect()
}

/// What is advised where no request makes an endpoint: in a network that is full there is no room for one.
pub(super) fn advice(path: &Path) -> Fix {
    if super::tier_unsupported::is_basic(path) {
        let what = "dump and restore into a server of a higher tier: one of the Basic tier takes no private endpoint";
        return Fix::advice(what);
    }
    let full = path.start.as_ref().map(|start| (start, path.estate.get::<Vnet>(&start.vnet)));
    let full = full.and_then(|(start, vnet)| Some((start, vnet.ok()?))).filter(|(start, vnet)| {
        places(path, &start.subnet, &start.vnet).is_empty()
            && free_prefix(path, &start.vnet, vnet).is_none()
    });
    Fix::advice(match full {
        Some((start, _)) => format!(
            "add an address range to network `{}`, which has no room for a private endpoint, then create one of the server there",
            start.vnet.name()
        ),
        None => "create a private endpoint of the server in the copier's network".to_owned(),
    })
}

/// Where a new endpoint may get an address; the best place is the least.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place<'e> {
    /// Whether something is closed on the way there.
    is_closed: bool,
    /// Whether no private endpoint is there, and its name tells of none.
    is_for_others: bool,
    /// Its place among the subnets of its network.
    turn: usize,
    subnet: &'e ResourceId,
    address: Ipv4Addr,
}

/// The subnets of a network in which an endpoint can be, the best ones first: the first alone where the copier's packets get there.
fn places<'e>(path: &'e Path, own: &ResourceId, vnet: &ResourceId) -> Vec<Place<'e>> {
    let endpoints = path.estate.list::<Endpoint>(Key::EndpointsIn(vnet.clone()));
    let taken: Vec<&ResourceId> = endpoints.filter_map(|(_, one)| one.subnet.as_ref()).collect();
    let subnets = path.estate.children::<Subnet>(vnet);
    let usable = subnets.filter(|(id, subnet)| {
        *id != own && subnet.delegations.is_empty() && !subnet.is_reserved && !is_special(id.name())
    });
    let mut places: Vec<Place> = usable
        .enumerate()
        .filter_map(|(turn, (id, subnet))| {
            let address = free_address(path, &subnet.prefixes)?;
            let is_for_others = !taken.contains(&id) && !is_named_for_endpoints(id.name());
            let is_closed = !path.reaches_new_endpoint(id, address);
            Some(Place { is_closed, is_for_others, turn, subnet: id, address })
        })
        .collect();
    places.sort();
    let is_open = places.first().is_some_and(|place| !place.is_closed);
    places.truncate(if is_open { 1 } else { PLACES_MAX });
    places
}

/// Whether a subnet is one that a service needs for itself, by its name.
fn is_special(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SPECIAL_SUBNETS.contains(&name.as_str()) || SERVICES.iter().any(|word| name.contains(word))
}

/// A new endpoint in a new subnet, where the network has room for one.
fn in_new_subnet(path: &Path, id: &ResourceId, vnet: &Vnet, location: String) -> Option<Fix> {
    let prefix = free_prefix(path, id, vnet)?;
    let name = free_name(path.estate, id, "subnets", "private-endpoints");
    let subnet = id.child("subnets", &name);
    let address = free_address(path, &[prefix])?;
    let endpoint = new_endpoint(path, &subnet, address, &location)?;
    Some(Fix::of(vec![endpoint::create_subnet(&subnet, prefix), endpoint]))
}

/// New private endpoints in place of one that carries nothing any more: in its subnet, and in the copier's own network where something
/// else is closed on the way to that.
pub(super) fn anew(path: &Path, old: &View) -> Vec<Fix> {
    let is_open = |subnet: &ResourceId| {
        let address = free_address(path, &path.estate.find::<Subnet>(subnet)?.prefixes)?;
        Some(path.reaches_new_endpoint(subnet, address))
    };
    let is_shut = old.subnet.as_ref().ok().and_then(is_open) == Some(false);
    let nearby = if is_shut { nearby(path) } else { Vec::new() };
    again(path, old).into_iter().chain(nearby).collect()
}

/// A new private endpoint in the subnet of another one.
fn again(path: &Path, old: &View) -> Option<Fix> {
    let subnet_id = old.subnet.as_ref().ok()?;
    let subnet = path.estate.find::<Subnet>(subnet_id)?;
    let from_old = path.estate.find::<Endpoint>(&old.id).and_then(|one| one.location.clone());
    let from_vnet = || path.estate.find::<Vnet>(&old.vnet().ok()?)?.location.clone();
    let location = from_old.or_else(from_vnet)?;
    let address = free_address(path, &subnet.prefixes)?;
    Some(Fix::of(vec![new_endpoint(path, subnet_id, address, &location)?]))
}

fn new_endpoint(
    path: &Path,
    subnet: &ResourceId,
    address: Ipv4Addr,
    location: &str,
) -> Option<Change> {
    let kind = "Microsoft.Network/privateEndpoints";
    let wanted = format!("{}-endpoint", path.to_id.name());
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let names = std::iter::once(wanted.clone()).chain(numbered);
    let id = names.take(NAMES_TRIED_MAX).find_map(|name| {
        let id = subnet.sibling(kind, &name);
        path.estate.resource(&id).is_none().then_some(id)
    })?;
    Some(endpoint::create(&NewEndpoint {
        id,
        location: region_key(location),
        subnet: subnet.clone(),
        server: path.to_id.clone(),
        is_first: path.endpoints.is_empty(),
        address,
        around: subnet.parent().map_or_else(
            || End::named(subnet.key(), MANY),
            |vnet| exposure::around(path.estate, &vnet),
        ),
    }))
}

/// The last address of the subnet that nothing in the estate uses: Azure gives out the first ones, also to what was not captured.
fn free_address(path: &Path, prefixes: &[Ipv4Net]) -> Option<Ipv4Addr> {
    let usable = |net: &Ipv4Net| {
        (u32::from(net.network()) + RESERVED_FIRST..u32::from(net.broadcast())).rev()
    };
    prefixes
        .iter()
        .flat_map(usable)
        .map(Ipv4Addr::from)
        .find(|address| !path.estate.is_held(*address))
}

/// A /28 of the network's space that no subnet uses.
fn free_prefix(path: &Path, vnet_id: &ResourceId, vnet: &Vnet) -> Option<Ipv4Net> {
    let subnets = path.estate.children::<Subnet>(vnet_id);
    let used = subnets
        .fold(AddressSet::default(), |all, (_, one)| all.union(&AddressSet::of(&one.prefixes)));
    let candidates = vnet
        .space
        .iter()
        .filter(|net| net.prefix_len() <= 28)
        .flat_map(|net| net.subnets(28).into_iter().flatten());
    // Enough to find a gap in the largest network that Azure allows.
    candidates.take(1 << 20).find(|net| !AddressSet::of([net]).overlaps(&used))
}
