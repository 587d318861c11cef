//! What a probe saw, from where, and when: facts beside those of an estate.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::probes::{Moment, Rung, Symptom};

/// Name and version of the form of one observation.
pub const OBSERVATION: &str = "flexway.observation/1";
/// Name and version of the form of a probe's answer: a list of observations.
pub const PROBE: &str = "flexway.probe/1";
/// Observations of one file; a fleet's probes are thousands.
const OBSERVATIONS_MAX: usize = 100_000;

/// What one probe of one server saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// [`OBSERVATION`].
    pub schema: String,
    /// Where the probe stood.
    pub vantage: Vantage,
    /// When it began.
    pub time: Moment,
    /// What it dialled.
    pub to: Destination,
    /// The rungs, lowest first; none is there twice.
    pub rungs: Vec<RungReport>,
    /// Addresses that the name gave, in the order in which they are tried.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The prober's address as the server sees it: after translation, and what its gate compares.
    #[serde(default)]
    pub seen_as: Option<IpAddr>,
    /// The median of a few empty questions to the server and back.
    #[serde(default)]
    pub round_trip_ms: Option<f64>,
    /// What else was measured or said, by name.
    #[serde(default)]
    pub server: Map<String, Value>,
}

/// Where a probe stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vantage {
    /// What kind of place.
    pub place: Place,
    /// The machine's name, or the name under which the server that probed was dialled.
    #[serde(default)]
    pub host: Option<String>,
    /// The server's ARM id, where the user gave it.
    #[serde(default)]
    pub resource: Option<String>,
    /// The address that the probe's connections started from.
    #[serde(default)]
    pub address: Option<IpAddr>,
}

/// A kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Some machine that plays no part in the move.
    Here,
    /// Inside the target, as SQL.
    Target,
    /// Inside a runtime server, as SQL.
    Runtime,
    /// The host that copies.
    Relay,
}

/// What was dialled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Name or address, as dialled.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// How one rung went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RungReport {
    /// Which one.
    pub rung: Rung,
    /// How it went.
    pub outcome: RungOutcome,
    /// How long it took.
    #[serde(default)]
    pub time_ms: Option<f64>,
    /// What came back, in a sentence.
    pub detail: String,
    /// How it failed.
    #[serde(default)]
    pub symptom: Option<Symptom>,
    /// SQLSTATE, where the server itself refused.
    #[serde(default)]
    pub code: Option<String>,
    /// Faults that show so, most likely first.
    #[serde(default)]
    pub faults: Vec<String>,
    /// What to do about it.
    #[serde(default)]
    pub fix: Option<String>,
    /// What was seen, by name.
    #[serde(default)]
    pub evidence: Map<String, Value>,
}

/// How a rung went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RungOutcome {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// Not seen: a lower one failed, it was not asked for, or the vantage cannot tell.
    NotSeen,
}

/// What an observation says of the flow as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Every rung that was tried holds.
    Through(Rung),
    /// This rung failed so.
    Blocked(Rung, Symptom),
    /// Nothing was tried.
    Nothing,
}

impl RungReport {
    /// A rung that holds.
    pub fn pass(rung: Rung, detail: impl Into<String>) -> RungReport {
        RungReport {
            rung,
            outcome: RungOutcome::Pass,
            time_ms: None,
            detail: detail.into(),
            symptom: None,
            code: None,
            faults: Vec::new(),
            fix: None,
            evidence: Map::new(),
        }
    }

    /// A rung that does not hold, dialling this host.
    pub fn fail(rung: Rung, symptom: Symptom, host: &str, detail: impl Into<String>) -> RungReport {
        let mut detail = detail.into();
        // A pooler's own words speak of a parameter, and not of who refuses it.
        if symptom == Symptom::Pooler && !detail.contains("pooler") {
            detail = format!("{detail}: what answers {}", symptom.means());
        }
        RungReport {
            outcome: RungOutcome::Fail,
            symptom: Some(symptom),
            faults: symptom.suspects(host).iter().map(|fault| (*fault).to_owned()).collect(),
            fix: Some(symptom.fix().to_owned()),
            ..RungReport::pass(rung, detail)
        }
    }

    /// A rung that was not seen, and why.
    pub fn not_seen(rung: Rung, why: impl Into<String>) -> RungReport {
        RungReport { outcome: RungOutcome::NotSeen, ..RungReport::pass(rung, why) }
    }
}

impl Observation {
    /// One that has seen nothing yet.
    pub fn new(vantage: Vantage, time: Moment, to: Destination) -> Observation {
        Observation {
            schema: OBSERVATION.to_owned(),
            vantage,
            time,
            to,
            rungs: Vec::new(),
            addresses: Vec::new(),
            seen_as: None,
            round_trip_ms: None,
            server: Map::new(),
        }
    }

    /// As the answer of a probe, of schema [`PROBE`].
    pub fn answer(&self) -> Value {
        json!({ "schema": PROBE, "observations": [self] })
    }

    /// What it says of the flow as a whole.
    pub fn seen(&self) -> Seen {
        let failed = self.rungs.iter().find(|rung| rung.outcome == RungOutcome::Fail);
        if let Some(failed) = failed {
            return Seen::Blocked(failed.rung, failed.symptom.unwrap_or(Symptom::Other));
        }
        let held = self.rungs.iter().rev().find(|rung| rung.outcome == RungOutcome::Pass);
        held.map_or(Seen::Nothing, |held| Seen::Through(held.rung))
    }

    /// How a rung went; `None` when the observation does not speak of it.
    pub fn rung(&self, rung: Rung) -> Option<&RungReport> {
        self.rungs.iter().find(|report| report.rung == rung)
    }
}

/// Reads observations out of JSON: one, a list, or the answer of `flexway probe`.
///
/// # Errors
/// What cannot be read, with its place in the list.
pub fn read_observations(json: Value) -> Result<Vec<Observation>, String> {
    let list = match json {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("observations") {
            Some(Value::Array(list)) => list,
            Some(_) => return Err("`observations` is no list".to_owned()),
            None => vec![Value::Object(object)],
        },
        _ => return Err("it is neither an observation nor a list of them".to_owned()),
    };
    if list.len() > OBSERVATIONS_MAX {
        return Err(format!("it holds more than {OBSERVATIONS_MAX} observations"));
    }
    list.into_iter().enumerate().map(|(index, value)| read_one(index, value)).collect()
}

fn read_one(index: usize, value: Value) -> Result<Observation, String> {
    let number = index + 1;
    let observation: Observation = serde_json::from_value(value)
        .map_err(|why| format!("observation {number} cannot be read: {why}"))?;
    if observation.schema != OBSERVATION {
        let schema = &observation.schema;
        return Err(format!("observation {number} is of schema `{schema}`, not `{OBSERVATION}`"));
    }
    let rungs = observation.rungs.windows(2);
    if { rungs }.any(|pair| pair[0].rung >= pair[1].rung) {
        return Err(format!("observation {number} has rungs out of order"));
    }
    Ok(observation)
}
