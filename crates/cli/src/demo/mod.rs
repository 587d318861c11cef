//! `flexway demo`: two real servers, a broken network, its diagnosis and repair, the move, the proof; in a twin where one can be built.

mod twin;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anstyle::{AnsiColor, Style};
use clap::Args;
use flexway_core::estate::{Input, load};
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_lab::twin::tools;
use flexway_lab::{Options, Server, installed};
use flexway_postgres::{ConnInfo, Session};
use serde_json::{Value, json};

use crate::exit::{Ended, Exit, Failure};
use crate::output::say;

const SAMPLE: &str = include_str!("sample.sql");
const ESTATE: &str = include_str!("../../../../fixtures/private-source.json");

/// The link whose absence breaks the demo's network.
const LINK: &str = "privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link";

/// Majors of the two servers, best first: the sample has generated columns, which came with 12.
const PAIRS: [(u32, u32); 4] = [(15, 18), (15, 17), (17, 18), (15, 15)];

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const COMMAND: Style = Style::new().bold();

/// Shows everything on two real servers, in a twin of a network where root may build one, and cleans up
#[derive(Args)]
#[command(
    after_help = "Needs PostgreSQL servers of two majors: `cargo xtask setup` brings them. Works as root and as an ordinary user."
)]
pub(crate) struct DemoArgs {
    /// Keep the estates and the plan in this folder
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Leave the networks out, and move between two servers on this machine
    #[arg(long)]
    no_twin: bool,
}

pub(crate) fn run(args: &DemoArgs) -> Ended {
    let started = Instant::now();
    if let Some(folder) = &args.keep {
        fs::create_dir_all(folder).map_err(|why| {
            Failure::failed(format!("create {}", folder.display()), why, "give another folder")
        })?;
    }
    match tools::require() {
        Ok(()) if !args.no_twin => twin::run(args)?,
        Ok(()) => on_this_machine(args)?,
        Err(why) => {
            say(format_args!("without a twin, since it failed to {why}"));
            on_this_machine(args)?;
        }
    }
    say(format_args!("done in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(Exit::Good)
}

/// The demo without a twin: the network is a file, the servers are real.
fn on_this_machine(args: &DemoArgs) -> Result<(), Failure> {
    let (source, target) = servers()?;
    // The source's private folder goes away with the server, even when this process is killed.
    let folder = args.keep.clone().unwrap_or_else(|| source.folder().to_owned());
    let folder = folder.as_path();
    title("1. the network: a private source, a private target, and Azure's tool says ST008");
    let broken = write_estate(folder, "estate.json", broken_estate()?)?;
    let flow = ["--source", "old-db", "--target", "new-db"];
    flexway(folder, &[&["check", "--estate", &broken], &flow[..]].concat(), &[], &[1])?;

    title("2. the smallest repair, computed and tried on a copy of the estate");
    flexway(folder, &[&["plan", "--estate", &broken], &flow[..]].concat(), &[], &[0])?;

    title("3. the same check after the repair");
    let repaired = write_estate(folder, "repaired.json", repaired_estate()?)?;
    flexway(folder, &[&["check", "--estate", &repaired], &flow[..]].concat(), &[], &[0])?;

    title(&format!(
        "4. the move: PostgreSQL {} to {}, two real servers",
        source.major(),
        target.major()
    ));
    fill(&source)?;
    let environment =
        [("FLEXWAY_SOURCE", source.url("postgres")), ("FLEXWAY_TARGET", target.url("postgres"))];
    let ledger = folder.join("move.ledger").display().to_string();
    let gate = ["--estate", &repaired, "--source", "old-db", "--target", "new-db"];
    flexway(folder, &[&["migrate", "--ledger", &ledger], &gate[..]].concat(), &environment, &[0])?;

    title("5. the proof, asked again: schema, roles and the content of every table");
    flexway(folder, &["verify"], &environment, &[0])?;

    drop((source, target));
    if args.keep.is_none() {
        say("\nservers stopped, folders removed");
    }
    Ok(())
}

fn title(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = writeln!(out, "\n{TITLE}── {text}{TITLE:#}\n");
}

/// Runs this very program, showing the command line as a user would type it.
fn flexway(
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, String)],
    expected: &[i32],
) -> Result<(), Failure> {
    let shown: Vec<String> = arguments.iter().map(|word| short(folder, word)).collect();
    {
        let mut out = anstream::stdout().lock();
        let _ = writeln!(out, "{COMMAND}$ flexway {}{COMMAND:#}", shown.join(" "));
    }
    let what = || format!("run flexway {}", shown.join(" "));
    let program = std::env::current_exe().map_err(|why| Failure::failed(what(), why, ""))?;
    let status = Command::new(program)
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .status()
        .map_err(|why| Failure::failed(what(), why, ""))?;
    match status.code() {
        Some(code) if expected.contains(&code) => Ok(()),
        Some(code) => {
            Err(Failure::failed(what(), format!("it ended with {code}"), "see its message above"))
        }
        None => Err(Failure::failed(what(), "it was stopped by a signal", "")),
    }
}

fn short(folder: &Path, word: &str) -> String {
    word.strip_prefix(&format!("{}/", folder.display())).unwrap_or(word).to_owned()
}

fn broken_estate() -> Result<Value, Failure> {
    broken_resources().map(Value::Array)
}

fn broken_resources() -> Result<Vec<Value>, Failure> {
    let Ok(Value::Array(mut resources)) = serde_json::from_str(ESTATE) else {
        return Err(Failure::failed("read the demo's estate", "it is not a list", ""));
    };
    resources.retain(|one| !one["id"].as_str().is_some_and(|id| id.ends_with(LINK)));
    Ok(resources)
}

/// The broken estate with the plan's changes made.
fn repaired_estate() -> Result<Value, Failure> {
    let loaded = load(vec![Input { file: "estate.json".to_owned(), json: broken_estate()? }]);
    let failed = |why: String| Failure::failed("plan the demo's repair", why, "");
    let question = flexway_core::diagnose::Question {
        source: flexway_core::diagnose::Source::Server(
            loaded.estate.find_server("old-db").map_err(failed)?,
        ),
        target: loaded.estate.find_server("new-db").map_err(failed)?,
        copier: flexway_core::diagnose::Copier::Target,
        port: flexway_core::diagnose::PORT,
    };
    let plan = plan::plan(&loaded.estate, &question, &Policy::default());
    let repaired = plan.changes.iter().fold(loaded.estate, |estate, change| change.apply(&estate));
    let bodies: Vec<Value> =
        repaired.ids().filter_map(|id| Some(repaired.body(id)?.into_owned())).collect();
    Ok(json!(bodies))
}

fn write_estate(folder: &Path, name: &str, json: Value) -> Result<String, Failure> {
    let path = folder.join(name);
    fs::write(&path, format!("{json:#}\n"))
        .map_err(|why| Failure::failed(format!("write {}", path.display()), why, ""))?;
    Ok(path.display().to_string())
}

/// Starts a source and a target of the best pair of majors that is installed.
fn servers() -> Result<(Server, Server), Failure> {
    let found = PAIRS.iter().find_map(|(source, target)| {
        Some((installed::find(*source).ok()?, installed::find(*target).ok()?))
    });
    let Some((source, target)) = found else {
        let why = "no PostgreSQL server programs of two majors from 15 on were found";
        return Err(Failure::failed(
            "start two servers",
            why,
            "run `cargo xtask setup` in the project first",
        ));
    };
    let start = |install| {
        Server::start(install, &Options::default())
            .map_err(|why| Failure::failed("start a PostgreSQL server", why, ""))
    };
    say(format_args!(
        "starting PostgreSQL {} and {} in private folders",
        source.major, target.major
    ));
    Ok((start(&source)?, start(&target)?))
}

fn fill(source: &Server) -> Result<(), Failure> {
    let failed = |why: String| Failure::failed("fill the demo's source", why, "");
    let info = |database: &str| {
        ConnInfo::parse(&source.url(database), &|_| None).map_err(|why| failed(why.to_string()))
    };
    let mut session =
        Session::connect(&info("postgres")?).map_err(|why| failed(why.to_string()))?;
    session.execute("CREATE DATABASE shop").map_err(|why| failed(why.to_string()))?;
    let mut session = Session::connect(&info("shop")?).map_err(|why| failed(why.to_string()))?;
    session.execute(SAMPLE).map_err(|why| failed(why.to_string()))?;
    let size = session
        .rows("SELECT pg_size_pretty(pg_database_size('shop'))")
        .map_err(|why| failed(why.to_string()))?;
    let size = size.first().and_then(|row| row.first().cloned().flatten()).unwrap_or_default();
    say(format_args!("source filled: database shop, {size}"));
    Ok(())
}
