//! What can go wrong on an open session, with row values kept out of every message.

use std::error::Error;
use std::{fmt, io};

use crate::wire::WireError;

/// A statement that failed.
#[derive(Debug)]
pub enum PgError {
    /// The server refused it. The session goes on unless the server said `FATAL`.
    Server(Box<ServerError>),
    /// The connection is gone; the session cannot be used any more.
    Connection(ConnectionLost),
    /// The statement and its answer do not fit together, such as a COPY where rows were asked for.
    /// The session goes on.
    Misuse(String),
}

impl PgError {
    /// SQLSTATE, when the server gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            PgError::Server(error) => Some(&error.code),
            PgError::Connection(_) | PgError::Misuse(_) => None,
        }
    }
}

impl fmt::Display for PgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PgError::Server(error) => error.fmt(f),
            PgError::Connection(error) => error.fmt(f),
            PgError::Misuse(message) => f.write_str(message),
        }
    }
}

impl Error for PgError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            PgError::Server(_) | PgError::Misuse(_) => None,
            PgError::Connection(error) => error.source(),
        }
    }
}

/// An `ErrorResponse`.
///
/// Row values are left out: of the classes whose texts quote data (22 data exception, 23 integrity
/// constraint, 44 check option, P0 raised by a function) the detail is dropped, of class 22 also
/// every quoted part of the message, and of the context only where it happened is kept.
/// The message of an exception raised by a function (P0001) is its author's text and is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// `ERROR`, `FATAL` or `PANIC`.
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// The message.
    pub message: String,
    /// The detail, unless it may hold row values.
    pub detail: Option<String>,
    /// The server's own advice.
    pub hint: Option<String>,
    /// Character of the statement, counted from 1.
    pub position: Option<u32>,
    /// Where it happened, as far as that quotes no data: `COPY t, line 3, column a`.
    pub place: Option<String>,
    /// The constraint at fault.
    pub constraint: Option<String>,
}

impl ServerError {
    /// Reads the body of an `ErrorResponse`.
    pub(crate) fn read(body: &[u8]) -> ServerError {
        let mut error = ServerError {
            severity: "ERROR".to_owned(),
            code: String::new(),
            message: String::new(),
            detail: None,
            hint: None,
            position: None,
            place: None,
            constraint: None,
        };
        let mut detail = None;
        for field in body.split(|byte| *byte == 0) {
            let [kind, text @ ..] = field else { break };
            let text = String::from_utf8_lossy(text).into_owned();
            match kind {
                // `V` is `S` untranslated; it comes second, from 9.6 on.
                b'S' | b'V' => error.severity = text,
                b'C' => error.code = text,
                b'M' => error.message = text,
                b'D' => detail = Some(text),
                b'H' => error.hint = Some(text),
                b'P' => error.position = text.parse().ok(),
                b'W' => error.place = place(&text),
                b'n' => error.constraint = Some(text),
                _ => {}
            }
        }
        match error.code.get(..2) {
            Some("22") => error.message = without_quoted(&error.message),
            Some("23" | "44" | "P0") => {}
            _ => error.detail = detail,
        }
        error
    }

    /// Whether the server ends the connection.
    pub(crate) fn is_fatal(&self) -> bool {
        self.severity == "FATAL" || self.severity == "PANIC"
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.severity, self.code, self.message)?;
        for part in [&self.detail, &self.place, &self.hint].into_iter().flatten() {
            write!(f, "; {part}")?;
        }
        Ok(())
    }
}

impl Error for ServerError {}

/// The part of a COPY's context that names the place: `COPY t, line 3, column a: "secret"` without
/// what follows the column. Other contexts quote statements, and statements hold data.
fn place(context: &str) -> Option<String> {
    let line = context.lines().find(|line| line.starts_with("COPY "))?;
    let end = line.find(": ").unwrap_or(line.len());
    Some(line[..end].to_owned())
}

/// A message with every quoted part and everything after `: ` blanked.
fn without_quoted(message: &str) -> String {
    /// Those of the languages that PostgreSQL speaks.
    const QUOTES: [char; 10] = ['"', '«', '»', '„', '“', '”', '「', '」', '『', '』'];
    let before = message.split_once(": ").map_or(message, |(before, _)| before);
    let mut shown = String::new();
    for (number, part) in before.split(QUOTES).enumerate() {
        shown.push_str(if number % 2 == 0 { part } else { "\"...\"" });
    }
    shown
}

/// A connection that ended under a statement.
#[derive(Debug)]
pub struct ConnectionLost {
    label: String,
    reason: String,
    source: Option<io::Error>,
}

impl ConnectionLost {
    pub(crate) fn new(label: &str, error: WireError) -> ConnectionLost {
        let (reason, source) = match error {
            WireError::Io(error) => (io_reason(error.kind()).to_owned(), Some(error)),
            WireError::Malformed(what) => (format!("the answer is not PostgreSQL's: {what}"), None),
            WireError::Silent(limit) => {
                (format!("no byte came or went for {} s", limit.as_secs()), None)
            }
            WireError::Mute(mute) => (mute.to_string(), None),
        };
        ConnectionLost { label: label.to_owned(), reason, source }
    }

    /// A statement on a session that was lost before.
    pub(crate) fn earlier(label: &str) -> ConnectionLost {
        let reason = "it was lost during an earlier statement".to_owned();
        ConnectionLost { label: label.to_owned(), reason, source: None }
    }
}

fn io_reason(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::UnexpectedEof => {
            "the server closed it (ended, restarted, or told to end this session)"
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "it was reset by the server or by a device on the way"
        }
        io::ErrorKind::TimedOut => "the path went silent: nothing was acknowledged any more",
        _ => "reading or writing failed",
    }
}

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection to {} is lost: {}", self.label, self.reason)
    }
}

impl Error for ConnectionLost {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[&str]) -> ServerError {
        let mut body = fields.join("\0").into_bytes();
        body.extend([0, 0]);
        ServerError::read(&body)
    }

    #[test]
    fn row_values_are_left_out() {
        let error = read(&[
            "SERROR",
            "C22P02",
            "Minvalid input syntax for type integer: \"secret\"",
            "DToken secret",
            "WCOPY t, line 3, column a: \"secret\"",
        ]);
        assert_eq!(
            error.to_string(),
            "ERROR 22P02: invalid input syntax for type integer; COPY t, line 3, column a"
        );
        let error = read(&["C22003", "Mvalue \"99\" is out of range for type integer"]);
        assert_eq!(error.message, "value \"...\" is out of range for type integer");
        let error = read(&["C22003", "MWert »99« ist außerhalb"]);
        assert_eq!(error.message, "Wert \"...\" ist außerhalb");
        let error = read(&["C23514", "WCOPY t, Zeile 3, Spalte a: »x: y«"]);
        assert_eq!(error.place.as_deref(), Some("COPY t, Zeile 3, Spalte a"));
        let error = read(&["C23505", "Mduplicate key", "DKey (a)=(secret)", "nt_pkey"]);
        assert_eq!((error.detail, error.constraint.as_deref()), (None, Some("t_pkey")));
    }

    #[test]
    fn other_details_and_the_untranslated_severity_stay() {
        let error = read(&["SFEHLER", "VFATAL", "C42P01", "Mx", "Dd", "Hh", "P17"]);
        assert!(error.is_fatal());
        assert_eq!(error.to_string(), "FATAL 42P01: x; d; h");
        assert_eq!(error.position, Some(17));
    }
}
