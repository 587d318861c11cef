//! `flexway probe`: stands somewhere and looks how far a connection to a server comes.

mod picture;
mod witnesses;

pub(crate) use witnesses::WitnessArgs;

use std::env;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use flexway_core::probes::{Observation, Place, ProbePlan, Rung, RungOutcome, Seen};
use flexway_postgres::ConnInfo;
use flexway_probe::CarryError;
use serde_json::{Value, json};

use crate::check::print_value;
use crate::exit::{Ended, Exit, Failure};
use crate::output::is_stdout;
use crate::secrets;
use crate::servers::ServerArgs;

/// Climbs from a server's name to a replication slot, and says which rung does not hold
///
/// The rungs: name (which resolver, which aliases, what kind of address), tcp, ssl-request (whether PostgreSQL answers), tls, startup
/// (whether the server's gate lets this address in), login, replication. Each has its own time-out: `connect_timeout` of the URL, or
/// 10 s. Nothing is left on any server: a temporary slot goes with its session, and what runs inside a server is rolled back
#[derive(Args)]
#[command(after_help = "Examples:
  flexway probe db.example.com          # without a login: up to TLS
  flexway probe --source-url \\
    'postgres://admin@old.postgres.database.azure.com/postgres?sslmode=require'
  flexway probe --up-to tcp db.example.com:6432 --json
  flexway probe --resolver 10.0.0.4 old.postgres.database.azure.com
  flexway probe --from target --source-url URL --target-url URL \\
    --json > seen.json
  flexway probe --print-plan --from relay > plan.json
  ssh relay flexway probe --agent < plan.json > seen.json
  flexway check --estate capture/ --source SRC --target TGT \\
    --copier relay --observations seen.json

Passwords come from the URL, PGPASSWORD or PGPASSFILE; neither plans nor
answers hold one.
Exit codes: 0 every rung holds, 1 one does not, 2 could not tell, 3 failed,
64 wrong usage")]
pub(crate) struct ProbeArgs {
    /// The host to probe without a login, HOST or HOST:PORT; instead of `--source-url`
    #[arg(value_name = "HOST")]
    host: Option<String>,
    #[command(flatten)]
    servers: ServerArgs,
    /// The last rung to climb. Default: all; `tls` without a login
    #[arg(long, value_name = "RUNG", value_parser = PossibleValuesParser::new(Rung::ALL.map(Rung::word)))]
    up_to: Option<String>,
    /// Ask this DNS server instead of those of this machine: ADDRESS or ADDRESS:PORT
    #[arg(long, value_name = "ADDRESS", value_parser = resolver)]
    resolver: Option<SocketAddr>,
    /// Measure for so long how fast bytes come from the server
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=600))]
    throughput: Option<u16>,
    /// See whether a connection survives being idle for so long
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3600))]
    idle: Option<u16>,
    /// Where to stand; an observation from elsewhere proves nothing about the copier's way
    #[arg(long, value_enum, default_value = "here", value_name = "PLACE")]
    from: Standpoint,
    /// ARM id of the server that probes, where `--target-url` names it otherwise than the estate does
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// Print the plan instead of carrying it out; it holds no password
    #[arg(long)]
    print_plan: bool,
    /// Read a plan on standard input, carry it out, and print the answer as JSON
    #[arg(long, conflicts_with_all = ["host", "print_plan", "up_to", "resolver", "throughput", "idle"])]
    agent: bool,
    /// Write the answer as JSON into a file, too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the answer as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Where a probe stands.
#[derive(Clone, Copy, ValueEnum)]
enum Standpoint {
    /// This machine, which plays no part in the move
    Here,
    /// This machine, which is the host that copies
    Relay,
    /// Inside the target of `--target-url`, as SQL by its dblink or postgres_fdw
    Target,
    /// Inside the runtime server of `--target-url`, as SQL
    Runtime,
}

impl Standpoint {
    fn place(self) -> Place {
        match self {
            Standpoint::Here => Place::Here,
            Standpoint::Relay => Place::Relay,
            Standpoint::Target => Place::Target,
            Standpoint::Runtime => Place::Runtime,
        }
    }
}

pub(crate) fn run(args: &ProbeArgs) -> Ended {
    let plan = match args.agent {
        true => flexway_probe::read_plan(std::io::stdin().lock()).map_err(|why| {
            let help = "pipe in what `flexway probe --print-plan` prints";
            Failure::failed("read the probe plan from standard input", why, help)
        })?,
        false => args.plan()?,
    };
    if args.print_plan {
        print_value(&json!(plan));
        return Ok(Exit::Good);
    }
    let observation = look(&plan, args)?;
    let answer = observation.answer();
    let (out, shown) = (args.out.as_ref(), args.json || args.agent);
    if let Some(file) = out.filter(|file| !is_stdout(file)) {
        write(file, &answer)?;
    }
    match shown || out.is_some_and(|file| is_stdout(file)) {
        true => print_value(&answer),
        false => picture::print(&observation),
    }
    Ok(exit_of(&observation))
}

fn look(plan: &ProbePlan, args: &ProbeArgs) -> Result<Observation, Failure> {
    let to = match args.agent {
        true => conn_info(&plan.url)?,
        false => args.source()?,
    };
    let server = match plan.place {
        Place::Here | Place::Relay => None,
        Place::Target | Place::Runtime => Some(args.servers.target()?),
    };
    flexway_probe::carry_out(plan, &to, server.as_ref()).map_err(|error| match &error {
        CarryError::Impossible { why, fix } => Failure::usage("carry out the probe", why, *fix),
        CarryError::Inside(why) => {
            Failure::failed("probe from inside the server of --target-url", why, "")
        }
    })
}

impl ProbeArgs {
    fn source(&self) -> Result<ConnInfo, Failure> {
        match &self.host {
            Some(host) => conn_info(&host_url(host)?),
            None => self.servers.source(),
        }
    }

    fn plan(&self) -> Result<ProbePlan, Failure> {
        let url = match &self.host {
            Some(host) => host_url(host)?,
            None => self.servers.source()?.without_password(),
        };
        let default = if self.host.is_some() { Rung::Tls } else { Rung::Replication };
        let asked = self.up_to.as_deref();
        let up_to = Rung::ALL.into_iter().find(|rung| Some(rung.word()) == asked);
        Ok(ProbePlan {
            up_to: up_to.unwrap_or(default),
            resolver: self.resolver,
            place: self.from.place(),
            resource: self.resource.clone(),
            throughput_s: self.throughput,
            idle_s: self.idle,
            ..ProbePlan::of(url)
        })
    }
}

/// Every rung that was tried holds, one does not, or none could be tried.
fn exit_of(observation: &Observation) -> Exit {
    match observation.seen() {
        Seen::Through(_) => Exit::Good,
        Seen::Blocked(..) => Exit::Findings,
        Seen::Nothing => Exit::Unknown,
    }
}

/// The rung at which an observation ends, for people.
pub(crate) fn failed_rung(observation: &Observation) -> Option<&flexway_core::probes::RungReport> {
    observation.rungs.iter().find(|rung| rung.outcome == RungOutcome::Fail)
}

fn conn_info(url: &str) -> Result<ConnInfo, Failure> {
    ConnInfo::parse(url, &|name| env::var(name).ok())
        .map_err(|why| Failure::usage("read the server's URL", why, ""))
}

/// HOST, HOST:PORT, ADDRESS or [ADDRESS]:PORT as a key/value string.
fn host_url(text: &str) -> Result<String, Failure> {
    secrets::refuse("read the host to probe", text)?;
    let (host, port) = match text.parse::<SocketAddr>() {
        Ok(socket) => (socket.ip().to_string(), Some(socket.port().to_string())),
        Err(_) if text.parse::<IpAddr>().is_ok() => (text.to_owned(), None),
        Err(_) => match text.rsplit_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port.to_owned())),
            None => (text.to_owned(), None),
        },
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let is_port = port.as_ref().is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if host.is_empty() || !host.bytes().all(is_host) || !is_port {
        let why = "it is no HOST or HOST:PORT";
        return Err(Failure::usage(
            format!("probe `{text}`"),
            why,
            "give a name or an address; a login goes to --source-url",
        ));
    }
    let port = port.map(|port| format!(" port={port}")).unwrap_or_default();
    Ok(format!("host={host}{port} user=postgres dbname=postgres"))
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    const DNS_PORT: u16 = 53;
    let socket = text.parse().or_else(|_| text.parse().map(|ip| SocketAddr::new(ip, DNS_PORT)));
    socket.map_err(|_| "give ADDRESS or ADDRESS:PORT".to_owned())
}

fn write(file: &PathBuf, answer: &Value) -> Result<(), Failure> {
    fs::write(file, format!("{answer:#}\n")).map_err(|why| {
        Failure::failed(format!("write {}", file.display()), why, "choose another file")
    })
}
