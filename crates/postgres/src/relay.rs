//! COPY from one server into another: payloads are forwarded in large frames and never parsed.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use flexway_core::migrate::{Copied, CopyProgress, RowsHash};

use crate::copy::{self, Direction, Format, Halt};
use crate::pg_error::{PgError, ServerError};
use crate::read_copy::check_rows;
use crate::row_sum::{LongMessage, RowSum};
use crate::session::{NEVER, Session, copy_fail};
use crate::waiting::Waiting;
use crate::wire;

/// Size of the frames sent to the target, header included. From 8 KiB to 1 MiB no difference was
/// measured; small ones cost the target's backend up to a fifth more.
const FRAME_BYTES: usize = 64 * 1024;
/// Messages up to this length are hashed when they are there as a whole: nearly all rows.
const WHOLE_BYTES_MAX: usize = 64 * 1024;
/// Tag and length of a CopyData message.
const FRAME_HEADER_BYTES: usize = 5;

/// Why a relay ended early.
#[derive(Debug)]
pub enum RelayError {
    /// The source refused, failed, or is gone; or its rows are not as many as it announced.
    Source(PgError),
    /// The target refused, failed, or is gone; or it stored fewer rows than it was given.
    Target(PgError),
    /// The stop flag was set.
    Stopped,
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RelayError::Source(error) => write!(f, "copy rows from the source: {error}"),
            RelayError::Target(error) => write!(f, "copy rows into the target: {error}"),
            RelayError::Stopped => f.write_str("the copy was stopped"),
        }
    }
}

impl Error for RelayError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RelayError::Source(error) | RelayError::Target(error) => error.source(),
            RelayError::Stopped => None,
        }
    }
}

/// Runs `copy_out` (`COPY ... TO STDOUT`) on the source and `copy_in` (`COPY ... FROM STDIN`) on
/// the target and forwards the rows. Both must name the same format, and no `HEADER`.
///
/// `progress` grows as frames leave for the target, and shrinks again by what a failed copy added. In
/// binary format its row count is one too high (the trailer) until the copy ends. Rows are hashed on
/// the way.
///
/// The target is told to complete only after the source has, with as many rows as were counted.
///
/// # Errors
/// Which side failed and why, or that `stop` was set, which is noticed within about a quarter of a
/// second. After an error nothing of this copy stays on the target (outside a transaction: it was
/// rolled back; inside: the transaction has failed), except for [`RelayError::Target`] with
/// [`PgError::Misuse`] after a target whose triggers or rules drop rows, and for a target
/// connection that broke after the last row, where nobody can know. Sessions whose connection lives
/// are idle and usable.
pub fn relay(
    source: &mut Session,
    copy_out: &str,
    target: &mut Session,
    copy_in: &str,
    progress: &CopyProgress,
    stop: &AtomicBool,
) -> Result<Copied, RelayError> {
    let format_in =
        copy::begin(target, copy_in, Direction::In, stop).map_err(|halt| match halt {
            Halt::Stopped => RelayError::Stopped,
            Halt::Failed(error) => RelayError::Target(error),
        })?;
    let mut out = Vec::with_capacity(FRAME_BYTES);
    out.extend([b'd', 0, 0, 0, 0]);
    let mut pump = Pump {
        source,
        target,
        progress,
        stop,
        out,
        sent: 0,
        left: 0,
        rows: 0,
        rows_reported: 0,
        bytes: 0,
        format: format_in,
        sum: RowSum::default(),
        is_source_idle: true,
        has_target_failed: false,
    };
    match pump.read_all(copy_out, format_in) {
        Ok(rows) => {
            let done = pump.complete(rows);
            if done.is_err() {
                pump.take_back();
            }
            done
        }
        Err(error) => {
            pump.take_back();
            pump.recover();
            Err(error)
        }
    }
}

struct Pump<'a> {
    source: &'a mut Session,
    target: &'a mut Session,
    progress: &'a CopyProgress,
    stop: &'a AtomicBool,
    /// The CopyData message being filled: header first.
    out: Vec<u8>,
    /// Bytes of `out` that are sent already.
    sent: usize,
    /// Bytes of the source's current CopyData message that are still to be read.
    left: usize,
    /// CopyData messages from the source.
    rows: u64,
    rows_reported: u64,
    bytes: u64,
    format: Format,
    sum: RowSum,
    /// The source has no statement running.
    is_source_idle: bool,
    /// The target has refused and waits for no rows any more.
    has_target_failed: bool,
}

impl Pump<'_> {
    /// Forwards rows until the source is done, then checks their number, which is returned.
    fn read_all(&mut self, copy_out: &str, format_in: Format) -> Result<u64, RelayError> {
        let format = copy::begin(self.source, copy_out, Direction::Out, self.stop).map_err(
            |halt| match halt {
                Halt::Stopped => RelayError::Stopped,
                Halt::Failed(error) => RelayError::Source(error),
            },
        )?;
        self.is_source_idle = false;
        if format != format_in {
            let why = "one side copies in binary format and the other does not";
            return Err(RelayError::Source(self.source.misuse(why)));
        }
        let announced = self.forward_messages()?;
        let rows = check_rows(self.source, format, self.rows, announced)?;
        self.push()?;
        Ok(rows)
    }

    /// Up to the source's `ReadyForQuery`; gives the row count of its command tag.
    fn forward_messages(&mut self) -> Result<Option<u64>, RelayError> {
        let mut announced = None;
        let mut outcome = Ok(());
        loop {
            // Whole messages and beginnings of CopyData are handled; the rest waits for more bytes.
            while let Some((tag, length)) = self.source.header().map_err(RelayError::Source)? {
                if tag == b'd' {
                    self.source.wire.consume(FRAME_HEADER_BYTES);
                    self.rows += 1;
                    self.left = length - 4;
                    self.forward_payload()?;
                    continue;
                }
                if !self.source.has_message().map_err(RelayError::Source)? {
                    break;
                }
                if self.source.take_asynchronous().map_err(RelayError::Source)? {
                    continue;
                }
                let message = self.source.wire.take_message();
                match message.tag {
                    b'C' => announced = copy::tag_rows(message.body),
                    b'E' => {
                        let error = ServerError::read(message.body);
                        let error = RelayError::Source(self.source.server_error(error));
                        if self.source.is_lost() {
                            return Err(error);
                        }
                        outcome = Err(error);
                    }
                    b'Z' => {
                        self.is_source_idle = true;
                        return outcome.map(|()| announced);
                    }
                    _ => {}
                }
            }
            self.fill()?;
        }
    }

    /// Moves what is left of the current CopyData message into frames for the target.
    fn forward_payload(&mut self) -> Result<(), RelayError> {
        while self.source.wire.received().len() < self.left.min(WHOLE_BYTES_MAX) {
            self.fill()?;
        }
        let mut long = None;
        if self.left > WHOLE_BYTES_MAX {
            long = Some(LongMessage::new());
        } else {
            self.sum.add(self.format, &self.source.wire.received()[..self.left]);
        }
        while self.left > 0 {
            let received = self.source.wire.received();
            if received.is_empty() {
                self.fill()?;
                continue;
            }
            let count = self.left.min(received.len()).min(FRAME_BYTES - self.out.len());
            self.out.extend_from_slice(&received[..count]);
            if let Some(long) = &mut long {
                long.feed(self.format, &received[..count]);
            }
            self.source.wire.consume(count);
            self.left -= count;
            if self.out.len() == FRAME_BYTES {
                self.push()?;
            }
        }
        if let Some(long) = long {
            long.end(&mut self.sum);
        }
        Ok(())
    }

    /// Reads from the source; while it has nothing, listens to the target.
    fn fill(&mut self) -> Result<(), RelayError> {
        let _waiting = Waiting::on(&self.progress.source_wait_us);
        let mut patience = self.source.patience();
        loop {
            self.check_stop()?;
            match self.source.wire.fill().and_then(|moved| patience.check(moved).map(|()| moved)) {
                Ok(true) => return Ok(()),
                Ok(false) => self.listen_to_target()?,
                Err(error) if self.left > 0 => {
                    return Err(RelayError::Source(self.source.lost_within_row(error)));
                }
                Err(error) => return Err(RelayError::Source(self.source.lost(error))),
            }
        }
    }

    /// Sends the frame, whatever its size, and starts the next one.
    fn push(&mut self) -> Result<(), RelayError> {
        if self.out.len() == FRAME_HEADER_BYTES {
            return Ok(());
        }
        // At most FRAME_BYTES, so it fits.
        let length = u32::try_from(self.out.len() - 1).unwrap_or(u32::MAX);
        self.out[1..FRAME_HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
        let waiting = Waiting::on(&self.progress.target_wait_us);
        let mut patience = self.target.patience();
        while self.sent < self.out.len() {
            self.check_stop()?;
            let result = self.target.wire.send_some(&self.out[self.sent..]);
            let count = result
                .and_then(|count| patience.check(count > 0).map(|()| count))
                .map_err(|error| RelayError::Target(self.target.lost(error)))?;
            self.sent += count;
            if count == 0 {
                self.listen_to_target()?;
            }
        }
        drop(waiting);
        let bytes = (self.out.len() - FRAME_HEADER_BYTES) as u64;
        self.bytes += bytes;
        self.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progress.rows.fetch_add(self.rows - self.rows_reported, Ordering::Relaxed);
        self.rows_reported = self.rows;
        self.out.truncate(FRAME_HEADER_BYTES);
        self.sent = 0;
        self.listen_to_target()
    }

    /// Takes what the target has said meanwhile: it may have refused a row long before the last.
    fn listen_to_target(&mut self) -> Result<(), RelayError> {
        self.target.fill_now().map_err(RelayError::Target)?;
        while self.target.has_message().map_err(RelayError::Target)? {
            if self.target.take_asynchronous().map_err(RelayError::Target)? {
                continue;
            }
            let message = self.target.wire.take_message();
            if message.tag == b'E' {
                self.has_target_failed = true;
                let error = ServerError::read(message.body);
                return Err(RelayError::Target(self.target.server_error(error)));
            }
        }
        Ok(())
    }

    fn check_stop(&self) -> Result<(), RelayError> {
        if self.stop.load(Ordering::Relaxed) { Err(RelayError::Stopped) } else { Ok(()) }
    }

    /// Leaves the counters as they were before this copy.
    fn take_back(&mut self) {
        self.progress.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.progress.rows.fetch_sub(self.rows_reported, Ordering::Relaxed);
    }

    /// Leaves both sessions idle, the target without the rows. One that cannot be made idle in time
    /// is given up.
    fn recover(&mut self) {
        if !self.is_source_idle {
            self.source.cancel_own();
        }
        if self.sent > 0 {
            self.target.send_to_settle(&self.out[self.sent..]);
        }
        if !self.has_target_failed {
            self.target.send_to_settle(&copy_fail("the copy ended early"));
        }
        self.target.settle();
        if !self.is_source_idle {
            self.source.skip_to_settle(self.left);
            self.source.settle();
        }
    }

    /// Tells the target that all rows are there, and waits until it has stored them.
    fn complete(&mut self, rows: u64) -> Result<Copied, RelayError> {
        let _waiting = Waiting::on(&self.progress.target_wait_us);
        let mut done = Vec::new();
        wire::frame(&mut done, Some(b'c'), |_| {});
        self.target.send(&done).map_err(RelayError::Target)?;
        let mut stored = None;
        let mut outcome = Ok(());
        let mut is_stopped = false;
        loop {
            let stop = if is_stopped { &NEVER } else { self.stop };
            let Some(message) = self.target.next_unless(stop).map_err(RelayError::Target)? else {
                is_stopped = true;
                self.target.cancel_own();
                continue;
            };
            match message.tag {
                b'C' => stored = copy::tag_rows(message.body),
                b'E' => {
                    let error = ServerError::read(message.body);
                    outcome = Err(self.target.server_error(error));
                    if self.target.is_lost() {
                        break;
                    }
                }
                b'Z' => break,
                _ => {}
            }
        }
        match outcome {
            Err(_) if is_stopped => return Err(RelayError::Stopped),
            Err(error) => return Err(RelayError::Target(error)),
            Ok(()) => {}
        }
        // A binary trailer was counted as a row.
        let surplus = self.rows_reported.saturating_sub(rows);
        self.progress.rows.fetch_sub(surplus, Ordering::Relaxed);
        self.rows_reported -= surplus;
        let hash = RowsHash { sum: self.sum.sum, is_binary: self.format == Format::Binary };
        match stored {
            Some(stored) if stored == rows => {
                Ok(Copied { rows, bytes: self.bytes, hash: Some(hash) })
            }
            Some(stored) => Err(RelayError::Target(self.target.misuse(&format!(
                "{stored} of {rows} rows were stored: a trigger or rule of the table drops the rest"
            )))),
            None => {
                Err(RelayError::Target(self.target.misuse("the copy ended without a row count")))
            }
        }
    }
}
