//! Why a connection did not come about: which rung of the ladder, what, why, and what to do.

use std::error::Error;
use std::fmt;

/// The rungs that a connection climbs, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// The host's name gives an address.
    Name,
    /// The address accepts a connection.
    Tcp,
    /// Encryption stands and the server is who it should be.
    Tls,
    /// The server speaks PostgreSQL, is ready, and has the database.
    Startup,
    /// The server lets this user in.
    Auth,
}

impl Rung {
    /// The rung's word in messages and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Rung::Name => "name",
            Rung::Tcp => "tcp",
            Rung::Tls => "tls",
            Rung::Startup => "startup",
            Rung::Auth => "login",
        }
    }
}

/// A connection that did not come about. Holds no password.
#[derive(Debug)]
pub struct ConnectError {
    /// The rung that failed; all below it held.
    pub rung: Rung,
    /// What was tried, such as `connect to db.example:5432`.
    pub what: String,
    /// What came back, and what that means.
    pub why: String,
    /// What to do about it, one sentence.
    pub fix: String,
    /// SQLSTATE, when the server itself refused.
    pub code: Option<String>,
    /// The TLS handshake itself failed: `sslmode=prefer` then tries in the clear.
    pub(crate) is_handshake: bool,
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

impl ConnectError {
    pub(crate) fn new(
        rung: Rung,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> ConnectError {
        ConnectError {
            rung,
            what: what.into(),
            why: why.into(),
            fix: fix.into(),
            code: None,
            is_handshake: false,
            source: None,
        }
    }

    /// Whether the same attempt can succeed later without anybody's help: a path or a server may
    /// come back, a refusal for what the login is or lacks stays.
    pub(crate) fn may_pass(&self) -> bool {
        match &self.code {
            Some(code) => ["08", "53", "57"].iter().any(|class| code.starts_with(class)),
            None => self.rung != Rung::Auth || self.source.is_some(),
        }
    }

    pub(crate) fn caused_by(
        mut self,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> ConnectError {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}; {}", self.what, self.rung.word(), self.why, self.fix)
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
