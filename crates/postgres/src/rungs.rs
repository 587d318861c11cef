//! The ladder one rung at a time, for whoever asks how far it holds and what each rung shows.
//!
//! [`Session::connect`](crate::Session::connect) climbs the same rungs at one go.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;

use crate::connect_error::ConnectError;
use crate::conninfo::ConnInfo;
use crate::dial::{self, Address};
use crate::session::{Session, connect};
use crate::stream::{Socket, Stream};
use crate::tls::{self, Offer, Tls};

pub use crate::dial::{ADDRESSES_MAX, tcp_symptom, tcp_why};
pub use crate::tls::certificate::Certificate;

/// How long each rung may take for this connection.
pub fn time_max(info: &ConnInfo) -> Duration {
    dial::rung_time_max(info)
}

/// The addresses that this machine's resolver gives for a name, in the order in which they are
/// tried; never empty.
///
/// # Errors
/// The name is not known, has no address, or nobody answered within `limit`.
pub fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
    dial::resolve(host, port, limit)
}

/// A TCP connection on which nothing was said yet.
pub struct Dialled {
    socket: Socket,
    address: SocketAddr,
}

/// A connection on which the startup message may be sent.
pub struct Opened {
    stream: Stream,
    address: SocketAddr,
    tls: Option<Tls>,
}

/// How a TLS handshake went.
pub struct Handshake {
    /// The connection, or why there is none.
    pub result: Result<Opened, ConnectError>,
    /// What the server showed, its own certificate first, whether or not it was trusted.
    pub chain: Vec<Certificate>,
}

/// Connects to an address.
///
/// # Errors
/// What the operating system says; [`tcp_symptom`] and [`tcp_why`] read it.
pub fn dial(address: SocketAddr, limit: Duration) -> io::Result<Dialled> {
    Ok(Dialled { socket: dial::dial_tcp(address, limit, dial::Keepalive::default())?, address })
}

impl Dialled {
    /// This end's address: what the way chose, before any translation.
    pub fn own_address(&self) -> Option<IpAddr> {
        match &self.socket {
            Socket::Tcp(socket, _) => socket.local_addr().ok().map(|address| address.ip()),
            Socket::Unix(_) => None,
        }
    }

    /// Stops the keepalives that would hold an idle connection open on the way.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn without_keepalive(self) -> io::Result<Dialled> {
        if let Socket::Tcp(socket, _) = &self.socket {
            SockRef::from(socket).set_keepalive(false)?;
        }
        Ok(self)
    }

    /// Asks for TLS: whether the server offers it.
    ///
    /// # Errors
    /// No answer, or one that is not PostgreSQL's.
    pub fn offers_tls(&mut self, place: &str, limit: Duration) -> Result<bool, ConnectError> {
        tls::request(&mut self.socket, place, limit).map(|offer| offer == Offer::Accepted)
    }

    /// Encrypts the connection as `sslmode` and `sslrootcert` ask for, after the server offered to.
    pub fn shake_hands(self, info: &ConnInfo) -> Handshake {
        let tls = match Tls::new(info, dial::rung_time_max(info)) {
            Ok(tls) => tls,
            Err(error) => return Handshake { result: Err(error), chain: Vec::new() },
        };
        let stream = tls.shake_hands(self.socket, &info.place());
        let chain = tls.chain().iter().filter_map(|der| Certificate::read(der)).collect();
        let address = self.address;
        Handshake { result: stream.map(|stream| Opened { stream, address, tls: Some(tls) }), chain }
    }

    /// Goes on in the clear.
    pub fn in_the_clear(self) -> Opened {
        Opened { stream: Stream::Plain(self.socket), address: self.address, tls: None }
    }
}

impl Opened {
    /// Version and cipher, such as `TLSv1_3` and `TLS13_AES_256_GCM_SHA384`.
    pub fn encryption(&self) -> Option<(String, String)> {
        let Stream::Tls(stream) = &self.stream else { return None };
        let version = stream.conn.protocol_version()?;
        let cipher = stream.conn.negotiated_cipher_suite()?.suite();
        Some((format!("{version:?}"), format!("{cipher:?}")))
    }

    /// Starts up and logs in. The session has the settings that server, database and role give.
    ///
    /// # Errors
    /// The rung that failed: startup or login.
    pub fn log_in(self, info: &ConnInfo) -> Result<Session, ConnectError> {
        let address = Address::Tcp(self.address);
        let connection = connect::log_in(info, self.stream, address, self.tls)?;
        Ok(Session::on(connection, info))
    }
}

/// What a server says when it turns TLS down though the client insists.
pub fn declined(info: &ConnInfo) -> ConnectError {
    tls::explain::declined(&info.place())
}
