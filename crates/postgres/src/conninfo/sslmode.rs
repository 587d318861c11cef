//! How strictly the server's identity is checked, and by whose word.

use std::path::{Path, PathBuf};

use super::ConnInfoError;

/// libpq's `sslmode`. Source: PostgreSQL 18, "SSL Support", table "SSL Mode Descriptions".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never encrypted.
    Disable,
    /// In the clear if the server permits, else encrypted; the server's identity is not checked.
    Allow,
    /// Encrypted if the server can, else in the clear; the server's identity is not checked.
    Prefer,
    /// Always encrypted; the server's identity is not checked unless `sslrootcert` is given.
    Require,
    /// Encrypted, and a trusted authority signed the certificate; for whom is not checked.
    VerifyCa,
    /// Encrypted, and a trusted authority vouches for the very host that was named.
    VerifyFull,
}

impl SslMode {
    const WORDS: [(&'static str, SslMode); 6] = [
        ("disable", SslMode::Disable),
        ("allow", SslMode::Allow),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::VerifyCa),
        ("verify-full", SslMode::VerifyFull),
    ];

    pub(crate) fn from_word(word: &str) -> Option<SslMode> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, mode)| *mode)
    }

    /// libpq's word, as `sslmode` takes it.
    pub fn word(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Allow => "allow",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }
}

/// Whose word counts for the server's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCert {
    /// The authorities that this machine trusts.
    System,
    /// The certificates in a PEM file, and no others.
    File(PathBuf),
}

/// Settles mode and authorities from what was given. Without `sslmode`, local hosts get `prefer`
/// unless `sslrootcert` asks for verification, and all others `verify-full`.
///
/// Without `sslrootcert`, `~/.postgresql/root.crt` counts when it exists, as in libpq.
pub(crate) fn resolve(
    given: Option<SslMode>,
    root: Option<&str>,
    is_local: bool,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(SslMode, RootCert), ConnInfoError> {
    let is_explicit = root.is_some();
    let root = match root {
        Some("system") => Some(RootCert::System),
        Some(path) => Some(RootCert::File(PathBuf::from(path))),
        None => env("HOME")
            .map(|home| Path::new(&home).join(".postgresql/root.crt"))
            .filter(|path| path.exists())
            .map(RootCert::File),
    };
    let mode = match (given, &root) {
        // libpq: a root certificate turns `require` into `verify-ca`.
        (Some(SslMode::Require), Some(RootCert::File(_))) => SslMode::VerifyCa,
        (Some(mode), Some(RootCert::System)) if mode < SslMode::VerifyFull => {
            return Err(ConnInfoError::new(format!(
                "sslmode={} is too weak for sslrootcert=system, since anyone can get a certificate \
                 from a public authority; use sslmode=verify-full",
                mode.word()
            )));
        }
        (Some(SslMode::VerifyCa), None) => {
            return Err(ConnInfoError::new(
                "sslmode=verify-ca needs sslrootcert=FILE with the authority's certificate; \
                 with the \
                 authorities of this machine use sslmode=verify-full",
            ));
        }
        (Some(mode), _) => mode,
        (None, _) if is_local && !is_explicit => SslMode::Prefer,
        (None, _) => SslMode::VerifyFull,
    };
    Ok((mode, root.unwrap_or(RootCert::System)))
}
