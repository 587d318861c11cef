//! What a server, libpq or `dblink` said, turned into a symptom and the addresses that it names.

use std::net::IpAddr;

use crate::probes::Symptom;

/// Phrases of servers and gateways before a login; the first that occurs decides. Before login a
/// server speaks its own language: where none occurs, the SQLSTATE decides.
const SERVER: [(&str, Symptom); 27] = [
    ("public network access on this server is disabled", Symptom::PublicAccessOff),
    ("client from azure virtual networks", Symptom::VnetRuleMissing),
    ("invalid username specified", Symptom::LoginForm),
    ("<username@hostname>", Symptom::LoginForm),
    ("ssl connection is required", Symptom::GateWantsEncryption),
    ("no such user", Symptom::NoRole),
    ("no such database", Symptom::NoDatabase),
    ("unsupported startup parameter", Symptom::Pooler),
    ("pgbouncer cannot connect to server", Symptom::Pooler),
    ("server login has been failing", Symptom::Pooler),
    ("query_wait_timeout", Symptom::Pooler),
    ("sasl authentication failed", Symptom::WrongPassword),
    ("password authentication failed", Symptom::WrongPassword),
    // LDAP, PAM, RADIUS, ident and the like.
    ("authentication failed for user", Symptom::WrongPassword),
    ("requires a valid client certificate", Symptom::MethodUnsupported),
    ("no password supplied", Symptom::NoPassword),
    ("password is required", Symptom::NoPassword),
    ("is not permitted to log in", Symptom::NoRole),
    ("must be superuser or replication role", Symptom::NoReplicationRight),
    ("permission denied to start wal sender", Symptom::NoReplicationRight),
    ("requires wal_level >= logical", Symptom::WalLevel),
    ("all replication slots are in use", Symptom::NoFreeSlot),
    ("number of requested standby connections exceeds", Symptom::NoFreeSlot),
    ("output plugin", Symptom::PluginMissing),
    ("output_plugin", Symptom::PluginMissing),
    ("permission denied for database", Symptom::NoConnectRight),
    ("is not currently accepting connections", Symptom::DatabaseClosed),
];

/// Phrases of libpq, which says what the operating system said.
const CLIENT: [(&str, Symptom); 30] = [
    ("temporary failure in name resolution", Symptom::NameServerFailed),
    ("no address associated", Symptom::NameWithoutAddress),
    ("could not translate host name", Symptom::NameUnknown),
    ("name or service not known", Symptom::NameUnknown),
    ("unknown host", Symptom::NameUnknown),
    ("received invalid response to ssl negotiation", Symptom::NotPostgres),
    ("expected authentication request from server", Symptom::NotPostgres),
    ("wrong version number", Symptom::NotPostgres),
    ("connection refused", Symptom::Refused),
    ("actively refused", Symptom::Refused),
    ("no route to host", Symptom::Unreachable),
    ("network is unreachable", Symptom::Unreachable),
    ("host is unreachable", Symptom::Unreachable),
    ("timeout expired", Symptom::Silent),
    ("connection timed out", Symptom::Silent),
    ("operation timed out", Symptom::Silent),
    ("server does not support ssl", Symptom::NoTls),
    ("does not match host name", Symptom::CertificateName),
    ("certificate has expired", Symptom::CertificateDates),
    ("certificate is not yet valid", Symptom::CertificateDates),
    ("certificate verify failed", Symptom::AuthorityUnknown),
    ("root certificate file", Symptom::AuthorityUnknown),
    ("alert protocol version", Symptom::TlsVersion),
    ("unsupported protocol", Symptom::TlsVersion),
    ("alert handshake failure", Symptom::TlsVersion),
    ("no protocols available", Symptom::TlsVersion),
    ("certificate required", Symptom::HandshakeRefused),
    ("connection reset by peer", Symptom::CutOff),
    ("server closed the connection unexpectedly", Symptom::Closed),
    ("eof detected", Symptom::Closed),
];

/// The symptom of a server's refusal before or during login.
pub fn of_refusal(code: &str, message: &str) -> Symptom {
    phrase(message).unwrap_or_else(|| of_code(code))
}

/// The symptom of what libpq reports, which can hold the texts of several attempts: the first that
/// tells anything decides, as it does for libpq's own first attempt.
pub fn of_client(text: &str) -> Symptom {
    text.lines().find_map(phrase).unwrap_or(Symptom::Other)
}

fn phrase(line: &str) -> Option<Symptom> {
    let line = line.to_lowercase();
    let known = SERVER.iter().find(|(words, _)| line.contains(words)).map(|(_, symptom)| *symptom);
    known
        .or_else(|| of_access_file(&line))
        .or_else(|| missing(&line, "role ").then_some(Symptom::NoRole))
        .or_else(|| missing(&line, "database ").then_some(Symptom::NoDatabase))
        .or_else(|| of_state(&line))
        .or_else(|| {
            CLIENT.iter().find(|(words, _)| line.contains(words)).map(|(_, symptom)| *symptom)
        })
}

/// `no pg_hba.conf entry for host "x", user "y", database "z", no encryption`: the last words tell
/// whether the address is not let in, or only not without TLS.
fn of_access_file(line: &str) -> Option<Symptom> {
    if !line.contains("pg_hba.conf") {
        return None;
    }
    let is_clear = ["no encryption", "ssl off"].iter().any(|words| line.contains(words));
    Some(if is_clear { Symptom::GateWantsEncryption } else { Symptom::GateRefused })
}

fn missing(line: &str, thing: &str) -> bool {
    line.contains("does not exist") && line.contains(thing)
}

fn of_state(line: &str) -> Option<Symptom> {
    const STARTING: [&str; 5] = [
        "is starting up",
        "is shutting down",
        "in recovery mode",
        "not yet accepting connections",
        "terminating connection due to administrator command",
    ];
    const FULL: [&str; 4] = [
        "too many clients",
        "too many connections",
        "remaining connection slots",
        "no more connections allowed",
    ];
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    if has(&STARTING) {
        return Some(Symptom::Starting);
    }
    has(&FULL).then_some(Symptom::TooManyConnections)
}

/// What the SQLSTATE alone tells.
fn of_code(code: &str) -> Symptom {
    match code {
        "28P01" => Symptom::WrongPassword,
        "28000" => Symptom::NoRole,
        "3D000" => Symptom::NoDatabase,
        "42501" => Symptom::NoConnectRight,
        "53300" => Symptom::TooManyConnections,
        "55000" => Symptom::DatabaseClosed,
        "57P03" => Symptom::Starting,
        // protocol_violation: poolers say so of parameters that they do not pass on.
        "08P01" => Symptom::Pooler,
        _ => Symptom::Other,
    }
}

/// The address that was dialled, where libpq names it: `... at "host" (10.1.2.3), port 5432 ...`,
/// or instead of the host where an address was given.
pub fn dialled_address(text: &str) -> Option<IpAddr> {
    let mut parts = text.split('(').skip(1);
    let quoted = |before: &str| text.split_once(before)?.1.split('"').next()?.parse().ok();
    parts
        .find_map(|part| part.split(')').next()?.parse().ok())
        .or_else(|| quoted("connection to server at \""))
        .or_else(|| quoted("server running on host \""))
}

/// The client's address as the server sees it, where it names it: `... for host "10.1.2.3" ...`.
pub fn client_address(text: &str) -> Option<IpAddr> {
    let mut parts = text.split("host \"").skip(1);
    parts.find_map(|part| part.split('"').next()?.parse().ok())
}
