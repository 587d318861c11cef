//! The rungs that a connection climbs: where it ends tells which kind of fault it met.

use serde::{Deserialize, Serialize};

/// A rung of the ladder, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// The host's name gives an address.
    Name,
    /// The address accepts a connection.
    Tcp,
    /// What listens there answers PostgreSQL's SSLRequest.
    SslRequest,
    /// Encryption stands and the server is who it should be.
    Tls,
    /// The server lets the client's address in, is ready, and has the database.
    Startup,
    /// The server lets this user in.
    #[serde(rename = "login")]
    Auth,
    /// Changes can be followed: the right, a free slot, the plug-in.
    Replication,
}

impl Rung {
    /// All of them, lowest first.
    pub const ALL: [Rung; 7] = [
        Rung::Name,
        Rung::Tcp,
        Rung::SslRequest,
        Rung::Tls,
        Rung::Startup,
        Rung::Auth,
        Rung::Replication,
    ];

    /// The rung's word in messages, JSON and arguments.
    pub fn word(self) -> &'static str {
        match self {
            Rung::Name => "name",
            Rung::Tcp => "tcp",
            Rung::SslRequest => "ssl-request",
            Rung::Tls => "tls",
            Rung::Startup => "startup",
            Rung::Auth => "login",
            Rung::Replication => "replication",
        }
    }
}
