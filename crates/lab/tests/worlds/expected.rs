//! What a twin has to show if the analyser is right.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use flexway_core::address::AddressSet;
use flexway_core::diagnose::{Report, Source};
use flexway_core::estate::Estate;
use flexway_core::estate::network::Subnet;
use flexway_core::estate::server::Server;
use flexway_core::id::ResourceId;
use flexway_core::trace::route::usable_addresses;
use flexway_core::trace::step::{Fact, Outcome, Stage, Step, Verdict};
use ipnet::Ipv4Net;

/// What somebody in the copier's place notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Symptom {
    /// A PostgreSQL server answers.
    Answers,
    /// The DNS server does not answer.
    NoAnswer,
    /// The name does not exist.
    NoSuchName,
    /// The name leads to an address at which the server is not, or does not let in.
    WrongAddress,
    /// Nothing comes back.
    Silence,
    /// The port is closed.
    Refused,
}

/// Who drops.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blamed {
    /// A security rule: where it stands.
    Rule(ResourceId, String),
    /// The gate of a server or of its endpoint.
    Gate,
    /// Nothing that counts.
    Nobody,
}

/// How the analyser says that an endpoint is one of another server.
const ELSEWHERE: &str = "another service";

/// The analyser's answer in these words.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) verdict: Verdict,
    /// Every address that the copier may have.
    pub(crate) senders: AddressSet,
    /// Whether several rules may be the one that drops: the source may have any address of its subnet, or two routes hold the front
    /// door's between them.
    pub(crate) is_vague: bool,
    /// Whether a gate is not known, and may drop.
    pub(crate) is_unsure: bool,
    /// Whether answers may be lost.
    pub(crate) loses_answers: bool,
    /// Those that are dropped, in the order of the gates, each part with what it notices.
    pub(crate) dropped: Vec<(AddressSet, Symptom, BTreeSet<Blamed>)>,
    /// Who may drop too: a half of a peering that does not know the copier's subnet loses the answers only, so that packets come to
    /// the gates behind it.
    pub(crate) also: BTreeSet<Blamed>,
}

impl Expected {
    pub(crate) fn symptom(&self, address: Ipv4Addr) -> Symptom {
        let part = self.dropped.iter().find(|(part, ..)| part.contains(address));
        part.map_or(Symptom::Answers, |(_, symptom, _)| *symptom)
    }

    /// Addresses to look from: of every part that fares alike, and of all its ranges. A whole subnet would fill the kernel's one
    /// table of neighbours, from which every twin then suffers.
    pub(crate) fn sample(&self) -> Vec<Ipv4Addr> {
        const OF_A_PART: usize = 10;
        let dropped = self.dropped.iter().map(|(part, ..)| part.clone());
        let all_dropped =
            { dropped.clone() }.fold(AddressSet::default(), |all, one| all.union(&one));
        let mut addresses = BTreeSet::new();
        for part in dropped.chain([self.senders.difference(&all_dropped)]) {
            let networks = part.networks();
            let ends = networks.iter().flat_map(|one| [one.network(), one.broadcast()]);
            addresses.extend(ends.take(OF_A_PART));
            let of = |net: &Ipv4Net| u32::from(net.network())..=u32::from(net.broadcast());
            let all: Vec<u32> = networks.iter().flat_map(of).collect();
            let every = all.len().div_ceil(OF_A_PART).max(1);
            addresses.extend(all.iter().step_by(every).map(|one| Ipv4Addr::from(*one)));
        }
        addresses.into_iter().collect()
    }

    /// A word for statistics: the verdict and the first symptom.
    pub(crate) fn word(&self) -> String {
        match self.dropped.first() {
            Some((_, symptom, blamed)) => {
                let blamed = blamed.first().map_or("", |one| match one {
                    Blamed::Rule(..) => " by a rule",
                    Blamed::Gate => " by a gate",
                    Blamed::Nobody => "",
                });
                format!("{:?} {symptom:?}{blamed}", self.verdict)
            }
            None => format!("{:?}", self.verdict),
        }
    }
}

/// `None` where the analyser says nothing that a network could show.
pub(crate) fn expect(estate: &Estate, report: &Report) -> Option<Expected> {
    match report.verdict {
        Verdict::Reachable | Verdict::Unreachable | Verdict::Partial => {}
        Verdict::Undetermined | Verdict::Inconsistent => return None,
    }
    let Source::Server(source) = &report.question.source else { return None };
    let is_injected = estate.get::<Server>(source).is_ok_and(|one| one.delegated_subnet.is_some());
    let server = estate.get::<Server>(&report.question.target).ok()?;
    let subnet = estate.get::<Subnet>(server.delegated_subnet.as_ref()?).ok()?;
    let senders = usable_addresses(subnet);
    let steps: Vec<&Step> = report.steps().collect();
    // Before the packets come to the gate that surely drops, they have to pass one that is not known.
    let first_drop = steps.iter().position(|step| step.outcome == Outcome::Drop);
    let is_open =
        steps.iter().take(first_drop.unwrap_or(0)).any(|step| step.outcome == Outcome::Unknown);
    if is_open {
        return None;
    }
    let (mut rest, mut dropped) = (senders.clone(), Vec::new());
    let (mut also, mut is_behind) = (BTreeSet::new(), false);
    let mut is_unsure = false;
    for step in steps {
        match step.outcome {
            Outcome::Pass => continue,
            Outcome::Unknown => {
                is_unsure = true;
                continue;
            }
            // Azure's own route follows from the join, which is told next; so does a user's that is shorter than that of a peering.
            Outcome::Drop if !step.closes() && step.stage == Stage::Route => {
                also.extend(rules(step));
                continue;
            }
            Outcome::Drop => {}
        }
        if step.stage == Stage::Mode {
            return None;
        }
        let part = step.dropped_part.as_ref().map_or(rest.clone(), |part| part.intersection(&rest));
        // What refuses is lost on the way back, too.
        if is_behind || is_unsure || step.stage == Stage::Return {
            also.extend(blamed(step));
        }
        is_behind |= step.stage == Stage::Hop;
        if !part.is_empty() {
            rest = rest.difference(&part);
            // Behind a gate that is not known it is not sure who drops.
            let who = if is_unsure { BTreeSet::from([Blamed::Nobody]) } else { blamed(step) };
            dropped.push((part, symptom(step), who));
        }
    }
    // Until the link is finished, which the twin does not wait for, the question is asked publicly.
    let is_pending = report.causes().any(|cause| cause.fault == "dns/link-in-progress");
    for (_, symptom, _) in dropped.iter_mut().filter(|_| is_pending && !is_injected) {
        if *symptom == Symptom::NoSuchName {
            *symptom = Symptom::WrongAddress;
        }
    }
    // Whatever is lost on the way to an endpoint of another server was sent to a wrong address.
    let leads_elsewhere = report.causes().any(|cause| cause.fault == "endpoint/wrong-server");
    for (_, symptom, _) in dropped.iter_mut().filter(|_| leads_elsewhere) {
        if *symptom == Symptom::Silence {
            *symptom = Symptom::WrongAddress;
        }
    }
    let is_shared = report.causes().any(|cause| cause.message.contains(", and so does "));
    let loses_answers = report
        .flows
        .iter()
        .flat_map(|flow| &flow.back)
        .any(|step| step.outcome == Outcome::Unknown || step.closes());
    Some(Expected {
        verdict: report.verdict,
        senders,
        is_vague: is_injected || is_shared,
        is_unsure,
        loses_answers,
        dropped,
        also,
    })
}

fn symptom(step: &Step) -> Symptom {
    match step.stage {
        Stage::Name if step.detail.ends_with("Azure's resolver") => Symptom::NoAnswer,
        Stage::Name if step.detail.contains("cannot be reached") => Symptom::NoAnswer,
        // The link is not finished: the question is asked publicly, where an injected server has no address.
        Stage::Name if step.detail.ends_with("the server's private address") => Symptom::NoSuchName,
        Stage::Name if step.detail.contains(" resolves to ") => Symptom::WrongAddress,
        Stage::Name => Symptom::NoSuchName,
        // There is no server at that end.
        Stage::Admit if step.detail.ends_with(ELSEWHERE) => Symptom::WrongAddress,
        // Only probes see the last two.
        Stage::Listen | Stage::Tls | Stage::Auth => Symptom::Refused,
        Stage::Mode
        | Stage::FilterOut
        | Stage::Route
        | Stage::Hop
        | Stage::FilterIn
        | Stage::Admit
        | Stage::Return => Symptom::Silence,
    }
}

/// The rules, or the route, that a step names.
fn rules(step: &Step) -> BTreeSet<Blamed> {
    let of = |fact: &Fact| Blamed::Rule(fact.resource.clone(), fact.pointer.clone());
    step.facts.iter().map(of).collect()
}

fn blamed(step: &Step) -> BTreeSet<Blamed> {
    match step.stage {
        Stage::FilterOut | Stage::FilterIn => rules(step),
        Stage::Route | Stage::Return if step.detail.contains(") drops packets to ") => rules(step),
        Stage::Name if step.detail.ends_with("Azure's resolver") => rules(step),
        Stage::Admit if step.detail.ends_with(ELSEWHERE) => BTreeSet::from([Blamed::Nobody]),
        Stage::Admit => BTreeSet::from([Blamed::Gate]),
        // A peering of some subnets drops the others; what else breaks one leaves no way to count at.
        Stage::Hop if step.detail.ends_with("joins other subnets only") => {
            let halves =
                step.facts.iter().map(|fact| Blamed::Rule(fact.resource.clone(), String::new()));
            halves.collect()
        }
        Stage::Mode
        | Stage::Name
        | Stage::Route
        | Stage::Hop
        | Stage::Return
        | Stage::Listen
        | Stage::Tls
        | Stage::Auth => BTreeSet::from([Blamed::Nobody]),
    }
}
