//! Addresses of the packets before and after each gate.

use super::Flow;
use crate::address::{AddressSet, private};
use crate::estate::network::Subnet;
use crate::trace::firewall::{Guard, Sender};
use crate::trace::leg::{Leg, Way};
use crate::trace::step::{Outcome, Stage, Step};
use crate::trace::told::{Crossing, Header};
use crate::trace::{Path, egress::Egress, own_zone, owner, route};

/// Writes them into the steps of a flow, from where the name is known on.
pub(super) fn tell(path: &Path, flow: &mut Flow) {
    let Some(leg) = path.taken() else { return };
    let mut now = Header {
        from: Some(leg.senders.clone()).filter(|set| !set.is_empty()),
        to: destination(path, leg),
        port: path.port,
    };
    let turns = Turns::of(path, leg, &flow.forward);
    for (index, step) in flow.forward.iter_mut().enumerate() {
        if matches!(step.stage, Stage::Mode | Stage::Name) {
            continue;
        }
        let before = now.clone();
        if let (Outcome::Drop, Some(part)) = (step.outcome, &step.dropped_part) {
            now.from = now.from.map(|senders| senders.difference(part));
        }
        turns.pass(index, &mut now);
        step.packets = Some(Box::new(Crossing { before, after: now.clone() }));
    }
    // Answers come from whom was asked, to whom the question seemed to come from.
    let answer = Header { from: now.to.clone(), to: now.from.clone(), port: now.port };
    for step in &mut flow.back {
        step.packets = Some(Box::new(Crossing { before: answer.clone(), after: answer.clone() }));
    }
}

/// The address that is dialled.
fn destination(path: &Path, leg: &Leg) -> Option<AddressSet> {
    let one = AddressSet::one;
    match &leg.way {
        Way::Endpoint(view) => Some(one(*view.addresses.as_ref().ok()?.first()?)),
        Way::Injected(subnet) => match own_zone::own_address(path.estate, &path.to, subnet) {
            Some(address) => Some(one(address)),
            None => path.estate.find::<Subnet>(subnet).map(route::usable_addresses),
        },
        Way::Machine(machine) => Some(one(machine.address)),
        Way::Beyond(address) => Some(one(*address)),
        Way::Public => None,
    }
}

/// Gates behind which an address is another one, by their place.
struct Turns {
    /// The sender's, and what it then is.
    sender: Option<(usize, Option<AddressSet>)>,
    /// The receiver's and its port.
    receiver: Option<(usize, AddressSet, u16)>,
}

impl Turns {
    fn of(path: &Path, leg: &Leg, steps: &[Step]) -> Turns {
        let last = |is_it: &dyn Fn(&Step) -> bool| steps.iter().rposition(is_it);
        let last_route = || last(&|step| step.stage == Stage::Route);
        let guard = leg.guard.as_ref();
        let is_beyond = |address: &std::net::Ipv4Addr| !private().contains(*address);
        let is_public = match &leg.way {
            Way::Public => !path.is_identified(),
            Way::Beyond(address) => is_beyond(address),
            Way::Endpoint(_) | Way::Injected(_) | Way::Machine(_) => false,
        };
        let at_guard = || last(&|step| step.resource.as_ref() == guard.map(|one| &one.id));
        let sender = match guard.and_then(Guard::sends_on) {
            _ if is_public => {
                let seen = match &leg.egress {
                    Some(Egress::Known(addresses)) => Some(addresses.clone()),
                    _ => leg.seen_as.clone(),
                };
                at_guard().filter(|_| guard.is_some()).or_else(last_route).map(|at| (at, seen))
            }
            Some(Sender::Replaced) => {
                let home = guard.and_then(|one| path.estate.find::<Subnet>(&one.home));
                at_guard().map(|at| (at, home.map(route::usable_addresses)))
            }
            Some(Sender::Kept) => None,
            None if crate::trace::sides::is_handed_on(leg) => last_route().map(|at| (at, None)),
            None => None,
        };
        let enters = last(&|step| step.stage < Stage::FilterIn);
        let receiver = match (&leg.behind, &leg.way) {
            (Some(behind), _) => Some((behind.addresses.clone(), behind.port)),
            (None, Way::Beyond(address)) if is_beyond(address) => {
                let own = owner::place(path.estate, *address);
                own.map(|(_, address)| (AddressSet::one(address), path.port))
            }
            _ => None,
        };
        let receiver = receiver.and_then(|(to, port)| Some((enters?, to, port)));
        Turns { sender, receiver }
    }

    fn pass(&self, index: usize, now: &mut Header) {
        if let Some((at, from)) = &self.sender
            && *at == index
        {
            now.from = from.clone();
        }
        if let Some((at, to, port)) = &self.receiver
            && *at == index
        {
            (now.to, now.port) = (Some(to.clone()), *port);
        }
    }
}
