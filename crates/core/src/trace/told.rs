//! What a gate tells beside its sentence: the rules and the route that decide, and the packets before and after it.

use std::net::Ipv4Addr;

use serde::{Serialize, Serializer};

use crate::address::AddressSet;
use crate::id::ResourceId;

/// A security rule that decides, with what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleSays {
    /// Its name.
    pub name: String,
    /// Its turn: lower ones are asked first.
    pub priority: u32,
    /// `Allow` or `Deny`.
    pub access: &'static str,
    /// `tcp`, `udp`, `any protocol` and so on.
    pub protocol: String,
    /// Networks, tags and groups that packets come from.
    pub from: Vec<String>,
    /// The same of those that they go to.
    pub to: Vec<String>,
    /// Ports of the receiver, such as `5432` or `1-1024`; `*` for all of them.
    pub ports: Vec<String>,
    /// The senders that it decides about.
    #[serde(serialize_with = "networks")]
    pub senders: AddressSet,
}

/// The route that decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteSays {
    /// The route table; `None` for Azure's own routes.
    pub table: Option<ResourceId>,
    /// Its name in that table.
    pub name: Option<String>,
    /// What it catches: a network or a tag.
    pub prefix: String,
    /// `user` or `system`.
    pub origin: &'static str,
    /// The kind of its next hop, in the words of Azure's effective routes.
    pub next_hop: String,
    /// The appliance that it hands packets to.
    pub address: Option<Ipv4Addr>,
}

/// Addresses and port of packets. `None` where the estate does not tell an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Whom they come from.
    pub from: Option<AddressSet>,
    /// Whom they go to.
    pub to: Option<AddressSet>,
    /// The server's port.
    pub port: u16,
}

/// Packets at a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crossing {
    /// As they come.
    pub before: Header,
    /// As they go on.
    pub after: Header,
}

fn networks<S: Serializer>(set: &AddressSet, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(set.networks().iter().map(ToString::to_string))
}

impl Header {
    /// Such as `10.1.0.4 -> 10.2.0.5 port 5432`; on the way back the port is the sender's.
    pub fn words(&self, is_back: bool) -> String {
        let side = |set: &Option<AddressSet>| {
            set.as_ref().map_or("an address not told".to_owned(), ToString::to_string)
        };
        let (from, to, port) = (side(&self.from), side(&self.to), self.port);
        match is_back {
            true => format!("{from} port {port} -> {to}"),
            false => format!("{from} -> {to} port {port}"),
        }
    }
}
