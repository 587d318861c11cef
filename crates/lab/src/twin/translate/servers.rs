//! Servers and machines: their namespaces, their legs in subnets, their front doors.

use std::net::Ipv4Addr;

use flexway_core::address::private;
use flexway_core::estate::dns::Record;
use flexway_core::estate::endpoint::{Endpoint, Interface};
use flexway_core::estate::machine::VirtualMachine;
use flexway_core::estate::network::{Subnet, region_key};
use flexway_core::estate::server::{Server, ServerConnection, ServerKind, Setting};
use flexway_core::estate::{Key, Missing};
use flexway_core::id::ResourceId;
use ipnet::Ipv4Net;

use super::{Door, Draft, Leg, names};
use crate::twin::blueprint::{Gate, Place, RESOLVER};

/// PostgreSQL's port, and that of a flexible server's pooler.
pub(super) const PORT: u16 = 5432;
pub(super) const POOLER_PORT: u16 = 6432;

/// Addresses of a subnet that Azure keeps at its start, and the one at its end.
const KEPT_FIRST: usize = 4;

pub(super) fn add(draft: &mut Draft, copier: Option<&ResourceId>) {
    let estate = draft.estate;
    for (id, server) in estate.all::<Server>() {
        add_server(draft, id, server, copier == Some(id));
    }
    for (id, interface) in estate.all::<Interface>() {
        if interface.endpoint.is_none() && !is_named_by_endpoint(draft, id) {
            add_machine(draft, id, interface);
        }
    }
}

fn is_named_by_endpoint(draft: &Draft, interface: &ResourceId) -> bool {
    draft.estate.all::<Endpoint>().any(|(_, endpoint)| endpoint.interfaces.contains(interface))
}

fn add_server(draft: &mut Draft, id: &ResourceId, server: &Server, is_copier: bool) {
    let index = draft.result.places.len();
    let namespace = format!("s{index}");
    let first = draft.legs.len();
    let mut place = Place {
        name: id.name().to_owned(),
        resource: id.clone(),
        host: Some(names::host_of(id, server)),
        namespace: namespace.clone(),
        is_server: true,
        runs: server.state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("ready")),
        ports: ports(draft, id, server),
        addresses: Vec::new(),
        senders: Vec::new(),
        resolvers: vec![RESOLVER],
    };
    if let Some(subnet) = &server.delegated_subnet {
        let address = injected_address(draft, id, server, subnet);
        if let Some(address) = address
            && add_leg(draft, subnet, (namespace.clone(), "own".to_owned()), address)
            && let Some(leg) = draft.legs.last_mut()
        {
            if is_copier {
                leg.senders = leg.facts.prefixes.clone();
                place.senders.clone_from(&leg.senders);
            }
            let servers = &draft.networks[leg.network].dns_servers;
            if !servers.is_empty() {
                place.resolvers.clone_from(servers);
            }
            let is_outside =
                |server: &&Ipv4Addr| !private().contains(**server) && **server != RESOLVER;
            if let Some(server) = place.resolvers.iter().find(is_outside) {
                draft.note(format!(
                    "DNS server {server} stands in the internet: nobody answers there"
                ));
            }
        }
    } else {
        add_endpoints(draft, id, server, &namespace);
        let address = door_address(draft.doors.len());
        place.addresses.push(address);
        draft.doors.push(Door {
            server: id.clone(),
            namespace,
            port: format!("f{index}"),
            address,
            is_flexible: server.kind == ServerKind::Flexible,
            region: server.location.as_deref().map(region_key),
        });
    }
    place.addresses.extend(draft.legs[first..].iter().map(|leg| leg.address));
    draft.result.places.push(place);
}

/// Public addresses of servers, out of a prefix for documentation.
fn door_address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(203, 0, 113, u8::try_from(index).unwrap_or(u8::MAX).saturating_add(1))
}

fn ports(draft: &Draft, id: &ResourceId, server: &Server) -> Vec<u16> {
    let setting = id.child("configurations", "pgbouncer.enabled");
    let value = draft.estate.get::<Setting>(&setting).ok().and_then(|one| one.value.clone());
    let has_pooler = server.kind == ServerKind::Flexible
        && value.is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if has_pooler { vec![PORT, POOLER_PORT] } else { vec![PORT] }
}

/// The address of an injected server: what a record of its zone says, else the first free one.
fn injected_address(
    draft: &mut Draft,
    id: &ResourceId,
    server: &Server,
    subnet: &ResourceId,
) -> Option<Ipv4Addr> {
    let Ok(facts) = draft.estate.get::<Subnet>(subnet) else {
        draft.note(format!(
            "subnet `{}` was not observed: no leg for `{}`",
            subnet.name(),
            id.name()
        ));
        return None;
    };
    let in_subnet = |address: &&Ipv4Addr| facts.prefixes.iter().any(|net| net.contains(*address));
    let zone = server.private_zone.as_ref();
    let records = zone.into_iter().flat_map(|zone| draft.estate.children::<Record>(zone));
    let mut told = records.filter_map(|(_, record)| record.addresses.as_ref()).flatten();
    if let Some(address) = told.find(in_subnet) {
        return Some(*address);
    }
    let is_free = |address: &Ipv4Addr| draft.legs.iter().all(|leg| leg.address != *address);
    let of = |net: &Ipv4Net| {
        let after = u32::from(net.network()).saturating_add(KEPT_FIRST as u32);
        (after..u32::from(net.broadcast())).map(Ipv4Addr::from)
    };
    facts.prefixes.iter().flat_map(of).find(is_free)
}

/// A leg in a subnet; false where the subnet or its network was not observed.
fn add_leg(
    draft: &mut Draft,
    subnet: &ResourceId,
    end: (String, String),
    address: Ipv4Addr,
) -> bool {
    let found = draft.estate.all::<Subnet>().find(|(id, _)| *id == subnet);
    let network = subnet.parent().and_then(|id| draft.network_of(&id));
    let (Some((subnet, facts)), Some(network)) = (found, network) else {
        draft.note(format!("subnet `{}` or its network was not observed", subnet.name()));
        return false;
    };
    draft.legs.push(Leg {
        network,
        subnet,
        facts,
        port: format!("l{}", draft.legs.len()),
        end,
        address,
        senders: Vec::new(),
        is_endpoint: false,
        closed: None,
        own_group: None,
        groups: Vec::new(),
    });
    true
}

/// A leg for every address of every private endpoint that leads to the server.
fn add_endpoints(draft: &mut Draft, id: &ResourceId, server: &Server, namespace: &str) {
    let estate = draft.estate;
    let alone: Vec<&ServerConnection> =
        estate.children::<ServerConnection>(id).map(|(_, one)| one).collect();
    for (endpoint_id, endpoint) in estate.list::<Endpoint>(Key::EndpointsOf(id.clone())) {
        let own = endpoint.connections.iter().find(|one| one.service.as_ref() == Some(id));
        let Some(subnet) = &endpoint.subnet else { continue };
        let theirs = server.connections.iter().flatten().chain(alone.iter().copied());
        let theirs: Vec<_> =
            theirs.filter(|one| one.endpoint.as_ref() == Some(endpoint_id)).collect();
        let is_listed = !theirs.is_empty() || server.connections.is_none();
        let approved = |status: Option<&str>| {
            status.is_some_and(|status| status.eq_ignore_ascii_case("approved"))
        };
        let speaks_postgres = own.is_none_or(|one| {
            one.groups.is_empty()
                || one.groups.iter().any(|group| group.eq_ignore_ascii_case("postgresqlServer"))
        });
        // The server's word counts; the endpoint's own where the server does not tell.
        let is_open = match theirs.is_empty() {
            true => is_listed && own.is_some_and(|one| approved(one.status.as_deref())),
            false => theirs.iter().all(|one| approved(one.status.as_deref())),
        };
        for address in addresses(draft, endpoint_id, endpoint) {
            let interface = format!("e{}", draft.legs.len());
            if !add_leg(draft, subnet, (namespace.to_owned(), interface), address) {
                continue;
            }
            let Some(leg) = draft.legs.last_mut() else { continue };
            leg.is_endpoint = true;
            leg.groups.clone_from(&endpoint.groups);
            leg.closed = (!is_open || !speaks_postgres).then(|| Gate {
                resource: endpoint_id.clone(),
                pointer: own.map(|one| one.pointer.clone()).unwrap_or_default(),
                name: "private endpoint connection".to_owned(),
                drops: true,
            });
        }
    }
}

fn addresses(draft: &Draft, id: &ResourceId, endpoint: &Endpoint) -> Vec<Ipv4Addr> {
    let estate = draft.estate;
    let mut found = endpoint.addresses.clone();
    let read = |id: &ResourceId| -> Result<Vec<Ipv4Addr>, Missing> {
        Ok(estate.get::<Interface>(id)?.addresses.clone())
    };
    found.extend(endpoint.interfaces.iter().filter_map(|id| read(id).ok()).flatten());
    let owned = estate.list::<Interface>(Key::InterfacesOf(id.clone()));
    found.extend(owned.flat_map(|(_, one)| one.addresses.iter().copied()));
    found.sort_unstable();
    found.dedup();
    found
}

/// A machine: it passes packets on where Azure lets its interface do so.
fn add_machine(draft: &mut Draft, id: &ResourceId, interface: &Interface) {
    let (Some(subnet), Some(address)) = (&interface.subnet, interface.addresses.first()) else {
        return draft.note(format!("interface `{}` tells no subnet or address", id.name()));
    };
    let index = draft.result.places.len();
    let namespace = format!("m{index}");
    if !add_leg(draft, subnet, (namespace.clone(), "own".to_owned()), *address) {
        return;
    }
    let estate = draft.estate;
    let own = estate.all::<Interface>().find(|(own, _)| *own == id);
    let own_group = own.and_then(|(_, one)| one.security_group.to());
    if let Some(leg) = draft.legs.last_mut() {
        leg.own_group = own_group;
        leg.groups.clone_from(&interface.groups);
    }
    let machine = interface.machine.as_ref().and_then(|id| estate.get::<VirtualMachine>(id).ok());
    let is_stopped = machine.is_some_and(|machine| machine.stopped().is_some());
    draft.result.places.push(Place {
        name: id.name().to_owned(),
        resource: id.clone(),
        host: None,
        namespace,
        is_server: false,
        runs: interface.forwards == Some(true) && !is_stopped,
        ports: Vec::new(),
        addresses: vec![*address],
        senders: Vec::new(),
        resolvers: vec![RESOLVER],
    });
}
