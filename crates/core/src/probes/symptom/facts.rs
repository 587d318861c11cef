//! The table of symptoms: what each means, which faults can show so, and what to do.

use super::Symptom;
use crate::probes::Rung;

/// What is known of a symptom.
pub(super) struct Facts {
    pub(super) rung: Rung,
    /// Without the thing that it is said of.
    pub(super) means: &'static str,
    pub(super) fix: &'static str,
    /// Likely faults where a service of Azure is dialled, most likely first.
    pub(super) azure: &'static [&'static str],
    /// Likely faults where any other host is dialled.
    pub(super) host: &'static [&'static str],
    /// Areas (`peering/`) and faults that can show so, beside the likely ones.
    pub(super) others: &'static [&'static str],
}

impl Facts {
    /// Without any fault.
    const fn of(rung: Rung, means: &'static str, fix: &'static str) -> Facts {
        Facts { rung, means, fix, azure: &[], host: &[], others: &[] }
    }
}

impl Symptom {
    pub(super) fn facts(self) -> Facts {
        let of = Facts::of;
        match self {
            Symptom::NameUnknown => Facts {
                azure: &[
                    "dns/record-missing",
                    "dns/injected-source-zone-not-linked",
                    "dns/public-name-shadowed",
                    "dns/custom-server-not-forwarding",
                ],
                others: &["dns/"],
                ..of(
                    Rung::Name,
                    "does not know the name",
                    "check its spelling; a privatelink name needs its private DNS zone linked to \
                    this network, or a forwarder to it",
                )
            },
            Symptom::NameWithoutAddress => Facts {
                azure: &["dns/record-missing"],
                others: &["dns/"],
                ..of(Rung::Name, "has no address for the name", "check the name's A record")
            },
            Symptom::NameServerSilent | Symptom::NameServerFailed => Facts {
                azure: SILENT_DNS,
                host: SILENT_DNS,
                ..of(
                    Rung::Name,
                    "does not answer",
                    "check the DNS servers that are set here and the way to them (port 53)",
                )
            },
            Symptom::Refused => Facts {
                azure: &["server/not-ready", "server/pooler-off", "dns/record-stale"],
                host: &["host/not-listening", "host/firewall"],
                others: &["dns/", "endpoint/wrong-server", "server/public-off-no-endpoint"],
                ..of(
                    Rung::Tcp,
                    "refused: nothing listens on that port, or a firewall rejects",
                    "check host and port, that the server runs, and its listen_addresses",
                )
            },
            Symptom::Silent => Facts {
                azure: &[
                    "filter/outbound-denied",
                    "filter/inbound-denied",
                    "peering/missing",
                    "route/blackhole",
                    "endpoint/pending",
                    "server/public-off-no-endpoint",
                ],
                host: &[
                    "host/firewall",
                    "filter/outbound-denied",
                    "filter/inbound-denied",
                    "route/on-premises-return-missing",
                    "route/blackhole",
                ],
                others: &["filter/", "peering/", "route/", "endpoint/", "server/", "dns/", "mode/"],
                ..of(
                    Rung::Tcp,
                    "gave no answer: packets are dropped on the way",
                    "check security rules, firewalls, routes and peerings between here and the \
                    server",
                )
            },
            Symptom::Unreachable => Facts {
                azure: &["route/none"],
                host: &["route/none", "host/firewall", "route/on-premises-overlap"],
                others: &["route/"],
                ..of(
                    Rung::Tcp,
                    "is unreachable: this machine or a router has no route to it, or a firewall rejects",
                    "check routes, VPN and peerings; for an IPv6 address, whether this network \
                    has IPv6",
                )
            },
            Symptom::Forbidden => of(
                Rung::Tcp,
                "is forbidden by this machine's own firewall",
                "permit outgoing connections to that port",
            ),
            Symptom::Reset => Facts {
                azure: &["server/pooler-off", "route/opaque-appliance"],
                host: &["host/firewall", "route/opaque-appliance"],
                ..of(
                    Rung::Tcp,
                    "reset the connection: a firewall or proxy on the way ended it",
                    "check the firewalls and proxies on the way",
                )
            },
            Symptom::Mute => Facts {
                azure: &["route/opaque-appliance", "server/not-ready"],
                host: IN_BETWEEN,
                ..of(
                    Rung::SslRequest,
                    "accepted the connection and sent no byte",
                    "check that PostgreSQL and not another service listens there, and that no \
                    load balancer or firewall accepts connections for a server it cannot reach",
                )
            },
            Symptom::Closed | Symptom::CutOff => Facts {
                azure: IN_BETWEEN,
                host: IN_BETWEEN,
                others: &["server/"],
                ..of(
                    Rung::SslRequest,
                    "accepted the connection and ended it without an answer",
                    "check that PostgreSQL listens there, and that no proxy, gateway or firewall \
                    on the way ends PostgreSQL connections",
                )
            },
            Symptom::NotPostgres => Facts {
                azure: &["dns/record-stale", "endpoint/wrong-server"],
                host: &["host/not-listening"],
                others: &["dns/", "route/opaque-appliance"],
                ..of(Rung::SslRequest, "is no PostgreSQL server", "check host and port")
            },
            Symptom::NoTls => Facts {
                azure: &["tls/server-without-tls"],
                host: &["tls/server-without-tls"],
                ..of(
                    Rung::Tls,
                    "offers no TLS",
                    "set ssl=on on the server (nothing is given up), or add sslmode=disable \
                    (password exchange and data readable on the way, and a machine in between \
                    could pose as the server)",
                )
            },
            Symptom::TlsVersion => Facts {
                azure: &["tls/version-mismatch"],
                host: &["tls/version-mismatch"],
                ..of(
                    Rung::Tls,
                    "shares no TLS version or cipher with the client; TLS 1.2 or later is needed",
                    "raise ssl_min_protocol_version on the server and use a current PostgreSQL \
                    there",
                )
            },
            Symptom::AuthorityUnknown
            | Symptom::CertificateName
            | Symptom::CertificateDates
            | Symptom::CertificateUnusable => Facts {
                azure: UNVERIFIED,
                host: UNVERIFIED,
                others: &["dns/", "endpoint/wrong-server"],
                ..of(
                    Rung::Tls,
                    "shows a certificate that cannot be verified",
                    "see that the certificate has not expired, dial a name that it holds, and trust \
                    its authority (sslrootcert=FILE); `flexway probe` from a machine tells which it is",
                )
            },
            Symptom::HandshakeRefused => of(
                Rung::Tls,
                "ended the TLS handshake",
                "look at the server's log; it may ask for a client certificate, which is not \
                supported",
            ),
            Symptom::HandshakeBroken => Facts {
                azure: IN_BETWEEN,
                host: IN_BETWEEN,
                ..of(
                    Rung::Tls,
                    "did not finish the TLS handshake",
                    "look for a firewall that inspects TLS, and at the server's log",
                )
            },
            Symptom::GateWantsEncryption => Facts {
                azure: &["tls/client-without-tls"],
                host: &["tls/client-without-tls", "host/pg-hba"],
                ..of(
                    Rung::Startup,
                    "wants encryption, or lets nobody in from this address in the clear",
                    "add sslmode=verify-full or sslmode=require if the server wants encryption; \
                    otherwise add the host in the message to pg_hba.conf (on Azure: a firewall \
                    or VNet rule)",
                )
            },
            Symptom::GateRefused => Facts {
                azure: &[
                    "server/firewall-rule-missing",
                    "server/caller-address-changed",
                    "server/nat-address-not-allowed",
                ],
                host: &["host/pg-hba"],
                others: &["server/", "dns/"],
                ..of(
                    Rung::Startup,
                    "has no rule for the address that the connection comes from",
                    "the packet reached the server: add the host in the message to pg_hba.conf \
                    (on Azure: a firewall or VNet rule for that address)",
                )
            },
            Symptom::PublicAccessOff => Facts {
                azure: &[
                    "dns/zone-not-linked",
                    "dns/custom-server-not-forwarding",
                    "server/public-access-denied",
                ],
                others: &["dns/", "server/public-off-no-endpoint"],
                ..of(
                    Rung::Startup,
                    "denies public access, and the name led to its public address",
                    "make the name resolve to the private endpoint from here (private DNS zone \
                    linked to this network)",
                )
            },
            Symptom::VnetRuleMissing => Facts {
                azure: &["server/vnet-rule-missing", "server/vnet-rule-not-ready"],
                others: &["server/"],
                ..of(
                    Rung::Startup,
                    "has no VNet rule for the subnet that the connection comes from",
                    "add a VNet rule for that subnet",
                )
            },
            Symptom::LoginForm => Facts {
                azure: &["auth/login-lacks-server-name"],
                ..of(
                    Rung::Startup,
                    "cannot tell from the login which server is meant",
                    "write the login as user@server",
                )
            },
            Symptom::NoDatabase => of(
                Rung::Startup,
                "has no such database",
                "name a database that exists, or create it",
            ),
            Symptom::NoConnectRight => of(
                Rung::Startup,
                "does not let this user connect to the database",
                "grant this user CONNECT on the database",
            ),
            Symptom::TooManyConnections => of(
                Rung::Startup,
                "has no free connection",
                "end idle sessions, use fewer jobs, or raise max_connections (or the role's or \
                the database's connection limit)",
            ),
            Symptom::Starting => Facts {
                azure: &["server/not-ready"],
                ..of(
                    Rung::Startup,
                    "is starting, stopping or recovering",
                    "wait until the server is up, then try again",
                )
            },
            Symptom::DatabaseClosed => of(
                Rung::Startup,
                "takes no connections to this database",
                "name another database, or allow connections to this one",
            ),
            Symptom::Pooler => of(
                Rung::Startup,
                "is a pooler, not the server",
                "connect to the server itself rather than through a pooler",
            ),
            Symptom::WrongPassword => of(
                Rung::Auth,
                "does not accept user and password",
                "check user and password (PGPASSWORD, the password file, or in the URL with \
                special characters percent-encoded)",
            ),
            Symptom::NoPassword => of(
                Rung::Auth,
                "asks for a password and none is known",
                "set PGPASSWORD, write a password file, or put the password into the URL",
            ),
            Symptom::NoRole => of(
                Rung::Auth,
                "does not let this user log in",
                "check the user's name, that the role exists and may log in, and pg_hba.conf",
            ),
            Symptom::MethodUnsupported => of(
                Rung::Auth,
                "asks for a way to log in that is not supported",
                "let this user log in with scram-sha-256 in pg_hba.conf",
            ),
            Symptom::Unproven => of(
                Rung::Auth,
                "could not prove who it is",
                "check that host and port are the right server's and nothing sits in between",
            ),
            Symptom::WalLevel => of(
                Rung::Replication,
                "does not log enough to follow changes",
                "set wal_level to logical and restart the server; an offline move needs none of it",
            ),
            Symptom::NoReplicationRight => of(
                Rung::Replication,
                "does not let this user replicate",
                "ALTER ROLE ... REPLICATION; an offline move needs none of it",
            ),
            Symptom::NoFreeSlot => of(
                Rung::Replication,
                "has no free replication slot or WAL sender",
                "drop slots that nobody uses, or raise max_replication_slots and max_wal_senders",
            ),
            Symptom::PluginMissing => of(
                Rung::Replication,
                "does not allow the output plug-in",
                "allow pgoutput in output_plugin_libraries, or install it",
            ),
            Symptom::Other => of(Rung::Startup, "refused", "see the server's log"),
        }
    }
}

const SILENT_DNS: &[&str] =
    &["dns/custom-server-unreachable", "dns/platform-dns-denied", "dns/forwarding-rule-wrong"];
const IN_BETWEEN: &[&str] = &["route/opaque-appliance"];
const UNVERIFIED: &[&str] = &["tls/verification-failed"];
