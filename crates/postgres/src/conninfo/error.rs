//! Why a connection string was not understood, without quoting it.

use std::io;

/// A connection string that cannot be used. Its text never quotes a value of the string.
#[derive(Debug, thiserror::Error)]
#[error("read the connection string: {message}")]
pub struct ConnInfoError {
    message: String,
    #[source]
    source: Option<io::Error>,
}

impl ConnInfoError {
    pub(crate) fn new(message: impl Into<String>) -> ConnInfoError {
        ConnInfoError { message: message.into(), source: None }
    }

    pub(crate) fn with_source(message: impl Into<String>, source: io::Error) -> ConnInfoError {
        ConnInfoError { message: message.into(), source: Some(source) }
    }
}
