//! A second, independent reading of an estate: deliberately naive, written from the facts alone,
//! one packet at a time. It shares nothing with the analyser but the form of ids, so that each
//! can find the other's mistakes.

mod address;
mod admin;
mod verdict;
mod world;

mod appliance;
mod balancer;
mod closed;
mod door;
mod endpoint;
mod filter;
mod firewall;
mod firewall_passing;
mod firewall_rules;
mod forward;
mod front;
mod gateway;
mod lent;
mod machine;
mod mesh;
mod name;
mod outside;
mod own_zone;
mod passage;
mod peering;
mod private_way;
mod resolver;
mod route;
mod rule;
mod seat;
mod sender;
mod tag;
mod walk;
mod zone;

mod apply;
mod certify;
mod enact;

use address::{Prefix, joined, representatives, usable};
use verdict::{Fate, Gate, Notes};
use walk::Walk;

pub use apply::{Outcome, Request};
pub use certify::{Bounds, Certified, Check, State, Unreadable, certify};
pub use closed::{Closed, closed_on};
pub use enact::{enact, requests_of};
pub use verdict::{Answer, Blocker, Verdict};
pub use world::World;

use crate::id::ResourceId;

/// Addresses that are tried one by one; a delegated subnet of /20 has no more. In larger ones one
/// address is tried for each stretch that no prefix of the estate divides.
const ADDRESSES_MAX: u64 = 4096;

/// Whether the copier can open a connection to the server's port.
pub fn ask(world: &World, copier: &ResourceId, server: &ResourceId, port: u16) -> Answer {
    let (copier, server) = (&*copier.key(), &*server.key());
    let notes = Notes::default();
    // Of a server that was not captured nothing is said.
    let mut ends = [copier, server].into_iter();
    if let Some(end) = ends.find(|end| !sender::is_interface(end) && world.body(end).is_none()) {
        return single_fate(vec![Gate::unknown("everything", end)], notes);
    }
    let walk = Walk::new(world, copier, server, port);
    let (subnet, all) = match place_of(world, copier) {
        Ok(Some(place)) => place,
        Ok(None) if world.body(copier).is_some() && !door::is_single(copier) => {
            return single_fate(walk.public_copier(), notes);
        }
        Ok(None) => {
            return single_fate(with(walk.servers.clone(), "the network mode", copier), notes);
        }
        Err(gate) => {
            let mut gates = walk.servers.clone();
            gates.push(gate);
            return single_fate(gates, notes);
        }
    };
    from_subnet(&walk, &subnet, &all, notes)
}

/// Whether nothing that is known keeps a copier from a machine's port. What listens there, no resource says.
pub fn ask_host(world: &World, copier: &ResourceId, host: &str, port: u16) -> Answer {
    machine::ask_machine(world, &copier.key(), host, port)
}

/// A subnet, and stretches of its addresses.
type Span = (String, Vec<(u32, u32)>);

/// The copier's subnet, and the stretches of it that the copier's address may lie in: those of its delegated subnet, or the one address
/// of a relay host's interface. `None` for a server with public access.
fn place_of(world: &World, copier: &str) -> Result<Option<Span>, Gate> {
    if sender::is_interface(copier) {
        let seat = sender::seat(world, copier);
        let (subnet, address) = seat.ok_or_else(|| Gate::unknown("the place", copier))?;
        return Ok(Some((subnet, vec![(address, address)])));
    }
    let subnet = door::delegated_subnet(world, copier)?;
    Ok(subnet.map(|subnet| {
        let all = stretches(world, &subnet, ADDRESSES_MAX);
        (subnet, all)
    }))
}

/// Whether clients in a subnet can open a connection to the server's port.
fn ask_from(world: &World, subnet: &str, server: &str, port: u16) -> Answer {
    let walk = Walk::of_client(world, server, port);
    from_subnet(&walk, subnet, &stretches(world, subnet, 0), Notes::default())
}

/// Whether a client can open a connection to a server's port: what is in a subnet, or a machine by its network interface.
fn ask_client(world: &World, client: &str, server: &str, port: u16) -> Answer {
    if !sender::is_interface(client) {
        return ask_from(world, client, server, port);
    }
    let notes = Notes::default();
    let walk = Walk::new(world, client, server, port);
    match place_of(world, client) {
        Ok(Some((subnet, all))) => from_subnet(&walk, &subnet, &all, notes),
        _ => single_fate(with(walk.servers.clone(), "the place", client), notes),
    }
}

/// The sum over stretches of a subnet's addresses.
fn from_subnet(walk: &Walk<'_>, subnet: &str, all: &[(u32, u32)], mut notes: Notes) -> Answer {
    let names = name::resolve(walk.world, &walk.sender, world::network_of(subnet), walk.server);
    if all.is_empty() {
        let fate = match fate_of(walk, &names, subnet, None, &mut notes) {
            Fate::Dropped => Fate::Dropped,
            Fate::Passes | Fate::Open => Fate::Open,
        };
        notes.take(vec![Gate::unknown("the prefix", subnet)]);
        return answer(&[fate], Vec::new(), notes);
    }
    let mut passes = Vec::new();
    let mut fates = Vec::new();
    for (first, last) in all.iter().copied() {
        let fate = fate_of(walk, &names, subnet, Some(first), &mut notes);
        if fate == Fate::Passes {
            passes.push((first, last));
        }
        fates.push(fate);
    }
    answer(&fates, joined(&passes), notes)
}

fn answer(fates: &[Fate], passes: Vec<(u32, u32)>, notes: Notes) -> Answer {
    let (verdict, drops_some) = (sum(fates), fates.contains(&Fate::Dropped));
    Answer { verdict, drops_some, passes, blockers: notes.blockers, unknowns: notes.unknowns }
}

fn with(mut gates: Vec<Gate>, what: &str, of: &str) -> Vec<Gate> {
    gates.push(Gate::unknown(what, of));
    gates
}

fn single_fate(gates: Vec<Gate>, mut notes: Notes) -> Answer {
    let fate = Fate::of(&gates);
    notes.take(gates);
    answer(&[fate], Vec::new(), notes)
}

/// A subnet's addresses, one by one where there are few, or in stretches; the first stands for its
/// stretch.
fn stretches(world: &World, subnet: &str, singles_max: u64) -> Vec<(u32, u32)> {
    let Some(body) = world.body(subnet) else { return Vec::new() };
    let prefixes: Vec<Prefix> = world::subnet_prefixes(body);
    let spans: Vec<(u32, u32)> = prefixes.iter().filter_map(|prefix| usable(*prefix)).collect();
    let count: u64 = spans.iter().map(|(first, last)| u64::from(last - first) + 1).sum();
    if count <= singles_max {
        return spans
            .iter()
            .flat_map(|(first, last)| (*first..=*last).map(|one| (one, one)))
            .collect();
    }
    let cuts = world.boundaries();
    let mut all = Vec::new();
    for prefix in prefixes {
        let Some((_, last)) = usable(prefix) else { continue };
        let starts = representatives(prefix, &cuts);
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([last]);
        all.extend(starts.iter().copied().zip(ends));
    }
    all
}

/// The fate of one packet that takes one of some ways, past gates that stand on all of them.
fn fate_over(ways: Vec<Vec<Gate>>, ends: &[Gate], notes: &mut Notes) -> Fate {
    let mut sum: Option<Fate> = None;
    for mut gates in ways {
        gates.extend(ends.iter().cloned());
        let fate = Fate::of(&gates);
        notes.take(gates);
        sum = Some(sum.map_or(fate, |before| before.either(fate)));
    }
    sum.unwrap_or(Fate::Open)
}

/// The fate of one address, whatever the name's answer turns out to be.
fn fate_of(
    walk: &Walk<'_>,
    names: &name::Names,
    subnet: &str,
    from: Option<u32>,
    notes: &mut Notes,
) -> Fate {
    let ask = names.asked.gates(walk.world, &walk.sender, subnet, from);
    let behind = names.answer_behind(&ask);
    let answers = names.captured.iter().chain(&behind);
    let mut fates = answers.map(|name| walk.fate(name, subnet, from, &ask, notes));
    let first = fates.next().unwrap_or(Fate::Open);
    let captured = fates.fold(first, Fate::either);
    if captured == Fate::Open && names.captured.len() > 1 {
        notes.take(names.open.clone());
    }
    if captured != Fate::Passes {
        return captured;
    }
    // What would be good news has to be proved.
    let mut sum = captured;
    for (name, why) in &names.unproven {
        if walk.fate(name, subnet, from, &ask, &mut Notes::default()) != Fate::Passes {
            sum = Fate::Open;
            notes.take(vec![why.clone()]);
        }
    }
    sum
}

/// One packet, one verdict; an open fate counts only where it could change the sum.
fn sum(fates: &[Fate]) -> Verdict {
    let any = |wanted| fates.contains(&wanted);
    match (any(Fate::Passes), any(Fate::Dropped), any(Fate::Open)) {
        (true, true, _) => Verdict::Partial,
        (true, false, false) => Verdict::Reachable,
        (false, true, false) => Verdict::Unreachable,
        (_, _, true) | (false, false, false) => Verdict::Undetermined,
    }
}
