//! Whether an observation counts: it has to come from the copier's own place, and to have dialled
//! what the question is about.

use serde::Serialize;

use crate::diagnose::{Copier, Question};
use crate::estate::Estate;
use crate::estate::endpoint::Interface;
use crate::id::ResourceId;
use crate::probes::{Moment, Observation, Place, Rung, Seen};

/// The flows of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// From the copier to the source.
    ToSource,
    /// From the copier to the target, where it does not run there.
    ToTarget,
}

/// An observation and its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// When it was made.
    pub time: Moment,
    /// Where the probe stood, in words.
    pub vantage: String,
    /// What it dialled.
    pub to: String,
    /// What it saw, in words.
    pub seen: String,
    /// Whether every rung that was tried holds.
    pub holds: bool,
    /// The flow that it proves something about; `None` when it proves nothing here.
    pub flow: Option<Flow>,
    /// Why it counts or does not.
    pub why: String,
}

impl Witness {
    pub(super) fn of(
        estate: &Estate,
        observation: &Observation,
        question: &Question,
        flows: &[(Flow, String, u16)],
    ) -> Witness {
        let (flow, why) = match weigh(estate, observation, question, flows) {
            Ok(flow) => (Some(flow), "it comes from the copier's own place".to_owned()),
            Err(why) => (None, why),
        };
        let to = &observation.to;
        Witness {
            time: observation.time,
            vantage: place_words(observation),
            to: format!("{}:{}", to.host, to.port),
            seen: seen_words(observation),
            holds: matches!(observation.seen(), Seen::Through(_)),
            flow,
            why,
        }
    }
}

fn weigh(
    estate: &Estate,
    observation: &Observation,
    question: &Question,
    flows: &[(Flow, String, u16)],
) -> Result<Flow, String> {
    let names: Vec<&str> = flows.iter().map(|(_, name, _)| name.as_str()).collect();
    stands_at_copier(estate, observation, question)?;
    let host = observation.to.host.trim_end_matches('.').to_ascii_lowercase();
    let found = flows.iter().find(|(_, name, _)| *name == host);
    let (flow, _, port) = found.ok_or_else(|| {
        format!("it dialled {host}, and the question is about {}", names.join(" and "))
    })?;
    if observation.to.port != *port {
        return Err(format!(
            "it dialled port {}, and the question is about port {port}",
            observation.to.port
        ));
    }
    match observation.seen() {
        Seen::Nothing => Err("it saw nothing".to_owned()),
        // A firewall in between may accept a connection that leads nowhere.
        Seen::Through(Rung::Tcp) => {
            Err("it stopped at tcp: an accepted connection alone does not prove that the server is there".to_owned())
        }
        Seen::Through(Rung::Name) => Err("it stopped at the name".to_owned()),
        Seen::Through(_) | Seen::Blocked(..) => Ok(*flow),
    }
}

fn stands_at_copier(
    estate: &Estate,
    observation: &Observation,
    question: &Question,
) -> Result<(), String> {
    let vantage = &observation.vantage;
    let wanted = match &question.copier {
        Copier::Target => (Place::Target, Some(&question.target)),
        Copier::Runtime(id) => (Place::Runtime, Some(id)),
        Copier::Relay => (Place::Relay, None),
        Copier::Host(id) => (Place::Relay, Some(id)),
    };
    let words = place_words(observation);
    if vantage.place != wanted.0 {
        let copier = question.copier.text();
        return Err(format!(
            "it stood {words}, not where the copier is ({copier}): it proves nothing about that way"
        ));
    }
    let Some(id) = wanted.1 else { return Ok(()) };
    // The copier is an interface where its machine was named.
    let machine = estate.find::<Interface>(id).and_then(|nic| nic.machine.as_ref());
    let named = vantage.resource.as_deref().and_then(ResourceId::parse);
    let is_by_id = named.is_some_and(|named| named == *id || Some(&named) == machine);
    let host = vantage.host.as_deref().unwrap_or("").trim_end_matches('.').to_ascii_lowercase();
    let is_by_name = host.split('.').next() == Some(&id.name().to_ascii_lowercase());
    match is_by_id || is_by_name {
        true => Ok(()),
        false => Err(format!(
            "it stood {words}, and `{}` is not known by that name: give that id to the probe (`--resource`)",
            id.name()
        )),
    }
}

fn place_words(observation: &Observation) -> String {
    let vantage = &observation.vantage;
    let host =
        vantage.host.as_deref().or(vantage.resource.as_deref()).unwrap_or("a host without a name");
    match vantage.place {
        Place::Here => format!("on {host}"),
        Place::Relay => format!("on relay host {host}"),
        Place::Target => format!("inside target {host}"),
        Place::Runtime => format!("inside runtime server {host}"),
    }
}

fn seen_words(observation: &Observation) -> String {
    match observation.seen() {
        Seen::Through(rung) => format!("every rung up to {} holds", rung.word()),
        Seen::Blocked(rung, symptom) => {
            let detail = observation.rung(rung).map_or("", |report| report.detail.as_str());
            let what = if detail.is_empty() { symptom.means() } else { detail };
            format!("{} does not hold: {what}", rung.word())
        }
        Seen::Nothing => "nothing".to_owned(),
    }
}
