//! The ladder as a whole: which attempts `sslmode` allows, in which order, and when to try again.

use std::thread;
use std::time::{Duration, Instant};

use flexway_core::probes::Symptom;

use crate::connect_error::ConnectError;
use crate::conninfo::{ConnInfo, SslMode};
use crate::dial::{self, Address};
use crate::login::{self, Login};
use crate::refusal;
use crate::stream::Stream;
use crate::tls::{self, Offer, Tls};
use crate::wire::Wire;

/// How long a server may be starting up or recovering before that counts as a failure.
const STARTING_TIME_MAX: Duration = Duration::from_secs(30);
/// Between two attempts while it does.
const STARTING_PAUSE: Duration = Duration::from_millis(500);

/// A logged-in connection.
pub(crate) struct Connection {
    pub(crate) wire: Wire,
    pub(crate) login: Login,
    pub(crate) address: Address,
    /// Set when the connection is encrypted.
    pub(crate) tls: Option<Tls>,
}

/// Climbs the ladder; waits for a server that says it is starting.
pub(crate) fn connect(info: &ConnInfo) -> Result<Connection, ConnectError> {
    let end = Instant::now() + STARTING_TIME_MAX;
    loop {
        match climb(info) {
            Err(error)
                if error.code.as_deref() == Some(refusal::CANNOT_CONNECT_NOW)
                    && Instant::now() < end =>
            {
                thread::sleep(STARTING_PAUSE);
            }
            result => return result,
        }
    }
}

/// Climbs the ladder once.
pub(crate) fn climb(info: &ConnInfo) -> Result<Connection, ConnectError> {
    if info.socket_path().is_some() {
        // A Unix socket leaves no machine; PostgreSQL offers no TLS on it.
        return climb_plain(info);
    }
    match info.ssl_mode() {
        SslMode::Disable => climb_plain(info),
        SslMode::Allow => match climb_plain(info) {
            Err(error) if is_refused_by_hba(&error) => climb_encrypted(info),
            result => result,
        },
        // As libpq does; when both attempts fail, the first tells more.
        SslMode::Prefer => match climb_encrypted(info) {
            Err(error) if error.is_handshake || is_refused_by_hba(&error) => {
                climb_plain(info).map_err(|_| error)
            }
            result => result,
        },
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => climb_encrypted(info),
    }
}

fn is_refused_by_hba(error: &ConnectError) -> bool {
    error.code.as_deref() == Some(refusal::NOT_AUTHORIZED)
}

fn climb_plain(info: &ConnInfo) -> Result<Connection, ConnectError> {
    let (socket, address) = dial::dial(info)?;
    log_in(info, Stream::Plain(socket), address, None)
}

fn climb_encrypted(info: &ConnInfo) -> Result<Connection, ConnectError> {
    let limit = dial::rung_time_max(info);
    let place = info.place();
    let (mut socket, address) = dial::dial(info)?;
    let tls = Tls::new(info, limit)?;
    match tls::request(&mut socket, &place, limit)? {
        Offer::Accepted => {
            let stream = tls.shake_hands(socket, &place)?;
            log_in(info, stream, address, Some(tls))
        }
        Offer::Declined if info.ssl_mode() == SslMode::Prefer => {
            log_in(info, Stream::Plain(socket), address, None)
        }
        Offer::Declined => Err(tls::explain::declined(&place)),
    }
}

/// The last rungs, on a stream that is encrypted when `tls` is there.
pub(crate) fn log_in(
    info: &ConnInfo,
    stream: Stream,
    address: Address,
    tls: Option<Tls>,
) -> Result<Connection, ConnectError> {
    let mut wire = Wire::new(stream);
    let login = login::log_in(&mut wire, info, tls.is_some(), dial::rung_time_max(info))?;
    if login.backend_pid == 0 {
        return Err(ConnectError::of(
            Symptom::Pooler,
            format!("log in to {}", info.label()),
            "the server gave no way to cancel a statement, so this is no plain PostgreSQL server",
        ));
    }
    wire.trust();
    Ok(Connection { wire, login, address, tls })
}
