//! Flows that changes may touch: of subnets whose network, or what they ask for names, is changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::clients;
use super::safety::Ends;
use crate::estate::dns::Link;
use crate::estate::endpoint::Endpoint;
use crate::estate::forwarder::{ForwardingRule, InboundEndpoint, RulesetLink};
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::estate::server::Server;
use crate::estate::{Estate, Key, Kind, Set, Writes};
use crate::id::ResourceId;
use crate::trace::default_name;
use crate::trace::endpoint;
use crate::trace::resolve::private_link_name;

/// Flows looked at: more would take seconds in estates of thousands.
const FLOWS_MAX: usize = 2_304;

/// Servers that each subnet is judged with: those that are near, then those with a public address.
const SERVERS_MAX: usize = 48;

/// Flows that changes may touch: of each subnet whose network or record is touched to the servers near it, and of their neighbours
/// to the servers in a touched network; and whether that leaves some out.
pub(super) fn touched(estate: &Estate, after: &Estate, writes: &Writes) -> (Vec<Ends>, bool) {
    let mut flows = Flows::default();
    let vnets = touched_networks(estate, writes);
    let mut is_cut = false;
    for vnet in &vnets {
        let near: BTreeSet<ResourceId> = neighbours(estate, vnet).collect();
        let (servers, is_all) = servers_near(estate, vnet, &near);
        is_cut |= !is_all;
        clients(estate, vnet).for_each(|client| flows.add(&client, servers.iter()));
        let held = held(estate, vnet);
        for neighbour in near.iter().filter(|one| !vnets.contains(one)) {
            clients(estate, neighbour).for_each(|client| flows.add(&client, held.iter()));
        }
    }
    for (id, endpoint) in touched_endpoints(estate, writes) {
        let served = endpoint.connections.iter().filter_map(|one| one.service.clone());
        let served: Vec<ResourceId> = served.collect();
        let home = endpoint.subnet.as_ref().unwrap_or(id).parent();
        for vnet in home.iter().flat_map(|vnet| neighbours(estate, vnet).chain([vnet.clone()])) {
            clients(estate, &vnet).for_each(|client| flows.add(&client, served.iter()));
        }
    }
    for server in writes.iter().filter_map(|key| turned_alias(estate, after, key)) {
        for vnet in alias_askers(estate, server) {
            clients(estate, &vnet).for_each(|client| flows.add(&client, std::iter::once(server)));
        }
    }
    for (zone, label) in touched_records(writes) {
        // A zone may be named like a server, and a label of a zone further up has several parts.
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let names = BTreeSet::from([first(&label), first(zone.name())]);
        let named =
            names.into_iter().flat_map(|name| estate.list::<Server>(Key::ServersNamed(name)));
        let named: Vec<&ResourceId> = named.map(|(id, _)| id).collect();
        for (_, link) in estate.children::<Link>(&zone) {
            // A name that is no server's may be one that a server's is an alias of.
            let near: BTreeSet<ResourceId> = neighbours(estate, &link.vnet).collect();
            let any = || servers_near(estate, &link.vnet, &near).0;
            let any = if named.is_empty() { any() } else { BTreeSet::new() };
            for asker in std::iter::once(link.vnet.clone()).chain(askers(estate, &link.vnet)) {
                clients(estate, &asker).for_each(|client| flows.add(&client, any.iter()));
                clients(estate, &asker)
                    .for_each(|client| flows.add(&client, named.iter().copied()));
            }
        }
    }
    (flows.list, is_cut || flows.is_cut)
}

/// Pairs of a client and a server, each once, in the order in which they came.
#[derive(Default)]
struct Flows {
    list: Vec<Ends>,
    seen: Set<Ends>,
    is_cut: bool,
}

impl Flows {
    fn add<'e>(&mut self, client: &ResourceId, servers: impl Iterator<Item = &'e ResourceId>) {
        for server in servers {
            if self.list.len() >= FLOWS_MAX {
                self.is_cut = true;
                return;
            }
            let flow = (client.clone(), server.clone());
            if self.seen.insert(flow.clone()) {
                self.list.push(flow);
            }
        }
    }
}

/// Subnets of a network that hold clients of servers, and machines there of which more is known: what public address they have.
fn clients(estate: &Estate, vnet: &ResourceId) -> impl Iterator<Item = ResourceId> {
    let subnets = estate.children::<Subnet>(vnet).map(|(id, _)| id.clone());
    let subnets = subnets.filter(|id| !is_special(id) && !clients::are_absent(estate, id));
    subnets.chain(clients::with_public_address(estate, vnet))
}

/// Networks that a network is peered with.
fn neighbours(estate: &Estate, vnet: &ResourceId) -> impl Iterator<Item = ResourceId> {
    estate.children::<Peering>(vnet).map(|(_, half)| half.remote.clone())
}

/// Networks that may ask a network's DNS servers: those beside it with servers of their own, and those that a ruleset sends to its
/// resolver.
fn askers(estate: &Estate, vnet: &ResourceId) -> Vec<ResourceId> {
    let has_own = |id: &ResourceId| {
        let servers = estate.find::<Vnet>(id).and_then(|one| one.dns_servers.as_ref());
        servers.is_some_and(|all| !all.is_empty())
    };
    let stands_in = |subnet: &ResourceId| subnet.parent().as_ref() == Some(vnet);
    let mut resolvers = estate.all::<InboundEndpoint>();
    let answers = resolvers.any(|(_, one)| one.subnets.iter().any(stands_in));
    let sent = estate.all::<RulesetLink>().filter(|_| answers).map(|(_, link)| link.vnet.clone());
    neighbours(estate, vnet).filter(has_own).chain(sent).collect()
}

/// Servers that stand in a network or have an endpoint there.
fn held(estate: &Estate, vnet: &ResourceId) -> Vec<ResourceId> {
    let injected = estate.list::<Server>(Key::ServersIn(vnet.clone())).map(|(id, _)| id.clone());
    let endpoints = estate.list::<Endpoint>(Key::EndpointsIn(vnet.clone()));
    let served = endpoints.flat_map(|(_, one)| &one.connections);
    injected.chain(served.filter_map(|one| one.service.clone())).collect()
}

/// Servers that a network may reach, the near ones first; and whether those are all that there are.
fn servers_near(
    estate: &Estate,
    vnet: &ResourceId,
    near: &BTreeSet<ResourceId>,
) -> (BTreeSet<ResourceId>, bool) {
    let mut servers: BTreeSet<ResourceId> =
        held(estate, vnet).into_iter().take(SERVERS_MAX).collect();
    let others = estate.remember("servers to try", &[], |estate| {
        let all = estate.all::<Server>().map(|(id, _)| id.clone());
        Arc::new(all.take(SERVERS_MAX).collect::<Vec<_>>())
    });
    for server in near.iter().flat_map(|one| held(estate, one)).chain(others.iter().cloned()) {
        if servers.len() < SERVERS_MAX {
            servers.insert(server);
        }
    }
    let is_all = servers.len() >= estate.count(Key::Kind(Server::NOUN));
    (servers, is_all)
}

/// Networks that changes touch, or whose subnets use what they touch.
fn touched_networks(estate: &Estate, writes: &Writes) -> BTreeSet<ResourceId> {
    let mut vnets = BTreeSet::new();
    for key in writes {
        match key {
            Key::LinksOf(vnet) => {
                vnets.extend(askers(estate, vnet));
                vnets.insert(vnet.clone());
            }
            Key::RulesetsOf(vnet) => {
                vnets.extend(askers(estate, vnet));
                vnets.insert(vnet.clone());
            }
            Key::GatewaysOf(vnet) => {
                vnets.insert(vnet.clone());
            }
            Key::Resource(id)
                if id.is_type("microsoft.network/dnsforwardingrulesets/forwardingrules") =>
            {
                let links = id.parent().into_iter().flat_map(|ruleset| {
                    let all = estate.children::<RulesetLink>(&ruleset);
                    all.map(|(_, link)| link.vnet.clone()).collect::<Vec<_>>()
                });
                for vnet in links {
                    vnets.extend(askers(estate, &vnet));
                    vnets.insert(vnet);
                }
            }
            Key::Resource(id) => {
                for holder in std::iter::once(id.clone()).chain(id.parent()) {
                    let users = estate.list::<Subnet>(Key::UsersOf(holder));
                    vnets.extend(users.filter_map(|(subnet, _)| subnet.parent()));
                }
                vnets.extend(network_of(id));
            }
            _ => {}
        }
    }
    vnets
}

/// Private endpoints that are there and that changes touch.
fn touched_endpoints<'e>(
    estate: &'e Estate,
    writes: &'e Writes,
) -> impl Iterator<Item = (&'e ResourceId, &'e Endpoint)> {
    writes.iter().filter_map(|key| match key {
        Key::Resource(id) => Some((id, estate.find::<Endpoint>(id)?)),
        _ => None,
    })
}

/// The server that has its first private endpoint by a change, or loses its last one: its name becomes an alias, or is one no more.
fn turned_alias<'k>(before: &Estate, after: &Estate, key: &'k Key) -> Option<&'k ResourceId> {
    let Key::EndpointsOf(server) = key else { return None };
    let facts = before.find::<Server>(server)?;
    let has_one = |estate| !endpoint::of_server(estate, server, facts).is_empty();
    (has_one(before) != has_one(after)).then_some(server)
}

/// Networks in which a zone or a forwarding rule may catch the alias of a server's name.
fn alias_askers(estate: &Estate, server: &ResourceId) -> BTreeSet<ResourceId> {
    let name = estate.find::<Server>(server).and_then(|one| one.fqdn.clone());
    let name = name.unwrap_or_else(|| default_name(server));
    let Some(alias) = private_link_name(&name) else { return BTreeSet::new() };
    let ends = alias.match_indices('.').map(|(dot, _)| &alias[dot + 1..]);
    let zones = std::iter::once(&*alias).chain(ends).flat_map(|name| estate.zones_named(name));
    let mut vnets: BTreeSet<ResourceId> = zones
        .flat_map(|zone| {
            let links = estate.children::<Link>(&zone);
            links.map(|(_, link)| link.vnet.clone()).collect::<Vec<_>>()
        })
        .collect();
    let catches = |id: &ResourceId| {
        let ruleset = id.parent();
        let rules = ruleset.iter().flat_map(|one| estate.children::<ForwardingRule>(one));
        rules.into_iter().any(|(_, rule)| rule.catches(&alias))
    };
    let sent = estate.all::<RulesetLink>().filter(|(id, _)| catches(id));
    vnets.extend(sent.map(|(_, link)| link.vnet.clone()));
    let beside: Vec<ResourceId> = vnets.iter().flat_map(|vnet| askers(estate, vnet)).collect();
    vnets.extend(beside);
    vnets
}

/// Record sets that changes touch: the zone, and the name in it.
fn touched_records(writes: &Writes) -> BTreeSet<(ResourceId, String)> {
    let records = writes.iter().filter_map(|key| match key {
        Key::Resource(id) if RECORDS.iter().any(|kind| id.is_type(kind)) => {
            Some((id.parent()?, id.name().to_ascii_lowercase()))
        }
        _ => None,
    });
    records.collect()
}

const RECORDS: [&str; 2] =
    ["microsoft.network/privatednszones/a", "microsoft.network/privatednszones/cname"];

/// The network that a resource is, or is a part of.
fn network_of(id: &ResourceId) -> Option<ResourceId> {
    let is_vnet = |id: &ResourceId| id.is_type("microsoft.network/virtualnetworks");
    if is_vnet(id) { Some(id.clone()) } else { id.parent().filter(is_vnet) }
}

/// Whether a subnet holds no clients of servers.
fn is_special(subnet: &ResourceId) -> bool {
    ["gatewaysubnet", "azurefirewallsubnet", "azurebastionsubnet", "routeserversubnet"]
        .contains(&subnet.name().to_ascii_lowercase().as_str())
}
