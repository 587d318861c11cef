//! The binary `flexway`: arguments in, exit code out; every command lives in a file of its own.

// They panic once the reader has gone away: `output` prints.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod exit;

mod certify;
mod check;
mod demo;
mod doctor;
mod drawing;
mod ends;
mod estates;
mod explain;
mod gate;
mod inputs;
mod page;
mod pairs;
mod patience;
mod picture;
mod plan;
mod probe;

mod assess;
mod cancel;
mod ledger_file;
mod migrate;
mod output;
mod progress;
mod secrets;
mod servers;
mod status;
mod text;
mod verify;

mod lab;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};

/// Moves PostgreSQL servers, and proves that they can reach each other.
#[derive(Parser)]
#[command(name = "flexway", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Trace(check::TraceArgs),
    Plan(plan::PlanArgs),
    Certify(certify::CertifyArgs),
    Probe(probe::ProbeArgs),
    Explain(explain::ExplainArgs),
    Assess(assess::AssessArgs),
    Migrate(migrate::MigrateArgs),
    Resume(migrate::ResumeArgs),
    Cancel(cancel::CancelArgs),
    Status(status::StatusArgs),
    Verify(verify::VerifyArgs),
    Lab(lab::LabArgs),
    Demo(demo::DemoArgs),
}

fn main() -> ExitCode {
    servers::hide_urls();
    let given: Vec<OsString> = std::env::args_os().collect();
    let arguments = match Arguments::try_parse_from(&given) {
        Ok(arguments) => arguments,
        Err(mut error) => {
            // Commands that write one format besides text have `--json` alone.
            let format = ContextValue::String("--format".to_owned());
            let is_format = error.get(ContextKind::InvalidArg) == Some(&format);
            if is_format && error.get(ContextKind::SuggestedArg).is_some() {
                error.insert(ContextKind::SuggestedArg, ContextValue::String("--json".to_owned()));
            }
            if let Some(failure) = secrets::instead_of(&error, &given) {
                return exit::report(Err(failure));
            }
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    if let Err(failure) = secrets::refuse_arguments(&given) {
        return exit::report(Err(failure));
    }
    exit::report(match arguments.command {
        Command::Check(args) => check::run(&args),
        Command::Trace(args) => check::trace(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Certify(args) => certify::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Assess(args) => assess::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Resume(args) => migrate::resume(&args),
        Command::Cancel(args) => cancel::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Lab(args) => lab::run(&args),
        Command::Demo(args) => demo::run(&args),
    })
}
