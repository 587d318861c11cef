//! What a probe is to do, as plain data: written in one place, carried out in another.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::probes::{Place, Rung};

/// Name and version of the form of a plan.
pub const PLAN: &str = "flexway.probe-plan/1";

/// What to look at, and from where.
///
/// Holds a password only where the user put one into `url`; printed plans hold none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbePlan {
    /// [`PLAN`].
    pub schema: String,
    /// The server, as a libpq URL or key/value string.
    pub url: String,
    /// The last rung to climb.
    pub up_to: Rung,
    /// The DNS server to ask instead of those of the machine.
    #[serde(default)]
    pub resolver: Option<SocketAddr>,
    /// What kind of place the probe stands in.
    pub place: Place,
    /// The ARM id of the server that it stands in, where it is one.
    #[serde(default)]
    pub resource: Option<String>,
    /// How long to measure throughput; not at all when absent.
    #[serde(default)]
    pub throughput_s: Option<u16>,
    /// How long to leave a connection idle; not at all when absent.
    #[serde(default)]
    pub idle_s: Option<u16>,
}

impl ProbePlan {
    /// The whole ladder from some machine, nothing measured.
    pub fn of(url: impl Into<String>) -> ProbePlan {
        ProbePlan {
            schema: PLAN.to_owned(),
            url: url.into(),
            up_to: Rung::Replication,
            resolver: None,
            place: Place::Here,
            resource: None,
            throughput_s: None,
            idle_s: None,
        }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// What cannot be read. The text of the plan is not quoted, since its URL may hold a password.
    pub fn read(text: &str) -> Result<ProbePlan, String> {
        let plan: ProbePlan = serde_json::from_str(text).map_err(|why| {
            format!("line {}, column {}: it is no probe plan", why.line(), why.column())
        })?;
        match plan.schema == PLAN {
            true => Ok(plan),
            false => Err(format!("it is not of schema `{PLAN}`")),
        }
    }
}
