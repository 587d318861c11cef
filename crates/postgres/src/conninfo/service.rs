//! The connection service file: named sets of parameters.

use std::path::PathBuf;
use std::{fs, io};

use super::ConnInfoError;

/// The parameters of service `name`.
///
/// Looked for in `PGSERVICEFILE` (or `~/.pg_service.conf`), then in `pg_service.conf` of
/// `PGSYSCONFDIR` (or Debian's `/etc/postgresql-common`).
/// Source: PostgreSQL 18, "The Connection Service File".
pub(crate) fn read(
    name: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>, ConnInfoError> {
    let own = env("PGSERVICEFILE")
        .map(PathBuf::from)
        .or_else(|| env("HOME").map(|home| PathBuf::from(home).join(".pg_service.conf")));
    let shared = PathBuf::from(env("PGSYSCONFDIR").unwrap_or("/etc/postgresql-common".to_owned()))
        .join("pg_service.conf");
    for path in own.into_iter().chain([shared]) {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                let message = format!("open the service file {}", path.display());
                return Err(ConnInfoError::with_source(message, error));
            }
        };
        if let Some(pairs) = section(&text, name) {
            return pairs.ok_or_else(|| {
                ConnInfoError::new(format!(
                    "a line of service `{name}` in {} is not key=value",
                    path.display()
                ))
            });
        }
    }
    Err(ConnInfoError::new(format!(
        "no service file defines `{name}`; set PGSERVICEFILE or add [{name}] to ~/.pg_service.conf"
    )))
}

/// The pairs of one section: `None` when there is no such section, `Some(None)` when a line of it
/// cannot be read.
#[expect(clippy::option_option, reason = "absent and malformed are told apart")]
fn section(text: &str, name: &str) -> Option<Option<Vec<(String, String)>>> {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| {
        line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(found, _)| found)
            == Some(name)
    })?;
    let pairs = lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect();
    Some(pairs)
}
