//! What a server's refusal to open a session means: its rung, and what to do.

use crate::connect_error::{ConnectError, Rung};
use crate::pg_error::ServerError;

/// The server is starting, stopping or recovering (`cannot_connect_now`).
pub(crate) const CANNOT_CONNECT_NOW: &str = "57P03";
/// No line of pg_hba.conf fits, among others (`invalid_authorization_specification`).
pub(crate) const NOT_AUTHORIZED: &str = "28000";

/// Turns an `ErrorResponse` during login into an error with advice.
pub(crate) fn explain(place: &str, error: ServerError, is_encrypted: bool) -> ConnectError {
    let (rung, fix) = advice(&error, is_encrypted);
    let why = match &error.detail {
        Some(detail) => format!("{} ({}; {detail})", error.message, error.code),
        None => format!("{} ({})", error.message, error.code),
    };
    let mut refusal = ConnectError::new(rung, format!("log in to {place}"), why, fix);
    refusal.code = Some(error.code);
    refusal
}

fn advice(error: &ServerError, is_encrypted: bool) -> (Rung, &'static str) {
    match error.code.as_str() {
        "28P01" => (
            Rung::Auth,
            "check user and password (PGPASSWORD, the password file, or in the URL with special \
             characters percent-encoded)",
        ),
        NOT_AUTHORIZED => (Rung::Auth, not_authorized(&error.message, is_encrypted)),
        code if code.starts_with("28") => (Rung::Auth, "see the server's log for the reason"),
        "3D000" => (Rung::Startup, "name a database that exists, or create it"),
        "42501" => (Rung::Startup, "grant this user CONNECT on the database"),
        "53300" => (
            Rung::Startup,
            "end idle sessions, use fewer jobs, or raise max_connections (or the role's or the \
             database's connection limit)",
        ),
        "55000" => (Rung::Startup, "name another database, or allow connections to this one"),
        // protocol_violation: poolers say so of parameters that they do not pass on.
        "08P01" => (Rung::Startup, "connect to the server itself rather than through a pooler"),
        CANNOT_CONNECT_NOW => (Rung::Startup, "wait until the server is up, then try again"),
        _ => (Rung::Startup, "see the server's log"),
    }
}

/// The texts are matched in English, since before login a server speaks its own language; in others
/// the general advice is given.
fn not_authorized(message: &str, is_encrypted: bool) -> &'static str {
    if message.contains("public network access") {
        "the name led to the server's public address: make it resolve to the private endpoint from \
         here (private DNS zone linked to this network)"
    } else if message.contains("pg_hba.conf") && !is_encrypted {
        "add sslmode=verify-full or sslmode=require if the server wants encryption; otherwise add \
         the host in the message to pg_hba.conf (on Azure: a firewall or VNet rule)"
    } else if message.contains("pg_hba.conf") {
        "the packet reached the server: add the host in the message to pg_hba.conf (on Azure: a \
         firewall or VNet rule for that address)"
    } else {
        "check the user's name, that the role exists and may log in, and pg_hba.conf"
    }
}
