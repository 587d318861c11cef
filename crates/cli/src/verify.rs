//! `flexway verify`: whether two servers hold the same, and what differs.

use std::sync::Arc;

use clap::Args;
use flexway_core::migrate::Sample;
use flexway_engine::report::{Problem, VerifyReport};
use flexway_engine::{Ports, RetryPolicy, RunError, RunOptions};
use flexway_postgres::Mover;
use serde::Serialize;

use crate::exit::{Ended, Exit};
use crate::migrate::{default_jobs, jobs_range, stop_flag};
use crate::output;
use crate::progress::{self, Progress, things};
use crate::servers::ServerArgs;

/// `schema` of the report.
const SCHEMA: &str = "flexway.verify/1";

/// What `--sample` is without a number, percent.
pub(crate) const SAMPLE_DEFAULT: &str = "1";

/// Compares schema and content of two servers; changes nothing
#[derive(Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    servers: ServerArgs,
    /// Compare only this database; may be given several times. Default: all but templates and the
    /// service's own
    #[arg(long = "database", value_name = "NAME")]
    databases: Vec<String>,
    /// Compare only a share of the rows of large tables, and count all: 0.0001 to 99.9999 percent, 1 without a number. The same rows
    /// on both sides, and the same each time
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_missing_value = SAMPLE_DEFAULT)]
    sample: Option<Sample>,
    /// Tables compared side by side. Default: the number of processors, 2 to 16
    #[arg(long, value_name = "N", value_parser = jobs_range())]
    jobs: Option<u16>,
    /// Print the result as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// The report of a comparison that did not begin.
#[derive(Serialize)]
struct Refused<'a> {
    state: &'a str,
    errors: &'a [Problem],
}

/// `flexway verify`.
pub(crate) fn run(args: &VerifyArgs) -> Ended {
    let pair = args.servers.read()?;
    let options = RunOptions {
        databases: args.databases.clone(),
        jobs: args.jobs.map_or_else(default_jobs, usize::from),
        overwrite: false,
        roles: true,
        verify: true,
        sample: args.sample,
        build_memory_bytes: None,
        retry: RetryPolicy::default(),
    };
    let stop = stop_flag()?;
    let mover = Mover::new(pair.source, pair.target);
    let ports = Ports { servers: &mover, databases: &mover };
    let watch = Progress::new(Arc::clone(&stop));
    let result = flexway_engine::verify(ports, &options, &watch, &stop);
    drop(watch);
    match result {
        Ok(report) => {
            if args.json {
                output::print_json(SCHEMA, &report)?;
            }
            end(&report, args.json)
        }
        Err(RunError::Refused(reasons)) => {
            let reasons: Vec<Problem> =
                reasons.iter().map(|reason| Problem::new(None, reason)).collect();
            if args.json {
                let refused = Refused { state: "refused", errors: &reasons };
                output::print_json(SCHEMA, &refused)?;
            }
            Err(output::tell(&reasons, ""))
        }
        Err(RunError::Ledger(error)) => Err(crate::exit::Failure::failed("compare", error, "")),
    }
}

/// Differences are the answer of this command: on standard output, unless the JSON is there. What could not be compared leaves it open,
/// unless something was found to differ.
fn end(report: &VerifyReport, json: bool) -> Ended {
    let compared = &report.compared;
    let mut lines: Vec<String> =
        compared.differences.iter().map(|found| format!("differs: {found}")).collect();
    let agreed = compared.sample.as_ref().filter(|sample| sample.agrees);
    let verdict = match (compared.equal, compared.differences.len(), agreed) {
        (true, _, _) => "equal".to_owned(),
        (false, 0, Some(sample)) => format!("nothing differs in {sample}"),
        (false, 0, None) => "not known".to_owned(),
        (false, count, _) => format!("NOT equal: {}", things(count as u64, "difference")),
    };
    lines.push(format!(
        "{verdict}; compared {}, {} with {} in {}",
        things(report.databases.len() as u64, "database"),
        things(compared.tables_compared, "table"),
        things(compared.rows_compared, "row"),
        progress::duration(report.seconds)
    ));
    for line in lines {
        output::answer(&line, json);
    }
    if !report.errors.is_empty() {
        output::remark(output::tell(&report.errors, ""));
    }
    Ok(if compared.equal || agreed.is_some() {
        Exit::Good
    } else if compared.differences.is_empty() {
        Exit::Unknown
    } else {
        Exit::Findings
    })
}
