//! `flexway lab break` and `flexway lab apply`: the twin shows another estate.

use std::path::{Path, PathBuf};

use clap::Args;
use flexway_core::estate::Estate;
use flexway_core::estate::server::Server;
use flexway_core::id::ResourceId;
use flexway_core::second;
use flexway_lab::twin::faults::{self, Flow};
use flexway_lab::twin::standing::{bodies_of, estate_of};
use serde_json::Value;

use super::{Named, failed, find};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{remark, say};
use crate::text;

/// Largest plan that is read: a certificate of the largest search has a few megabytes.
const PLAN_BYTES_MAX: u64 = 64 << 20;

#[derive(Args)]
pub(super) struct BreakArgs {
    #[command(flatten)]
    named: Named,
    /// The fault, such as dns/zone-not-linked; without one: those that can be set
    #[arg(value_name = "FAULT")]
    fault: Option<String>,
    /// The server that is dialled; needed where the twin has more than two servers
    #[arg(long, value_name = "ID", requires = "target")]
    source: Option<String>,
    /// The server that dials
    #[arg(long, value_name = "ID", requires = "source")]
    target: Option<String>,
    /// Write the broken estate to this file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    named: Named,
    /// The plan, or `-` for standard input
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Write the repaired estate to this file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn break_it(args: &BreakArgs) -> Ended {
    let Some(fault) = &args.fault else {
        faults::ids().for_each(say);
        return Ok(Exit::Good);
    };
    let what = format!("break the twin by `{fault}`");
    let help = "`flexway lab break` lists the faults that can be set";
    if !faults::ids().any(|id| id == fault) {
        return Err(Failure::usage(what, "it cannot be set in a twin", help));
    }
    let mut standing = find(&args.named)?;
    let estate = estate_of(&standing.resources);
    let flow = flow(&estate, args)?;
    let resources =
        faults::set(&estate, &flow, fault).map_err(|why| Failure::usage(&what, why, help))?;
    write(args.out.as_ref(), &resources)?;
    standing.change(resources).map_err(|why| failed(&what, why))?;
    remark(format_args!("twin `{}`: {fault} is set", standing.name));
    Ok(Exit::Good)
}

fn flow(estate: &Estate, args: &BreakArgs) -> Result<Flow, Failure> {
    let server = |text: &str| {
        let help = "give a name or an id of a server in the twin";
        estate
            .find_server(text)
            .map_err(|why| Failure::usage(format!("find server `{text}`"), why, help))
    };
    if let (Some(source), Some(target)) = (&args.source, &args.target) {
        return Ok(Flow { source: server(source)?, target: server(target)? });
    }
    let servers: Vec<(&ResourceId, &Server)> = estate.all::<Server>().collect();
    let dials = |one: &Server| one.delegated_subnet.is_some();
    let pair = match servers.as_slice() {
        [(one, _), (two, facts)] if dials(facts) => Some((one, two)),
        [(one, facts), (two, _)] if dials(facts) => Some((two, one)),
        _ => None,
    };
    // Two injected servers may dial each other: then the names have to be said.
    let is_one_way = servers.iter().filter(|(_, facts)| dials(facts)).count() == 1;
    match pair.filter(|_| is_one_way) {
        Some((source, target)) => Ok(Flow { source: (*source).clone(), target: (*target).clone() }),
        None => Err(Failure::usage(
            "find the connection to break",
            "the twin does not tell which server dials which",
            "give --source and --target",
        )),
    }
}

pub(super) fn apply(args: &ApplyArgs) -> Ended {
    let mut standing = find(&args.named)?;
    let plan = read_plan(&args.plan)?;
    let help = "give the output of `flexway plan --format json`";
    let requests =
        second::requests_of(&plan).map_err(|why| Failure::failed("read the plan", why, help))?;
    let bodies = bodies_of(&estate_of(&standing.resources));
    let after = second::enact(&bodies, &requests).map_err(|why| {
        Failure::failed("apply the plan", why, "make a plan for the estate that the twin shows")
    })?;
    let resources: Vec<Value> = after.into_iter().map(|(_, body)| body).collect();
    write(args.out.as_ref(), &resources)?;
    standing.change(resources).map_err(|why| failed("apply the plan", why))?;
    let count = requests.len();
    remark(format_args!(
        "twin `{}`: {count} {} made",
        standing.name,
        if count == 1 { "change" } else { "changes" }
    ));
    Ok(Exit::Good)
}

fn read_plan(path: &Path) -> Result<Value, Failure> {
    let what = || format!("read the plan {}", path.display());
    let help = "give the output of `flexway plan --format json`";
    let read = text::read(path, PLAN_BYTES_MAX);
    let text = read.map_err(|why| Failure::failed(what(), why, help))?;
    serde_json::from_str(&text).map_err(|why| Failure::failed(what(), why, help))
}

fn write(path: Option<&PathBuf>, resources: &[Value]) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let text = format!("{:#}\n", Value::from(resources.to_vec()));
    std::fs::write(path, text).map_err(|why| {
        Failure::failed(format!("write {}", path.display()), why, "check that you may write there")
    })
}
