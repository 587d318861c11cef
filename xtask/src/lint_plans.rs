//! Has the real az command line parse, and the types of Azure's own compiler check, every plan of the pages' examples.
//!
//! The linters run nothing and need no login. az weighs 700 MB, so this is a chore for people who change the renderer, not
//! for CI.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flexway_lab::installed;

use crate::chores::{cargo, root, step, target_folder};
use crate::process::{Result, chain, read};
use crate::setup;

/// The az whose commands the product writes.
const AZURE_CLI: &str = "azure-cli==2.91.0";

/// Where the linters stand unless `FLEXWAY_LINTERS` says otherwise: beside the project.
const LINTERS: &str = "../shared/tools";

/// az and its 150 packages: minutes on a fast line.
const INSTALL_LIMIT: Duration = Duration::from_secs(30 * 60);

pub(crate) fn run() -> Result<()> {
    let folder = target_folder().join("plans");
    write_plans(&folder)?;
    let az = linter("az_lint.py")?;
    let mut lint = Command::new(python_with_az()?);
    lint.arg(&az).args(files(&folder, "sh")?);
    // az keeps a profile: not the user's.
    lint.env("AZURE_CONFIG_DIR", folder.join("az"));
    step(lint)?;
    step(check_of_bodies(&files(&folder, "json")?)?)
}

/// A tool that stands beside the project.
pub(crate) fn linter(name: &str) -> Result<PathBuf> {
    let folder = env::var_os("FLEXWAY_LINTERS").map_or_else(|| root().join(LINTERS), PathBuf::from);
    let path = folder.join(name);
    match path.is_file() {
        true => Ok(path),
        false => Err(format!("find the linter {}: set FLEXWAY_LINTERS", path.display())),
    }
}

/// The command that checks bodies of requests against the types of Azure's own compiler.
pub(crate) fn check_of_bodies(bodies: &[PathBuf]) -> Result<Command> {
    let mut check = Command::new(python_with_az()?);
    check.arg(linter("armtype_check.py")?).args(bodies);
    Ok(check)
}

/// Writes the plan of every page's examples into a folder, made anew.
pub(crate) fn write_plans(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|why| format!("remove {}: {why}", folder.display()))?;
    }
    let words = ["run", "--locked", "--quiet", "--package", "flexway-core", "--example", "plans"];
    let mut write = cargo(&words);
    write.arg("--").arg(folder);
    step(write)
}

/// Files of a folder by extension, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).map_err(|why| format!("read {}: {why}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|one| one == extension))
        .collect();
    found.sort();
    Ok(found)
}

/// A Python in the cache that has az; made on the first call.
pub(crate) fn python_with_az() -> Result<PathBuf> {
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
