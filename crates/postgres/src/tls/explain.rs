//! What a failed TLS rung means and what to do about it.

use std::io;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError, Error};

use crate::connect_error::{ConnectError, Rung};

/// What the three ways out of a refused certificate give up.
const PRIVATE_CA: &str = "add sslrootcert=FILE with the certificate of the server's authority \
    (nothing is given up), or sslmode=require (encrypted, but a machine in between could pose as \
    the server), or sslmode=disable (password exchange and data readable on the way)";

/// The server has no TLS and `sslmode` insists on it.
pub(crate) fn declined(place: &str) -> ConnectError {
    ConnectError::new(
        Rung::Tls,
        format!("encrypt the connection to {place}"),
        "the server offers no TLS",
        "set ssl=on on the server (nothing is given up), or add sslmode=disable (password exchange \
         and data readable on the way, and a machine in between could pose as the server)",
    )
}

/// Nothing usable came back for SSLRequest.
pub(crate) fn no_answer(place: &str, error: io::Error, limit: Duration) -> ConnectError {
    let what = format!("ask {place} for TLS");
    let (why, fix) = match error.kind() {
        io::ErrorKind::WouldBlock => (
            format!("the connection was accepted, but no byte came within {} s", limit.as_secs()),
            "check that PostgreSQL and not another service listens there, and that no load \
             balancer or firewall accepts connections for a server it cannot reach",
        ),
        _ => (
            "the connection was accepted and then closed without an answer".to_owned(),
            "check that PostgreSQL listens there, and that no proxy, \
             gateway or firewall on the way \
             ends PostgreSQL connections",
        ),
    };
    ConnectError::new(Rung::Tls, what, why, fix).caused_by(error)
}

/// Something else than PostgreSQL answered.
pub(crate) fn not_postgres(place: &str, answer: &[u8]) -> ConnectError {
    let kind = match answer {
        [b'S', b'S', b'H', ..] => "an SSH server",
        [b'H', b'T', b'T', b'P', ..] => "a web server",
        [_, _, _, 0, 10, ..] => "a MySQL server",
        [0x15, 3, ..] => "a TLS server that is no PostgreSQL",
        _ => "something that is no PostgreSQL server",
    };
    ConnectError::new(
        Rung::Tls,
        format!("ask {place} for TLS"),
        format!("{kind} answered"),
        "check host and port",
    )
}

/// The server agreed to TLS, and the handshake failed.
pub(crate) fn handshake(place: &str, error: io::Error, limit: Duration) -> ConnectError {
    let what = format!("encrypt the connection to {place}");
    let (why, fix) = match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(tls) => tls_advice(tls),
        None if error.kind() == io::ErrorKind::WouldBlock => (
            format!("the TLS handshake did not finish within {} s", limit.as_secs()),
            "look for a firewall that inspects TLS, or a path that drops large packets (MTU)",
        ),
        None => (
            "the connection broke during the TLS handshake".to_owned(),
            "look for a firewall that inspects TLS, and at the server's log",
        ),
    };
    let mut failure = ConnectError::new(Rung::Tls, what, why, fix).caused_by(error);
    failure.is_handshake = true;
    failure
}

fn tls_advice(error: &Error) -> (String, &'static str) {
    match error {
        Error::InvalidCertificate(certificate) => certificate_advice(certificate),
        Error::PeerIncompatible(_)
        | Error::AlertReceived(
            AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure,
        ) => (
            "server and client share no TLS version or cipher; TLS 1.2 or later is needed"
                .to_owned(),
            "raise ssl_min_protocol_version on the server and use a current PostgreSQL there",
        ),
        Error::InvalidMessage(_) => (
            "the server agreed to TLS and then sent something else".to_owned(),
            "look for a proxy or firewall on the way",
        ),
        Error::AlertReceived(alert) => (
            format!("the server ended the TLS handshake ({alert:?})"),
            "look at the server's log; it may ask for a client certificate, which is not supported",
        ),
        _ => (format!("the TLS handshake failed: {error}"), "look at the server's log"),
    }
}

fn certificate_advice(error: &CertificateError) -> (String, &'static str) {
    match error {
        CertificateError::UnknownIssuer => (
            "the server's certificate comes from an authority that is not trusted here".to_owned(),
            PRIVATE_CA,
        ),
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            ("the server's certificate is self-signed".to_owned(), PRIVATE_CA)
        }
        CertificateError::Other(other) if format!("{other:?}").contains("UnsupportedCertVersion") => (
            "the server's certificate is X.509 version 1, which has no host names and cannot be \
             verified"
                .to_owned(),
            "make a version 3 certificate with a subjectAltName (nothing is given up), or add \
             sslmode=require without sslrootcert (encrypted, \
             but a machine in between could pose as \
             the server)",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "the server's certificate has expired".to_owned(),
            "renew it, or check this machine's clock",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "the server's certificate is not valid yet".to_owned(),
            "check this machine's clock",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            name_why(error),
            "connect by a name that the certificate holds (with hostaddr=ADDRESS to choose the \
             address), or add sslmode=verify-ca with sslrootcert=FILE (any server of that \
             authority \
             could pose as this one)",
        ),
        CertificateError::Revoked => {
            ("the server's certificate is revoked".to_owned(), "have the server's owner replace it")
        }
        _ => (
            format!("the server's certificate cannot be verified: {error}"),
            "have the server's owner replace it, or add sslmode=require (encrypted, \
             but a machine in between could pose as the server)",
        ),
    }
}

fn name_why(error: &CertificateError) -> String {
    match error {
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "the server's certificate holds no host name in subjectAltName (a common name alone \
             does \
             not count)"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("the server's certificate is for other hosts: {}", presented.join(", "))
        }
        _ => "the server's certificate is for another host".to_owned(),
    }
}
