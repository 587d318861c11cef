//! `flexway status`: how far a move has come, read from its ledger without touching the run.

use std::path::PathBuf;

use clap::Args;
use flexway_engine::ledger::{DatabaseView, LedgerView, RunView};

use crate::exit::{Ended, Exit};
use crate::ledger_file;
use crate::output;
use crate::page::PageArgs;
use crate::progress::{self, things};

/// `schema` of the report.
const SCHEMA: &str = "flexway.status/1";

/// Shows how far a move has come
#[derive(Args)]
pub(crate) struct StatusArgs {
    /// The ledger of the move, which `flexway migrate` prints when it begins
    #[arg(long, value_name = "PATH")]
    ledger: PathBuf,
    #[command(flatten)]
    page: PageArgs,
    /// Print the status as JSON
    #[arg(long)]
    json: bool,
}

/// `flexway status`.
pub(crate) fn run(args: &StatusArgs) -> Ended {
    ledger_file::refuse_url(&args.ledger)?;
    ledger_file::refuse_absent(&args.ledger)?;
    let view = LedgerView::read(&args.ledger)
        .map_err(|error| ledger_file::failure(&args.ledger, &error))?;
    args.page.write(&args.ledger)?;
    if args.json {
        output::print_json(SCHEMA, &view)?;
        return Ok(Exit::Good);
    }
    match &view.run {
        None => output::answer("no move was begun with this ledger", false),
        Some(run) => output::answer(&run_lines(run), false),
    }
    for database in &view.databases {
        output::answer(&database_lines(database), false);
    }
    Ok(Exit::Good)
}

fn run_lines(run: &RunView) -> String {
    let when = match (run.state.as_str(), &run.ended) {
        ("running", _) => format!("running since {} (process {})", run.started, run.pid),
        (state, Some(ended)) => format!("{state} at {ended}"),
        (state, None) => format!("{state}; it began at {}", run.started),
    };
    let mut text = format!("{} -> {}\nrun {}: {when}", run.source, run.target, run.id);
    if let Some(error) = &run.error {
        text += &format!("\n  {error}");
    }
    text
}

fn database_lines(database: &DatabaseView) -> String {
    let mut text = format!("{}: ", database.name);
    text += match database.phase.as_deref() {
        None => "not prepared yet",
        Some(phase) => phase,
    };
    if database.tables > 0 {
        text += &format!(
            ", {} of {}, {}",
            progress::count(database.tables_done),
            things(database.tables, "table"),
            things(database.rows, "row")
        );
    }
    if database.large_objects > 0 {
        text += &format!(", {}", things(database.large_objects, "large object"));
    }
    if database.bytes > 0 {
        text += &format!(", {}", progress::bytes(database.bytes));
    }
    if database.entries > 0 {
        text += &format!(
            ", {} of {} indexes, keys and other entries",
            progress::count(database.entries_done),
            progress::count(database.entries)
        );
    }
    if let Some(pace) = &database.pace {
        let rate = pace.bytes_per_second.map(|rate| format!(", {}/s", progress::bytes(rate)));
        text += &format!("{}{}", rate.unwrap_or_default(), progress::paced_words(pace));
    }
    if let Some(statistics) = &database.statistics {
        text += &format!(", {statistics}");
    }
    if let Some(error) = &database.error {
        text += &format!("\n  {error}");
    }
    for item in &database.items {
        text += &format!("\n  {} {}", item.state, item.name);
        if item.kind != "entry" {
            let noun = if item.kind == "table" { "row" } else { "large object" };
            text += &format!(": {}, {}", things(item.rows, noun), progress::bytes(item.bytes));
        }
        if let Some(error) = &item.error {
            text += &format!(": {error}");
        }
    }
    text
}
