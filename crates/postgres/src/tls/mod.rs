//! Encryption: asking the server for it, and who must vouch for the server.

pub(crate) mod certificate;
pub(crate) mod explain;
mod recorder;
mod unverified;
mod verifier;

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flexway_core::probes::Rung;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::connect_error::ConnectError;
use crate::conninfo::{ConnInfo, RootCert, SslMode};
use crate::pg_error::ServerError;
use crate::refusal;
use crate::stream::{Socket, Stream};
use crate::wire;
use recorder::Recorder;

/// SSLRequest's number. Source: PostgreSQL 18, "Message Formats".
const SSL_REQUEST: u32 = 80_877_103;

/// What a TLS connection needs to know; kept for the cancel connection.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    recorder: Arc<Recorder>,
    name: ServerName<'static>,
    limit: Duration,
}

/// The server's answer to the request for encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// The server expects a handshake now.
    Accepted,
    /// The server has no TLS; the socket can go on in the clear.
    Declined,
}

impl Tls {
    /// Prepares verification as `sslmode` and `sslrootcert` ask for.
    pub(crate) fn new(info: &ConnInfo, limit: Duration) -> Result<Tls, ConnectError> {
        let failed = |why: &str, fix: &str| {
            ConnectError::new(Rung::Tls, format!("set up TLS for {}", info.place()), why, fix)
        };
        let provider = provider();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                failed("no protocol version is usable", "install another build").caused_by(error)
            })?
            .dangerous();
        let verifier = match (info.ssl_mode(), info.root_cert()) {
            (SslMode::VerifyFull, RootCert::System) => verifier::system(provider)
                .map_err(|error| failed(NO_SYSTEM_ROOTS.0, NO_SYSTEM_ROOTS.1).caused_by(error))?,
            (SslMode::VerifyFull | SslMode::VerifyCa, RootCert::File(path)) => {
                let checks_name = info.ssl_mode() == SslMode::VerifyFull;
                verifier::from_file(provider, path, checks_name).map_err(|error| {
                    let why = format!("sslrootcert {} gives no certificate", path.display());
                    failed(&why, "name a PEM file with the authority's certificate")
                        .caused_by(error)
                })?
            }
            (SslMode::VerifyCa, RootCert::System)
            | (SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require, _) => {
                unverified::verifier(&provider)
            }
        };
        let recorder = Arc::new(Recorder::new(verifier));
        let mut config =
            builder.with_custom_certificate_verifier(recorder.clone()).with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        let name = ServerName::try_from(info.host().to_owned()).map_err(|error| {
            failed("the host is neither a DNS name nor an address", "check it").caused_by(error)
        })?;
        Ok(Tls { config: Arc::new(config), recorder, name, limit })
    }

    /// The certificates that the server showed in the last handshake, its own first; empty when it
    /// came to none.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.recorder.chain()
    }

    /// Shakes hands on a socket whose server has [`Offer::Accepted`].
    pub(crate) fn shake_hands(
        &self,
        mut socket: Socket,
        place: &str,
    ) -> Result<Stream, ConnectError> {
        let mut connection = ClientConnection::new(self.config.clone(), self.name.clone())
            .map_err(|error| explain::handshake(place, io::Error::other(error), self.limit))?;
        let end = Instant::now() + self.limit;
        while connection.is_handshaking() || connection.wants_write() {
            match connection.complete_io(&mut socket) {
                Ok(_) => {}
                Err(error) if is_tick(&error) && Instant::now() < end => {}
                Err(error) => return Err(explain::handshake(place, error, self.limit)),
            }
        }
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, socket))))
    }
}

/// Asks the server for encryption.
pub(crate) fn request(
    socket: &mut Socket,
    place: &str,
    limit: Duration,
) -> Result<Offer, ConnectError> {
    let mut request = Vec::new();
    wire::frame(&mut request, None, |out| out.extend(SSL_REQUEST.to_be_bytes()));
    let answer = socket
        .write_all(&request)
        .and_then(|()| read_answer(socket, limit))
        .map_err(|error| explain::no_answer(place, error, limit))?;
    match answer.as_slice() {
        b"S" => Ok(Offer::Accepted),
        b"N" => Ok(Offer::Declined),
        // A server that cannot even start a session says so before it looks at the request.
        [b'E', _, _, _, _, fields @ ..] if fields.starts_with(b"S") => {
            Err(refusal::explain(place, ServerError::read(fields), false))
        }
        other => Err(explain::not_postgres(place, other)),
    }
}

const NO_SYSTEM_ROOTS: (&str, &str) = (
    "this machine has no list of trusted certificate authorities",
    "install it (package ca-certificates), or add sslrootcert=FILE with the server's authority",
);

/// What the server says to SSLRequest. One byte is right; a few more are read to recognise a
/// greeting such as `SSH-2.0`, and to refuse bytes slipped in before the handshake
/// (CVE-2021-23222).
fn read_answer(socket: &mut Socket, limit: Duration) -> io::Result<Vec<u8>> {
    /// Enough for the text of an error.
    const ANSWER_BYTES_MAX: usize = 1024;
    let mut answer = vec![0; ANSWER_BYTES_MAX];
    let end = Instant::now() + limit;
    loop {
        match socket.read(&mut answer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                answer.truncate(count);
                return Ok(answer);
            }
            Err(error) if is_tick(&error) && Instant::now() < end => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_tick(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// aws-lc-rs with classical key exchange only: a post-quantum share makes the first message span
/// two packets, which some firewalls drop.
fn provider() -> Arc<CryptoProvider> {
    use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519};
    Arc::new(CryptoProvider {
        kx_groups: vec![X25519, SECP256R1, SECP384R1],
        ..aws_lc_rs::default_provider()
    })
}
