//! `flexway cancel`: gives a move up and leaves the target as the user chooses.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use flexway_engine::{CancelReport, Ports, RunError, cancel, stop_and_open};
use flexway_postgres::Mover;

use crate::exit::{Ended, Exit};
use crate::ledger_file;
use crate::output;
use crate::progress::things;
use crate::servers::ServerArgs;

/// `schema` of the report.
const SCHEMA: &str = "flexway.cancel/1";

/// Gives a move up: stops it when it runs, and keeps or drops what stands on the target
#[derive(Args)]
#[command(group(ArgGroup::new("end").required(true).args(["keep", "drop"])))]
pub(crate) struct CancelArgs {
    /// The ledger of the move
    #[arg(long, value_name = "PATH")]
    ledger: PathBuf,
    /// Leave unfinished databases on the target as they are
    #[arg(long)]
    keep: bool,
    /// Drop unfinished databases from the target. Verified ones stay
    #[arg(long)]
    drop: bool,
    #[command(flatten)]
    servers: ServerArgs,
    /// Print the report as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// `flexway cancel`.
pub(crate) fn run(args: &CancelArgs) -> Ended {
    ledger_file::refuse_url(&args.ledger)?;
    ledger_file::refuse_absent(&args.ledger)?;
    let pair = args.servers.read()?;
    let ledger =
        stop_and_open(&args.ledger).map_err(|error| ledger_file::failure(&args.ledger, &error))?;
    let mover = Mover::new(pair.source, pair.target);
    let ports = Ports { servers: &mover, databases: &mover };
    let report = match cancel(ports, &ledger, args.drop) {
        Ok(report) => report,
        Err(RunError::Ledger(error)) => return Err(ledger_file::failure(&args.ledger, &error)),
        Err(RunError::Refused(reasons)) => {
            let problem = |reason| flexway_engine::report::Problem::new(None, reason);
            let reasons: Vec<_> = reasons.iter().map(problem).collect();
            return Err(output::tell(&reasons, ""));
        }
    };
    if args.json {
        output::print_json(SCHEMA, &report)?;
    }
    for line in lines(&report) {
        output::answer(&line, args.json);
    }
    if report.errors.is_empty() {
        return Ok(Exit::Good);
    }
    Err(output::tell(&report.errors, "mend that and give the same command again"))
}

/// What stands on the target, a line for each database.
fn lines(report: &CancelReport) -> Vec<String> {
    let mut lines: Vec<String> = report
        .databases
        .iter()
        .map(|one| match one.outcome {
            "dropped" => format!("{}: dropped from the target", one.name),
            "complete" => format!("{}: complete and verified; it stays", one.name),
            _ => format!(
                "{}: kept on the target, unfinished: {} of {}, {} of {} indexes, keys and others built",
                one.name,
                one.tables_done,
                things(one.tables, "table"),
                one.entries_done,
                one.entries
            ),
        })
        .collect();
    if lines.is_empty() && report.errors.is_empty() {
        lines.push("nothing of the move stands on the target".to_owned());
    }
    if report.errors.is_empty() {
        lines.push("cancelled; roles that were made stay".to_owned());
    }
    lines
}
