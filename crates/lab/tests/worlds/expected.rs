//! What a twin has to show if the analyser is right.

use std::collections::BTreeSet;

use flexway_core::address::AddressSet;
use flexway_core::diagnose::{Report, Source};
use flexway_core::estate::Estate;
use flexway_core::estate::network::Subnet;
use flexway_core::estate::server::Server;
use flexway_core::id::ResourceId;
use flexway_core::trace::route::usable_addresses;
use flexway_core::trace::step::{Outcome, Stage, Step, Verdict};

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

/// The analyser's answer in these words.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) verdict: Verdict,
    /// Every address that the copier may have.
    pub(crate) senders: AddressSet,
    /// Whether the source may have any address of its subnet: then several rules may be the one that drops.
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
    pub(crate) fn symptom(&self, address: std::net::Ipv4Addr) -> Symptom {
        let part = self.dropped.iter().find(|(part, ..)| part.contains(address));
        part.map_or(Symptom::Answers, |(_, symptom, _)| *symptom)
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
    let server = estate.get::<Server>(&report.question.target).ok()?;
    let subnet = estate.get::<Subnet>(server.delegated_subnet.as_ref()?).ok()?;
    let senders = usable_addresses(subnet);
    let steps: Vec<&Step> = report.forward.iter().chain(&report.back).collect();
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
            Outcome::Drop => {}
        }
        if step.stage == Stage::Mode {
            return None;
        }
        let part = step.dropped_part.as_ref().map_or(rest.clone(), |part| part.intersection(&rest));
        if is_behind || is_unsure {
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
    let loses_answers = report.back.iter().any(|step| step.outcome != Outcome::Pass);
    let Source::Server(source) = &report.question.source else { return None };
    let is_vague = estate.get::<Server>(source).is_ok_and(|one| one.delegated_subnet.is_some());
    Some(Expected {
        verdict: report.verdict,
        senders,
        is_vague,
        is_unsure,
        loses_answers,
        dropped,
        also,
    })
}

fn symptom(step: &Step) -> Symptom {
    match step.stage {
        Stage::Name if step.detail.contains("denies the subnet") => Symptom::NoAnswer,
        Stage::Name if step.detail.contains("cannot be reached") => Symptom::NoAnswer,
        // The link is not finished: the question is asked publicly, where an injected server has no address.
        Stage::Name if step.detail.ends_with("the server's private address") => Symptom::NoSuchName,
        Stage::Name if step.detail.contains(" resolves to ") => Symptom::WrongAddress,
        Stage::Name => Symptom::NoSuchName,
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

fn blamed(step: &Step) -> BTreeSet<Blamed> {
    let rules =
        step.facts.iter().map(|fact| Blamed::Rule(fact.resource.clone(), fact.pointer.clone()));
    match step.stage {
        Stage::FilterOut | Stage::FilterIn => rules.collect(),
        Stage::Name if step.detail.contains("denies the subnet") => rules.collect(),
        Stage::Admit => BTreeSet::from([Blamed::Gate]),
        // A peering of some subnets drops the others; what else breaks one leaves no way to count at.
        Stage::Hop if step.detail.ends_with("(false)") => {
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
