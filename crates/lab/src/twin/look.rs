//! Looks from a place of a twin: asks its DNS server, connects, and sends PostgreSQL's question for TLS.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use socket2::{Domain, Protocol, Socket, Type};

use crate::Error;

/// What asking for a name came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Addresses, in the order of the answer.
    Addresses(Vec<Ipv4Addr>),
    /// The name does not exist, or has no address.
    Nothing,
    /// No answer came in time.
    Silence,
    /// An answer that is neither: the server failed, or refused.
    Failed,
}

/// What connecting came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connected {
    /// A PostgreSQL server answered the question for TLS.
    Answers,
    /// Something listens that is no PostgreSQL server.
    Other,
    /// The port is closed.
    Refused,
    /// Nothing came back in time.
    Silence,
    /// A router said that there is no way.
    Unreachable,
}

/// PostgreSQL's request for TLS: length 8, then the code of the request. Source: PostgreSQL, "Message Formats".
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A namespace's file, as seen from outside the twin.
#[derive(Debug, Clone)]
pub struct Spot(PathBuf);

impl Spot {
    /// The namespace behind a file.
    pub fn new(path: &Path) -> Spot {
        Spot(path.to_owned())
    }

    /// Runs something in a thread that stands in the namespace.
    ///
    /// # Errors
    /// [`Error::Io`] when the namespace cannot be entered.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                self.enter()?;
                Ok(work())
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Moves this thread into the namespace, for good.
    pub(crate) fn enter(&self) -> Result<(), Error> {
        let failed = || Error::io(format!("enter the namespace {}", self.0.display()));
        let file = File::open(&self.0).map_err(failed())?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|why| failed()(why.into()))
    }

    /// Answers PostgreSQL's question for TLS on a port of the namespace, in a thread that ends with the namespace's last process
    /// or with ours: a light stand-in for a server.
    ///
    /// # Errors
    /// [`Error::Io`] when the port cannot be listened on.
    pub fn stand_in(&self, port: u16) -> Result<StandIn, Error> {
        let bound = self.run(|| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)))?;
        let listener = bound.map_err(Error::io(format!("listen on port {port}")))?;
        let stop = listener.try_clone().map_err(Error::io("share a socket"))?;
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut request = [0; SSL_REQUEST.len()];
                let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
                if stream.read_exact(&mut request).is_ok() && request == SSL_REQUEST {
                    let _ = stream.write_all(b"N");
                }
            }
        });
        Ok(StandIn { stop, thread: Some(thread) })
    }
}

/// A listener that answers like a PostgreSQL server without TLS. Dropping it closes the port.
#[derive(Debug)]
pub struct StandIn {
    stop: TcpListener,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // Shutting a listening socket down ends the wait for connections.
        let _ = rustix::net::shutdown(&self.stop, rustix::net::Shutdown::Both);
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

/// Asks a DNS server for the addresses of a name, from one of our own addresses.
pub fn resolve(from: Ipv4Addr, server: Ipv4Addr, name: &str, limit: Duration) -> Named {
    let ask = || -> std::io::Result<Named> {
        let socket = UdpSocket::bind((from, 0))?;
        socket.set_read_timeout(Some(limit))?;
        socket.connect((server, 53))?;
        socket.send(&question(name))?;
        let mut answer = [0; 4096];
        let length = socket.recv(&mut answer)?;
        Ok(read_answer(&answer[..length]).unwrap_or(Named::Failed))
    };
    ask().unwrap_or(Named::Silence)
}

fn question(name: &str) -> Vec<u8> {
    // One question, recursion wanted; type A, class IN. Source: RFC 1035, 4.1.
    let mut message = vec![0x2a, 0x2a, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// Reads an answer; `None` when it is cut short.
fn read_answer(message: &[u8]) -> Option<Named> {
    const NO_SUCH_NAME: u8 = 3;
    match message.get(3)? & 0x0f {
        0 => {}
        NO_SUCH_NAME => return Some(Named::Nothing),
        _ => return Some(Named::Failed),
    }
    let count = u16::from_be_bytes([*message.get(6)?, *message.get(7)?]);
    let mut at = after_name(message, 12)? + 4;
    let mut found = Vec::new();
    for _ in 0..count {
        at = after_name(message, at)?;
        let fixed = message.get(at..at + 10)?;
        let (kind, length) = (fixed[1], usize::from(u16::from_be_bytes([fixed[8], fixed[9]])));
        let data = message.get(at + 10..at + 10 + length)?;
        if let ([0, 1], 1, [a, b, c, d]) = ([fixed[0], fixed[1]], kind, data) {
            found.push(Ipv4Addr::new(*a, *b, *c, *d));
        }
        at += 10 + length;
    }
    Some(if found.is_empty() { Named::Nothing } else { Named::Addresses(found) })
}

/// The place after a name, which may end in a reference to an earlier one.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

/// Connects from one of our own addresses, and asks for TLS.
pub fn connect(from: Ipv4Addr, to: Ipv4Addr, port: u16, limit: Duration) -> Connected {
    let try_it = || -> std::io::Result<Connected> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.bind(&SocketAddr::V4(SocketAddrV4::new(from, 0)).into())?;
        socket.connect_timeout(&SocketAddr::V4(SocketAddrV4::new(to, port)).into(), limit)?;
        let mut stream: TcpStream = socket.into();
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(limit))?;
        stream.write_all(&SSL_REQUEST)?;
        let mut answer = [0];
        match stream.read(&mut answer)? {
            1 if matches!(answer[0], b'S' | b'N') => Ok(Connected::Answers),
            _ => Ok(Connected::Other),
        }
    };
    try_it().unwrap_or_else(|why| match why.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Connected::Refused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Connected::Unreachable,
        _ => Connected::Silence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_cut_ones_are_not() {
        let mut message = question("a.b");
        message[3] = 0x80;
        message[7] = 2;
        // An alias, then an address, both for the name of the question.
        message.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 0, 0, 2, 0xc0, 14]);
        message.extend([0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 7]);
        let found = Named::Addresses(vec![Ipv4Addr::new(10, 0, 0, 7)]);
        assert_eq!(read_answer(&message), Some(found));
        for length in 0..message.len() {
            assert_eq!(read_answer(&message[..length]), None, "cut to {length}");
        }
        message[3] = 0x83;
        assert_eq!(read_answer(&message), Some(Named::Nothing));
        message[3] = 0x82;
        assert_eq!(read_answer(&message), Some(Named::Failed));
    }
}
