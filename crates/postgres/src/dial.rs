//! The first rungs: from a host's name to a connected socket, each step bounded and told apart.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockAddr, SockRef, Socket as RawSocket, TcpKeepalive, Type};

use crate::connect_error::{ConnectError, Rung};
use crate::conninfo::ConnInfo;
use crate::stream::Socket;

/// How long each rung may take unless `connect_timeout` says otherwise. A healthy rung takes
/// milliseconds, and a lost SYN is repeated after 1, 3 and 7 seconds: ten leave room for three.
const RUNG_TIME_MAX: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried; round-robin names have a handful.
const ADDRESSES_MAX: usize = 8;
/// Keepalives after 10 idle seconds, 10 apart, 6 of them: shorter than any NAT's memory (Azure's is
/// 4 minutes), and a dead path is noticed within 70 seconds. There is no `TCP_USER_TIMEOUT`: it
/// also ends connections whose other end is alive and merely reads nothing, such as a target that
/// waits for a lock or its disk in the middle of a copy.
const KEEPALIVE_TIME: Duration = Duration::from_secs(10);
const KEEPALIVE_COUNT: u32 = 6;

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
        match dial_tcp(*address, limit) {
            Ok(socket) => return Ok((socket, Address::Tcp(*address))),
            Err(error) => failures.push((*address, error)),
        }
    }
    Err(tcp_error(info, failures, limit))
}

/// Connects to where a session is connected already.
pub(crate) fn redial(address: &Address, limit: Duration) -> io::Result<Socket> {
    match address {
        Address::Tcp(address) => dial_tcp(*address, limit),
        Address::Unix(path) => connect_socket_file(path, limit),
    }
}

/// Asks the system's resolver in a thread of its own, since it knows no time-out.
fn resolve(host: &str, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
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
        Ok(Ok(_)) => Err(ConnectError::new(
            Rung::Name,
            what,
            "the name exists but has no address",
            "check the name's A record",
        )),
        Ok(Err(error)) => Err(ConnectError::new(
            Rung::Name,
            what,
            "no DNS server that this machine asks knows the name",
            "check its spelling; a privatelink name needs its private DNS zone linked to this \
             network, or a forwarder to it",
        )
        .caused_by(error)),
        Err(_) => Err(ConnectError::new(
            Rung::Name,
            what,
            format!("no DNS server answered within {} s", limit.as_secs()),
            "check the DNS servers that this machine is set to use and the way to them (port 53)",
        )),
    }
}

fn dial_tcp(address: SocketAddr, limit: Duration) -> io::Result<Socket> {
    let stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_TIME)
        .with_interval(KEEPALIVE_TIME)
        .with_retries(KEEPALIVE_COUNT);
    socket.set_tcp_keepalive(&keepalive)?;
    let socket = Socket::Tcp(stream);
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
    let fix = failures.first().map_or("check the address", |(_, error)| tcp_fix(error));
    let error = ConnectError::new(Rung::Tcp, what, whys.join(", "), fix);
    match failures.into_iter().next() {
        Some((_, cause)) => error.caused_by(cause),
        None => error,
    }
}

fn tcp_why(error: &io::Error, limit: Duration) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused: nothing listens on that port".to_owned(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            format!("gave no answer within {} s: packets are dropped on the way", limit.as_secs())
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "is unreachable: this machine or a router has no route to it".to_owned()
        }
        io::ErrorKind::ConnectionReset => {
            "reset the connection: a firewall or proxy on the way ended it".to_owned()
        }
        io::ErrorKind::PermissionDenied => "is forbidden by this machine's own firewall".to_owned(),
        _ => format!("could not be dialled: {error}"),
    }
}

fn tcp_fix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "check host and port, that the server runs, and its listen_addresses"
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            "check security rules, firewalls, routes and peerings between here and the server"
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "check routes, VPN and peerings; for an IPv6 address, whether this network has IPv6"
        }
        io::ErrorKind::ConnectionReset => "check the firewalls and proxies on the way",
        io::ErrorKind::PermissionDenied => "permit outgoing connections to that port",
        _ => "check host and port",
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
