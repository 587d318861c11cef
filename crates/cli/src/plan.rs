//! `flexway plan`: the smallest repair, tried on a copy of the estate before it is shown.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flexway_core::plan;

use crate::check::exit_of;
use crate::estates::FlowArgs;
use crate::exit::{Ended, Failure};

/// Computes the smallest change that lets the copier reach the source, and re-checks it in simulation
#[derive(Args)]
#[command(after_help = "Examples:
  flexway plan --estate capture/ --source contoso-single --target contoso-flex
  flexway plan --estate capture/ --source SRC --target TGT --format arm --out plan.json

Exit codes: 0 reachable as it is or after the plan, 1 no plan, 2 could not tell, 3 failed, 64 wrong usage")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    flow: FlowArgs,
    /// How to print the changes
    #[arg(long, value_enum, default_value_t = Format::Az)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A script for the Azure CLI
    Az,
    /// The whole plan as JSON
    Json,
    /// The requests to Azure Resource Manager
    Arm,
}

pub(crate) fn run(args: &PlanArgs) -> Ended {
    let asked = args.flow.ask()?;
    let plan = plan::plan(&asked.loaded.estate, &asked.question);
    let format = if args.json { Format::Json } else { args.format };
    let text = match format {
        Format::Az => plan.to_az(),
        Format::Json => format!("{:#}\n", plan.to_json()),
        Format::Arm => format!("{:#}\n", plan.to_arm()),
    };
    match &args.out {
        Some(path) => {
            std::fs::write(path, &text).map_err(|why| {
                let help = "check that the folder exists and that you may write to it";
                Failure::failed(format!("write the plan to {}", path.display()), why, help)
            })?;
            eprintln!("plan written to {}", path.display());
        }
        None => {
            // A reader that went away, such as `head`, is not our failure.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
        }
    }
    if let Some(refusal) = &plan.refusal {
        eprintln!("no plan: {refusal}");
    } else if format == Format::Az && !plan.changes.is_empty() {
        let count = plan.changes.len();
        let noun = if count == 1 { "change" } else { "changes" };
        eprintln!(
            "simulated: {} before, {} after {count} {noun}",
            word(plan.before),
            word(plan.after)
        );
    }
    Ok(exit_of(plan.after))
}

fn word(verdict: flexway_core::trace::step::Verdict) -> String {
    serde_json::to_value(verdict)
        .ok()
        .and_then(|value| Some(value.as_str()?.to_owned()))
        .unwrap_or_default()
}
