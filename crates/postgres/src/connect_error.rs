//! Why a connection did not come about: which rung of the ladder, what, why, and what to do.

use std::error::Error;
use std::fmt;

use flexway_core::probes::{Rung, Symptom};

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
    /// How it shows, where that is known.
    pub symptom: Option<Symptom>,
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
            symptom: None,
            is_handshake: false,
            source: None,
        }
    }

    /// A failure with this symptom, on its rung and with its advice.
    pub(crate) fn of(
        symptom: Symptom,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> ConnectError {
        ConnectError::new(symptom.rung(), what, why, symptom.fix()).shows(symptom)
    }

    pub(crate) fn shows(mut self, symptom: Symptom) -> ConnectError {
        self.symptom = Some(symptom);
        self
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
