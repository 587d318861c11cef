//! What a failed TLS rung means and what to do about it.

use std::io;
use std::time::Duration;

use flexway_core::probes::{Rung, Symptom};
use rustls::{AlertDescription, CertificateError, Error};

use crate::connect_error::ConnectError;

/// What the three ways out of a refused certificate give up.
const PRIVATE_CA: &str = "add sslrootcert=FILE with the certificate of the server's authority \
    (nothing is given up), or sslmode=require (encrypted, but a machine in between could pose as \
    the server), or sslmode=disable (password exchange and data readable on the way)";

/// The server has no TLS and `sslmode` insists on it.
pub(crate) fn declined(place: &str) -> ConnectError {
    let what = format!("encrypt the connection to {place}");
    ConnectError::of(Symptom::NoTls, what, "the server offers no TLS")
}

/// Nothing usable came back for SSLRequest.
pub(crate) fn no_answer(place: &str, error: io::Error, limit: Duration) -> ConnectError {
    let what = format!("ask {place} for TLS");
    let (symptom, why) = match error.kind() {
        io::ErrorKind::WouldBlock => (
            Symptom::Mute,
            format!("the connection was accepted, but no byte came within {} s", limit.as_secs()),
        ),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => (
            Symptom::CutOff,
            "the connection was accepted and then reset without an answer".to_owned(),
        ),
        _ => (
            Symptom::Closed,
            "the connection was accepted and then closed without an answer".to_owned(),
        ),
    };
    ConnectError::of(symptom, what, why).caused_by(error)
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
    let what = format!("ask {place} for TLS");
    ConnectError::of(Symptom::NotPostgres, what, format!("{kind} answered"))
}

/// The server agreed to TLS, and the handshake failed.
pub(crate) fn handshake(place: &str, error: io::Error, limit: Duration) -> ConnectError {
    let what = format!("encrypt the connection to {place}");
    let (symptom, why, fix) = match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(tls) => tls_advice(tls),
        None if error.kind() == io::ErrorKind::WouldBlock => (
            Symptom::HandshakeBroken,
            format!("the TLS handshake did not finish within {} s", limit.as_secs()),
            "look for a firewall that inspects TLS, or a path that drops large packets (MTU)",
        ),
        None => plain(Symptom::HandshakeBroken, "the connection broke during the TLS handshake"),
    };
    let mut failure = ConnectError::new(Rung::Tls, what, why, fix).shows(symptom).caused_by(error);
    failure.is_handshake = true;
    failure
}

type Advice = (Symptom, String, &'static str);

fn plain(symptom: Symptom, why: impl Into<String>) -> Advice {
    (symptom, why.into(), symptom.fix())
}

fn tls_advice(error: &Error) -> Advice {
    match error {
        Error::InvalidCertificate(certificate) => certificate_advice(certificate),
        Error::PeerIncompatible(_)
        | Error::AlertReceived(
            AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure,
        ) => plain(
            Symptom::TlsVersion,
            "server and client share no TLS version or cipher; TLS 1.2 or later is needed",
        ),
        Error::InvalidMessage(_) => (
            Symptom::HandshakeBroken,
            "the server agreed to TLS and then sent something else".to_owned(),
            "look for a proxy or firewall on the way",
        ),
        Error::AlertReceived(alert) => plain(
            Symptom::HandshakeRefused,
            format!("the server ended the TLS handshake ({alert:?})"),
        ),
        _ => (
            Symptom::HandshakeBroken,
            format!("the TLS handshake failed: {error}"),
            "look at the server's log",
        ),
    }
}

fn certificate_advice(error: &CertificateError) -> Advice {
    let is = |other: &rustls::OtherError, name: &str| format!("{other:?}").contains(name);
    match error {
        CertificateError::UnknownIssuer => (
            Symptom::AuthorityUnknown,
            "the server's certificate comes from an authority that is not trusted here".to_owned(),
            PRIVATE_CA,
        ),
        CertificateError::Other(other) if is(other, "CaUsedAsEndEntity") => (
            Symptom::AuthorityUnknown,
            "the server's certificate is self-signed".to_owned(),
            PRIVATE_CA,
        ),
        CertificateError::Other(other) if is(other, "UnsupportedCertVersion") => (
            Symptom::CertificateUnusable,
            "the server's certificate is X.509 version 1, which has no host names and cannot be \
             verified"
                .to_owned(),
            "make a version 3 certificate with a subjectAltName (nothing is given up), or add \
             sslmode=require without sslrootcert (encrypted, but a machine in between could pose \
             as the server)",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            Symptom::CertificateDates,
            "the server's certificate has expired".to_owned(),
            "renew it, or check this machine's clock",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            Symptom::CertificateDates,
            "the server's certificate is not valid yet".to_owned(),
            "check this machine's clock",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            Symptom::CertificateName,
            name_why(error),
            "connect by a name that the certificate holds (with hostaddr=ADDRESS to choose the \
             address), or add sslmode=verify-ca with sslrootcert=FILE (any server of that \
             authority could pose as this one)",
        ),
        CertificateError::Revoked => (
            Symptom::CertificateUnusable,
            "the server's certificate is revoked".to_owned(),
            "have the server's owner replace it",
        ),
        _ => (
            Symptom::CertificateUnusable,
            format!("the server's certificate cannot be verified: {error}"),
            "have the server's owner replace it, or add sslmode=require (encrypted, but a machine \
             in between could pose as the server)",
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
            let names: Vec<&str> = presented.iter().map(|name| plain_name(name)).collect();
            format!("the server's certificate is for other hosts: {}", names.join(", "))
        }
        _ => "the server's certificate is for another host".to_owned(),
    }
}

/// A name out of `DnsName("a.example")` or `IpAddress(10.0.0.4)`, as the verifier writes it.
fn plain_name(presented: &str) -> &str {
    let inner = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(presented).trim_matches('"')
}
