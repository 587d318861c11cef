//! The byte stream under a session: a TCP or Unix socket, in the clear or under TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use crate::path::Path;

/// How long one read or write may block before its caller looks at deadlines and stop flags.
/// A quarter of a second is prompt for people and costs an idle session four wake-ups a second.
pub(crate) const TICK: Duration = Duration::from_millis(250);

/// A connected socket.
pub(crate) enum Socket {
    /// With what is known of the way to the other end.
    Tcp(TcpStream, Path),
    Unix(UnixStream),
}

impl Socket {
    /// Makes every later read and write return at the latest after [`TICK`].
    pub(crate) fn tick(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(socket, _) => {
                socket.set_read_timeout(Some(TICK))?;
                socket.set_write_timeout(Some(TICK))
            }
            Socket::Unix(socket) => {
                socket.set_read_timeout(Some(TICK))?;
                socket.set_write_timeout(Some(TICK))
            }
        }
    }

    /// Bytes moved.
    pub(crate) fn moved(&mut self) {
        if let Socket::Tcp(_, path) = self {
            path.moved();
        }
    }

    /// A tick passed without a byte.
    ///
    /// # Errors
    /// `TimedOut` when what was sent has not been acknowledged for longer than a path may be silent.
    pub(crate) fn quiet(&mut self) -> io::Result<()> {
        match self {
            Socket::Tcp(socket, path) => path.quiet(socket),
            Socket::Unix(_) => Ok(()),
        }
    }

    fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        match self {
            Socket::Tcp(socket, _) => socket.set_nonblocking(on),
            Socket::Unix(socket) => socket.set_nonblocking(on),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket, _) => socket.read(buffer),
            Socket::Unix(socket) => socket.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(socket, _) => socket.write(bytes),
            Socket::Unix(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket as the protocol uses it.
pub(crate) enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Stream {
    /// Reads only what is there already; `WouldBlock` when there is nothing.
    pub(crate) fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket().set_nonblocking(true)?;
        let result = self.read(buffer);
        self.socket().set_nonblocking(false)?;
        result
    }

    pub(crate) fn socket_mut(&mut self) -> &mut Socket {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &mut stream.sock,
        }
    }

    fn socket(&self) -> &Socket {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.read(buffer),
            Stream::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.write(bytes),
            Stream::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}
