//! `flexway lab`: a twin of an estate on this machine, to try everything there first.

mod alter;
mod cable;
mod show;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use flexway_core::id::ResourceId;
use flexway_lab::twin::Place;
use flexway_lab::twin::standing::{self, Standing};
use serde_json::Value;

use crate::estates;
use crate::exit::{Ended, Exit, Failure};
use crate::output::remark;

/// Builds a twin of an estate on this machine: real routing, real filters, a real DNS server, real PostgreSQL
#[derive(Args)]
#[command(after_help = "Examples:
  flexway lab up --estate capture/
  flexway lab exec new-db -- \\
    psql -h old-db.postgres.database.azure.com -c 'select 1'
  flexway lab break dns/zone-not-linked --out broken.json
  flexway plan --estate broken.json --source old-db --target new-db \\
    --format json | flexway lab apply -
  flexway lab down

Needs Linux, root, nftables, iproute2, util-linux and unbound: `cargo xtask setup` brings them. Nothing outside the twin's own
namespaces is touched.")]
pub(crate) struct LabArgs {
    #[command(subcommand)]
    verb: Verb,
}

/// Which twin.
#[derive(Args)]
struct Named {
    /// Name of the twin
    #[arg(long, value_name = "NAME", default_value = "twin", global = true)]
    name: String,
}

#[derive(Subcommand)]
enum Verb {
    /// Builds a twin and starts its servers
    Up(UpArgs),
    /// Shows the places of a twin, which servers run, and at which gates packets ended
    Status(show::StatusArgs),
    /// Runs a command at a place of a twin, such as a server or a machine; ends with the command's exit code
    Exec(ExecArgs),
    /// Sets a fault in the twin
    Break(alter::BreakArgs),
    /// Makes the changes of a plan (`flexway plan --format json`) in the twin
    Apply(alter::ApplyArgs),
    /// Cuts a place off, as a pulled cable does: packets to and from it are lost, and nobody is told
    Unplug(cable::CableArgs),
    /// Joins a place again; `break` and `apply` do so too
    Plug(cable::CableArgs),
    /// Ends a twin and removes everything of it
    Down(DownArgs),
}

#[derive(Args)]
struct UpArgs {
    #[command(flatten)]
    named: Named,
    /// A file or folder of ARM JSON, ARM templates or Terraform states, or `-` for standard input; may be given several times
    #[arg(long, value_name = "PATH", required = true)]
    estate: Vec<PathBuf>,
    /// Build the networks alone, without PostgreSQL
    #[arg(long)]
    no_servers: bool,
}

#[derive(Args)]
struct ExecArgs {
    #[command(flatten)]
    named: Named,
    /// The place: a name that `flexway lab status` shows, or a resource id
    #[arg(value_name = "PLACE")]
    place: String,
    /// The command with its arguments
    #[arg(value_name = "CMD", required = true, last = true)]
    command: Vec<String>,
}

#[derive(Args)]
struct DownArgs {
    #[command(flatten)]
    named: Named,
    /// Every twin on this machine
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(args: &LabArgs) -> Ended {
    match &args.verb {
        Verb::Up(args) => up(args),
        Verb::Status(args) => show::status(args),
        Verb::Exec(args) => exec(args),
        Verb::Break(args) => alter::break_it(args),
        Verb::Apply(args) => alter::apply(args),
        Verb::Unplug(args) => cable::unplug(args),
        Verb::Plug(args) => cable::plug(args),
        Verb::Down(args) => down(args),
    }
}

fn up(args: &UpArgs) -> Ended {
    let loaded = estates::read(&args.estate)?;
    let with_id = |(id, mut body): (ResourceId, Value)| {
        // Children that were captured inside their parents may not say what they are.
        body["id"] = id.as_str().into();
        body
    };
    let bodies = standing::bodies_of(&loaded.estate).into_iter().map(with_id);
    let standing =
        Standing::up(&standing::home(), &args.named.name, bodies.collect(), !args.no_servers)
            .map_err(|why| failed("build the twin", why))?;
    show::places(&standing);
    show::notes(&standing);
    Ok(Exit::Good)
}

fn exec(args: &ExecArgs) -> Ended {
    let standing = find(&args.named)?;
    let place = place_of(&standing, &args.place)?;
    let mut command = standing.networks.at_place(place);
    let own =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)));
    let own: Vec<_> = own.collect();
    command.envs(std::env::vars_os());
    for (name, value) in own {
        let Some(value) = value else { continue };
        command.env(name, value);
    }
    // The command takes our place, and ends with what waits for it: whoever kills us kills it.
    command.args(["setpriv", "--pdeathsig=KILL"]).args(&args.command);
    Err(Failure::failed("run the command", command.exec(), ""))
}

fn down(args: &DownArgs) -> Ended {
    let home = standing::home();
    let names = if args.all { standing::names(&home) } else { vec![args.named.name.clone()] };
    for name in &names {
        let was_there = standing::down(&home, name).map_err(|why| failed("end the twin", why))?;
        remark(format_args!(
            "twin `{name}`: {}",
            if was_there { "ended and removed" } else { "there is none" }
        ));
    }
    Ok(Exit::Good)
}

fn place_of<'s>(standing: &'s Standing, name: &str) -> Result<&'s Place, Failure> {
    let blueprint = &standing.networks.blueprint;
    blueprint.place(name).ok_or_else(|| {
        let names = blueprint.places.iter().map(|one| one.name.as_str());
        let help = format!("places: {}", names.collect::<Vec<_>>().join(", "));
        Failure::usage(format!("find place `{name}`"), "the twin has none of that name", help)
    })
}

fn find(named: &Named) -> Result<Standing, Failure> {
    let standing = Standing::find(&standing::home(), &named.name)
        .map_err(|why| failed("find the twin", why))?;
    if standing.is_restored {
        remark(format_args!(
            "twin `{}`: a change was cut off; it stands again as before",
            standing.name
        ));
    }
    Ok(standing)
}

/// A failure of the lab, with its causes.
fn failed(what: &str, why: flexway_lab::Error) -> Failure {
    let text = match &why {
        // The command says itself what it was about to do.
        flexway_lab::Error::NoTwin(why) => why.clone(),
        other => {
            let causes =
                std::iter::successors(std::error::Error::source(other), |one| one.source());
            causes.fold(other.to_string(), |text, cause| format!("{text}: {cause}"))
        }
    };
    match text.split_once("; ") {
        Some((why, help)) => Failure::failed(what, why, help),
        None => Failure::failed(what, text, ""),
    }
}
