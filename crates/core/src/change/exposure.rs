//! What a change lets through that was kept out before: which flows, how many, and in words.

use std::collections::BTreeMap;
use std::fmt;

use ipnet::Ipv4Net;
use serde::{Serialize, Serializer};

use crate::address::AddressSet;
use crate::estate::Estate;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::id::ResourceId;

/// Ports of a receiver, first and last.
pub type Ports = (u16, u16);

/// Every port.
pub const EVERY_PORT: Ports = (0, u16::MAX);

/// PostgreSQL's port alone.
pub const POSTGRES: Ports = (5432, 5432);

/// Addresses of a service tag, or of a network whose size was not observed: a bound, as large as a /8.
pub const MANY: u128 = 1 << 24;

/// The tag of Azure's own resolver, which is one address.
const PLATFORM_DNS: &str = "AzurePlatformDNS";

/// Senders or receivers: addresses, and what no address is known of, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct End {
    #[serde(serialize_with = "as_networks")]
    addresses: AddressSet,
    /// How many there may be of each.
    named: BTreeMap<String, u128>,
}

/// Senders, receivers and ports: each sender to each receiver on each port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flows {
    from: End,
    to: End,
    ports: Ports,
}

/// Flows newly let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    text: String,
    /// What is let through, each of it all together.
    pub flows: Vec<Flows>,
}

impl End {
    /// What may be this many, under a name.
    pub fn named(name: impl Into<String>, count: u128) -> End {
        End { named: [(name.into(), count)].into(), ..End::default() }
    }

    /// The addresses of some networks.
    pub fn of<'n>(networks: impl IntoIterator<Item = &'n Ipv4Net>) -> End {
        AddressSet::of(networks).into()
    }

    /// How many there are.
    pub(super) fn len(&self) -> u128 {
        self.named.values().fold(self.addresses.len(), |all, one| all.saturating_add(*one))
    }

    /// Those with one of some addresses, and those of whom no address is known.
    pub(super) fn within(&self, addresses: &AddressSet) -> End {
        End { addresses: self.addresses.intersection(addresses), named: self.named.clone() }
    }

    pub(super) fn union(mut self, other: End) -> End {
        self.addresses = self.addresses.union(&other.addresses);
        self.named.extend(other.named);
        self
    }

    /// What is in both, and what is in this one alone.
    fn parted(&self, other: &End) -> (End, End) {
        let is_in = |(name, _): &(&String, &u128)| other.named.contains_key(*name);
        let (both, rest): (Vec<_>, Vec<_>) = self.named.iter().partition(is_in);
        let end = |addresses, named: Vec<(&String, &u128)>| End {
            addresses,
            named: named.into_iter().map(|(name, count)| (name.clone(), *count)).collect(),
        };
        (
            end(self.addresses.intersection(&other.addresses), both),
            end(self.addresses.difference(&other.addresses), rest),
        )
    }
}

impl From<AddressSet> for End {
    fn from(addresses: AddressSet) -> End {
        End { addresses, ..End::default() }
    }
}

impl Flows {
    /// Each sender to each receiver on each port.
    pub fn new(from: End, to: End, ports: Ports) -> Flows {
        Flows { from, to, ports }
    }

    /// Both ways between two ends.
    pub fn between(one: End, other: End, ports: Ports) -> Vec<Flows> {
        vec![Flows::new(one.clone(), other.clone(), ports), Flows::new(other, one, ports)]
    }

    fn count(&self) -> u128 {
        let ports = u128::from(self.ports.1 - self.ports.0) + 1;
        self.from.len().saturating_mul(self.to.len()).saturating_mul(ports)
    }

    /// What of these flows the other ones do not hold, in parts that share none.
    pub(super) fn without(&self, other: &Flows) -> Vec<Flows> {
        let (from, from_rest) = self.from.parted(&other.from);
        let (to, to_rest) = self.to.parted(&other.to);
        let (low, high) = (self.ports.0.max(other.ports.0), self.ports.1.min(other.ports.1));
        if low > high {
            return vec![self.clone()];
        }
        let below = low.checked_sub(1).map(|last| (self.ports.0, last));
        let above = high.checked_add(1).map(|first| (first, self.ports.1));
        let ports = below.into_iter().chain(above).filter(|(low, high)| low <= high);
        let mut parts: Vec<Flows> =
            ports.map(|ports| Flows::new(from.clone(), to.clone(), ports)).collect();
        parts.push(Flows::new(from, to_rest, self.ports));
        parts.push(Flows::new(from_rest, self.to.clone(), self.ports));
        parts.retain(|part| part.count() > 0);
        parts
    }
}

/// Number of different (sender, receiver, port) triples.
pub fn count<'f>(flows: impl IntoIterator<Item = &'f Flows>) -> u128 {
    let (mut counted, mut total) = (Vec::<&Flows>::new(), 0_u128);
    for one in flows {
        let mut parts = vec![one.clone()];
        for known in &counted {
            parts = parts.iter().flat_map(|part| part.without(known)).collect();
        }
        total = parts.iter().map(Flows::count).fold(total, u128::saturating_add);
        counted.push(one);
    }
    total
}

impl Exposure {
    /// Flows with the words for them.
    pub fn new(text: impl Into<String>, flows: Vec<Flows>) -> Exposure {
        Exposure { text: text.into(), flows }
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Serialize for Exposure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

fn as_networks<S: Serializer>(addresses: &AddressSet, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(addresses.networks().iter().map(ToString::to_string))
}

/// The addresses of a service tag.
pub fn tag(tag: &str) -> End {
    End::named(tag, if tag.eq_ignore_ascii_case(PLATFORM_DNS) { 1 } else { MANY })
}

/// A server at its public door.
pub fn server(server: &ResourceId) -> End {
    End::named(server.key(), 1)
}

/// The addresses of a virtual network.
pub fn vnet(estate: &Estate, id: &ResourceId) -> End {
    known(id, estate.find::<Vnet>(id).map(|one| AddressSet::of(&one.space)))
}

/// Addresses from which something in a network is dialled: its own, and those of the networks that it is peered with.
pub fn around(estate: &Estate, id: &ResourceId) -> End {
    let halves = estate.children::<Peering>(id).map(|(_, half)| half);
    let lets_in = |half: &&Peering| !half.is_down() && half.allows_access != Some(false);
    let space_of = |half: &Peering| match half.remote_space.as_slice() {
        [] => vnet(estate, &half.remote),
        space => End::of(space),
    };
    halves.filter(lets_in).map(space_of).fold(vnet(estate, id), End::union)
}

/// The addresses of a subnet.
pub fn subnet(estate: &Estate, id: &ResourceId) -> End {
    known(id, estate.find::<Subnet>(id).map(|one| AddressSet::of(&one.prefixes)))
}

fn known(id: &ResourceId, addresses: Option<AddressSet>) -> End {
    let told = addresses.filter(|all| !all.is_empty());
    told.map_or_else(|| End::named(id.key(), MANY), End::from)
}
