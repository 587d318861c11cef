//! Flows that changes let through, and how many different ones sets of changes do.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::address::Prefix;
use super::super::world::{at, list};
use super::read::number;

/// Each sender to each receiver on each port.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    from: Vec<Part>,
    to: Vec<Part>,
    ports: (u64, u64),
}

impl Opened {
    /// Each sender to each receiver on ports, the first and the one behind the last.
    pub(super) fn new(from: Vec<Part>, to: Vec<Part>, ports: (u64, u64)) -> Opened {
        Opened { from, to, ports }
    }
}

/// A part of an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Addresses, the first and the one behind the last.
    Addresses(u64, u64),
    /// So many of which no address is known, by name.
    Named(String, u128),
}

/// Reads flows.
pub(super) fn opened(json: &Value) -> Option<Opened> {
    let ports = list(json, &["ports"])?;
    let port = |place: usize| ports.get(place)?.as_u64();
    Some(Opened {
        from: end(at(json, &["from"])?)?,
        to: end(at(json, &["to"])?)?,
        ports: (port(0)?, port(1)? + 1),
    })
}

fn end(json: &Value) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for network in list(json, &["addresses"])? {
        let prefix = Prefix::parse(network.as_str()?)?;
        parts.push(Part::Addresses(prefix.first().into(), u64::from(prefix.last()) + 1));
    }
    for (name, count) in at(json, &["named"])?.as_object()? {
        parts.push(Part::Named(name.clone(), number(count)?));
    }
    Some(parts)
}

/// Cells that no end of some flows cuts, with the number of what is in each.
fn cells(parts: &[&Part]) -> Vec<(Part, u128)> {
    let mut cuts = BTreeSet::new();
    let mut named = Vec::new();
    for part in parts {
        match part {
            Part::Addresses(first, behind) => cuts.extend([*first, *behind]),
            Part::Named(_, count) if !named.contains(&((*part).clone(), *count)) => {
                named.push(((*part).clone(), *count));
            }
            Part::Named(..) => {}
        }
    }
    let cuts: Vec<u64> = cuts.into_iter().collect();
    let between = cuts
        .windows(2)
        .map(|pair| (Part::Addresses(pair[0], pair[1]), u128::from(pair[1] - pair[0])));
    between.chain(named).collect()
}

/// Whether an end holds a cell.
fn holds(end: &[Part], cell: &Part) -> bool {
    end.iter().any(|part| match (part, cell) {
        (Part::Addresses(first, behind), Part::Addresses(from, to)) => {
            first <= from && to <= behind
        }
        (Part::Named(..), Part::Named(..)) => part == cell,
        _ => false,
    })
}

/// Number of different flows: cell by cell.
pub(super) fn count(all: &[&Opened]) -> u128 {
    let mut total = 0_u128;
    let senders: Vec<&Part> = all.iter().flat_map(|one| &one.from).collect();
    for (sender, sender_count) in cells(&senders) {
        let of_sender: Vec<_> = all.iter().filter(|one| holds(&one.from, &sender)).collect();
        let receivers: Vec<&Part> = of_sender.iter().flat_map(|one| &one.to).collect();
        for (receiver, receiver_count) in cells(&receivers) {
            let of_both = of_sender.iter().filter(|one| holds(&one.to, &receiver));
            let mut ports: Vec<(u64, u64)> = of_both.map(|one| one.ports).collect();
            ports.sort_unstable();
            let (mut open, mut behind) = (0_u128, 0);
            for (first, end) in ports {
                open += u128::from(end.saturating_sub(first.max(behind)));
                behind = behind.max(end);
            }
            total = total
                .saturating_add(sender_count.saturating_mul(receiver_count).saturating_mul(open));
        }
    }
    total
}
