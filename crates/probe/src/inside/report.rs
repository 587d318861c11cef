//! What came back from the dial of another server, as an observation.

use std::net::IpAddr;
use std::time::Duration;

use flexway_core::probes::{
    Destination, Moment, Observation, Place, ProbePlan, Rung, RungOutcome, RungReport, Symptom,
    Vantage, message,
};
use flexway_postgres::{ConnInfo, PgError, Row};
use serde_json::json;

use super::MARK;
use crate::ladder::milliseconds;
use crate::login::{CANCELLED, POOLED, SLOT_MADE};

/// How the dial went.
pub(super) enum Outcome {
    /// It stands.
    Reached(Reached),
    /// What libpq said.
    Refused(String),
    /// The dial was accepted and then ended at its limit.
    Mute(String),
    /// Nothing was dialled, and why.
    NotTried(String),
}

/// What a dial that stands shows.
#[derive(Default)]
pub(super) struct Reached {
    pub(super) seen_as: Option<IpAddr>,
    /// That the name gave.
    pub(super) address: Option<IpAddr>,
    /// That the server has.
    pub(super) server_address: Option<String>,
    pub(super) version: Option<String>,
    pub(super) is_standby: Option<bool>,
    /// TLS's version, `None` in the clear or when not known.
    pub(super) tls_version: Option<String>,
    /// A pooler passed the login on.
    pub(super) is_pooled: bool,
    /// The facts of the other server were read.
    pub(super) has_facts: bool,
    pub(super) round_trip_ms: Option<f64>,
    pub(super) replication: Replication,
}

/// Whether changes can be followed.
pub(super) enum Replication {
    /// And why.
    NotTried(&'static str),
    Holds,
    Fails(Symptom, String),
}

impl Default for Replication {
    fn default() -> Replication {
        Replication::NotTried("not asked for, or this vantage cannot tell")
    }
}

impl Outcome {
    /// Where the dial's own bound ends those that nobody answers, others that took too long were
    /// accepted. The operating system's words for such an end differ from libpq's and the server's.
    pub(super) fn told_apart(self) -> Outcome {
        match self {
            Outcome::Refused(text) if text.contains("timeout expired") => Outcome::Mute(text),
            other => other,
        }
    }

    /// From the error of a dial: its detail holds libpq's words.
    pub(super) fn refused(error: PgError) -> Outcome {
        match error {
            PgError::Server(error) if error.code == CANCELLED => {
                Outcome::Refused("timeout expired: the dial did not end in time".to_owned())
            }
            PgError::Server(error) => {
                // A connection that stood is closed where it needed no password.
                let text = error.detail.clone().unwrap_or_else(|| error.message.clone());
                match text {
                    text if text.contains("does not request a password") => {
                        Outcome::Reached(Reached::default())
                    }
                    // It refused before it dialled.
                    text if text.contains("SSL support is not compiled in") => {
                        Outcome::NotTried(format!("the server's own libpq has no TLS: {text}"))
                    }
                    text => Outcome::Refused(text),
                }
            }
            error => Outcome::Refused(error.to_string()),
        }
    }
}

impl Reached {
    /// Whether the setting that the dial gave stands in the session.
    pub(super) fn read_mark(&mut self, row: Option<Row>) {
        let value = row.and_then(|row| row.into_iter().next().flatten());
        self.is_pooled = value.is_some_and(|value| value != MARK.1);
    }

    pub(super) fn read_facts(&mut self, row: &Row) {
        let value = |at: usize| row.get(at).cloned().flatten();
        self.seen_as = value(0).and_then(|text| text.parse().ok());
        self.server_address = value(1);
        self.version = value(2);
        self.tls_version = value(4);
        self.has_facts = true;
        self.is_standby = value(3).map(|text| text == "true" || text == "t");
    }
}

pub(super) fn observation(
    to: &ConnInfo,
    plan: &ProbePlan,
    time: Moment,
    outcome: Outcome,
    elapsed: Duration,
) -> Observation {
    let vantage = Vantage {
        place: Place::Target,
        host: None,
        resource: plan.resource.clone(),
        address: None,
    };
    let to = Destination { host: to.host().to_owned(), port: to.port() };
    let mut observation = Observation::new(vantage, time, to);
    match outcome {
        Outcome::NotTried(why) => {
            observation.rungs =
                Rung::ALL.map(|rung| RungReport::not_seen(rung, why.clone())).to_vec();
        }
        Outcome::Refused(text) => {
            refused(&mut observation, message::of_client(&text), &text, elapsed);
        }
        Outcome::Mute(text) => refused(&mut observation, Symptom::Mute, &text, elapsed),
        Outcome::Reached(reached) => stands(&mut observation, reached, plan, elapsed),
    }
    observation
}

/// The rungs below the one that failed held, or nothing would have come back from it.
fn refused(observation: &mut Observation, symptom: Symptom, text: &str, elapsed: Duration) {
    let address = message::dialled_address(text);
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    observation.addresses.extend(address);
    observation.seen_as = message::client_address(text);
    let rungs = Rung::ALL.map(|rung| match rung.cmp(&symptom.rung()) {
        std::cmp::Ordering::Less => below(rung, address),
        std::cmp::Ordering::Equal => {
            let mut report = RungReport::fail(rung, symptom, &observation.to.host, said.clone());
            report.time_ms = Some(milliseconds(elapsed));
            report.detail.push_str(match symptom {
                Symptom::Silent if text.contains("timeout expired") => {
                    "; a server that accepts and then says nothing looks the same from here"
                }
                Symptom::Mute => "; it was accepted, and then nothing came",
                _ => "",
            });
            report
        }
        std::cmp::Ordering::Greater => RungReport::not_seen(rung, "a lower rung does not hold"),
    });
    observation.rungs = rungs.to_vec();
}

fn stands(observation: &mut Observation, reached: Reached, plan: &ProbePlan, elapsed: Duration) {
    observation.addresses.extend(reached.address);
    observation.seen_as = reached.seen_as;
    observation.round_trip_ms = reached.round_trip_ms;
    let facts = [
        ("address", json!(reached.server_address)),
        ("version", json!(reached.version)),
        ("is_standby", json!(reached.is_standby)),
    ];
    observation.server.extend(facts.map(|(name, fact)| (name.to_owned(), fact)));
    let mut rungs = Rung::ALL.map(|rung| below(rung, reached.address)).to_vec();
    if let Some(login) = rungs.iter_mut().find(|report| report.rung == Rung::Auth) {
        login.detail = "the login is let in".to_owned();
        login.time_ms = Some(milliseconds(elapsed));
    }
    if let Some(tls) = rungs.iter_mut().find(|report| report.rung == Rung::Tls) {
        match &reached.tls_version {
            Some(version) => {
                let detail = format!("{version}; who the server is was not checked");
                *tls = RungReport::pass(Rung::Tls, detail);
            }
            None if reached.has_facts => tls.detail = "in the clear".to_owned(),
            None => {}
        }
    }
    let replication = match reached.replication {
        Replication::Holds => RungReport::pass(Rung::Replication, SLOT_MADE),
        Replication::Fails(symptom, detail) => {
            RungReport::fail(Rung::Replication, symptom, &observation.to.host, detail)
        }
        Replication::NotTried(why) => RungReport::not_seen(Rung::Replication, why),
    };
    rungs.pop();
    rungs.push(replication);
    if reached.is_pooled {
        let host = &observation.to.host;
        for report in rungs.iter_mut().filter(|report| report.rung >= Rung::Startup) {
            *report = match report.rung {
                Rung::Startup => RungReport::fail(report.rung, Symptom::Pooler, host, POOLED),
                _ => RungReport::not_seen(report.rung, "a lower rung does not hold"),
            };
        }
    }
    for report in rungs.iter_mut().filter(|report| report.rung > plan.up_to) {
        *report = RungReport::not_seen(report.rung, "not asked for");
    }
    observation.rungs = rungs;
}

fn below(rung: Rung, address: Option<IpAddr>) -> RungReport {
    let detail = match (rung, address) {
        (Rung::Name, Some(address)) => {
            let class = crate::name::class(address);
            let mut report =
                RungReport::pass(rung, format!("the name is {address} ({class}) there"));
            let addresses = json!([{ "address": address, "class": class }]);
            report.evidence.insert("addresses".to_owned(), addresses);
            return report;
        }
        (Rung::Name, None) => "the name has an address there; which, this vantage cannot tell",
        _ => "holds, since a higher rung answered",
    };
    let mut report = RungReport::pass(rung, detail);
    // TLS may have been passed by in the clear, which libpq does not tell.
    if rung == Rung::Tls {
        report.outcome = RungOutcome::NotSeen;
        report.detail = "this vantage cannot tell how it is encrypted".to_owned();
    }
    report
}
