//! IPv4 addresses and prefixes as plain numbers.

use std::net::Ipv4Addr;

/// A prefix; bits behind its length are ignored, as Azure ignores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefix {
    base: u32,
    pub(super) len: u8,
}

impl Prefix {
    /// Reads `10.0.0.0/24` or a single address. `None` for anything else, such as a tag.
    pub(super) fn parse(text: &str) -> Option<Prefix> {
        let (address, len) = match text.trim().split_once('/') {
            Some((address, len)) => (address, len.parse::<u8>().ok().filter(|len| *len <= 32)?),
            None => (text.trim(), 32),
        };
        let base = address_of(address)? & mask(len);
        Some(Prefix { base, len })
    }

    /// The prefix of one address.
    pub(super) fn one(address: u32) -> Prefix {
        Prefix { base: address, len: 32 }
    }

    pub(super) fn contains(self, address: u32) -> bool {
        address & mask(self.len) == self.base
    }

    pub(super) fn first(self) -> u32 {
        self.base
    }

    pub(super) fn last(self) -> u32 {
        self.base | !mask(self.len)
    }
}

/// Both ends of a range of addresses, written with a dash.
pub(super) fn span_of(text: &str) -> Option<(u32, u32)> {
    let (low, high) = text.split_once('-')?;
    Some((address_of(low.trim())?, address_of(high.trim())?))
}

fn mask(len: u8) -> u32 {
    if len == 0 { 0 } else { u32::MAX << (32 - len) }
}

pub(super) fn address_of(text: &str) -> Option<u32> {
    text.trim().parse::<Ipv4Addr>().ok().map(u32::from)
}

/// Azure keeps the first four addresses and the last one of every subnet prefix.
pub(super) fn usable(prefix: Prefix) -> Option<(u32, u32)> {
    let (first, last) = (prefix.first().checked_add(4)?, prefix.last().checked_sub(1)?);
    (first <= last).then_some((first, last))
}

/// Ranges that Azure's default routes drop unless a network uses them.
const PRIVATE: [(u32, u8); 4] =
    [(0x0a00_0000, 8), (0xac10_0000, 12), (0xc0a8_0000, 16), (0x6440_0000, 10)];

/// Ranges in which no public address of Azure can lie, beside the private ones: this host,
/// loopback, link-local, documentation (three), multicast and what is reserved.
const NOBODYS: [(u32, u8); 8] = [
    (0, 8),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    DOCUMENTATION[0],
    DOCUMENTATION[1],
    DOCUMENTATION[2],
    (0xe000_0000, 4),
    (0xf000_0000, 4),
];

/// Ranges that stand for public addresses in examples.
const DOCUMENTATION: [(u32, u8); 3] = [(0xc000_0200, 24), (0xc633_6400, 24), (0xcb00_7100, 24)];

pub(super) fn is_private(address: u32) -> bool {
    private_range(address).is_some()
}

/// The private range that holds an address.
pub(super) fn private_range(address: u32) -> Option<Prefix> {
    let mut all = PRIVATE.iter().map(|(base, len)| Prefix { base: *base, len: *len });
    all.find(|range| range.contains(address))
}

/// Whether no address of the range can be a public one of Azure.
pub(super) fn holds_no_public(start: u32, end: u32) -> bool {
    PRIVATE.iter().chain(&NOBODYS).any(|(base, len)| {
        let prefix = Prefix { base: *base, len: *len };
        prefix.contains(start) && prefix.contains(end)
    })
}

/// Whether a range holds addresses that stand for public ones in examples.
pub(super) fn holds_examples(start: u32, end: u32) -> bool {
    DOCUMENTATION.iter().any(|(base, len)| {
        let prefix = Prefix { base: *base, len: *len };
        start <= prefix.last() && prefix.first() <= end
    })
}

/// First addresses behind ranges that are private or nobody's.
pub(super) fn public_starts() -> impl Iterator<Item = u32> {
    let ranges = PRIVATE.iter().chain(&NOBODYS);
    ranges.filter_map(|(base, len)| Prefix { base: *base, len: *len }.last().checked_add(1))
}

/// Joins sorted spans that touch.
pub(super) fn joined(spans: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut joined: Vec<(u32, u32)> = Vec::new();
    for (first, last) in spans {
        match joined.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(*first) => *end = *last,
            _ => joined.push((*first, *last)),
        }
    }
    joined
}

/// One address for each stretch of a subnet that no prefix of the estate divides.
pub(super) fn representatives(prefix: Prefix, cuts: &[u32]) -> Vec<u32> {
    let Some((first, last)) = usable(prefix) else { return Vec::new() };
    let inside = cuts.iter().copied().filter(|cut| first < *cut && *cut <= last);
    std::iter::once(first).chain(inside).collect()
}
