//! The network doctor: how far this machine comes to both servers, looked at when a move failed for want of a connection.

use flexway_core::probes::{Observation, Place, ProbePlan, Rung, Seen};
use flexway_postgres::ConnInfo;
use flexway_probe::{machine, now};
use serde::Serialize;

use crate::probe::failed_rung;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_is_a_sentence_with_its_rung() {
        let server = |url: &str| ConnInfo::parse(url, &|_| None).expect("a URL");
        // Port 1 belongs to a service that nobody runs.
        let source = server("postgres://me:secret-word@127.0.0.1:1/db");
        let pair = ServerPair { source, target: server("postgres://me@/db?host=/tmp") };
        let said = Ways::look(&pair).sentences();
        assert_eq!(said.len(), 1, "{said:?}");
        let start = "network: the way to the source 127.0.0.1:1 ends at tcp: 127.0.0.1 refused";
        assert!(said[0].starts_with(start), "{said:?}");
        assert!(!said[0].contains("secret-word"));
    }
}
