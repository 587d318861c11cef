//! Where PostgreSQL is installed on this machine, per major.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, account};

/// Majors that `cargo xtask setup` provides, oldest first. Tests may count on them.
pub const MAJORS: [u32; 4] = [11, 15, 17, 18];

/// The cache of root. Not below /root: that is closed to `nobody`, who has to run the servers.
const ROOT_CACHE: &str = "/var/cache/flexway";

/// Where Debian and Ubuntu put their packages: `<major>/bin` below it.
const SYSTEM_INSTALLS: &str = "/usr/lib/postgresql";

/// One PostgreSQL on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Its major, such as 17.
    pub major: u32,
    /// The folder that holds its programs.
    pub bin: PathBuf,
}

impl Install {
    /// The path of one of its programs, such as `pg_dump`, whether or not it exists.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn has(&self, programs: &[&str]) -> bool {
        programs.iter().all(|name| self.program(name).is_file())
    }
}

/// The folder that `cargo xtask setup` fills: `postgres/<major>/{bin,lib,share}` below it.
///
/// `FLEXWAY_CACHE` when set; /var/cache/flexway for root; else `$XDG_CACHE_HOME/flexway` or
/// `~/.cache/flexway`.
///
/// # Errors
/// [`Error::NoCache`] when an ordinary user has none of these variables;
/// [`Error::CacheNotAbsolute`] when `FLEXWAY_CACHE` is relative.
pub fn cache_folder() -> Result<PathBuf, Error> {
    cache_folder_of(account::is_root(), |name| env::var_os(name))
}

fn cache_folder_of(
    is_root: bool,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, Error> {
    let folder = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match folder("FLEXWAY_CACHE") {
        Some(folder) if folder.is_absolute() => return Ok(folder),
        Some(folder) => return Err(Error::CacheNotAbsolute(folder)),
        None => {}
    }
    if is_root {
        return Ok(PathBuf::from(ROOT_CACHE));
    }
    folder("XDG_CACHE_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("flexway"))
        .ok_or(Error::NoCache)
}

/// The server of this major, from the cache if there, else from the system's packages.
///
/// # Errors
/// [`Error::NotInstalled`] when there is none; its text names the folders and the remedy.
pub fn find(major: u32) -> Result<Install, Error> {
    let folders = install_folders();
    let installs = in_folders(&folders, &["postgres", "initdb", "pg_ctl"]);
    installs
        .into_iter()
        .find(|install| install.major == major)
        .ok_or_else(|| Error::NotInstalled { major, searched: list(&folders) })
}

/// Installs that hold `pg_dump`, `pg_restore` and `psql`, newest major first, one a major.
pub fn client_tools() -> Vec<Install> {
    let mut found = in_folders(&install_folders(), &["pg_dump", "pg_restore", "psql"]);
    found.sort_by_key(|install| std::cmp::Reverse(install.major));
    found
}

/// The newest client tools; they talk to every server that Flexway knows.
pub(crate) fn newest_client_tools() -> Result<Install, Error> {
    client_tools()
        .into_iter()
        .next()
        .ok_or_else(|| Error::NoClientTools { searched: list(&install_folders()) })
}

/// The caches that are looked at, own one first: an ordinary user shares what root set up.
pub fn cache_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = cache_folder().into_iter().collect();
    if folders != [PathBuf::from(ROOT_CACHE)] {
        folders.push(PathBuf::from(ROOT_CACHE));
    }
    folders
}

/// Folders that may hold `<major>/bin`, best first.
fn install_folders() -> Vec<PathBuf> {
    let caches = cache_folders().into_iter().map(|cache| cache.join("postgres"));
    caches.chain([PathBuf::from(SYSTEM_INSTALLS)]).collect()
}

/// One install a major that has all these programs; earlier folders win.
fn in_folders(folders: &[PathBuf], programs: &[&str]) -> Vec<Install> {
    let mut found: Vec<Install> = Vec::new();
    for install in folders.iter().flat_map(|folder| majors_in(folder)) {
        let is_new = found.iter().all(|other| other.major != install.major);
        if is_new && install.has(programs) {
            found.push(install);
        }
    }
    found
}

fn majors_in(folder: &Path) -> Vec<Install> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some(Install { major, bin: entry.path().join("bin") })
        })
        .collect()
}

fn list(folders: &[PathBuf]) -> String {
    let names: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(is_root: bool, variables: &[(&str, &str)]) -> Option<PathBuf> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        cache_folder_of(is_root, lookup).ok()
    }

    #[test]
    fn cache_folder_follows_the_variables() {
        let all = [("FLEXWAY_CACHE", "/c"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(cache(true, &all), Some("/c".into()));
        assert_eq!(cache(true, &all[1..]), Some(ROOT_CACHE.into()));
        assert_eq!(cache(false, &all[1..]), Some("/x/flexway".into()));
        assert_eq!(cache(false, &all[2..]), Some("/h/.cache/flexway".into()));
        assert_eq!(cache(false, &[("HOME", "")]), None);
        assert_eq!(cache(true, &[("FLEXWAY_CACHE", "relative")]), None);
    }

    #[test]
    fn an_absent_major_names_the_remedy() {
        let text = find(7).expect_err("PostgreSQL 7 is nowhere").to_string();
        assert!(text.contains("cargo xtask setup"), "{text}");
        assert!(text.contains(SYSTEM_INSTALLS), "{text}");
    }
}
