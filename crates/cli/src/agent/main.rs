//! `flexway-agent`: reads a plan of `flexway probe --print-plan` on standard input and writes what
//! it saw on standard output. Built by `cargo xtask agent` it is one static file.

// They panic once the reader has gone away.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod names;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use flexway_core::probes::{Observation, Place, Seen};
use flexway_postgres::ConnInfo;
use flexway_probe::CarryError;

const USAGE: &str = "\
usage: flexway-agent < PLAN > REPORT
Carries out a plan of `flexway probe --print-plan` and prints what it saw, for `flexway check --observations`.
The password comes from PGPASSWORD or PGPASSFILE. With a plan of `--from target` or `--from runtime` FLEXWAY_TARGET
names the server that dials.
Exit codes: 0 every rung holds, 1 one does not, 2 could not tell, 3 failed, 64 wrong usage
";

/// Why there is no report.
struct Failure {
    code: u8,
    /// Fits after "failed to".
    text: String,
    help: &'static str,
}

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let words: Vec<_> = words.iter().map(|word| word.to_str()).collect();
    match words.as_slice() {
        [] => {}
        [Some("--help" | "-h")] => return print(USAGE),
        [Some("--version" | "-V")] => {
            return print(concat!("flexway-agent ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        _ => {
            tell(USAGE);
            return ExitCode::from(64);
        }
    }
    match look() {
        Ok(seen) => {
            print(&format!("{:#}\n", seen.answer()));
            ExitCode::from(match seen.seen() {
                Seen::Through(_) => 0,
                Seen::Blocked(..) => 1,
                Seen::Nothing => 2,
            })
        }
        Err(Failure { code, text, help }) => {
            tell(&format!("error: failed to {text}\n"));
            if !help.is_empty() {
                tell(&format!("  help: {help}\n"));
            }
            ExitCode::from(code)
        }
    }
}

fn look() -> Result<Observation, Failure> {
    let mut plan = flexway_probe::read_plan(io::stdin().lock()).map_err(|why| Failure {
        code: 3,
        text: format!("read the plan from standard input: {why}"),
        help: "pipe in what `flexway probe --print-plan` prints",
    })?;
    let to = conn_info(&plan.url, "read the plan's URL")?;
    let server = match plan.place {
        Place::Here | Place::Relay => None,
        Place::Target | Place::Runtime => {
            let url = env::var("FLEXWAY_TARGET").ok();
            url.map(|url| conn_info(&url, "read FLEXWAY_TARGET")).transpose()?
        }
    };
    if cfg!(target_feature = "crt-static") && server.is_none() && plan.resolver.is_none() {
        plan.resolver = names::server_instead(to.host());
    }
    flexway_probe::carry_out(&plan, &to, server.as_ref()).map_err(|error| match &error {
        CarryError::Impossible { why, fix } => {
            Failure { code: 64, text: format!("carry out the plan: {why}"), help: fix }
        }
        CarryError::Inside(why) => Failure {
            code: 3,
            text: format!("probe from inside the server of FLEXWAY_TARGET: {why}"),
            help: "",
        },
    })
}

fn conn_info(url: &str, what: &str) -> Result<ConnInfo, Failure> {
    ConnInfo::parse(url, &|name| env::var(name).ok()).map_err(|why| Failure {
        code: 64,
        text: format!("{what}: {why}"),
        help: "",
    })
}

// A reader that went away is not our failure, of either stream.

fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn print(text: &str) -> ExitCode {
    let _ = io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
