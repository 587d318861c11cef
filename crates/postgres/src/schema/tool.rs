//! Which pg_dump serves two servers, and where one may be found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use flexway_core::migrate::{MoveError, ToolFacts};

use crate::ask::{Outcome, act};

/// A usable `pg_dump`: at least as new as both servers. One in FLEXWAY_PG_BIN comes first; of the
/// others the major of the newer server, else the next newer.
///
/// # Errors
/// FLEXWAY_PG_BIN names a folder without one. None fits; says which were found, where, and which
/// majors would do.
pub(crate) fn find(source: u32, target: u32) -> Outcome<ToolFacts> {
    let environment = |name: &str| std::env::var(name).ok();
    let newest = source.max(target);
    let folder = environment("FLEXWAY_PG_BIN").filter(|folder| !folder.is_empty());
    let named = versions(programs(folder.as_ref().map(PathBuf::from)));
    if let Some(folder) = folder
        && named.is_empty()
    {
        return Err(holds_none(&folder));
    }
    if let Ok(tool) = choose(newest, &named) {
        return Ok(tool);
    }
    let mut found = versions(programs(folders(&environment)));
    found.extend(named);
    choose(newest, &found)
}

/// The user named a folder: another program in its place would be a surprise.
fn holds_none(folder: &str) -> MoveError {
    act(
        "find pg_dump",
        format!("FLEXWAY_PG_BIN is {folder}, which holds no pg_dump that runs, nor does its bin"),
        "set it to the folder of PostgreSQL's own programs (such as /usr/lib/postgresql/17/bin; \
         Debian's wrapper in /usr/bin is none), or unset it to have pg_dump looked for",
    )
}

/// Programs by version. The first of a version wins: it stands first in the order of search.
fn versions(programs: Vec<PathBuf>) -> BTreeMap<u32, PathBuf> {
    let mut found = BTreeMap::new();
    for path in programs {
        if let Some(version) = version_of(&path) {
            found.entry(version).or_insert(path);
        }
    }
    found
}

fn choose(newest: u32, found: &BTreeMap<u32, PathBuf>) -> Outcome<ToolFacts> {
    let major = newest / 10_000;
    // The oldest major that is new enough, and of that the newest minor.
    let fit = found.keys().copied().filter(|version| version / 10_000 >= major);
    let best = fit.min_by_key(|version| (version / 10_000, u32::MAX - version % 10_000));
    if let Some((version, path)) = best.and_then(|version| found.get_key_value(&version)) {
        return Ok(ToolFacts { pg_dump: path.display().to_string(), version: *version });
    }
    let list: Vec<String> = found
        .iter()
        .map(|(version, path)| format!("{} in {}", major_words(*version), folder(path)))
        .collect();
    let seen = if list.is_empty() {
        "none was found".to_owned()
    } else {
        format!("found: {}", list.join(", "))
    };
    Err(act(
        "find pg_dump",
        format!("no pg_dump of major {major} or newer; {seen}"),
        format!(
            "install the PostgreSQL client tools of major {major} or newer, \
             or set FLEXWAY_PG_BIN to \
             the folder that holds them; \
             looked into FLEXWAY_PG_BIN, PATH, /usr/lib/postgresql/*/bin, \
             /usr/pgsql-*/bin and the cache of flexway"
        ),
    ))
}

fn major_words(version: u32) -> String {
    if version >= 100_000 {
        format!("{}.{}", version / 10_000, version % 10_000)
    } else {
        format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
    }
}

fn folder(path: &Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}

/// The pg_dump of each folder that has one, itself or in its `bin`. Debian's wrapper in /usr/bin is
/// left out: which version it starts depends on local clusters, and what it starts is found anyway.
fn programs(folders: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let is_wrapper = |path: &PathBuf| {
        path.canonicalize()
            .is_ok_and(|real| real.file_name().is_some_and(|name| name == "pg_wrapper"))
    };
    folders
        .into_iter()
        .flat_map(|folder| [folder.join("pg_dump"), folder.join("bin/pg_dump")])
        .filter(|path| path.is_file() && !is_wrapper(path))
        .collect()
}

/// Folders where a pg_dump may be, in order of trust. `environment` looks up variables.
fn folders(environment: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&environment("PATH").unwrap_or_default()).collect();
    folders.extend(children(Path::new("/usr/lib/postgresql"), ""));
    folders.extend(children(Path::new("/usr"), "pgsql-"));
    let home = environment("HOME").map(|home| PathBuf::from(home).join(".cache/flexway"));
    let named = environment("FLEXWAY_CACHE").map(PathBuf::from);
    for cache in [named, Some("/var/cache/flexway".into()), home].into_iter().flatten() {
        folders.extend(children(&cache.join("postgres"), ""));
    }
    folders
}

/// Folders in `parent` whose name begins with `prefix`, sorted. A folder that cannot be read holds
/// nothing for us.
fn children(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Version of the program at `path`; `None` when it does not run or is something else.
fn version_of(path: &Path) -> Option<u32> {
    let output = Command::new(path).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `pg_dump (PostgreSQL) 15.18 (Debian ...)`, also `9.6.24` and `18beta1`.
fn parse_version(text: &str) -> Option<u32> {
    let word = text.strip_prefix("pg_dump (PostgreSQL) ")?.split_whitespace().next()?;
    let mut numbers =
        word.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().ok());
    let major = numbers.next()??;
    let second = numbers.next().flatten();
    if major >= 10 {
        // "18beta1" reads as 18.0: the digit behind the letters is no minor.
        let minor = if word.contains('.') { second.unwrap_or(0) } else { 0 };
        return Some(major * 10_000 + minor);
    }
    Some(major * 10_000 + second? * 100 + numbers.next().flatten().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(
            parse_version("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(150_018)
        );
        assert_eq!(parse_version("pg_dump (PostgreSQL) 9.6.24\n"), Some(90_624));
        assert_eq!(parse_version("pg_dump (PostgreSQL) 18beta1\n"), Some(180_000));
        assert_eq!(parse_version("pg_dump (GreenPlum) 1\n"), None);
    }

    #[test]
    fn the_oldest_that_is_new_enough_wins() {
        let found = BTreeMap::from(
            [150_018, 170_004, 170_010, 180_006]
                .map(|v| (v, PathBuf::from(format!("/{v}/pg_dump")))),
        );
        assert_eq!(choose(160_002, &found).map(|tool| tool.version).ok(), Some(170_010));
        assert_eq!(choose(150_020, &found).map(|tool| tool.version).ok(), Some(150_018));
        let error = choose(190_000, &found).map(|tool| tool.version).expect_err("none is that new");
        assert!(error.why.contains("17.10 in /170010"), "{}", error.why);
    }
}
