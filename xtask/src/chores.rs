//! The commands of the README: all tests, the demo, and the agent.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::process::{GIT_LIMIT, Result, read, show, words};
use crate::{setup, suites, tidy};

/// Sets up, then runs all that must hold before a change lands, cheapest first; the tests come
/// last, so that their closing lines are the last ones. Stops at the first step that fails.
pub(crate) fn test() -> Result<()> {
    setup::run()?;
    format(&["--check"]).map_err(|why| format!("{why}; `cargo xtask fmt` mends it"))?;
    eprintln!("==> cargo xtask tidy");
    tidy::run()?;
    step(linted(&["test", "--workspace", "--locked", "--doc", "--quiet"]))?;
    suites::run()
}

/// Formats every Rust file. cargo-fmt finds files by their `mod` lines and so misses the checks,
/// whose lines a macro writes.
pub(crate) fn format(options: &[&str]) -> Result<()> {
    const EDITION: &str = "2024";
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]);
    list.current_dir(root());
    let listed = read(list, GIT_LIMIT)?;
    // A file that was deleted stays listed until the next commit.
    let files = listed.lines().filter(|path| root().join(path).exists());
    let mut command = Command::new("rustfmt");
    command.args(["--edition", EDITION]).args(options).args(files).current_dir(root());
    run_step("rustfmt", command)
}

/// Sets up, builds the product and runs its demo; returns the demo's exit code.
pub(crate) fn demo(arguments: &[&str]) -> Result<ExitCode> {
    setup::run()?;
    step(cargo(&["build", "--release", "--locked", "--bin", "flexway"]))?;
    let mut demo = Command::new(target_folder().join("release/flexway"));
    demo.arg("demo").args(arguments);
    let status = show(demo)?;
    // A demo ended by a signal has no code: that is a failure.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Builds the probe's agent without a C library to find at run time, and says where it is. Only the
/// last step differs from other builds, so that what it is made of is shared with them.
pub(crate) fn agent() -> Result<()> {
    let build = ["rustc", "--release", "--locked", "--package", "flexway", "--bin"];
    let last_step = ["flexway-agent", "--", "-Ctarget-feature=+crt-static", "-Cstrip=symbols"];
    step(cargo(&[&build[..], &last_step].concat()))?;
    let file = target_folder().join("release/flexway-agent");
    let length = fs::metadata(&file).map_err(|why| format!("find {}: {why}", file.display()))?;
    eprintln!("{} has {:.1} MB", file.display(), length.len() as f64 / 1e6);
    Ok(())
}

/// The project's top folder.
pub(crate) fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

/// Shows a command, runs it, and fails unless it succeeds.
pub(crate) fn step(command: Command) -> Result<()> {
    let shown = words(&command);
    run_step(&shown, command)
}

fn run_step(shown: &str, command: Command) -> Result<()> {
    eprintln!("==> {shown}");
    match show(command)? {
        status if status.success() => Ok(()),
        status => Err(format!("pass the step `{shown}`: {status}")),
    }
}

/// cargo with clippy for its compiler, every warning an error: what is checked is what is run, and nothing is compiled twice.
/// `.ci/run` says the same of this program.
pub(crate) fn linted(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver");
    // The way in which `cargo clippy` hands on what follows its `--`.
    command.env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
    command
}

/// cargo, run in the project's top folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Where cargo builds: this program stands in its `debug` folder.
pub(crate) fn target_folder() -> PathBuf {
    let from_own_path =
        env::current_exe().ok().and_then(|program| program.ancestors().nth(2).map(PathBuf::from));
    from_own_path.unwrap_or_else(|| root().join("target"))
}
