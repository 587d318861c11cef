//! The password file: which of its lines fit a server, and why it was not used.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::secret::Secret;

/// What the password file holds for one host, port and user, by database.
#[derive(Clone, Default)]
pub(crate) struct Passfile {
    entries: Vec<(String, Secret)>,
    note: Option<String>,
}

impl Passfile {
    /// The first line that fits the database.
    pub(crate) fn password_for(&self, database: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(pattern, _)| pattern == "*" || pattern == database)
            .map(|(_, secret)| secret.expose())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Why the file gave no password.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn unused(note: String) -> Passfile {
        Passfile { entries: Vec::new(), note: Some(note) }
    }
}

/// Reads `passfile`, else `~/.pgpass`. Never fails: what is wrong with the file becomes a note for
/// the message of a failed login, since the server may not ask for a password at all.
/// Source: PostgreSQL 18, "The Password File".
pub(crate) fn read(
    given: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
    host: &str,
    port: u16,
    user: &str,
) -> Passfile {
    let path = match given {
        Some(path) => PathBuf::from(path),
        None => match env("HOME") {
            Some(home) => PathBuf::from(home).join(".pgpass"),
            None => return Passfile::default(),
        },
    };
    let shown = path.display();
    let metadata = match fs::metadata(&path) {
        Ok(metadata) => metadata,
        Err(_) if given.is_none() => return Passfile::default(),
        Err(error) => {
            return Passfile::unused(format!("the password file {shown} was not read: {error}"));
        }
    };
    if !metadata.is_file() {
        return Passfile::unused(format!("the password file {shown} is not an ordinary file"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Passfile::unused(format!(
            "the password file {shown} was not used because others can read it: chmod 0600 {shown}"
        ));
    }
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            return Passfile::unused(format!("the password file {shown} was not read: {error}"));
        }
    };
    let entries = entries(&text, host, port, user);
    let note = entries.is_empty().then(|| {
        format!("the password file {shown} has no line for host {host}, port {port}, user {user}")
    });
    Passfile { entries, note }
}

/// Database pattern and password of every line that fits host, port and user, in order.
fn entries(text: &str, host: &str, port: u16, user: &str) -> Vec<(String, Secret)> {
    // A socket in the default folder goes by the name localhost.
    let host = if host == "/var/run/postgresql" || host == "/tmp" { "localhost" } else { host };
    let port = port.to_string();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let [found_host, found_port, database, found_user, password] = fields(line)?;
            let fits = |pattern: &str, value: &str| pattern == "*" || pattern == value;
            (fits(&found_host, host) && fits(&found_port, &port) && fits(&found_user, user))
                .then(|| (database, Secret::new(&password)))
        })
        .collect()
}

/// The five fields of a line; `\:` and `\\` stand for the characters themselves.
fn fields(line: &str) -> Option<[String; 5]> {
    let mut fields = vec![String::new()];
    let mut characters = line.trim_end_matches('\r').chars();
    while let Some(character) = characters.next() {
        match character {
            ':' => fields.push(String::new()),
            '\\' => fields.last_mut()?.extend(characters.next()),
            _ => fields.last_mut()?.push(character),
        }
    }
    // libpq reads the password up to the next colon, too.
    fields.truncate(5);
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str, database: &str) -> Option<String> {
        let entries = entries(text, "db.example", 5432, "ann");
        Passfile { entries, note: None }.password_for(database).map(str::to_owned)
    }

    #[test]
    fn lines_are_matched_in_order_with_wildcards_and_escapes() {
        let table = [
            ("db.example:5432:app:ann:one", "app", Some("one")),
            ("db.example:5432:app:ann:one", "other", None),
            ("*:*:*:*:any", "app", Some("any")),
            ("# *:*:*:*:comment\n*:*:app:ann:a\\:b\\\\c", "app", Some("a:b\\c")),
            ("db.example:5433:*:*:port\n*:5432:*:ann:second", "app", Some("second")),
            ("other:*:*:*:host", "app", None),
            ("*:*:*:bob:user", "app", None),
            ("too:few:fields", "app", None),
            ("*:*:*:ann:with space \r", "app", Some("with space ")),
        ];
        for (text, database, expected) in table {
            assert_eq!(password(text, database).as_deref(), expected, "{text}");
        }
    }
}
