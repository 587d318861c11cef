//! What the twin of a world shows.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use flexway_core::diagnose::Question;
use flexway_core::estate::Estate;
use flexway_lab::twin::look::{self, Connected, Named};
use flexway_lab::twin::{Gate, Twin, blueprint};

use crate::expected::{Blamed, Expected, Symptom};

/// What comes back at all comes within milliseconds.
const LIMIT: Duration = Duration::from_millis(400);

/// For what should have come back: the machine may be busy.
const SECOND_LIMIT: Duration = Duration::from_secs(5);

/// What the twin shows.
pub(crate) struct Seen {
    symptoms: BTreeMap<Ipv4Addr, Symptom>,
    /// Gates at which packets ended.
    moved: Vec<Gate>,
}

pub(crate) fn look(
    estate: &Estate,
    question: &Question,
    expected: &Expected,
    folder: &Path,
) -> Seen {
    let plan = blueprint(estate, Some(&question.target)).expect("a small world");
    let twin = Twin::build(plan, folder).expect("a twin");
    let networks = twin.networks();
    let spot = |namespace: &str| networks.spot(namespace);
    let mut servers = Vec::new();
    for place in networks.blueprint.places.iter().filter(|place| place.is_server && place.runs) {
        servers.push(spot(&place.namespace).stand_in(5432).expect("a stand-in"));
    }
    let place = networks.blueprint.place(question.target.as_str()).expect("the target's place");
    let source = networks.blueprint.place(question.source.text()).expect("the source's place");
    let addresses = expected.sample();
    let host = source.host.as_deref().expect("the source's name");
    let at = |from: Ipv4Addr, limit: Duration| {
        let found = match look::resolve(from, place.resolvers[0], host, limit) {
            Named::Addresses(found) => found,
            Named::Nothing => return Symptom::NoSuchName,
            Named::Silence | Named::Failed => return Symptom::NoAnswer,
        };
        match look::connect(from, found[0], question.port, limit) {
            Connected::Answers | Connected::Other => Symptom::Answers,
            Connected::Refused => Symptom::Refused,
            Connected::Silence | Connected::Unreachable
                if !source.addresses.contains(&found[0]) =>
            {
                Symptom::WrongAddress
            }
            Connected::Silence | Connected::Unreachable => Symptom::Silence,
        }
    };
    let one = |from: Ipv4Addr| {
        let wanted = expected.symptom(from);
        let first = at(from, LIMIT);
        let is_slow = matches!(first, Symptom::Silence | Symptom::WrongAddress | Symptom::NoAnswer);
        if first != wanted && is_slow { at(from, SECOND_LIMIT) } else { first }
    };
    let all = || {
        thread::scope(|scope| {
            let asked: Vec<_> =
                addresses.iter().map(|from| (*from, scope.spawn(|| one(*from)))).collect();
            let joined =
                asked.into_iter().map(|(from, asked)| (from, asked.join().expect("an answer")));
            joined.collect::<BTreeMap<_, _>>()
        })
    };
    let symptoms = spot(&place.namespace).run(all).expect("a namespace");
    let counted = networks.counters().expect("counters");
    let moved = counted.iter().filter(|(_, count)| **count > 0);
    let gates = moved.filter_map(|(name, _)| networks.blueprint.gates.get(name));
    let moved = gates.filter(|gate| gate.drops).cloned().collect();
    networks.process.end().expect("its end");
    drop(servers);
    Seen { symptoms, moved }
}

impl Seen {
    /// Sentences about what is not as expected.
    pub(crate) fn differences(&self, expected: &Expected) -> Vec<String> {
        let mut all = BTreeSet::new();
        for (from, seen) in &self.symptoms {
            let wanted = expected.symptom(*from);
            // What refuses may not find the way back.
            let is_lost =
                expected.loses_answers && wanted == Symptom::Refused && *seen == Symptom::Silence;
            if !alike(wanted, *seen) && !is_lost {
                all.insert(format!("{from} notices {seen:?} instead of {wanted:?}"));
            }
        }
        let wanted: BTreeSet<Blamed> =
            expected.dropped.iter().flat_map(|(_, _, blamed)| blamed.clone()).collect();
        // What drops on the way to another address, or to a DNS server of the network's own, is not what is asked about.
        let is_name = expected.dropped.iter().any(|(_, symptom, blamed)| {
            *symptom == Symptom::WrongAddress
                || *symptom == Symptom::NoAnswer && blamed.contains(&Blamed::Nobody)
        });
        let moved: BTreeSet<Blamed> = self.moved.iter().map(blamed).collect();
        for one in moved.difference(&wanted).filter(|_| !is_name) {
            let is_possible = expected.is_unsure
                || expected.also.contains(one)
                || expected.is_vague && is_in(one, &wanted);
            if !is_possible {
                all.insert(format!("{one:?} dropped and is not blamed"));
            }
        }
        for one in wanted.difference(&moved).filter(|one| **one != Blamed::Nobody) {
            if !expected.is_vague || !is_in(one, &moved) {
                all.insert(format!("{one:?} is blamed and dropped nothing"));
            }
        }
        all.into_iter().take(4).collect()
    }
}

/// Whether another rule of the same group is among them.
fn is_in(one: &Blamed, all: &BTreeSet<Blamed>) -> bool {
    let Blamed::Rule(group, _) = one else { return false };
    all.iter().any(|other| matches!(other, Blamed::Rule(known, _) if known == group))
}

/// A wrong address may be one at which nothing answers, a closed port, or the public door.
fn alike(wanted: Symptom, seen: Symptom) -> bool {
    let is_nothing = matches!(seen, Symptom::WrongAddress | Symptom::Silence | Symptom::Refused);
    wanted == seen || wanted == Symptom::WrongAddress && is_nothing
}

fn blamed(gate: &Gate) -> Blamed {
    let kind = gate.resource.resource_type();
    match kind.contains("/servers")
        || kind.contains("/flexibleservers")
        || kind.contains("/privateendpoints")
    {
        true => Blamed::Gate,
        false => Blamed::Rule(gate.resource.clone(), gate.pointer.clone()),
    }
}
