//! The way past a firewall of Azure whose rules are known: into its subnet, on to the receiver, and back.

use super::address::{Prefix, representatives};
use super::endpoint::Endpoint;
use super::filter::End;
use super::firewall::{Firewall, at_hop, keeps_sender};
use super::firewall_rules::{Asking, Decision, Receiver, decide};
use super::gateway;
use super::peering::{Half, Shore, cross, halves};
use super::route::{Hop, arrive, deciding, handed_to, next_hop, own_routes};
use super::sender::Sender;
use super::verdict::{Fate, Gate};
use super::world::{World, address_space, network_of, subnet_prefixes};

/// What becomes of a packet that a route may hand to a firewall.
pub(super) enum Passage<'w> {
    /// Nobody knows, or no firewall has it.
    Opaque,
    /// Its rules drop it.
    Denied(Gate),
    Through(Through<'w>),
}

/// A way that its rules let pass, or may.
pub(super) struct Through<'w> {
    firewall: Firewall<'w>,
    /// Whether the receiver is told the true sender; an address of the firewall's subnet otherwise.
    pub(super) keeps_sender: bool,
    /// What its rules do, which is not that they drop it.
    rules: Gate,
}

/// As what a packet comes to its receiver.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub(super) from: End<'static>,
    /// Whether it is the true sender.
    pub(super) is_sender: bool,
}

/// What a firewall does that has the next hop of a subnet's packets.
pub(super) fn passage<'w>(
    world: &'w World,
    hop: &Hop,
    subnet: &str,
    (from, to): (Option<u32>, Option<u32>),
    port: u16,
) -> Passage<'w> {
    let found = || {
        let Hop::Opaque(_) = hop else { return None };
        let to = to?;
        let firewall = at_hop(world, network_of(subnet), handed_to(world, subnet, to)?)?;
        let asking = Asking { from, to: Receiver::Address(to), port };
        let rules = match decide(world, firewall.key, firewall.body, asking) {
            Decision::Denied(gate) => return Some(Passage::Denied(gate)),
            Decision::Unknown => return None,
            Decision::Open => Gate::unknown("whom the rules speak of that are in", firewall.key),
            Decision::Allowed => Gate::Pass,
        };
        let keeps_sender = keeps_sender(world, firewall.body, to)?;
        Some(Passage::Through(Through { firewall, keeps_sender, rules }))
    };
    found().unwrap_or(Passage::Opaque)
}

/// Why answers are lost that a route of a subnet hands to a firewall, which has not seen what they answer: it went past it.
pub(super) fn lost_answer(
    world: &World,
    went: &Hop,
    subnet: &str,
    sender: Option<u32>,
    back: &Hop,
) -> Option<Gate> {
    let (Hop::Local | Hop::Peer(_), Hop::Opaque(_)) = (went, back) else { return None };
    let sender = sender?;
    at_hop(world, network_of(subnet), handed_to(world, subnet, sender)?)?;
    Some(deciding(world, subnet, sender, "return"))
}

impl Arrival {
    /// Application security groups that what it comes as is a member of.
    pub(super) fn members<'s>(&self, sender: &'s Sender) -> &'s [String] {
        if self.is_sender { &sender.members } else { &[] }
    }
}

impl<'w> Passage<'w> {
    /// The gate of a firewall that drops the packet.
    pub(super) fn denial(&self) -> Option<Gate> {
        match self {
            Passage::Denied(gate) => Some(gate.clone()),
            Passage::Opaque | Passage::Through(_) => None,
        }
    }

    /// The same, where only packets with the firewall's own addresses can be followed.
    pub(super) fn if_translated(self) -> Passage<'w> {
        match self {
            Passage::Through(way) if way.keeps_sender => Passage::Opaque,
            other => other,
        }
    }
}

impl<'w> Through<'w> {
    /// The network that it stands in.
    pub(super) fn hub(&self) -> &str {
        network_of(&self.firewall.seat)
    }

    /// The gates behind the sender's own. `arrives` gives those of the receiver; `answering` is the subnet whose routes answers obey,
    /// if they obey any.
    pub(super) fn gates(
        &self,
        world: &World,
        (here, there): (Shore<'_>, Shore<'_>),
        endpoint: Option<&Endpoint>,
        answering: Option<&str>,
        arrives: impl Fn(Arrival) -> Vec<Gate>,
    ) -> Vec<Gate> {
        let (hub, near, far) = (self.hub(), here.network, there.network);
        let mut gates = self.approach(world, here);
        gates.push(self.rules.clone());
        gates.extend(unseen_half(world, here.subnet, there.address));
        let on = next_hop(world, &self.firewall.seat, there.address, endpoint, "route");
        let is_handed_further = arrive(on, hub, far, &mut gates);
        if hub != far {
            gates.extend(cross(world, self.shore(), there));
        }
        if self.keeps_sender && hub != near && hub != far {
            gates.extend([forwarded(world, far, hub), forwarded(world, near, hub)]);
        }
        if self.keeps_sender {
            gates.extend(arrives(Arrival { from: End::at(here.address), is_sender: true }));
            gates.extend(
                answering.map(|home| self.answered(world, home, here.address, is_handed_further)),
            );
            gates.extend(answering.and_then(|home| unseen_half(world, home, here.address)));
        } else {
            gates.extend(self.translated(world, far, answering, arrives));
        }
        let back = next_hop(world, &self.firewall.seat, here.address, None, "return");
        arrive(back, hub, near, &mut gates);
        gates
    }

    /// The same of a packet to an address beyond a gateway of the firewall's own network: what comes out of that obeys the routes of its
    /// subnet. None where no gateway there is known to lead on, but for a route that drops it.
    pub(super) fn gates_to_premises(&self, world: &World, here: Shore<'_>, to: u32) -> Vec<Gate> {
        let (hub, near, seat) = (self.hub(), here.network, &self.firewall.seat);
        if !gateway::may_lead_itself(world, hub, to) {
            // Where none of another network does either, the packets are lost there.
            return match next_hop(world, seat, Some(to), None, "route") {
                Hop::Drop(gate) if gateway::are_all_seen(world, hub) => vec![gate],
                _ => Vec::new(),
            };
        }
        let mut gates = self.approach(world, here);
        gates.push(self.rules.clone());
        gates.extend(gateway::dropped_before(world, seat, to));
        gates.extend(match next_hop(world, seat, Some(to), None, "route") {
            Hop::Drop(gate) => Some(gate),
            _ => None,
        });
        if self.keeps_sender {
            gates.push(self.answered(world, &gateway::seat(hub), here.address, false));
            gates.extend((hub != near).then(|| forwarded(world, near, hub)));
        }
        let back = next_hop(world, seat, here.address, None, "return");
        arrive(back, hub, near, &mut gates);
        gates
    }

    /// Into the firewall's subnet, where no security group acts.
    fn approach(&self, world: &World, here: Shore<'_>) -> Vec<Gate> {
        match self.hub() == here.network {
            true => Vec::new(),
            false => cross(world, here, self.shore()),
        }
    }

    fn shore(&self) -> Shore<'_> {
        let (subnet, address) = (self.firewall.seat.as_str(), Some(self.firewall.address));
        Shore { network: self.hub(), subnet, address, filtered: false }
    }

    /// What becomes of an answer for the true sender: it has to come back the same way.
    fn answered(
        &self,
        world: &World,
        home: &str,
        sender: Option<u32>,
        is_handed_further: bool,
    ) -> Gate {
        let next = next_hop(world, home, sender, None, "return");
        let Some(sender) = sender else { return Gate::unknown("the way back from", home) };
        match next {
            Hop::Local | Hop::Peer(_) | Hop::Endpoint => deciding(world, home, sender, "return"),
            Hop::Drop(gate) | Hop::Unknown(gate) => gate,
            Hop::Opaque(gate) => {
                let hop = handed_to(world, home, sender);
                match hop.and_then(|hop| at_hop(world, network_of(home), hop)) {
                    Some(one) if one.key == self.firewall.key => Gate::Pass,
                    // One that the packets come to next has seen them.
                    Some(_) if is_handed_further => gate,
                    Some(_) => deciding(world, home, sender, "return"),
                    None => gate,
                }
            }
        }
    }

    /// The gates of a packet with some address of the firewall's subnet, and of its answer.
    fn translated(
        &self,
        world: &World,
        far: &str,
        answering: Option<&str>,
        arrives: impl Fn(Arrival) -> Vec<Gate>,
    ) -> Vec<Gate> {
        let prefixes = world.body(&self.firewall.seat).map_or(Vec::new(), subnet_prefixes);
        let cuts = world.boundaries();
        let all: Vec<u32> =
            prefixes.into_iter().flat_map(|one| representatives(one, &cuts)).collect();
        let all: Vec<Option<u32>> =
            if all.is_empty() { vec![None] } else { all.into_iter().map(Some).collect() };
        let each = all.into_iter().map(|address| {
            let arriving = arrives(Arrival { from: End::at(address), is_sender: false });
            let mut answering_gates = Vec::new();
            if let Some(home) = answering {
                let back = next_hop(world, home, address, None, "return");
                arrive(back, far, self.hub(), &mut answering_gates);
            }
            [worst(arriving), worst(answering_gates)]
        });
        let each: Vec<[Gate; 2]> = each.collect();
        let is_lost = each.iter().all(|gates| Fate::of(gates) == Fate::Dropped);
        let first = each.first().cloned();
        let [come, go] = each
            .into_iter()
            .reduce(|[come, go], [other, back]| [come.either(other), go.either(back)])
            .unwrap_or([Gate::Pass, Gate::Pass]);
        // Each of its addresses may be lost in another place.
        let is_told = Fate::of(&[come.clone(), go.clone()]) == Fate::Dropped;
        let lost = first.filter(|_| is_lost && !is_told).into_iter().flatten();
        [come, go].into_iter().chain(lost).collect()
    }
}

/// A half of a peering that was not captured, though the other one says that it is connected: its route may be longer than that to the
/// firewall.
fn unseen_half(world: &World, subnet: &str, to: Option<u32>) -> Option<Gate> {
    let (to, network) = (to?, network_of(subnet));
    let own = own_routes(world, subnet)?;
    let own = longest(own.iter().filter_map(|route| route.prefix), to)?;
    let all = world.all("microsoft.network/virtualnetworks/virtualnetworkpeerings");
    let mut others: Vec<&str> =
        all.filter_map(|(key, _)| Some(key.split_once("/virtualnetworkpeerings/")?.0)).collect();
    others.dedup();
    let leads_here = |half: &Half<'_>| {
        half.remote().as_deref() == Some(network)
            && half.state().is_none_or(|state| state == "connected")
    };
    let is_unseen = |other: &&str| {
        longest(address_space(world, other).0.into_iter(), to).is_some_and(|len| len > own)
            && halves(world, other).iter().any(leads_here)
            && !halves(world, network).iter().any(|half| half.remote().as_deref() == Some(*other))
    };
    let other = others.into_iter().find(is_unseen)?;
    Some(Gate::unknown("the routes of the peering with", other))
}

/// Length of the longest of some prefixes that hold an address.
fn longest(all: impl Iterator<Item = Prefix>, address: u32) -> Option<u8> {
    all.filter(|prefix| prefix.contains(address)).map(|prefix| prefix.len).max()
}

/// All of some gates in one.
pub(super) fn worst(gates: Vec<Gate>) -> Gate {
    let mut sum = Gate::Pass;
    for gate in gates {
        match (&sum, &gate) {
            (_, Gate::Drop(_)) => return gate,
            (Gate::Pass, _) => sum = gate,
            (Gate::Unknown(_) | Gate::Drop(_), _) => {}
        }
    }
    sum
}

/// What a network does with packets from a hub that did not begin there: its own half decides.
fn forwarded(world: &World, network: &str, hub: &str) -> Gate {
    let all = halves(world, network);
    let half = all.iter().find(|half| half.remote().as_deref() == Some(hub));
    match half.and_then(|half| Some((half.key(), half.forwards()?))) {
        Some((_, true)) => Gate::Pass,
        Some((key, false)) => Gate::drop("peering", &key, Some("allowForwardedTraffic")),
        None => Gate::unknown("the effect of allowForwardedTraffic at the peerings", network),
    }
}

/// Gates between a sender and a firewall that surely sends its packets into the internet, and back.
pub(super) fn to_internet(world: &World, firewall: Firewall<'_>, here: Shore<'_>) -> Gate {
    let way = Through { firewall, keeps_sender: false, rules: Gate::Pass };
    let mut gates = way.approach(world, here);
    if way.hub() != here.network && !matches!(forwarded(world, here.network, way.hub()), Gate::Pass)
    {
        let what = "the effect of allowForwardedTraffic on answers of the internet at the peerings";
        gates.push(Gate::unknown(what, here.network));
    }
    let back = next_hop(world, &way.firewall.seat, here.address, None, "return");
    arrive(back, way.hub(), here.network, &mut gates);
    worst(gates)
}
