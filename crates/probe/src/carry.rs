//! Carries out a plan from the place that it names, and tells what a probe says of its machine.

use std::fmt;
use std::fs;
use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

use flexway_core::probes::{Moment, Observation, Place, ProbePlan};
use flexway_core::text::decode;
use flexway_postgres::ConnInfo;

use crate::{InsideError, climb, probe_inside};

/// Why a plan was not carried out.
#[derive(Debug)]
pub enum CarryError {
    /// It asks for what cannot be had.
    Impossible {
        /// What and why, in a sentence.
        why: &'static str,
        /// What to do instead.
        fix: &'static str,
    },
    /// The server that should dial could not be asked to.
    Inside(InsideError),
}

impl fmt::Display for CarryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CarryError::Impossible { why, .. } => out.write_str(why),
            CarryError::Inside(error) => error.fmt(out),
        }
    }
}

impl std::error::Error for CarryError {}

/// Reads a plan as `flexway probe --print-plan` writes it.
///
/// # Errors
/// It cannot be read, or is no plan. Its text is not quoted, since a URL may hold a password.
pub fn read_plan(input: impl Read) -> Result<ProbePlan, String> {
    /// A plan has a few hundred bytes.
    const PLAN_BYTES_MAX: u64 = 1 << 20;
    let mut bytes = Vec::new();
    input.take(PLAN_BYTES_MAX).read_to_end(&mut bytes).map_err(|why| why.to_string())?;
    ProbePlan::read(&decode(&bytes).map_err(|why| why.to_string())?)
}

/// Looks at `to` as the plan asks: from this machine, or from inside `server`.
///
/// # Errors
/// The plan asks for what its place cannot give, or `server` cannot be asked. That `to` is out of
/// reach is an observation.
pub fn carry_out(
    plan: &ProbePlan,
    to: &ConnInfo,
    server: Option<&ConnInfo>,
) -> Result<Observation, CarryError> {
    let impossible = |why, fix| Err(CarryError::Impossible { why, fix });
    if to.host().starts_with('/') {
        let why = "the host is the folder of a Unix socket, which no network leads to";
        return impossible(why, "give a host or an address");
    }
    match plan.place {
        Place::Here | Place::Relay => return Ok(climb(plan, to, now(), machine())),
        Place::Target | Place::Runtime => {}
    }
    if plan.resolver.is_some() || plan.throughput_s.is_some() || plan.idle_s.is_some() {
        let why = "--resolver, --throughput and --idle need a machine to stand on, not a server";
        return impossible(why, "leave them out");
    }
    let Some(server) = server else {
        let why = "the server to look from is not given";
        return impossible(why, "set FLEXWAY_TARGET, such as postgres://admin@host:5432/postgres");
    };
    probe_inside(server, to, plan, now()).map_err(CarryError::Inside)
}

/// The time, as observations have it.
pub fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Moment(since.map_or(0, |since| since.as_secs()))
}

/// This machine's name, as the kernel has it.
pub fn machine() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
