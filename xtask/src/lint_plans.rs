//! Has the real az command line parse every az script that the product can write.
//!
//! The linter calls az's own argument parser; nothing is run and no login is needed. az weighs
//! 700 MB, so this is a chore for people who change the renderer, not for CI.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flexway_lab::installed;

use crate::chores::{cargo, root, step, target_folder};
use crate::process::{Result, capture, chain, read, reason, words};
use crate::setup;

/// Estate, source and target of each plan.
const CASES: &str = "xtask/plan-cases.tsv";

/// The az whose commands the product writes.
const AZURE_CLI: &str = "azure-cli==2.91.0";

/// Where the linter stands unless `FLEXWAY_AZ_LINT` says otherwise: beside the project.
const LINTER: &str = "../shared/tools/az_lint.py";

/// az and its 150 packages: minutes on a fast line.
const INSTALL_LIMIT: Duration = Duration::from_secs(30 * 60);

/// A plan takes less than a second.
const PLAN_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run() -> Result<()> {
    let linter = env::var_os("FLEXWAY_AZ_LINT").map_or_else(|| root().join(LINTER), PathBuf::from);
    if !linter.is_file() {
        return Err(format!("find the linter {}: set FLEXWAY_AZ_LINT", linter.display()));
    }
    let text =
        fs::read_to_string(root().join(CASES)).map_err(|why| format!("read {CASES}: {why}"))?;
    let cases = parse(&text)?;
    step(cargo(&["build", "--locked", "--package", "flexway"]))?;
    let scripts = write_scripts(&cases)?;
    let mut lint = Command::new(python_with_az()?);
    lint.arg(&linter).args(&scripts);
    // az keeps a profile: not the user's.
    lint.env("AZURE_CONFIG_DIR", target_folder().join("plans/az"));
    step(lint)
}

/// The fields of each line that is neither empty nor a comment.
fn parse(text: &str) -> Result<Vec<[&str; 3]>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let case = |line| {
        let fields: Vec<&str> = str::split(line, '\t').collect();
        fields.try_into().map_err(|_| format!("read {CASES}: not three fields: {line}"))
    };
    let cases = lines.map(case).collect::<Result<Vec<_>>>()?;
    match cases.is_empty() {
        true => Err(format!("lint plans: {CASES} has no cases")),
        false => Ok(cases),
    }
}

/// Writes one script a case into the target folder, `plans/NUMBER.sh`.
fn write_scripts(cases: &[[&str; 3]]) -> Result<Vec<PathBuf>> {
    let folder = target_folder().join("plans");
    fs::create_dir_all(&folder).map_err(|why| format!("make {}: {why}", folder.display()))?;
    let mut scripts = Vec::new();
    for (number, [estate, source, target]) in (1..).zip(cases) {
        let mut command = Command::new(target_folder().join("debug/flexway"));
        command.args(["plan", "--format", "az", "--estate", estate]);
        command.args(["--source", source, "--target", target]).current_dir(root());
        let shown = words(&command);
        let output = capture(command, PLAN_LIMIT)?;
        // 1 is "findings": the very reason for a plan.
        if !matches!(output.status.code(), Some(0 | 1)) || output.stdout.is_empty() {
            return Err(format!("plan case {number}, `{shown}`: {}", reason(&output)));
        }
        let script = folder.join(format!("{number}.sh"));
        fs::write(&script, output.stdout)
            .map_err(|why| format!("write {}: {why}", script.display()))?;
        scripts.push(script);
    }
    Ok(scripts)
}

/// A Python in the cache that has az; made on the first call.
fn python_with_az() -> Result<PathBuf> {
    let cache = installed::cache_folder().map_err(|error| chain(&error))?;
    setup::open_folder(&cache)?;
    let _lock = setup::lock(&cache)?;
    let folder = cache.join(AZURE_CLI.replace("==", "-"));
    let (python, finished) = (folder.join("bin/python"), folder.join("finished"));
    if finished.exists() {
        return Ok(python);
    }
    eprintln!("installing {AZURE_CLI} into {}: 700 MB, some minutes", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|why| format!("remove {}: {why}", folder.display()))?;
    }
    let mut make = Command::new("python3");
    make.args(["-m", "venv"]).arg(&folder);
    read(make, INSTALL_LIMIT)
        .map_err(|why| format!("{why} (Debian: apt-get install python3-venv)"))?;
    read(pip_install(&python), INSTALL_LIMIT)?;
    fs::write(&finished, "").map_err(|why| format!("write {}: {why}", finished.display()))?;
    Ok(python)
}

fn pip_install(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "install", "--progress-bar=off", "--disable-pip-version-check"]);
    command.arg(AZURE_CLI);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_have_three_fields() {
        assert_eq!(parse("# c\n\ne.json\ts\tt\n"), Ok(vec![["e.json", "s", "t"]]));
        assert!(parse("e.json\ts\n").is_err());
        assert!(parse("# none\n").is_err());
    }
}
