//! What a probe can meet on each rung.

mod facts;

use serde::{Deserialize, Serialize};

use crate::probes::Rung;

/// How a connection ended. Several faults share one symptom: a probe refutes, configuration names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// The resolver says that there is no such name.
    NameUnknown,
    /// The name exists and has no address.
    NameWithoutAddress,
    /// No DNS server answered in time.
    NameServerSilent,
    /// The DNS servers could not be asked, or failed.
    NameServerFailed,

    /// The host answered that nobody listens, or a firewall rejects.
    Refused,
    /// No answer to the connection request at all.
    Silent,
    /// A router or this host knows no way there.
    Unreachable,
    /// The prober's own host forbids it.
    Forbidden,
    /// The connection request was reset.
    Reset,

    /// Accepted, and then not a byte.
    Mute,
    /// Accepted, and then closed without an answer.
    Closed,
    /// Accepted, and then reset.
    CutOff,
    /// Something else than PostgreSQL answered.
    NotPostgres,

    /// The server offers no TLS and the client insists.
    NoTls,
    /// No TLS version or cipher in common.
    TlsVersion,
    /// No trusted authority vouches for the certificate.
    AuthorityUnknown,
    /// The certificate is for another host.
    CertificateName,
    /// The certificate is not valid at this time.
    CertificateDates,
    /// The certificate cannot be verified for another reason.
    CertificateUnusable,
    /// The server ended the handshake, perhaps for want of a client certificate.
    HandshakeRefused,
    /// The handshake broke off.
    HandshakeBroken,

    /// The server's gate wants encryption.
    GateWantsEncryption,
    /// The server's gate does not let the client's address in.
    GateRefused,
    /// The name led to the public gateway of a server that denies public access.
    PublicAccessOff,
    /// The caller's subnet has the service endpoint, and the server has no rule for it.
    VnetRuleMissing,
    /// The gateway cannot tell from the login which server is meant.
    LoginForm,
    /// There is no such database.
    NoDatabase,
    /// The role may not connect to the database.
    NoConnectRight,
    /// No connection is free.
    TooManyConnections,
    /// The server is starting, stopping or recovering.
    Starting,
    /// The database takes no connections.
    DatabaseClosed,
    /// A pooler answers, not the server.
    Pooler,

    /// The password is wrong.
    WrongPassword,
    /// The server wants a password and none is known.
    NoPassword,
    /// The role does not exist or may not log in.
    NoRole,
    /// The server wants a way to log in that is not supported.
    MethodUnsupported,
    /// The server could not prove that it knows the password.
    Unproven,

    /// `wal_level` is below `logical`.
    WalLevel,
    /// The role lacks REPLICATION.
    NoReplicationRight,
    /// All replication slots or WAL senders are taken.
    NoFreeSlot,
    /// The server does not allow or have the plug-in.
    PluginMissing,

    /// A refusal that fits none of these.
    Other,
}

impl Symptom {
    /// The rung at which it shows.
    pub fn rung(self) -> Rung {
        self.facts().rung
    }

    /// What it means, as a fragment after `the server`, `the resolver` or the like.
    pub fn means(self) -> &'static str {
        self.facts().means
    }

    /// What to do about it, in one sentence.
    pub fn fix(self) -> &'static str {
        self.facts().fix
    }

    /// The faults that show so, most likely first. Configuration tells which of them it is.
    pub fn suspects(self, host: &str) -> &'static [&'static str] {
        if is_azure(host) { self.facts().azure } else { self.facts().host }
    }

    /// All faults that can show so, and areas (`peering/`) of which every fault can: those that are suspected first.
    pub fn faults(self) -> impl Iterator<Item = &'static str> {
        let facts = self.facts();
        facts.azure.iter().chain(facts.host).chain(facts.others).copied()
    }

    /// Whether a fault can show so.
    pub fn fits(self, fault: &str) -> bool {
        self.faults()
            .any(|known| known.ends_with('/') && fault.starts_with(known) || known == fault)
    }

    /// Whether packets got to the server itself and back: the network is not at fault.
    pub fn is_beyond_network(self) -> bool {
        match self.rung() {
            Rung::Name | Rung::Tcp | Rung::SslRequest => false,
            Rung::Tls | Rung::Auth | Rung::Replication => true,
            Rung::Startup => !self.is_gate(),
        }
    }

    /// Whether it is the server's own gate that refuses: firewall rules, `pg_hba.conf`.
    pub fn is_gate(self) -> bool {
        matches!(
            self,
            Symptom::GateRefused
                | Symptom::PublicAccessOff
                | Symptom::VnetRuleMissing
                | Symptom::GateWantsEncryption
        )
    }
}

/// Whether the host is a PostgreSQL service of Azure, in any of its clouds.
pub fn is_azure(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.contains(".postgres.database.") && !host.ends_with(".postgres.database.")
}
