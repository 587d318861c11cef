//! How a server is to be set up.

use std::path::PathBuf;

/// How a server is to be set up. The default: passwords by SCRAM, no TLS, a fresh folder.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The private folder, absent or empty. `None` makes one in the temporary folder. Either is
    /// removed with the server.
    pub folder: Option<PathBuf>,
    /// Settings for `postgresql.conf`, such as `("wal_level", "logical")`; later ones win.
    /// `fsync` is off unless it stands here: the servers live for minutes.
    pub settings: Vec<(String, String)>,
    /// How the server wants its users to log in.
    pub auth: Auth,
    /// Lines put before those of `pg_hba.conf`, such as `hostnossl all all all reject`.
    pub hba: Vec<String>,
    /// Whether the server offers TLS, with a certificate for `localhost` and 127.0.0.1 signed by
    /// [`Server::certificate_authority`](crate::Server::certificate_authority). Needs the program
    /// `openssl` and a build with TLS: the one that set-up provides for 18 has none.
    pub tls: bool,
}

/// How a server wants its users to log in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Auth {
    /// By password, SCRAM-SHA-256.
    #[default]
    Scram,
    /// Without a password.
    Trust,
}

impl Auth {
    /// Its name in `pg_hba.conf`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Auth::Scram => "scram-sha-256",
            Auth::Trust => "trust",
        }
    }
}
