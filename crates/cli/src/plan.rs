//! `flexway plan`: the smallest repair, tried on a copy of the estate before it is shown.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flexway_core::change::KINDS;
use flexway_core::diagnose;
use flexway_core::plan::{self, Plan};
use flexway_core::render::terraform::{self, Azurerm};
use flexway_core::render::{File, az, bicep};
use flexway_core::repair::Policy;

use crate::check::exit_of;
use crate::drawing::DrawingArgs;
use crate::estates::{Asked, FlowArgs};
use crate::exit::{Ended, Failure};
use crate::output::{is_stdout, remark};
use crate::probe::WitnessArgs;

/// Computes the smallest change that lets the copier reach the source, and re-checks it in simulation
#[derive(Args)]
#[command(after_help = "Examples:
  flexway plan --estate capture/ --source contoso-single --target contoso-flex
  flexway plan --estate capture/ --source SRC --target TGT \\
    --forbid create-peering
  flexway plan --estate capture/ --source SRC --target TGT \\
    --observations seen.json
  flexway plan --estate capture/ --source SRC --target TGT \\
    --format bicep --out repair/
  flexway plan --estate capture/ --source SRC --target TGT \\
    --format terraform --azurerm 5 --out repair.tf

Exit codes: 0 reachable as it is or after the plan, 1 no plan,
2 could not tell, 3 failed, 64 wrong usage")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    flow: FlowArgs,
    #[command(flatten)]
    drawing: DrawingArgs,
    #[command(flatten)]
    witnesses: WitnessArgs,
    /// How to print the changes
    #[arg(long, value_enum, default_value_t = Format::Az)]
    format: Format,
    /// Major version of Terraform's azurerm provider
    #[arg(long, value_enum, value_name = "MAJOR", default_value_t = Major::Four)]
    azurerm: Major,
    /// A kind of change that the plan must not hold, such as create-peering; may be given several times
    #[arg(long, value_name = "KIND", value_parser = KINDS)]
    forbid: Vec<String>,
    /// Write to this file instead of standard output. Bicep and Terraform also to a folder: end it with `/`
    #[arg(long, value_name = "PATH")]
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
    /// Bicep files, one a resource group, and the commands to deploy them
    Bicep,
    /// A Terraform configuration
    Terraform,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Major {
    #[value(name = "4")]
    Four,
    #[value(name = "5")]
    Five,
}

pub(crate) fn run(args: &PlanArgs) -> Ended {
    let out = args.out.as_deref().filter(|path| !is_stdout(path));
    args.drawing.is_answer(out.is_none().then_some("the plan"))?;
    let asked = args.flow.ask()?;
    let estate = &asked.loaded.estate;
    let policy = Policy { forbidden: args.forbid.clone(), ignores_locks: false };
    let mut report = diagnose::check(estate, &asked.question);
    report.given = asked.given.clone();
    args.witnesses.lay_over(&asked, &mut report)?;
    let plan = plan::repair_of(estate, &report, &policy);
    args.drawing.draw(estate, &report, Some(&plan))?;
    let format = if args.json { Format::Json } else { args.format };
    let page = Page { plan: &plan, asked: &asked, format, azurerm: args.azurerm };
    match out {
        Some(path) => write(&page, path)?,
        None => {
            // A reader that went away, such as `head`, is not our failure.
            let _ = std::io::stdout().lock().write_all(text(&page).as_bytes());
        }
    }
    if let Some(refusal) = &plan.refusal {
        // On a terminal the script has said it already.
        let is_said = format == Format::Az && out.is_none() && std::io::stdout().is_terminal();
        if !is_said {
            remark(format_args!("no plan: {}", refusal.why));
            refusal.help.iter().for_each(|line| remark(format_args!("  {line}")));
        }
    } else if !matches!(format, Format::Json | Format::Arm) && !plan.changes.is_empty() {
        let count = plan.changes.len();
        let noun = if count == 1 { "change" } else { "changes" };
        remark(format_args!(
            "simulated: {} before, {} after {count} {noun}",
            word(plan.before),
            word(plan.after)
        ));
        plan.rest().inspect(|rest| remark(rest));
    }
    let witnesses = plan.fusion.iter().flat_map(|fusion| &fusion.witnesses);
    for witness in witnesses.filter(|one| one.flow.is_none()) {
        remark(format_args!("an observation does not count: {}", witness.why));
    }
    for line in plan.breaks() {
        remark(format_args!("breaks what works: {line}"));
    }
    Ok(exit_of(plan.after))
}

/// A plan, and how it is to be written.
struct Page<'p> {
    plan: &'p Plan,
    asked: &'p Asked,
    format: Format,
    azurerm: Major,
}

/// The plan on one page.
fn text(page: &Page) -> String {
    let plan = page.plan;
    match page.format {
        Format::Az => told_after(az::text(plan), &page.asked.after),
        Format::Json => {
            // `after` is the verdict after this plan; the plans before it have another name.
            let mut value = plan.to_json();
            page.asked.describe(&mut value, "after_files");
            format!("{value:#}\n")
        }
        Format::Arm => format!("{:#}\n", plan.to_arm()),
        Format::Bicep => bicep::text(plan),
        Format::Terraform => terraform::text(
            plan,
            match page.azurerm {
                Major::Four => Azurerm::V4,
                Major::Five => Azurerm::V5,
            },
        ),
    }
}

/// Writes the plan to a file, or its files to a folder.
fn write(page: &Page, path: &Path) -> Result<(), Failure> {
    let (plan, format) = (page.plan, page.format);
    // A module or a list of nothing is applied without a word; a script fails, and JSON holds the reason.
    if plan.refusal.is_some() && matches!(format, Format::Bicep | Format::Terraform | Format::Arm) {
        let old = if path.exists() { ": what is there is of an earlier run" } else { "" };
        remark(format_args!("nothing written to {}{old}", path.display()));
        return Ok(());
    }
    let is_folder = path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let files = match format {
        Format::Bicep => bicep::files(plan),
        Format::Terraform if is_folder => {
            vec![File { name: "main.tf".to_owned(), text: text(page) }]
        }
        Format::Az | Format::Json | Format::Arm | Format::Terraform => Vec::new(),
    };
    if is_folder && !files.is_empty() {
        let help = "check that you may write to it";
        let failed = |why| Failure::failed(format!("make folder {}", path.display()), why, help);
        std::fs::create_dir_all(path).map_err(failed)?;
        return files.iter().try_for_each(|file| {
            let path = path.join(&file.name);
            write_file(&path, &file.text)?;
            remark(format_args!("plan written to {}", path.display()));
            Ok(())
        });
    }
    // A page of several sections is no Bicep file: written as one, it would be found out only when it is deployed.
    if format == Format::Bicep && !bicep::is_one_file(plan) {
        let why = "it has several deployments, or commands between them";
        let help = format!("give a folder: `--out {}/`", path.with_extension("").display());
        return Err(Failure::usage("write the plan as one Bicep file", why, help));
    }
    write_file(path, &text(page))?;
    let what = if plan.refusal.is_some() { "why there is no plan is" } else { "plan" };
    remark(format_args!("{what} written to {}", path.display()));
    Ok(())
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|why| {
        let help = "check that the folder exists and that you may write to it";
        Failure::failed(format!("write the plan to {}", path.display()), why, help)
    })?;
    Ok(())
}

/// The script, with the plans that it starts from in its head.
fn told_after(script: String, after: &[String]) -> String {
    let Some((first, rest)) = script.split_once('\n').filter(|_| !after.is_empty()) else {
        return script;
    };
    let lines: Vec<String> = after
        .iter()
        .map(|file| format!("# To be run after {}.\n", file.replace('\n', " ")))
        .collect();
    format!("{first}\n{}{rest}", lines.concat())
}

fn word(verdict: flexway_core::trace::step::Verdict) -> String {
    serde_json::to_value(verdict)
        .ok()
        .and_then(|value| Some(value.as_str()?.to_owned()))
        .unwrap_or_default()
}
