//! Sets of IPv4 addresses as sorted ranges: exact union, intersection and difference.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// A set of IPv4 addresses. Ranges are inclusive, sorted, disjoint and not adjacent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressSet {
    ranges: Vec<(u32, u32)>,
}

impl AddressSet {
    /// Every address.
    pub fn all() -> AddressSet {
        AddressSet { ranges: vec![(0, u32::MAX)] }
    }

    /// The addresses of some networks.
    pub fn of<'a>(networks: impl IntoIterator<Item = &'a Ipv4Net>) -> AddressSet {
        let bounds = |net: &Ipv4Net| (u32::from(net.network()), u32::from(net.broadcast()));
        AddressSet::from_ranges(networks.into_iter().map(bounds).collect())
    }

    /// One address.
    pub fn one(address: Ipv4Addr) -> AddressSet {
        AddressSet { ranges: vec![(address.into(), address.into())] }
    }

    /// Addresses of inclusive ranges, in any order.
    pub fn from_ranges(mut ranges: Vec<(u32, u32)>) -> AddressSet {
        ranges.sort_unstable();
        ranges.dedup_by(|next, last| {
            let joins = next.0 <= last.1.saturating_add(1);
            if joins {
                last.1 = last.1.max(next.1);
            }
            joins
        });
        AddressSet { ranges }
    }

    /// Whether the set holds nothing.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Number of addresses.
    pub fn len(&self) -> u128 {
        self.ranges.iter().map(|&(low, high)| u128::from(high - low) + 1).sum()
    }

    /// Addresses in either set.
    pub fn union(&self, other: &AddressSet) -> AddressSet {
        if self.is_empty() || other.is_empty() {
            return if self.is_empty() { other.clone() } else { self.clone() };
        }
        AddressSet::from_ranges(self.ranges.iter().chain(&other.ranges).copied().collect())
    }

    /// Addresses in both sets.
    pub fn intersection(&self, other: &AddressSet) -> AddressSet {
        // Both are in order and without adjacent ranges, and so is the result.
        let mut ranges = Vec::new();
        for &(low, high) in &self.ranges {
            for &(other_low, other_high) in &other.ranges {
                if low.max(other_low) <= high.min(other_high) {
                    ranges.push((low.max(other_low), high.min(other_high)));
                }
            }
        }
        AddressSet { ranges }
    }

    /// Addresses in this set that are not in the other.
    pub fn difference(&self, other: &AddressSet) -> AddressSet {
        let mut rest = Vec::new();
        for &(low, high) in &self.ranges {
            let mut from = u64::from(low);
            for &(other_low, other_high) in &other.ranges {
                if other_high < low || other_low > high {
                    continue;
                }
                if u64::from(other_low) > from {
                    rest.push((from as u32, other_low - 1));
                }
                from = from.max(u64::from(other_high) + 1);
            }
            if from <= u64::from(high) {
                rest.push((from as u32, high));
            }
        }
        AddressSet { ranges: rest }
    }

    /// Whether every address of this set is in the other.
    pub fn is_within(&self, other: &AddressSet) -> bool {
        self.ranges.iter().all(|&(low, high)| other.holds_range(low, high))
    }

    /// Whether the set holds all of a range. As ranges are not adjacent, one of them does or none.
    fn holds_range(&self, low: u32, high: u32) -> bool {
        self.ranges.iter().any(|&(from, to)| from <= low && high <= to)
    }

    /// Whether some address is in both.
    pub fn overlaps(&self, other: &AddressSet) -> bool {
        let meets = |&(low, high): &(u32, u32)| {
            other.ranges.iter().any(|&(from, to)| low.max(from) <= high.min(to))
        };
        self.ranges.iter().any(meets)
    }

    /// Whether some address of a network is in the set.
    pub fn meets(&self, network: &Ipv4Net) -> bool {
        let (first, last) = (u32::from(network.network()), u32::from(network.broadcast()));
        self.ranges.iter().any(|&(low, high)| low <= last && first <= high)
    }

    /// Whether the address is in the set.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        self.ranges.iter().any(|&(low, high)| low <= address && address <= high)
    }

    /// Whether the set holds private addresses only (10/8, 172.16/12, 192.168/16, 100.64/10).
    pub fn is_private(&self) -> bool {
        self.is_within(&private())
    }

    /// The smallest address of the set.
    pub fn first(&self) -> Option<Ipv4Addr> {
        self.ranges.first().map(|range| range.0.into())
    }

    /// The smallest and the largest address of each run of addresses.
    pub fn ranges(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        self.ranges.iter().map(|&(low, high)| (low.into(), high.into()))
    }

    /// The fewest networks that hold exactly these addresses.
    pub fn networks(&self) -> Vec<Ipv4Net> {
        let subnets =
            |&(low, high): &(u32, u32)| ipnet::Ipv4Subnets::new(low.into(), high.into(), 0);
        self.ranges.iter().flat_map(subnets).collect()
    }
}

/// Addresses that the internet does not route.
pub fn private() -> AddressSet {
    let net = |a, b, c, d, length| Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length);
    AddressSet::of(&[
        net(10, 0, 0, 0, 8),
        net(172, 16, 0, 0, 12),
        net(192, 168, 0, 0, 16),
        net(100, 64, 0, 0, 10),
    ])
}

/// All others, as rules write them: examples are often given addresses that the internet does not route.
pub fn public() -> AddressSet {
    AddressSet::all().difference(&private())
}

/// Addresses that a machine in the internet can have: neither private ones nor those kept for no machine (this host, loopback,
/// link-local, documentation, multicast, and what is reserved).
pub fn internet() -> AddressSet {
    let net = |a, b, c, d, length| Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length);
    let nobodys = AddressSet::of(&[
        net(0, 0, 0, 0, 8),
        net(127, 0, 0, 0, 8),
        net(169, 254, 0, 0, 16),
        net(224, 0, 0, 0, 3),
    ]);
    public().difference(&nobodys).difference(&documentation())
}

/// Addresses that stand for public ones where documents give examples (RFC 5737).
pub fn documentation() -> AddressSet {
    let net = |a, b, c| Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), 24);
    AddressSet::of(&[net(192, 0, 2), net(198, 51, 100), net(203, 0, 113)])
}

impl fmt::Display for AddressSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == AddressSet::all() {
            return out.write_str("every address");
        }
        let words: Vec<String> = self.ranges.iter().map(words_of).collect();
        out.write_str(&words.join(", "))
    }
}

/// A range as the network that it is, or by its two ends.
fn words_of(&(low, high): &(u32, u32)) -> String {
    let mut networks = ipnet::Ipv4Subnets::new(low.into(), high.into(), 0);
    match (networks.next(), networks.next()) {
        (Some(network), None) => short(&network),
        _ => format!("{}-{}", Ipv4Addr::from(low), Ipv4Addr::from(high)),
    }
}

fn short(network: &Ipv4Net) -> String {
    if network.prefix_len() == 32 { network.addr().to_string() } else { network.to_string() }
}
