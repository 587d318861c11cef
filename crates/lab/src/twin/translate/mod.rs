//! An estate into the blueprint of its twin. Reads what the estate says by itself: what packets make of it is the kernel's.
//!
//! What Azure's fabric does is laid down so:
//!
//! | Azure | twin |
//! |---|---|
//! | network | a namespace that routes, `r0`, with a route table for each subnet and one for what arrives |
//! | server, machine | a namespace, `s0` or `m0`, with a leg in its subnet; a leg more for each private endpoint |
//! | peering | a cable between two routers, where both halves are Connected |
//! | security group | chains of nftables at the legs of its subnets, a counter a rule |
//! | route table | routes before Azure's own ones: the longest prefix wins, then the user's |
//! | the internet | a namespace, `net`, that leads to the public addresses of servers, with their gates |
//! | private DNS | an unbound in each router at 168.63.129.16 with the zones that are linked there |

mod filters;
mod gates;
mod lay;
mod names;
mod routes;
mod servers;
mod tags;

use std::net::Ipv4Addr;

use flexway_core::estate::filter::{AdminRule, EffectiveAdminRules};
use flexway_core::estate::firewall::Firewall;
use flexway_core::estate::forwarder::ForwardingRule;
use flexway_core::estate::gateway::{Gateway, LoadBalancer};
use flexway_core::estate::governance::Connectivity;
use flexway_core::estate::network::{Peering, Subnet, Vnet, region_key};
use flexway_core::estate::{Estate, Key, Kind};
use flexway_core::id::ResourceId;
use ipnet::Ipv4Net;

use super::blueprint::{Blueprint, Gate};

/// Networks of a twin: each has a router and a DNS server of 17 MB.
pub const NETWORKS_MAX: usize = 32;

/// Servers and machines of a twin.
pub const PLACES_MAX: usize = 64;

/// The blueprint of an estate's twin. `copier` may send from every address that its subnet can give it; other servers have
/// one address.
///
/// # Errors
/// A sentence, when the estate has more networks or places than a twin may have.
pub fn blueprint(estate: &Estate, copier: Option<&ResourceId>) -> Result<Blueprint, String> {
    let networks = networks(estate);
    let too_many = |count: usize, what: &str, most: usize| {
        Err(format!("build a twin of {count} {what}: at most {most}; give a smaller estate"))
    };
    if networks.len() > NETWORKS_MAX {
        return too_many(networks.len(), "networks", NETWORKS_MAX);
    }
    let mut draft = Draft {
        estate,
        networks,
        legs: Vec::new(),
        doors: Vec::new(),
        result: Blueprint::default(),
    };
    servers::add(&mut draft, copier);
    if draft.result.places.len() > PLACES_MAX {
        return too_many(draft.result.places.len(), "servers and machines", PLACES_MAX);
    }
    draft.note_what_is_left_out();
    lay::routers(&mut draft);
    gates::internet(&mut draft);
    lay::hosts(&mut draft);
    draft.result.namespaces.sort_by_key(|one| one.is_kept);
    Ok(draft.result)
}

/// The networks that were observed, then those of which only subnets were: these have what the subnets tell.
fn networks(estate: &Estate) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for (id, facts) in estate.all::<Vnet>() {
        let mut network = Network::new(networks.len(), id.clone());
        network.space.clone_from(&facts.space);
        network.region = facts.location.as_deref().map(region_key);
        network.dns_servers = facts.dns_servers.clone().unwrap_or_default();
        networks.push(network);
    }
    let observed = networks.len();
    for (id, subnet) in estate.all::<Subnet>() {
        let Some(vnet) = id.parent() else { continue };
        let known = networks.iter().position(|one| one.id == vnet);
        let index = known.unwrap_or(networks.len());
        if known.is_none() {
            networks.push(Network::new(index, vnet));
        }
        if index >= observed {
            networks[index].space.extend(&subnet.prefixes);
        }
    }
    networks
}

/// What the translation has found out so far.
struct Draft<'e> {
    estate: &'e Estate,
    networks: Vec<Network>,
    legs: Vec<Leg<'e>>,
    doors: Vec<Door>,
    result: Blueprint,
}

/// A network.
struct Network {
    id: ResourceId,
    space: Vec<Ipv4Net>,
    /// Region in the form in which regions are compared.
    region: Option<String>,
    /// Its own DNS servers.
    dns_servers: Vec<Ipv4Addr>,
    /// Its router's namespace.
    router: String,
    /// The router's own address.
    gateway: Ipv4Addr,
    /// The public address that its packets leave with.
    egress: Ipv4Addr,
}

/// An interface in a subnet.
struct Leg<'e> {
    /// Index of the network.
    network: usize,
    subnet: &'e ResourceId,
    facts: &'e Subnet,
    /// The interface at the router.
    port: String,
    /// Namespace and interface at the other end.
    end: (String, String),
    address: Ipv4Addr,
    /// Every address that belongs to it, where it has more than one.
    senders: Vec<Ipv4Net>,
    /// Whether a private endpoint holds the address.
    is_endpoint: bool,
    /// A counter's name and what it counts, where a private endpoint lets nothing pass.
    closed: Option<Gate>,
    /// Security group of the machine's own interface.
    own_group: Option<&'e ResourceId>,
    /// Application security groups that the address is a member of.
    groups: Vec<ResourceId>,
}

/// The public front door of a server.
struct Door {
    server: ResourceId,
    namespace: String,
    /// The interface at the internet's end.
    port: String,
    address: Ipv4Addr,
    is_flexible: bool,
    /// Region in the form in which regions are compared.
    region: Option<String>,
}

impl Network {
    fn new(index: usize, id: ResourceId) -> Network {
        // Link-local and documentation addresses: no network of Azure has them.
        let last = u8::try_from(index).unwrap_or(u8::MAX).saturating_add(1);
        Network {
            id,
            space: Vec::new(),
            region: None,
            dns_servers: Vec::new(),
            router: format!("r{index}"),
            gateway: Ipv4Addr::new(169, 254, 1, last),
            egress: Ipv4Addr::new(198, 51, 100, last),
        }
    }
}

impl<'e> Draft<'e> {
    /// Registers a counter; gives its name.
    fn count(&mut self, gate: Gate) -> String {
        let known = self.result.gates.iter().find(|(_, known)| **known == gate);
        if let Some((name, _)) = known {
            return name.clone();
        }
        let name = format!("c{}", self.result.gates.len());
        self.result.gates.insert(name.clone(), gate);
        name
    }

    /// Kinds of resources that a twin does not show.
    fn note_what_is_left_out(&mut self) {
        let left_out = [
            (Gateway::NOUN, "what lies beyond them cannot be reached"),
            (ForwardingRule::NOUN, "names are answered from linked zones only"),
            (AdminRule::NOUN, "only security groups filter"),
            (EffectiveAdminRules::NOUN, "only security groups filter"),
            (Connectivity::NOUN, "only peerings join networks"),
            (LoadBalancer::NOUN, "nobody answers at their addresses"),
            (Firewall::NOUN, "nobody answers at their addresses"),
        ];
        for (noun, so) in left_out {
            let count = self.estate.count(Key::Kind(noun));
            if count > 0 {
                self.note(format!("{count} x {noun}: {so}"));
            }
        }
    }

    fn note(&mut self, text: String) {
        if !self.result.notes.contains(&text) {
            self.result.notes.push(text);
        }
    }

    /// The network of an id, by its index.
    fn network_of(&self, id: &ResourceId) -> Option<usize> {
        self.networks.iter().position(|one| one.id == *id)
    }

    /// Networks that both halves of a peering join to this one, with this one's half.
    fn peers(&self, network: usize) -> Vec<Peer<'e>> {
        let own = &self.networks[network].id;
        let mut peers: Vec<Peer> = Vec::new();
        for (half_id, half) in self.estate.children::<Peering>(own) {
            let Some(other) = self.network_of(&half.remote) else { continue };
            let back = self.estate.children::<Peering>(&self.networks[other].id);
            let back = { back }.find(|(_, back)| back.remote == *own);
            if is_connected(half)
                && back.is_some_and(|(_, back)| is_connected(back))
                && peers.iter().all(|known| known.network != other)
            {
                peers.push(Peer { network: other, half_id, half });
            }
        }
        peers
    }

    /// What a peering routes of the other network: what the half knows of it, else all of it.
    fn remote_space(&self, peer: &Peer<'e>) -> Vec<Ipv4Net> {
        match peer.half.remote_space.is_empty() {
            true => self.networks[peer.network].space.clone(),
            false => peer.half.remote_space.clone(),
        }
    }
}

fn is_connected(half: &Peering) -> bool {
    half.state.as_deref().is_some_and(|state| state.eq_ignore_ascii_case("connected"))
}

/// A joined network, seen from one side.
struct Peer<'e> {
    network: usize,
    half_id: &'e ResourceId,
    half: &'e Peering,
}

/// Words for a set in nftables: `{ a, b }`.
fn set<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("{{ {} }}", words.join(", "))
}

/// A name as nftables wants interfaces: in quotation marks.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
