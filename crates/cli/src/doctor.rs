//! The network doctor: how far this machine comes to both servers, looked at when a move failed for want of a connection.

use flexway_core::probes::{Observation, Place, ProbePlan, Rung, Seen};
use flexway_postgres::ConnInfo;
use serde::Serialize;

use crate::probe::{failed_rung, machine, now};
use crate::servers::ServerPair;

/// The two ways of this machine.
#[derive(Serialize)]
pub(crate) struct Ways {
    /// To the source; `None` where no network leads to it.
    source: Option<Observation>,
    /// To the target.
    target: Option<Observation>,
}

impl Ways {
    /// Climbs to both servers at once, up to a login. Takes as long as the slower one, a time-out for each rung at most.
    pub(crate) fn look(pair: &ServerPair) -> Ways {
        std::thread::scope(|scope| {
            let source = scope.spawn(|| climb(&pair.source));
            let target = climb(&pair.target);
            Ways { source: source.join().ok().flatten(), target }
        })
    }

    /// What was seen, a sentence for each server.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let sides = [("source", &self.source), ("target", &self.target)];
        sides.iter().filter_map(|(side, seen)| Some(sentence(side, seen.as_ref()?))).collect()
    }
}

fn climb(server: &ConnInfo) -> Option<Observation> {
    if server.host().starts_with('/') {
        return None;
    }
    let plan = ProbePlan {
        up_to: Rung::Auth,
        place: Place::Relay,
        ..ProbePlan::of(server.without_password())
    };
    Some(flexway_probe::climb(&plan, server, now(), machine()))
}

fn sentence(side: &str, seen: &Observation) -> String {
    let server = format!("{side} {}:{}", seen.to.host, seen.to.port);
    match (seen.seen(), failed_rung(seen)) {
        (Seen::Through(_), _) => {
            format!("network: the way to the {server} is open now: this machine logs in")
        }
        (Seen::Blocked(rung, _), Some(failed)) => {
            let suspects = match failed.faults.as_slice() {
                [] => String::new(),
                faults => format!("; suspects: {}", faults.join(", ")),
            };
            let (rung, why) = (rung.word(), &failed.detail);
            format!("network: the way to the {server} ends at {rung}: {why}{suspects}")
        }
        (Seen::Blocked(..) | Seen::Nothing, _) => {
            format!("network: the way to the {server} is not known: nothing could be tried")
        }
    }
}
