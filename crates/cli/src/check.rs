//! `flexway check` and `flexway trace`: can the copier reach the source, and what blocks it.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use flexway_core::diagnose::{self, Report};
use flexway_core::trace::step::Verdict;

use crate::drawing::DrawingArgs;
use crate::estates::{Asked, FlowArgs};
use crate::exit::{Ended, Exit};
use crate::probe::WitnessArgs;
use crate::{pairs, picture};

/// Says whether the target can reach the source, and names what blocks it
#[derive(Args)]
#[command(after_help = "Examples:
  flexway check --estate capture/ --source contoso-single --target contoso-flex
  flexway check --estate e.json --source db.example.com:5432 --target TGT
  flexway check --estate capture/ --source SRC --target TGT --svg path.svg
  flexway check --estate capture/ --pairs pairs.csv --json
  az network vnet list -o json | flexway check --estate - \\
    --estate servers.json --source SRC --target TGT --json
  terraform show -json plan.out > plan.json
  flexway check --estate capture/ --source SRC --target TGT \\
    --after plan.json
  export FLEXWAY_SOURCE=... FLEXWAY_TARGET=...
  flexway check --estate capture/ --source SRC --target TGT --probe
  flexway check --estate capture/ --source SRC --target TGT \\
    --observations seen.json

Exit codes: 0 reachable, 1 not or only partly reachable, 2 could not tell,
3 failed, 64 wrong usage; the worst one of many pairs")]
#[command(mut_arg("source", |arg| arg.required(false).required_unless_present("pairs")))]
#[command(mut_arg("target", |arg| arg.required(false).required_unless_present("pairs")))]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    flow: FlowArgs,
    #[command(flatten)]
    drawing: DrawingArgs,
    /// Judge the pairs of a file in one run: lines `SOURCE,TARGET`, or JSON objects with `source`, `target` and, where they differ,
    /// `copier` and `port`; `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["source", "target", "svg", "probe"])]
    pairs: Option<PathBuf>,
    /// With `--pairs --json`: the whole answer for each pair
    #[arg(long, requires = "pairs", requires = "json")]
    full: bool,
    #[command(flatten)]
    witnesses: WitnessArgs,
    /// Print the answer as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Shows the path from the copier to the source gate by gate, forward and back
#[derive(Args)]
#[command(after_help = "Examples:
  flexway trace --estate capture/ --source contoso-single --target contoso-flex
  flexway trace --estate capture/ --source SRC --target TGT \\
    --observations seen.json

Exit codes: 0 reachable, 1 not or only partly reachable, 2 could not tell,
3 failed, 64 wrong usage")]
pub(crate) struct TraceArgs {
    #[command(flatten)]
    flow: FlowArgs,
    #[command(flatten)]
    drawing: DrawingArgs,
    #[command(flatten)]
    witnesses: WitnessArgs,
    /// Print the answer of `check` as JSON on standard output: it holds the trace
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CheckArgs) -> Ended {
    if let Some(file) = &args.pairs {
        let observations = args.witnesses.read()?;
        return pairs::run(&args.flow, file, &observations, args.json, args.full);
    }
    let is_picture = args.drawing.is_answer(args.json.then_some("the answer as JSON"))?;
    let asked = args.flow.ask()?;
    let mut report = diagnose::check(&asked.loaded.estate, &asked.question);
    report.given = asked.given.clone();
    diagnose::weigh_fixes(&asked.loaded.estate, &mut report);
    args.witnesses.lay_over(&asked, &mut report)?;
    let estate = &asked.loaded.estate;
    let has_next = !args.json && report.causes().next().is_some();
    let plan = args.drawing.plan(estate, &report, has_next);
    args.drawing.draw(estate, &report, plan.as_ref())?;
    match args.json {
        true => print_json(&report, &asked),
        false if is_picture => {}
        false => picture::print_report(&report, plan.as_ref(), &asked),
    }
    Ok(exit_of(report.verdict))
}

pub(crate) fn trace(args: &TraceArgs) -> Ended {
    let is_picture = args.drawing.is_answer(args.json.then_some("the answer as JSON"))?;
    let asked = args.flow.ask()?;
    let mut report = diagnose::check(&asked.loaded.estate, &asked.question);
    report.given = asked.given.clone();
    args.witnesses.lay_over(&asked, &mut report)?;
    let estate = &asked.loaded.estate;
    let plan = args.drawing.plan(estate, &report, false);
    args.drawing.draw(estate, &report, plan.as_ref())?;
    match args.json {
        true => print_json(&report, &asked),
        false if is_picture => {}
        false => picture::print_trace(&report, &asked),
    }
    Ok(exit_of(report.verdict))
}

fn print_json(report: &Report, asked: &Asked) {
    let mut value = report.to_json();
    asked.describe(&mut value, "after");
    print_value(&value);
}

/// Prints JSON alone on standard output. A reader that went away is not our failure.
pub(crate) fn print_value(value: &serde_json::Value) {
    let _ = writeln!(std::io::stdout().lock(), "{value:#}");
}

/// The exit code that a verdict stands for.
pub(crate) fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Reachable => Exit::Good,
        Verdict::Unreachable | Verdict::Partial | Verdict::Inconsistent => Exit::Findings,
        Verdict::Undetermined => Exit::Unknown,
    }
}
