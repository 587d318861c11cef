//! Messages of one session: sending, waiting, and what a broken connection turns into.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Row, Session};
use crate::login;
use crate::octets;
use crate::pg_error::{ConnectionLost, PgError, ServerError};
use crate::wire::{self, Message, Patience, WireError};

/// How long a session may take to become idle after its statement was cancelled or its copy failed.
/// The server notices a cancel within milliseconds, but may have to roll back.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(30);

impl Session {
    /// Sends a statement without waiting for its answer.
    pub(crate) fn send_query(&mut self, sql: &str) -> Result<(), PgError> {
        /// The server refuses messages of 1 GiB.
        const STATEMENT_BYTES_MAX: usize = (1 << 30) - 6;
        if self.is_lost {
            return Err(PgError::Connection(ConnectionLost::earlier(&self.label)));
        }
        if sql.contains('\0') {
            return Err(self.misuse("the statement holds a NUL character"));
        }
        if sql.len() > STATEMENT_BYTES_MAX {
            return Err(self.misuse("the statement is longer than 1 GiB"));
        }
        self.send(&wire::text_message(b'Q', sql))
    }

    /// Sends whole messages.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), PgError> {
        let mut patience = self.patience();
        match self.wire.send(bytes, &mut patience) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// The next message that belongs to the statement; gives up when `stop` is set: `None`.
    pub(crate) fn next_unless(
        &mut self,
        stop: &AtomicBool,
    ) -> Result<Option<Message<'_>>, PgError> {
        let mut patience = self.patience();
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            if !self.has_message()? {
                let moved = self.fill()?;
                patience.check(moved).map_err(|error| self.lost(error))?;
            } else if !self.take_asynchronous()? {
                return Ok(Some(self.wire.take_message()));
            }
        }
    }

    pub(crate) fn has_message(&mut self) -> Result<bool, PgError> {
        self.wire.has_message().map_err(|error| self.lost(error))
    }

    /// Tag and length of the message at the front.
    pub(crate) fn header(&mut self) -> Result<Option<(u8, usize)>, PgError> {
        self.wire.header().map_err(|error| self.lost(error))
    }

    /// How long this session may stay silent from now on.
    pub(crate) fn patience(&self) -> Patience {
        Patience::for_silence(self.silence_time_max)
    }

    /// Reads once; false when a tick passed without a byte.
    pub(crate) fn fill(&mut self) -> Result<bool, PgError> {
        self.wire.fill().map_err(|error| self.lost(error))
    }

    /// Reads what has come already.
    pub(crate) fn fill_now(&mut self) -> Result<bool, PgError> {
        self.wire.fill_now().map_err(|error| self.lost(error))
    }

    /// Takes the whole message at the front if it may come at any time: a notice, a changed
    /// setting, a notification.
    pub(crate) fn take_asynchronous(&mut self) -> Result<bool, PgError> {
        let Some((tag @ (b'N' | b'S' | b'A'), _)) = self.header()? else { return Ok(false) };
        let message = self.wire.take_message();
        match tag {
            b'S' => login::read_parameter(&mut self.parameters, message.body),
            b'N' => self.notice_count += 1,
            _ => {}
        }
        Ok(true)
    }

    /// The error that an `ErrorResponse` stands for. After a fatal one the server hangs up.
    pub(crate) fn server_error(&mut self, error: ServerError) -> PgError {
        self.is_lost |= error.is_fatal();
        PgError::Server(Box::new(error))
    }

    /// The connection broke between two messages. What the server said last, if anything, tells
    /// more than the socket.
    pub(crate) fn lost(&mut self, error: WireError) -> PgError {
        /// Reads that look for last words; they are short and come right before the end.
        const LAST_READS_MAX: usize = 16;
        self.is_lost = true;
        if matches!(error, WireError::Io(_)) {
            for _ in 0..LAST_READS_MAX {
                if !matches!(self.wire.fill(), Ok(true)) {
                    break;
                }
            }
            while let Ok(true) = self.wire.has_message() {
                let message = self.wire.take_message();
                if message.tag == b'E' {
                    return PgError::Server(Box::new(ServerError::read(message.body)));
                }
            }
        }
        PgError::Connection(ConnectionLost::new(&self.label, error))
    }

    /// The connection broke within a message: the bytes received are row data and are not looked
    /// at.
    pub(crate) fn lost_within_row(&mut self, error: WireError) -> PgError {
        self.is_lost = true;
        PgError::Connection(ConnectionLost::new(&self.label, error))
    }

    /// Reads on to `ReadyForQuery`, dropping everything; a session that does not get there in time
    /// is given up.
    pub(crate) fn settle(&mut self) {
        let mut patience = Patience::at_most(SETTLE_TIME_MAX);
        while !self.is_lost {
            match self.wire.message(&mut patience) {
                Ok(Message { tag: b'Z', .. }) => return,
                Ok(Message { tag: b'E', body }) => {
                    self.is_lost |= ServerError::read(body).is_fatal();
                }
                // The statement was cancelled just as it began to wait for rows.
                Ok(Message { tag: b'G', .. }) => self.send_to_settle(&copy_fail("cancelled")),
                Ok(_) => {}
                Err(_) => self.is_lost = true,
            }
        }
    }

    /// Drops the next `count` bytes: the rest of a message that was read in part.
    pub(crate) fn skip_to_settle(&mut self, mut count: usize) {
        let mut patience = Patience::at_most(SETTLE_TIME_MAX);
        while count > 0 && !self.is_lost {
            let dropped = count.min(self.wire.received().len());
            self.wire.consume(dropped);
            count -= dropped;
            if count > 0 {
                let result = self.wire.fill().and_then(|moved| patience.check(moved));
                self.is_lost = result.is_err();
            }
        }
    }

    /// Cancels the running statement; a session whose statement cannot be cancelled is given up.
    pub(crate) fn cancel_own(&mut self) {
        if !self.is_lost && self.canceller.cancel().is_err() {
            self.is_lost = true;
        }
    }

    /// Sends bytes within the time that a session has to settle; used to leave a copy.
    pub(crate) fn send_to_settle(&mut self, bytes: &[u8]) {
        if !self.is_lost {
            let mut patience = Patience::at_most(SETTLE_TIME_MAX);
            self.is_lost = self.wire.send(bytes, &mut patience).is_err();
        }
    }

    pub(crate) fn misuse(&self, why: &str) -> PgError {
        PgError::Misuse(format!("run a statement on {}: {why}", self.label))
    }
}

/// The message that makes the server fail a `COPY ... FROM STDIN`.
pub(crate) fn copy_fail(reason: &str) -> Vec<u8> {
    wire::text_message(b'f', reason)
}

/// Reads a `DataRow` of text values; bytes that are no UTF-8 come back when the text is sent again.
pub(crate) fn read_row(mut body: &[u8]) -> Result<Row, &'static str> {
    const CUT_SHORT: &str = "a row is cut short";
    let (count, rest) = body.split_first_chunk::<2>().ok_or(CUT_SHORT)?;
    body = rest;
    let mut row = Row::with_capacity(usize::from(u16::from_be_bytes(*count)));
    for _ in 0..row.capacity() {
        let length = wire::take_u32(&mut body).ok_or(CUT_SHORT)?;
        if length == u32::MAX {
            row.push(None);
            continue;
        }
        let (value, rest) = body.split_at_checked(length as usize).ok_or(CUT_SHORT)?;
        body = rest;
        row.push(Some(octets::decode(value).into_owned()));
    }
    Ok(row)
}
