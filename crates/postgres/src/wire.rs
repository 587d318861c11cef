//! Messages of the frontend/backend protocol: framing, buffering, and waiting with a bound.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use crate::octets;
use crate::stream::Stream;
use crate::watch::{Mute, Watch};

/// The largest message: PostgreSQL's own limit for one (`PQ_LARGE_MESSAGE_LIMIT` is 1 GiB - 1).
const MESSAGE_BYTES_MAX: usize = 1 << 30;
/// Room for incoming bytes. Large, since during a copy it is what one `read` can fetch.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why bytes stopped flowing.
#[derive(Debug)]
pub(crate) enum WireError {
    /// The socket failed, or the other end closed it (`UnexpectedEof`).
    Io(io::Error),
    /// What came is not a message; what is wrong with it.
    Malformed(&'static str),
    /// Nothing happened for this long.
    Silent(Duration),
    /// Nothing happened, and the server answers no new connection either.
    Mute(Mute),
}

impl From<Mute> for WireError {
    fn from(mute: Mute) -> WireError {
        WireError::Mute(mute)
    }
}

impl From<io::Error> for WireError {
    fn from(error: io::Error) -> WireError {
        WireError::Io(error)
    }
}

/// One message from the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
}

/// A stream cut into messages. Its `Debug` leaves out what was received, which is row values.
pub(crate) struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The largest message that is accepted at this stage.
    message_bytes_max: usize,
    watch: Option<Watch>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wire({} bytes received)", self.end - self.start)
    }
}

impl Wire {
    /// Until [`Wire::trust`] only short messages are accepted, as libpq does before login.
    pub(crate) fn new(stream: Stream) -> Wire {
        /// libpq's `MAX_ERRLEN`: a longer first answer is not from a PostgreSQL server.
        const LOGIN_MESSAGE_BYTES_MAX: usize = 30_000;
        Wire {
            stream,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            message_bytes_max: LOGIN_MESSAGE_BYTES_MAX,
            watch: None,
        }
    }

    /// From here on a wait ends too when the server answers nobody.
    pub(crate) fn watched(self, watch: Watch) -> Wire {
        Wire { watch: Some(watch), ..self }
    }

    /// From here on messages may be as long as PostgreSQL makes them.
    pub(crate) fn trust(&mut self) {
        self.message_bytes_max = MESSAGE_BYTES_MAX;
    }

    /// The next message, waiting as long as `patience` has any.
    pub(crate) fn message(&mut self, patience: &mut Patience) -> Result<Message<'_>, WireError> {
        while !self.has_message()? {
            let moved = self.fill()?;
            patience.check(moved)?;
        }
        Ok(self.take_message())
    }

    /// Whether a whole message lies in the buffer.
    pub(crate) fn has_message(&self) -> Result<bool, WireError> {
        Ok(self.header()?.is_some_and(|(_, length)| self.end - self.start > length))
    }

    /// The message that [`Wire::has_message`] found.
    pub(crate) fn take_message(&mut self) -> Message<'_> {
        let start = self.start;
        let length = length_at(&self.buffer[start..]);
        self.start += 1 + length;
        Message { tag: self.buffer[start], body: &self.buffer[start + 5..start + 1 + length] }
    }

    /// Tag and length of the message at the front, once both are there. The length counts itself
    /// (4 bytes) but not the tag.
    pub(crate) fn header(&self) -> Result<Option<(u8, usize)>, WireError> {
        let [tag, rest @ ..] = &self.buffer[self.start..self.end] else { return Ok(None) };
        // Letters only: a web or mail server's greeting is recognised by its first byte or length.
        if !tag.is_ascii_alphanumeric() {
            return Err(WireError::Malformed("a message starts with a byte that is no letter"));
        }
        if rest.len() < 4 {
            return Ok(None);
        }
        let length = length_at(&self.buffer[self.start..]);
        if length < 4 {
            return Err(WireError::Malformed("a message has a length below 4"));
        }
        if length > self.message_bytes_max {
            return Err(WireError::Malformed("a message is longer than the protocol permits"));
        }
        Ok(Some((*tag, length)))
    }

    /// Bytes received and not yet taken.
    pub(crate) fn received(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Drops the first `count` received bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Reads once; false when a tick passed without a byte.
    pub(crate) fn fill(&mut self) -> Result<bool, WireError> {
        self.make_room();
        let result = self.stream.read(&mut self.buffer[self.end..]);
        let moved = self.filled(result)?;
        self.look(moved)?;
        Ok(moved)
    }

    /// Tells path and server that bytes moved, or looks whether one of them is dead after a tick without.
    fn look(&mut self, moved: bool) -> Result<(), WireError> {
        let socket = self.stream.socket_mut();
        if moved {
            socket.moved();
            self.watch.iter_mut().for_each(Watch::moved);
            return Ok(());
        }
        socket.quiet()?;
        Ok(self.watch.as_mut().map_or(Ok(()), Watch::quiet)?)
    }

    /// Takes what has come already, without waiting; false when nothing has.
    pub(crate) fn fill_now(&mut self) -> Result<bool, WireError> {
        self.make_room();
        let result = self.stream.read_now(&mut self.buffer[self.end..]);
        self.filled(result)
    }

    fn filled(&mut self, result: io::Result<usize>) -> Result<bool, WireError> {
        match result {
            Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => {
                self.end += count;
                Ok(true)
            }
            Err(error) if is_tick(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes room for at least one more byte. A message that does not fit makes the buffer grow by
    /// doubling as its bytes arrive, never on the word of its header; afterwards it shrinks again.
    fn make_room(&mut self) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.buffer.len() > BUFFER_BYTES {
                self.buffer.truncate(BUFFER_BYTES);
                self.buffer.shrink_to_fit();
            }
        }
        if self.end < self.buffer.len() {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end * 2 > self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    /// Sends all of `bytes`.
    pub(crate) fn send(&mut self, bytes: &[u8], patience: &mut Patience) -> Result<(), WireError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.send_some(rest)?;
            patience.check(count > 0)?;
            rest = &rest[count..];
        }
        while !self.flush()? {
            patience.check(false)?;
        }
        Ok(())
    }

    /// Sends once; 0 when a tick passed and nothing was taken.
    pub(crate) fn send_some(&mut self, bytes: &[u8]) -> Result<usize, WireError> {
        let count = match self.stream.write(bytes) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(count) => count,
            Err(error) if is_tick(&error) => 0,
            Err(error) => return Err(error.into()),
        };
        self.look(count > 0)?;
        Ok(count)
    }

    /// Hands what TLS holds back to the socket; false when a tick passed first.
    pub(crate) fn flush(&mut self) -> Result<bool, WireError> {
        match self.stream.flush() {
            Ok(()) => Ok(true),
            Err(error) if is_tick(&error) => {
                self.look(false)?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn length_at(bytes: &[u8]) -> usize {
    match bytes {
        [_, a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
        _ => 0,
    }
}

/// Whether a socket's own time-out passed. `TimedOut` is none: that is the kernel giving the path
/// up.
fn is_tick(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// How long to wait for something to happen.
#[derive(Debug)]
pub(crate) enum Patience {
    /// Until this instant, whatever happens meanwhile.
    Until(Instant, Duration),
    /// As long as bytes move at least this often.
    Quiet { limit: Duration, since: Instant },
    /// For ever: a statement may take days. A dead path ends it, see [`crate::path`], and a dead server, see [`crate::watch`].
    Endless,
}

impl Patience {
    /// `limit` from now.
    pub(crate) fn at_most(limit: Duration) -> Patience {
        Patience::Until(Instant::now() + limit, limit)
    }

    /// A session's bound on silence; none means endless.
    pub(crate) fn for_silence(limit: Option<Duration>) -> Patience {
        match limit {
            Some(limit) => Patience::Quiet { limit, since: Instant::now() },
            None => Patience::Endless,
        }
    }

    /// Called after every attempt to read or write; `moved` tells whether bytes moved.
    pub(crate) fn check(&mut self, moved: bool) -> Result<(), WireError> {
        match self {
            Patience::Until(end, limit) if Instant::now() >= *end => Err(WireError::Silent(*limit)),
            Patience::Quiet { since, .. } if moved => {
                *since = Instant::now();
                Ok(())
            }
            Patience::Quiet { limit, since } if since.elapsed() >= *limit => {
                Err(WireError::Silent(*limit))
            }
            Patience::Until(..) | Patience::Quiet { .. } | Patience::Endless => Ok(()),
        }
    }
}

/// Appends a message with this tag; `write` appends its body.
///
/// # Panics
/// Never: a body over 4 GiB would, and statements are bounded before.
pub(crate) fn frame(out: &mut Vec<u8>, tag: Option<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend(tag);
    let at = out.len();
    out.extend([0; 4]);
    write(out);
    let length = u32::try_from(out.len() - at).unwrap_or(u32::MAX);
    out[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// A message whose body is one string, such as a query.
pub(crate) fn text_message(tag: u8, text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 6);
    frame(&mut out, Some(tag), |out| push_string(out, text));
    out
}

/// Appends a string and its NUL.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&octets::encode(text));
    out.push(0);
}

/// Reads a NUL-terminated string off the front of `bytes`.
pub(crate) fn take_string<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (text, rest) = bytes.split_at(end);
    *bytes = &rest[1..];
    Some(text)
}

/// Reads a 32-bit number off the front of `bytes`.
pub(crate) fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(u32::from_be_bytes(*number))
}
