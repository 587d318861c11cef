//! Service tags: which addresses `VirtualNetwork` stands for, seen from one subnet, and which tags hold a region's public gateways.

use std::sync::Arc;

use crate::address::{AddressSet, private, public};
use crate::estate::network::{NextHop, Peering, RoutePrefix, Subnet, Vnet, region_key};
use crate::estate::{Estate, Missing, Reads};
use crate::id::ResourceId;
use crate::trace::filter::{Match, Receiver};
use crate::trace::lines;
use crate::trace::mesh;
use crate::trace::outward;
use crate::trace::route::{table_of, user_routes};

/// Addresses that the tag `VirtualNetwork` stands for in one subnet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkTag {
    /// Addresses that are in it.
    pub surely: AddressSet,
    /// Addresses that are in it by one reading of the documents: all of them where a default route is user-defined, or may be.
    pub perhaps: AddressSet,
    /// Those of them that are in it only by the subnet's routes to nowhere: without such a route they are not.
    pub dropped: AddressSet,
    /// The network, or the subnet's own routes, where they were not observed.
    pub unread: Option<Missing>,
    /// Whether a mesh may join the network with others.
    may_be_meshed: bool,
}

impl NetworkTag {
    fn part(&self, within: Option<&AddressSet>) -> NetworkTag {
        let part =
            |set: &AddressSet| within.map_or_else(|| set.clone(), |part| set.intersection(part));
        let (surely, perhaps, dropped) =
            (part(&self.surely), part(&self.perhaps), part(&self.dropped));
        NetworkTag { surely, perhaps, dropped, ..self.clone() }
    }

    /// The tag without the subnet's routes to nowhere.
    pub fn without_drops(&self) -> NetworkTag {
        let [surely, perhaps] =
            [&self.surely, &self.perhaps].map(|all| all.difference(&self.dropped));
        NetworkTag { surely, perhaps, dropped: AddressSet::default(), ..self.clone() }
    }

    /// Addresses of a receiver that the tag may hold: of a public gateway all or none, since no input tells its address.
    pub(super) fn held_receivers(&self, receiver: &Receiver) -> AddressSet {
        match receiver {
            Receiver::Addresses(all, _) => all.clone(),
            Receiver::Gateway(..) if self.perhaps == AddressSet::all() => public(),
            Receiver::Gateway(..) => AddressSet::default(),
        }
    }

    /// Its two readings: with what is surely in it alone, and with all that may be. One and the same address is in it for every rule or
    /// for none. `None` where no sender is open, or where that hangs on the tag at both ends.
    pub(super) fn readings(
        &self,
        senders: &AddressSet,
        receivers: &AddressSet,
    ) -> Option<[NetworkTag; 2]> {
        let doubtful = self.perhaps.difference(&self.surely);
        let are_both = senders.overlaps(&doubtful) && receivers.overlaps(&doubtful);
        let just = |all: &AddressSet| {
            let (surely, perhaps) = (all.clone(), all.clone());
            NetworkTag { surely, perhaps, ..NetworkTag::default() }
        };
        (!are_both && !senders.is_empty()).then(|| [just(&self.surely), just(&self.perhaps)])
    }

    /// Puts addresses into it.
    pub fn add(&mut self, addresses: &AddressSet) {
        self.surely = self.surely.union(addresses);
        self.perhaps = self.perhaps.union(addresses);
    }
}

/// The tag `VirtualNetwork` as the subnet sees it: its own network, peered networks that are let in, and prefixes of
/// user-defined routes. A peering whose address space was not observed makes the answer wider, not narrower; so do routes. What lies
/// outside of `within` is left out, where that is given.
///
/// # Errors
/// [`Missing`] when the subnet was not observed.
pub fn network_tag(
    estate: &Estate,
    vnet: &ResourceId,
    subnet: &ResourceId,
    within: Option<&AddressSet>,
) -> Result<NetworkTag, Missing> {
    let (tag, reads) = remembered(estate, vnet, subnet, within);
    if estate.is_watched() {
        let (vnet, subnet, within) = (vnet.clone(), subnet.clone(), within.cloned());
        let before = tag.clone();
        estate.note_part(reads, move |after| {
            remembered(after, &vnet, &subnet, within.as_ref()).0 == before
        });
    }
    let mut tag = tag?;
    if let Some(within) = within.filter(|_| tag.may_be_meshed) {
        let meshed = meshed(estate, vnet, within);
        tag.perhaps = tag.perhaps.union(&meshed);
        tag.dropped = tag.dropped.difference(&meshed);
    }
    Ok(tag)
}

/// Addresses of other networks that a mesh may join: whether it does no configuration proves.
fn meshed(estate: &Estate, vnet: &ResourceId, within: &AddressSet) -> AddressSet {
    let is_met = |other: &Vnet| other.space.iter().any(|net| within.meets(net));
    let others = estate.all::<Vnet>().filter(|(id, other)| *id != vnet && is_met(other));
    let joined = others.filter(|(id, _)| mesh::of(estate, vnet, id).1.is_some());
    let spaces: Vec<_> = joined.flat_map(|(_, other)| &other.space).collect();
    AddressSet::of(spaces).intersection(within)
}

/// A hub has hundreds of peers, and every flow from or to it asks again.
fn remembered(
    estate: &Estate,
    vnet: &ResourceId,
    subnet: &ResourceId,
    within: Option<&AddressSet>,
) -> (Result<NetworkTag, Missing>, Arc<Reads>) {
    let put_together = |estate: &Estate| put_together(estate, vnet, subnet).map(Arc::new);
    let (tag, reads) = estate.remember_reads("tag VirtualNetwork", &[subnet], put_together);
    (tag.map(|tag| tag.part(within)), reads)
}

fn put_together(
    estate: &Estate,
    vnet_id: &ResourceId,
    subnet_id: &ResourceId,
) -> Result<NetworkTag, Missing> {
    let subnet = (subnet_id, estate.get::<Subnet>(subnet_id)?);
    let vnet = match estate.get::<Vnet>(vnet_id) {
        Ok(vnet) if !vnet.space.is_empty() => vnet,
        unread => {
            // Its subnets are in it at least.
            let known = estate.children::<Subnet>(vnet_id).flat_map(|(_, one)| &one.prefixes);
            return Ok(NetworkTag {
                surely: AddressSet::of(known),
                perhaps: AddressSet::all(),
                dropped: AddressSet::default(),
                unread: Some(
                    unread.err().unwrap_or_else(|| Missing::field(vnet_id, "addressSpace")),
                ),
                // All of them are in it perhaps.
                may_be_meshed: false,
            });
        }
    };
    // A hub has hundreds of peers: their spaces are put together once, at the end.
    let (mut surely, mut perhaps) = (vnet.space.clone(), Vec::new());
    let (mut known, mut is_untold) = (Vec::new(), false);
    for (_, peering) in estate.children::<Peering>(vnet_id) {
        let mut space = &peering.remote_space;
        if space.is_empty()
            && let Some(remote) = estate.find::<Vnet>(&peering.remote)
        {
            space = &remote.space;
        }
        known.extend(space);
        // A state that was not observed, or that this model does not know, makes the reading open.
        let state = peering.state.as_deref().map(str::to_ascii_lowercase);
        let is_connected = match state.as_deref() {
            Some("initiated" | "disconnected") => continue,
            Some("connected") => true,
            Some(_) | None => false,
        };
        if peering.allows_access == Some(false) {
            continue;
        }
        is_untold |= space.is_empty();
        match peering.allows_access {
            Some(true) if is_connected => surely.extend(space),
            _ => perhaps.extend(space),
        }
    }
    let (mut surely, mut perhaps) = (AddressSet::of(&surely), AddressSet::of(&perhaps));
    if is_untold {
        // Networks that one network is peered with have no address in common.
        perhaps = perhaps.union(&private().difference(&AddressSet::of(&known)));
    }
    // What gateways lead to belongs to it, unless the subnet keeps their routes out.
    let lets_in = match table_of(estate, subnet) {
        Ok(table) => table.is_none_or(|(_, table)| !table.keeps_gateway_routes_out),
        Err(_) => false,
    };
    let (prefixes, has_more) = lines::prefixes(estate, vnet_id);
    match lets_in {
        true => surely = surely.union(&AddressSet::of(&prefixes)),
        false => perhaps = perhaps.union(&AddressSet::of(&prefixes)),
    }
    if has_more {
        perhaps = perhaps.union(&private());
    }
    let (routes, unread) = match user_routes(estate, subnet) {
        Ok(found) => (found.map(|(_, routes)| routes).unwrap_or_default(), None),
        Err(missing) => (Vec::new(), Some(missing)),
    };
    // Prefixes of routes belong to it; whether a default route puts everything into it no document says.
    let mut drops = [AddressSet::default(), AddressSet::default()];
    for route in routes {
        let RoutePrefix::Network(network) = &route.prefix else { continue };
        let set = match (drops_private(estate, vnet_id, &route.next_hop), network.prefix_len()) {
            (true, length) => &mut drops[usize::from(length == 0)],
            (false, 0) => &mut perhaps,
            (false, _) => &mut surely,
        };
        *set = set.union(&AddressSet::of([network]));
    }
    if unread.is_some() {
        perhaps = AddressSet::all();
    }
    perhaps = perhaps.union(&surely);
    let [drops, default] = drops;
    let dropped = drops.union(&default).difference(&perhaps);
    let (surely, perhaps) = (surely.union(&drops), perhaps.union(&dropped));
    let may_be_meshed = mesh::may_join(estate, vnet_id);
    Ok(NetworkTag { perhaps, surely, dropped, unread, may_be_meshed })
}

/// Whether a route drops packets to other networks. One into the network's own says nothing new of that.
fn drops_private(estate: &Estate, vnet: &ResourceId, next_hop: &NextHop) -> bool {
    match next_hop {
        NextHop::Drop | NextHop::Internet | NextHop::Local => true,
        NextHop::Gateway => outward::lacks_gateway(estate, vnet),
        NextHop::Appliance(_) | NextHop::Other(_) => false,
    }
}

/// Whether a tag that rules of firewalls name holds the public gateway of servers in a region; of other tags than those of the service and
/// of all of Azure nobody tells.
pub(super) fn gateway_has_service(location: Option<&str>, is_flexible: bool, name: &str) -> Match {
    let service = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    match service.as_str() {
        "sql" | "azurecloud" => {
            gateway_has_tag(location, is_flexible, name, &NetworkTag::default())
        }
        _ => Match::Perhaps,
    }
}

/// Whether a tag holds the public gateway of servers in a region.
pub(super) fn gateway_has_tag(
    location: Option<&str>,
    is_flexible: bool,
    name: &str,
    tag: &NetworkTag,
) -> Match {
    let name = name.to_ascii_lowercase();
    let (service, region) = name.split_once('.').unwrap_or((&name, ""));
    match service {
        "internet" => Match::Yes,
        "virtualnetwork" if tag.surely == AddressSet::all() => Match::Yes,
        "virtualnetwork" if tag.perhaps == AddressSet::all() => Match::Perhaps,
        "virtualnetwork"
        | "azureloadbalancer"
        | "storage"
        | "azureactivedirectory"
        | "azureplatformdns"
        | "azureplatformimds"
        | "azureplatformlkm" => Match::No,
        // Whether the tag holds flexible servers is not documented.
        "sql" if is_flexible => Match::Perhaps,
        "sql" | "azurecloud" => match location.map(region_key) {
            _ if region.is_empty() => Match::Yes,
            Some(key) if key == region => Match::Yes,
            Some(_) => Match::No,
            None => Match::Perhaps,
        },
        _ => Match::Perhaps,
    }
}
