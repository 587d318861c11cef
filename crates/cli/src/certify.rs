//! `flexway certify`: a plan's certificate, checked by a reading that shares nothing with the planner.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use flexway_core::second::{Bounds, Certified, State, Unreadable, World, certify};
use serde_json::{Value, json};

use crate::check::print_value;
use crate::estates;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{Tame, printable};
use crate::text;

/// Largest plan that is read: its certificate lists thousands of sets of changes at most.
const PLAN_BYTES_MAX: u64 = 1 << 28;

/// Checks a plan's certificate: it suffices, nothing is superfluous, nothing cheaper does, what it breaks
#[derive(Args)]
#[command(after_help = "Examples:
  flexway plan --estate capture/ --source SRC --target TGT \\
    --format json --out repair.json
  flexway certify repair.json --estate capture/
  flexway certify repair.json --estate capture/ --json

The checker sends the plan's own requests to a copy of the estate and asks a second, independently written reading of it.

Exit codes: 0 everything holds, 1 something fails, 2 could not tell, 3 failed, 64 wrong usage")]
pub(crate) struct CertifyArgs {
    /// The plan, as `flexway plan --format json` writes it; `-` for standard input
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The estate that the plan was made from: a file or folder, or `-`; may be given several times
    #[arg(long, value_name = "PATH", required = true)]
    estate: Vec<PathBuf>,
    /// The Terraform plans or `what-if` results that the plan was made after; may be given several times
    #[arg(long, value_name = "PLAN.json")]
    after: Vec<PathBuf>,
    /// Print the checks as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &CertifyArgs) -> Ended {
    let is_stdin = |path: &&PathBuf| path.as_os_str() == "-";
    if std::iter::once(&args.plan).chain(&args.estate).chain(&args.after).filter(is_stdin).count()
        > 1
    {
        let help = "give one of them as a file";
        return Err(Failure::usage("read the inputs", "standard input is named twice", help));
    }
    let plan = read_plan(args)?;
    let made_after = plan["after_files"].as_array().into_iter().flatten();
    let mut made_after = made_after.filter_map(Value::as_str);
    if let (true, Some(first)) = (args.after.is_empty(), made_after.next()) {
        let more = match made_after.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let why = format!("the plan was made after {}{more}", printable(first));
        let help = "give them as well: `--after FILE`, once each, in the same order";
        return Err(Failure::usage(format!("certify {}", args.plan.display()), why, help));
    }
    let mut loaded = estates::read(&args.estate)?;
    estates::lay_over(&mut loaded, &args.after)?;
    let estate = &loaded.estate;
    let bodies = estate.ids().filter_map(|id| Some((id, estate.body(id)?)));
    let world = World::of(bodies);
    let certified =
        certify(&world, &plan, Bounds::of(&world)).map_err(|why| unreadable(args, why))?;
    if args.json {
        print_value(&json!({
            "schema": "flexway.certify/1",
            "plan": args.plan.display().to_string(),
            "holds": certified.holds(),
            "checks": certified.checks,
        }));
    } else {
        print(&certified);
    }
    Ok(match certified.holds() {
        Some(true) => Exit::Good,
        Some(false) => Exit::Findings,
        None => Exit::Unknown,
    })
}

fn read_plan(args: &CertifyArgs) -> Result<Value, Failure> {
    let path = &args.plan;
    if path.is_dir() {
        let help = "give the file that `flexway plan --format json --out FILE` wrote";
        return Err(Failure::failed(
            format!("read plan {}", path.display()),
            "it is a folder",
            help,
        ));
    }
    let failed = |why: &dyn std::fmt::Display, help: &str| {
        Failure::failed(format!("read plan {}", path.display()), why, help)
    };
    let text = text::read(path, PLAN_BYTES_MAX)
        .map_err(|why| failed(&why, "check the path and that you may read it"))?;
    serde_json::from_str(&text).map_err(|_| {
        failed(&"it is not JSON", "`flexway plan --format json --out FILE` writes a plan")
    })
}

fn unreadable(args: &CertifyArgs, why: Unreadable) -> Failure {
    let help = match &why {
        Unreadable::NotAPlan(_) => "`flexway plan --format json --out FILE` writes a plan",
        Unreadable::OtherSchema(_) => "make the plan again with this version of flexway",
        Unreadable::NoServer(_) => "give the estate that the plan was made from",
    };
    Failure::failed(format!("certify {}", args.plan.display()), why, help)
}

/// What a check is about, in the words of those who read plans.
fn claim(name: &'static str) -> &'static str {
    match name {
        "facts" => "estate",
        "sufficiency" => "enough",
        "irredundance" => "none superfluous",
        "optimality" => "cheapest",
        "safety" => "what breaks",
        "refusal" => "nothing helps",
        "ways" => "other ways",
        other => other,
    }
}

/// One line a check, and the sum.
fn print(certified: &Certified) {
    let mut out = Tame(std::io::stdout().lock());
    for check in &certified.checks {
        let word = match check.state {
            State::Holds => "ok",
            State::Fails => "FAILS",
            State::CouldNotTell => "?",
        };
        // A reader that went away is not our failure.
        let _ = writeln!(out, "{word:>5}  {:<16}  {}", claim(check.name), check.detail);
    }
    let sum = match certified.holds() {
        Some(true) => "the certificate holds",
        Some(false) => "the certificate does not hold",
        None => "the certificate could not be checked in full: nothing of it was found wrong",
    };
    let _ = writeln!(out, "{sum}");
    if certified.holds().is_none() {
        let next =
            "capture or probe what a line with ? names, make the plan again, and certify that";
        let _ = writeln!(out, "next: {next}");
    }
}
