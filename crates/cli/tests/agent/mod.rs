//! The static agent, for the tests that run it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the agent as `cargo xtask agent` does, in this profile: only the last step is done anew. Returns a copy in a folder of
/// the test's own, as another test may be building it at the same time.
pub(crate) fn build(folder: &Path) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_flexway"));
    let built = program.parent().expect("its profile's folder");
    let profile = if built.ends_with("release") { "release" } else { "dev" };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["rustc", "--frozen", "--quiet", "--profile", profile, "--package", "flexway"]);
    cargo.arg("--target-dir").arg(built.parent().expect("cargo's folder"));
    cargo.args(["--bin", "flexway-agent", "--", "-Ctarget-feature=+crt-static", "-Cstrip=symbols"]);
    run(cargo);
    let copy = folder.join("agent");
    let mut cp = Command::new("cp");
    cp.arg(built.join("flexway-agent")).arg(&copy);
    run(cp);
    copy
}

fn run(mut command: Command) {
    let ended = command.output().expect("it runs");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
