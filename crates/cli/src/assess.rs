//! `flexway assess`: everything that speaks against a move, before anything is touched.

use clap::{Args, ValueEnum};
use flexway_core::assess::facts::Mode as CoreMode;
use flexway_core::assess::forecast::Forecast;
use flexway_core::assess::{Finding, Level, Place, Verdict};
use flexway_engine::report::Problem;
use flexway_engine::{AssessOptions, AssessReport, Ports, RunError};
use flexway_postgres::Mover;
use serde::Serialize;

use crate::exit::{Ended, Exit, Failure};
use crate::migrate::{default_jobs, jobs_range};
use crate::output;
use crate::progress::{self, things};
use crate::servers::ServerArgs;

/// `schema` of the report.
const SCHEMA: &str = "flexway.assess/1";

/// Fixes shown for one finding; the JSON has all.
const FIXES_SHOWN_MAX: usize = 5;

/// Tells what speaks against a move, with what mends it, and how long it will take; changes nothing
#[derive(Args)]
pub(crate) struct AssessArgs {
    #[command(flatten)]
    servers: ServerArgs,
    /// Look only at this database; may be given several times. Default: all but templates and the
    /// service's own
    #[arg(long = "database", value_name = "NAME")]
    databases: Vec<String>,
    /// How the move is to go
    #[arg(long, value_enum, default_value_t = Mode::Offline)]
    mode: Mode,
    /// Databases of the target may be replaced
    #[arg(long)]
    overwrite: bool,
    /// Roles are left alone
    #[arg(long)]
    no_roles: bool,
    /// Jobs to forecast with. Default: as `migrate`
    #[arg(long, value_name = "N", value_parser = jobs_range())]
    jobs: Option<u16>,
    /// Print the result as JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    Offline,
    Online,
}

/// The report of an assessment that could not be made.
#[derive(Serialize)]
struct Refused<'a> {
    state: &'a str,
    errors: &'a [Problem],
}

/// `flexway assess`.
pub(crate) fn run(args: &AssessArgs) -> Ended {
    let pair = args.servers.read()?;
    let options = AssessOptions {
        databases: args.databases.clone(),
        mode: match args.mode {
            Mode::Offline => CoreMode::Offline,
            Mode::Online => CoreMode::Online,
        },
        overwrite: args.overwrite,
        roles: !args.no_roles,
        jobs: args.jobs.map_or_else(default_jobs, usize::from),
    };
    let mover = Mover::new(pair.source, pair.target);
    match flexway_engine::assess(Ports { servers: &mover, databases: &mover }, &options) {
        Ok(report) => {
            if args.json {
                output::print_json(SCHEMA, &report)?;
            }
            for line in lines(&report) {
                output::answer(&line, args.json);
            }
            Ok(match report.assessment.verdict {
                Verdict::Ready => Exit::Good,
                Verdict::Blocked => Exit::Findings,
                Verdict::Undetermined => Exit::Unknown,
            })
        }
        Err(RunError::Refused(reasons)) => {
            let reasons: Vec<Problem> =
                reasons.iter().map(|reason| Problem::new(None, reason)).collect();
            if args.json {
                output::print_json(SCHEMA, &Refused { state: "refused", errors: &reasons })?;
            }
            Err(output::tell(&reasons, ""))
        }
        Err(RunError::Ledger(error)) => Err(Failure::failed("assess", error, "")),
    }
}

/// The answer for people: findings, what was not seen, the forecast, the verdict.
fn lines(report: &AssessReport) -> Vec<String> {
    let assessment = &report.assessment;
    let mut lines: Vec<String> = assessment.findings.iter().flat_map(finding).collect();
    for one in &assessment.missing {
        lines.push(format!("not observed: {}: {}", one.fact.what, one.fact.why));
        lines.push(format!("   therefore not judged: {}", one.validations.join(", ")));
    }
    lines.push(match (&report.forecast, &report.no_forecast) {
        (Some(forecast), _) => forecast_line(forecast),
        (None, Some(why)) => format!("no forecast: {why}"),
        (None, None) => "no forecast: nothing could be measured".to_owned(),
    });
    let count =
        |level: Level| assessment.findings.iter().filter(|one| one.level == level).count() as u64;
    let verdict = match assessment.verdict {
        Verdict::Ready => "ready",
        Verdict::Blocked => "BLOCKED",
        Verdict::Undetermined => "not known",
    };
    lines.push(format!(
        "{verdict}: {} blocking, {}, {} by {} of {}",
        count(Level::Blocks),
        things(count(Level::Risks), "risk"),
        things(count(Level::Note), "note"),
        things(assessment.validations as u64, "validation"),
        things(report.databases.len() as u64, "database"),
    ));
    lines
}

fn finding(one: &Finding) -> Vec<String> {
    let word = match one.level {
        Level::Blocks => "blocks",
        Level::Risks => "risk",
        Level::Note => "note",
    };
    let code = one.code.map(|code| format!(" {code}")).unwrap_or_default();
    let place = one.database.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let mut lines = vec![format!("{word}[{}{code}]: {place}{}", one.id, one.message)];
    lines.push(format!("   why: {}", one.why));
    for fix in one.fixes.iter().take(FIXES_SHOWN_MAX) {
        let place = match fix.on {
            Place::Source => "on the source: ",
            Place::Target => "on the target: ",
            Place::Shell => "",
        };
        lines.push(format!("   fix: {place}{}", fix.run));
    }
    let more = one.fixes.len().saturating_sub(FIXES_SHOWN_MAX);
    if more > 0 {
        lines.push(format!("   fix: and {more} more, see --json"));
    }
    if !one.advice.is_empty() {
        lines.push(format!("   help: {}", one.advice));
    }
    lines.iter().map(|line| output::printable(line)).collect()
}

fn forecast_line(forecast: &Forecast) -> String {
    format!(
        "forecast: {} to {} with {}, for {} of rows and {} of indexes; measured {}/s across, {}/s \
         off the source, {}/s into an index",
        progress::duration(forecast.seconds_min),
        progress::duration(forecast.seconds_max),
        things(forecast.jobs as u64, "job"),
        progress::bytes(forecast.table_bytes),
        progress::bytes(forecast.index_bytes),
        progress::bytes(forecast.rates.copy as u64),
        progress::bytes(forecast.rates.read as u64),
        progress::bytes(forecast.rates.index as u64),
    )
}
