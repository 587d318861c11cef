//! How a COPY statement begins, and what its command tag says at the end.

use std::sync::atomic::AtomicBool;

use crate::pg_error::{PgError, ServerError};
use crate::session::{Session, copy_fail};

/// Which way the rows of a COPY go, seen from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `COPY ... TO STDOUT`.
    Out,
    /// `COPY ... FROM STDIN`.
    In,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Text or CSV: one message a row.
    Text,
    /// Binary: a header before the first row and a trailer after the last.
    Binary,
}

/// Why a COPY did not begin. The session is idle again, or lost.
#[derive(Debug)]
pub(crate) enum Halt {
    Stopped,
    Failed(PgError),
}

/// Runs a COPY statement up to the point where rows flow.
pub(crate) fn begin(
    session: &mut Session,
    sql: &str,
    direction: Direction,
    stop: &AtomicBool,
) -> Result<Format, Halt> {
    session.send_query(sql).map_err(Halt::Failed)?;
    let mut outcome = Ok(());
    loop {
        let Some(message) = session.next_unless(stop).map_err(Halt::Failed)? else {
            session.cancel_own();
            session.settle();
            return Err(Halt::Stopped);
        };
        match (message.tag, direction) {
            (b'H', Direction::Out) | (b'G', Direction::In) => return Ok(format(message.body)),
            (b'G', Direction::Out) => {
                session.send(&copy_fail("rows were to come, not to go")).map_err(Halt::Failed)?;
            }
            (b'E', _) => {
                let error = ServerError::read(message.body);
                outcome = Err(session.server_error(error));
                if session.is_lost() {
                    break;
                }
            }
            (b'Z', _) => break,
            // Rows of an earlier statement, or of a COPY in the wrong direction: read past.
            _ => {}
        }
    }
    let error = match outcome {
        Err(error) => error,
        Ok(()) => session.misuse(match direction {
            Direction::Out => "it is no COPY ... TO STDOUT",
            Direction::In => "it is no COPY ... FROM STDIN",
        }),
    };
    Err(Halt::Failed(error))
}

/// The overall format in `CopyInResponse` and `CopyOutResponse`.
fn format(body: &[u8]) -> Format {
    match body.first() {
        Some(1) => Format::Binary,
        _ => Format::Text,
    }
}

/// The row count of a `COPY 123` command tag.
pub(crate) fn tag_rows(body: &[u8]) -> Option<u64> {
    let tag = str::from_utf8(body.strip_suffix(&[0])?).ok()?;
    tag.strip_prefix("COPY ")?.parse().ok()
}
