//! The ledger on the command line: where it is by default, and why one cannot be used.

use std::env;
use std::path::{Path, PathBuf};

use flexway_engine::{Ledger, LedgerError};
use flexway_postgres::ConnInfo;

use crate::exit::Failure;
use crate::servers::ServerPair;

/// Longest part of a default name for one server. File systems allow 255 bytes for both.
const NAME_PART_MAX: usize = 100;

/// Opens the ledger for a run.
pub(crate) fn open(path: &Path) -> Result<Ledger, Failure> {
    Ledger::open(path).map_err(|error| failure(path, &error))
}

/// A ledger that cannot be used: which, why, what to do.
pub(crate) fn failure(path: &Path, error: &LedgerError) -> Failure {
    let help = match error {
        LedgerError::Busy { .. } => {
            "wait until it has ended; flexway status --ledger shows how far it is"
        }
        LedgerError::OtherServers { .. } | LedgerError::NotALedger => {
            "give another file with --ledger"
        }
        LedgerError::OtherVersion { .. } => {
            "go on with the version of flexway that began the move, or give another file"
        }
        LedgerError::Io { .. } | LedgerError::Sqlite(_) => {
            "look at free space and rights of its folder"
        }
    };
    Failure::failed(format!("use the ledger {}", path.display()), error, help)
}

/// A ledger that must be there already.
pub(crate) fn refuse_absent(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    Err(Failure::failed(
        format!("use the ledger {}", path.display()),
        "there is no such file",
        "give the path that flexway migrate printed when it began",
    ))
}

/// A ledger in PostgreSQL is refused without repeating the URL, which can hold a password.
pub(crate) fn refuse_url(path: &Path) -> Result<(), Failure> {
    let text = path.to_string_lossy();
    let is_url = ["postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme));
    if !is_url && !text.contains("password=") {
        return Ok(());
    }
    Err(Failure::usage(
        "keep the ledger in a PostgreSQL server",
        "this version keeps it in a file",
        "give a path with --ledger",
    ))
}

/// The given path, or the default one.
pub(crate) fn path(given: Option<&Path>, pair: &ServerPair) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        refuse_url(path)?;
        return Ok(path.to_owned());
    }
    let folder = state_folder(&|name| env::var_os(name).map(PathBuf::from)).ok_or_else(|| {
        let why = "neither XDG_STATE_HOME nor HOME is set";
        Failure::usage("choose a place for the ledger", why, "give a path with --ledger")
    })?;
    let name = format!("{}--{}.ledger", name_part(&pair.source), name_part(&pair.target));
    Ok(folder.join(name))
}

/// Source: XDG Base Directory Specification 0.8; a relative path there counts as unset.
fn state_folder(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("flexway"))
}

/// A server's place as part of a file name. Two places that become the same name are told apart by
/// the ledger, which refuses others.
fn name_part(info: &ConnInfo) -> String {
    let place = info.place();
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' };
    let name: String = place.trim_matches('/').chars().map(plain).collect();
    // The end tells servers apart: it holds the port.
    name[name.len().saturating_sub(NAME_PART_MAX)..].to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use flexway_postgres::ConnInfo;

    use super::{name_part, refuse_url, state_folder};

    fn part(text: &str) -> String {
        name_part(&ConnInfo::parse(text, &|_| None).expect("a connection string"))
    }

    #[test]
    fn names_hold_the_place_and_nothing_secret() {
        let shown = part("postgres://ada:secret@old.example.com:6432/shop");
        assert_eq!(shown, "old.example.com_6432");
        assert_eq!(part("host=/run/pg user=ada password=secret"), "run_pg_5432");
        assert_eq!(part("postgres://ada@[::1]/x"), "___1__5432");
        assert_eq!(part(&format!("host={} user=a", "x".repeat(300))).len(), 100);
    }

    #[test]
    fn the_state_folder_follows_the_specification() {
        let of = |state: Option<&'static str>, home: Option<&'static str>| {
            state_folder(&move |name| {
                let value = if name == "HOME" { home } else { state };
                value.map(PathBuf::from)
            })
        };
        assert_eq!(of(Some("/s"), Some("/h")), Some("/s/flexway".into()));
        assert_eq!(of(Some("s"), Some("/h")), Some("/h/.local/state/flexway".into()));
        assert_eq!(of(None, None), None);
    }

    #[test]
    fn a_url_is_no_path() {
        let refused = refuse_url(Path::new("postgres://a:secret@h/d")).expect_err("refused");
        assert!(!refused.to_string().contains("secret"));
        assert!(refuse_url(Path::new("host=h password=secret")).is_err());
        assert!(refuse_url(Path::new("/var/lib/postgres/x.ledger")).is_ok());
    }
}
