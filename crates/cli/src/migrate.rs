//! `flexway migrate` and `flexway resume`: an offline move, or the rest of one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::builder::RangedI64ValueParser;
use clap::{Args, ValueEnum};
use flexway_core::migrate::Sample;
use flexway_engine::report::{DatabaseReport, FoundDifference, MoveReport, Problem};
use flexway_engine::{Ledger, Ports, Run, RunError, RunOptions};
use flexway_postgres::Mover;
use serde::Serialize;

use crate::doctor::Ways;
use crate::exit::{Ended, Exit, Failure};
use crate::gate::{self, Gate};
use crate::ledger_file;
use crate::output;
use crate::page::PageArgs;
use crate::patience::PatienceArgs;
use crate::progress::{self, Progress, things};
use crate::servers::{ServerArgs, ServerPair};
use crate::verify::SAMPLE_DEFAULT;

/// `schema` of the report.
const SCHEMA: &str = "flexway.migrate/1";

/// Each job holds a connection to both servers; small managed servers allow 50 in all.
const JOBS_MAX: i64 = 64;

/// A terabyte: more is a slip of the hand.
const BUILD_MEMORY_MAX: u64 = 1 << 20;

/// Without `--jobs`: one stream leaves both servers idle while it waits for the other.
const JOBS_DEFAULT_MIN: usize = 2;

/// Without `--jobs`: more streams than this seldom help and can starve a live source.
const JOBS_DEFAULT_MAX: usize = 16;

/// Moves all databases of a server, or chosen ones, and verifies what arrived
#[derive(Args)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    servers: ServerArgs,
    /// Move only this database; may be given several times. Default: all but templates and the
    /// service's own
    #[arg(long = "database", value_name = "NAME")]
    databases: Vec<String>,
    /// `offline`: the source must not be written to while the move goes on
    #[arg(long, value_enum, default_value_t = Mode::Offline)]
    mode: Mode,
    /// Tables and indexes worked on side by side. Default: the number of processors, 2 to 16
    #[arg(long, value_name = "N", value_parser = jobs_range())]
    jobs: Option<u16>,
    #[command(flatten)]
    patience: PatienceArgs,
    /// What index builds that run at once may take of the target's memory together. Default: as much as its shared_buffers
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..=BUILD_MEMORY_MAX))]
    build_memory: Option<u64>,
    /// The file that remembers how far the move has come. Default: a file below
    /// $XDG_STATE_HOME/flexway, named after both servers
    #[arg(long, value_name = "PATH")]
    ledger: Option<PathBuf>,
    /// Replace what the target databases hold
    #[arg(long)]
    overwrite: bool,
    /// Leave roles alone: all owners and grantees stand on the target already
    #[arg(long)]
    no_roles: bool,
    /// Do not compare what arrived; `flexway verify` can do so later
    #[arg(long)]
    no_verify: bool,
    /// Compare only a share of the rows of large tables, as `flexway verify --sample` does
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_missing_value = SAMPLE_DEFAULT,
        conflicts_with = "no_verify")]
    sample: Option<Sample>,
    /// Check the network of this estate first: a file or folder of ARM JSON; may be given several
    /// times
    #[arg(long, value_name = "PATH", requires_all = ["source", "target"])]
    estate: Vec<PathBuf>,
    /// The source in the estate: an ARM resource id or a server's name
    #[arg(long, value_name = "ID", requires = "estate")]
    source: Option<String>,
    /// The target in the estate
    #[arg(long, value_name = "ID", requires = "estate")]
    target: Option<String>,
    /// Where the copying process runs: on the target, or here (`relay`)
    #[arg(long, value_enum, requires = "estate")]
    copier: Option<CopierPlace>,
    #[command(flatten)]
    page: PageArgs,
    /// Print the final report as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Goes on with a move that was stopped, interrupted, or failed
#[derive(Args)]
pub(crate) struct ResumeArgs {
    /// The ledger of the move
    #[arg(long, value_name = "PATH")]
    ledger: PathBuf,
    #[command(flatten)]
    servers: ServerArgs,
    /// Tables and indexes worked on side by side. Default: as before
    #[arg(long, value_name = "N", value_parser = jobs_range())]
    jobs: Option<u16>,
    #[command(flatten)]
    patience: PatienceArgs,
    #[command(flatten)]
    page: PageArgs,
    /// Print the final report as JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Offline,
    Online,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CopierPlace {
    Target,
    Relay,
}

/// `flexway migrate`.
pub(crate) fn run(args: &MigrateArgs) -> Ended {
    if args.mode == Mode::Online {
        return Err(Failure::usage(
            "move online",
            "this version moves offline only",
            "stop writing to the source and leave --mode out",
        ));
    }
    args.page.warn_of_no_place();
    if let Gate::Closed(exit) = network_gate(args)? {
        return Ok(exit);
    }
    let pair = args.servers.read()?;
    let path = ledger_file::path(args.ledger.as_deref(), &pair)?;
    let options = RunOptions {
        databases: args.databases.clone(),
        jobs: args.jobs.map_or_else(default_jobs, usize::from),
        overwrite: args.overwrite,
        roles: !args.no_roles,
        verify: !args.no_verify,
        sample: args.sample,
        build_memory_bytes: args.build_memory.map(|megabytes| megabytes << 20),
        retry: args.patience.policy(),
    };
    let ledger = ledger_file::open(&path)?;
    carry_on(pair, &options, &ledger, (args.json, &args.page))
}

/// `flexway resume`.
pub(crate) fn resume(args: &ResumeArgs) -> Ended {
    ledger_file::refuse_url(&args.ledger)?;
    ledger_file::refuse_absent(&args.ledger)?;
    args.page.warn_of_no_place();
    let pair = args.servers.read()?;
    let ledger = ledger_file::open(&args.ledger)?;
    let recorded =
        ledger.last_options().map_err(|error| ledger_file::failure(&args.ledger, &error))?;
    let Some(mut options) = recorded else {
        return Err(Failure::failed(
            format!("go on with the ledger {}", args.ledger.display()),
            "no move was begun with it",
            "begin one with flexway migrate",
        ));
    };
    options.retry = args.patience.policy();
    if let Some(jobs) = args.jobs {
        options.jobs = usize::from(jobs);
    }
    carry_on(pair, &options, &ledger, (args.json, &args.page))
}

/// Checks the network of the estate, when one is given.
fn network_gate(args: &MigrateArgs) -> Result<Gate, Failure> {
    let (Some(source), Some(target)) = (&args.source, &args.target) else { return Ok(Gate::Open) };
    let through_here = matches!(args.copier, Some(CopierPlace::Relay));
    gate::check(&args.estate, (source, target), through_here, args.json)
}

/// What `--jobs` takes.
pub(crate) fn jobs_range() -> RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=JOBS_MAX)
}

/// Runs the move and says how it ended.
fn carry_on(
    pair: ServerPair,
    options: &RunOptions,
    ledger: &Ledger,
    (json, page): (bool, &PageArgs),
) -> Ended {
    let stop = stop_flag()?;
    let mover = Mover::new(pair.source.clone(), pair.target.clone());
    let ports = Ports { servers: &mover, databases: &mover };
    let watch = Progress::new(Arc::clone(&stop));
    watch.say(&format!("ledger   {}", ledger.path().display()));
    let result = Run::start(ports, options, ledger, &watch, &stop);
    drop(watch);
    match result {
        Ok(report) => {
            let ways = ways(&pair, &report.errors);
            if json {
                output::print_json(SCHEMA, &Report { report: &report, network: ways.as_ref() })?;
            }
            // How the move ended counts, not whether its report could be written.
            if let Err(failure) = page.write(ledger.path()) {
                output::remark(&failure);
            }
            end(&report, ways.as_ref(), ledger.path(), json)
        }
        Err(RunError::Refused(reasons)) => {
            let reasons: Vec<Problem> =
                reasons.iter().map(|reason| Problem::new(None, reason)).collect();
            if json {
                // For people the error names the rung.
                let ways = ways(&pair, &reasons);
                let ledger = &ledger.path().display().to_string();
                let network = ways.as_ref();
                let refused = Refused { state: "refused", errors: &reasons, network, ledger };
                output::print_json(SCHEMA, &refused)?;
            }
            output::remark("refused; nothing was changed on either server");
            Err(output::tell(&reasons, ""))
        }
        Err(RunError::Ledger(error)) => Err(ledger_file::failure(ledger.path(), &error)),
    }
}

/// The report of a move that did not begin.
#[derive(Serialize)]
struct Refused<'a> {
    state: &'a str,
    errors: &'a [Problem],
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a Ways>,
    ledger: &'a str,
}

/// The report, with what the network doctor saw where a connection was lost.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    report: &'a MoveReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a Ways>,
}

/// Looks at the network where it may be to blame.
fn ways(pair: &ServerPair, problems: &[Problem]) -> Option<Ways> {
    problems.iter().any(|problem| problem.is_lost).then(|| Ways::look(pair))
}

/// The last lines for people, and the exit code.
fn end(report: &MoveReport, ways: Option<&Ways>, ledger: &Path, json: bool) -> Ended {
    let go_on = format!(
        "go on with the same command, or with: flexway resume --ledger {} (the servers again from \
         FLEXWAY_SOURCE and FLEXWAY_TARGET, or --source-url and --target-url)",
        ledger.display()
    );
    if !report.errors.is_empty() {
        // What other databases came to is not lost in the failure of one.
        for line in findings(report) {
            output::answer(&line, json);
        }
        let seen = ways.into_iter().flat_map(Ways::sentences);
        let help: Vec<String> = seen.chain([go_on]).collect();
        return Err(output::tell(&report.errors, &help.join("\n  ")));
    }
    let lines = summary(report);
    for line in lines {
        output::answer(&line, json);
    }
    let agrees = report.verify.sample.as_ref().is_some_and(|sample| sample.agrees);
    let help = if !report.open.is_empty() {
        format!("all rows are there; mend what is left open, then {go_on}")
    } else if report.verify.differences.is_empty()
        && (report.verify.equal || report.verify.skipped || agrees)
    {
        return Ok(Exit::Good);
    } else {
        help_with(&report.verify.differences, ledger)
    };
    output::remark(format_args!("  help: {help}"));
    Ok(Exit::Findings)
}

/// What can be done about differences: only content changes when the source is written to.
fn help_with(differences: &[FoundDifference], ledger: &Path) -> String {
    let is_content = |kind: &str| matches!(kind, "table" | "sequence" | "large object");
    if differences.iter().any(|found| is_content(&found.kind)) {
        format!(
            "was the source written to? to copy it all again, delete {} and give --overwrite",
            ledger.display()
        )
    } else if differences.iter().all(|found| found.kind == "role") {
        "bring the roles in line on either server, then give the same command again, which compares \
         them anew"
            .to_owned()
    } else {
        "the content is equal; mend on the target what differs, then give the same command again, \
         which compares anew"
            .to_owned()
    }
}

/// What was not done, and what differs, a line each.
fn findings(report: &MoveReport) -> Vec<String> {
    let not_carried = |found: &FoundDifference| {
        report.roles.as_ref().is_some_and(|roles| roles.not_carried.contains(found))
    };
    let found = report.verify.differences.iter().map(|found| match not_carried(found) {
        true => format!("not carried: {found}"),
        false => format!("differs: {found}"),
    });
    report.open.iter().map(left_open).chain(found).collect()
}

fn left_open(problem: &Problem) -> String {
    let Problem { database, what, why, help, .. } = problem;
    let database = database.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let help = if help.is_empty() { String::new() } else { format!("\n  help: {help}") };
    format!("left open: {database}{what}: {why}{help}")
}

/// What was moved, a line for each database, and whether it is equal.
fn summary(report: &MoveReport) -> Vec<String> {
    let mut lines: Vec<String> = report.databases.iter().map(database_line).collect();
    lines.extend(findings(report));
    let verify = &report.verify;
    let verdict = if verify.skipped {
        "NOT compared, as asked: flexway verify does".to_owned()
    } else if verify.equal {
        format!(
            "equal: {} with {} compared by content, and the schemas",
            things(verify.tables_compared, "table"),
            things(verify.rows_compared, "row")
        )
    } else if let Some(sample) = verify.sample.as_ref().filter(|sample| sample.agrees) {
        format!("nothing differs in {sample}; flexway verify compares all of them")
    } else {
        format!("NOT equal: {}", things(verify.differences.len() as u64, "difference"))
    };
    let took = progress::duration(report.seconds);
    let moved = report.databases.iter().filter(|one| !one.by_earlier_run).count() as u64;
    lines.push(if moved == 0 {
        format!(
            "nothing was left to move, and no content was compared now: see flexway verify; then \
             it was {verdict}"
        )
    } else {
        format!("moved {} in {took}; {verdict}", things(moved, "database"))
    });
    lines
}

fn database_line(database: &DatabaseReport) -> String {
    let earlier = match &database.verified {
        Some(time) if database.by_earlier_run => format!(", by an earlier run, verified {time}"),
        _ => String::new(),
    };
    let objects = database
        .large_objects
        .as_ref()
        .map_or_else(String::new, |objects| format!(", {}", things(objects.rows, "large object")));
    format!(
        "{}: {}, {}{objects}, {} in {}{earlier}",
        database.name,
        things(database.tables.len() as u64, "table"),
        things(database.rows, "row"),
        progress::bytes(database.bytes),
        progress::duration(database.seconds)
    )
}

/// Ctrl-C and SIGTERM: the first asks the run to stop, the second ends the process at once.
pub(crate) fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // In this order: on the first signal the flag is still unset when the first one looks.
        signal_hook::flag::register_conditional_shutdown(signal, 3, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| Failure::failed("listen for Ctrl-C", error, ""))?;
    }
    Ok(stop)
}

pub(crate) fn default_jobs() -> usize {
    std::thread::available_parallelism()
        .map_or(JOBS_DEFAULT_MIN, usize::from)
        .clamp(JOBS_DEFAULT_MIN, JOBS_DEFAULT_MAX)
}
