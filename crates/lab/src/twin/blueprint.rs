//! A twin as plain data: namespaces, cables, what is set inside each, and what every counter stands for.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use flexway_core::id::ResourceId;
use ipnet::Ipv4Net;

/// Azure's resolver, as every network sees it.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Everything that a twin is made of. Two blueprints of one estate are equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blueprint {
    /// Network namespaces, routers first.
    pub namespaces: Vec<Namespace>,
    /// Pairs of virtual interfaces.
    pub cables: Vec<Cable>,
    /// Where somebody may stand.
    pub places: Vec<Place>,
    /// What the counters of the packet filters stand for, by the counters' names.
    pub gates: BTreeMap<String, Gate>,
    /// What of the estate the twin does not show, as sentences.
    pub notes: Vec<String>,
}

/// A network namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Its name, unique in the twin, at most 8 bytes.
    pub name: String,
    /// Whether it passes packets on.
    pub forwards: bool,
    /// Whether it holds a server, which lives on when the networks are laid anew.
    pub is_kept: bool,
    /// Lines for `ip -batch`.
    pub commands: Vec<String>,
    /// Text for `nft -f`; empty for none.
    pub filter: String,
    /// The DNS server inside.
    pub resolver: Option<Resolver>,
}

/// Two interfaces that are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cable {
    /// Namespace and interface of both ends.
    pub ends: [(String, String); 2],
}

/// A DNS server with the zones that it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolver {
    /// Addresses that it answers at.
    pub addresses: Vec<Ipv4Addr>,
    /// Its zones; the first one is the root.
    pub zones: Vec<ZoneData>,
}

/// A zone's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneData {
    /// Its name without the final dot; empty for the root.
    pub name: String,
    /// Records in the form of zone files.
    pub records: Vec<String>,
}

/// Where somebody may stand in a twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name that users say.
    pub name: String,
    /// The server or the network interface that it stands for.
    pub resource: ResourceId,
    /// The name that a server is dialled by.
    pub host: Option<String>,
    /// Its namespace.
    pub namespace: String,
    /// Whether it is a PostgreSQL server, and not a machine.
    pub is_server: bool,
    /// Whether the server runs, by its state.
    pub runs: bool,
    /// Ports that the server listens on.
    pub ports: Vec<u16>,
    /// Its own address, then the others that lead to it.
    pub addresses: Vec<Ipv4Addr>,
    /// Every address that it may send from; empty where only its own one is known.
    pub senders: Vec<Ipv4Net>,
    /// The DNS servers that it asks.
    pub resolvers: Vec<Ipv4Addr>,
}

/// What a counter counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// The resource that decides.
    pub resource: ResourceId,
    /// JSON pointer in its body; empty for Azure's own rules.
    pub pointer: String,
    /// The rule's name, or what the gate is.
    pub name: String,
    /// Whether packets end here.
    pub drops: bool,
}

impl Blueprint {
    /// The place of a name, or of the resource with that id.
    pub fn place(&self, name: &str) -> Option<&Place> {
        let is_it = |place: &&Place| {
            place.name.eq_ignore_ascii_case(name)
                || place.resource.as_str().eq_ignore_ascii_case(name)
        };
        self.places.iter().find(is_it)
    }
}
