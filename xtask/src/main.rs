//! The project's chores, run as `cargo xtask NAME`.

mod bench;
mod chores;
mod judge_plans;
mod lint_plans;
mod new_check;
mod process;
mod rounds;
mod setup;
mod suites;
mod tidy;

use std::env;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask NAME
  setup                  install PostgreSQL servers and client tools into the cache
  test                   set up, then run every check and every test, as CI does
  demo [ARGS]            set up, build and run `flexway demo ARGS`
  agent                  build `flexway-agent` as one static file, for other machines
  new-check AREA/FAULT   make the files of a new check and register it
  fmt                    format every Rust file
  tidy                   check the rules of the house: text, links, pages, licences
  bench estate [--vnets N] [--rules N] [--pairs N]
                         measure a large estate: cold, warm, one changed fact, repairs, memory
  bench copy [--size small|full|PERCENT] [--rounds N] [--data NAME]... [--tool NAME]...
                         measure moves beside pgcopydb, pg_dump and what the servers cost alone
  twin [--count N] [--first N]
                         build twins of random worlds and compare them with the analyser (300)
  kills [--count N] [--seed N]
                         move servers while the program and both of them are killed and cut off at random moments (3)
  lint-plans             have the real az parse the scripts of `flexway plan` (installs 700 MB)
  judge-plans [--only FAULT]...
                         run these scripts with the real az on a server of our own, and diagnose what they left
";

/// Exit code for wrong usage, as the product has it.
const USAGE_CODE: u8 = 64;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["setup"] => setup::run().map(|()| ExitCode::SUCCESS),
        ["test"] => chores::test().map(|()| ExitCode::SUCCESS),
        ["agent"] => chores::agent().map(|()| ExitCode::SUCCESS),
        ["fmt"] => chores::format(&[]).map(|()| ExitCode::SUCCESS),
        ["tidy"] => tidy::run().map(|()| ExitCode::SUCCESS),
        ["new-check", id] => new_check::run(id).map(|()| ExitCode::SUCCESS),
        ["judge-plans", rest @ ..] => judge_plans::run(rest).map(|()| ExitCode::SUCCESS),
        ["bench", "estate", rest @ ..] => bench::run(rest).map(|()| ExitCode::SUCCESS),
        ["bench", "copy", rest @ ..] => bench::copy::run(rest).map(|()| ExitCode::SUCCESS),
        ["kills", rest @ ..] => rounds::kills(rest).map(|()| ExitCode::SUCCESS),
        ["twin", rest @ ..] => rounds::twin(rest).map(|()| ExitCode::SUCCESS),
        ["lint-plans"] => lint_plans::run().map(|()| ExitCode::SUCCESS),
        ["demo", rest @ ..] => chores::demo(rest),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(USAGE_CODE);
        }
    };
    done.unwrap_or_else(|reason| {
        eprintln!("xtask {}: failed to {reason}", words.first().unwrap_or(&""));
        ExitCode::FAILURE
    })
}
