//! The first rungs: from a host's name to a connected socket, each step bounded and told apart.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use flexway_core::probes::{Rung, Symptom};
use socket2::{Domain, SockAddr, SockRef, Socket as RawSocket, TcpKeepalive, Type};

use crate::connect_error::ConnectError;
use crate::conninfo::ConnInfo;
use crate::path::Path as TcpPath;
use crate::stream::Socket;

/// How long each rung may take unless `connect_timeout` says otherwise. A healthy rung takes
/// milliseconds, and a lost SYN is repeated after 1, 3 and 7 seconds: ten leave room for three.
const RUNG_TIME_MAX: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried; round-robin names have a handful.
pub const ADDRESSES_MAX: usize = 8;

/// When the kernel asks whether the other end is still there. There is no `TCP_USER_TIMEOUT`: it also ends connections whose other end
/// is alive and merely reads nothing, such as a target that waits for a lock or its disk in the middle of a copy; see [`crate::path`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keepalive {
    /// After how long without a byte.
    pub(crate) idle: Duration,
    /// How long each answer is waited for.
    pub(crate) interval: Duration,
    /// How many questions without an answer end the connection.
    pub(crate) count: u32,
}

impl Default for Keepalive {
    /// Shorter than any NAT's memory (Azure's is 4 minutes), and a dead path is noticed within 70 seconds.
    fn default() -> Keepalive {
        Keepalive { idle: Duration::from_secs(10), interval: Duration::from_secs(10), count: 6 }
    }
}

impl Keepalive {
    /// How long a path may carry nothing before it counts as dead.
    pub(crate) fn limit(self) -> Duration {
        self.idle + self.interval * self.count
    }

    fn set(self, socket: SockRef<'_>) -> io::Result<()> {
        let keepalive = TcpKeepalive::new()
            .with_time(self.idle)
            .with_interval(self.interval)
            .with_retries(self.count);
        socket.set_tcp_keepalive(&keepalive)
    }
}

/// Where a session is connected to, so that a cancel request reaches the same server.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// How long each rung may take for this connection.
pub(crate) fn rung_time_max(info: &ConnInfo) -> Duration {
    info.connect_timeout().unwrap_or(RUNG_TIME_MAX)
}

/// Resolves and connects.
pub(crate) fn dial(info: &ConnInfo) -> Result<(Socket, Address), ConnectError> {
    let limit = rung_time_max(info);
    if let Some(path) = info.socket_path() {
        return Ok((dial_socket_file(&path, limit)?, Address::Unix(path)));
    }
    let addresses = match info.address() {
        Some(address) => vec![SocketAddr::new(address, info.port())],
        None => resolve(info.host(), info.port(), limit)?,
    };
    let mut failures = Vec::new();
    for address in addresses.iter().take(ADDRESSES_MAX) {
        match dial_tcp(*address, limit, info.keepalive()) {
            Ok(socket) => return Ok((socket, Address::Tcp(*address))),
            Err(error) => failures.push((*address, error)),
        }
    }
    Err(tcp_error(info, failures, limit))
}

/// Connects to where a session is connected already.
pub(crate) fn redial(address: &Address, limit: Duration) -> io::Result<Socket> {
    match address {
        Address::Tcp(address) => dial_tcp(*address, limit, Keepalive::default()),
        Address::Unix(path) => connect_socket_file(path, limit),
    }
}

/// Asks the system's resolver in a thread of its own, since it knows no time-out.
pub(crate) fn resolve(
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Vec<SocketAddr>, ConnectError> {
    let what = format!("resolve {host}");
    let (sender, receiver) = mpsc::channel();
    let name = host.to_owned();
    let started = thread::Builder::new().name("resolve".to_owned()).spawn(move || {
        // The receiver may have given up; then nobody wants the answer.
        let _ = sender.send((name.as_str(), port).to_socket_addrs().map(Vec::from_iter));
    });
    if let Err(error) = started {
        let why = "no thread could be started for the resolver";
        return Err(ConnectError::new(Rung::Name, what, why, "free some memory").caused_by(error));
    }
    match receiver.recv_timeout(limit) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(_)) => Err(ConnectError::of(
            Symptom::NameWithoutAddress,
            what,
            "the name exists but has no address",
        )),
        Ok(Err(error)) => {
            // The standard library hands on the C library's words, and no code.
            let (symptom, why) = match error.to_string().contains("Temporary failure") {
                true => (
                    Symptom::NameServerFailed,
                    "the DNS servers that this machine asks do not answer, or fail",
                ),
                false => {
                    (Symptom::NameUnknown, "no DNS server that this machine asks knows the name")
                }
            };
            Err(ConnectError::of(symptom, what, why).caused_by(error))
        }
        Err(_) => Err(ConnectError::of(
            Symptom::NameServerSilent,
            what,
            format!("no DNS server answered within {} s", limit.as_secs()),
        )),
    }
}

pub(crate) fn dial_tcp(
    address: SocketAddr,
    limit: Duration,
    keepalive: Keepalive,
) -> io::Result<Socket> {
    let stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_nodelay(true)?;
    keepalive.set(SockRef::from(&stream))?;
    let socket = Socket::Tcp(stream, TcpPath::new(keepalive.limit()));
    socket.tick()?;
    Ok(socket)
}

/// Words the failures of all addresses as one error; the first address decides the advice.
fn tcp_error(
    info: &ConnInfo,
    failures: Vec<(SocketAddr, io::Error)>,
    limit: Duration,
) -> ConnectError {
    let what = format!("connect to {}", info.place());
    let whys: Vec<String> = failures
        .iter()
        .map(|(address, error)| {
            let ip = address.ip().to_string();
            let who = if ip == info.host() { "it" } else { &ip };
            format!("{who} {}", tcp_why(error, limit))
        })
        .collect();
    let symptom = failures.first().and_then(|(_, error)| tcp_symptom(error));
    let fix = symptom.map_or("check host and port", Symptom::fix);
    let mut error = ConnectError::new(Rung::Tcp, what, whys.join(", "), fix);
    error.symptom = symptom;
    match failures.into_iter().next() {
        Some((_, cause)) => error.caused_by(cause),
        None => error,
    }
}

/// How a failed connection request shows.
pub fn tcp_symptom(error: &io::Error) -> Option<Symptom> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Symptom::Refused),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Some(Symptom::Silent),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            Some(Symptom::Unreachable)
        }
        io::ErrorKind::ConnectionReset => Some(Symptom::Reset),
        io::ErrorKind::PermissionDenied => Some(Symptom::Forbidden),
        _ => None,
    }
}

/// What a failed connection request means, to be said after the address.
pub fn tcp_why(error: &io::Error, limit: Duration) -> String {
    match tcp_symptom(error) {
        // The system may give up before the time-out.
        Some(Symptom::Silent) if error.raw_os_error().is_some() => {
            Symptom::Silent.means().to_owned()
        }
        Some(Symptom::Silent) => {
            format!("gave no answer within {} s: packets are dropped on the way", limit.as_secs())
        }
        Some(symptom) => symptom.means().to_owned(),
        None => format!("could not be dialled: {error}"),
    }
}

fn connect_socket_file(path: &Path, limit: Duration) -> io::Result<Socket> {
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.connect_timeout(&SockAddr::unix(path)?, limit)?;
    let socket = Socket::Unix(UnixStream::from(OwnedFd::from(socket)));
    socket.tick()?;
    Ok(socket)
}

fn dial_socket_file(path: &Path, limit: Duration) -> Result<Socket, ConnectError> {
    connect_socket_file(path, limit).map_err(|error| {
        let text = error.to_string();
        let (why, fix) = match error.kind() {
            io::ErrorKind::NotFound => (
                "there is no such socket file",
                "check that the server runs, its unix_socket_directories and its port",
            ),
            io::ErrorKind::ConnectionRefused => {
                ("the socket file is left over: no server listens on it", "start the server")
            }
            io::ErrorKind::PermissionDenied => (
                "this user may not open the socket file",
                "run as another user or change unix_socket_permissions",
            ),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                ("the server does not accept connections", "check that it is not stopped or hung")
            }
            _ => (text.as_str(), "check the path of the socket file"),
        };
        let what = format!("connect to {}", path.display());
        ConnectError::new(Rung::Tcp, what, why, fix).caused_by(error)
    })
}
