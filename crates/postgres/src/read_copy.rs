//! Reading the rows of a COPY here instead of relaying them.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::Copied;

use crate::copy::{self, Direction, Format, Halt};
use crate::pg_error::ServerError;
use crate::relay::RelayError;
use crate::session::Session;

/// Runs `copy_out` (`COPY ... TO STDOUT`) and hands each CopyData payload to `each`: in text format
/// one row with its line feed; in binary the first also holds the header and the last is the
/// trailer. A row may be as large as PostgreSQL makes it, 1 GiB.
///
/// # Errors
/// [`RelayError::Source`] when the copy fails, or its row count is not the one announced;
/// [`RelayError::Stopped`] soon after `stop` was set. The session stays usable unless its
/// connection broke.
pub fn read_copy(
    session: &mut Session,
    copy_out: &str,
    stop: &AtomicBool,
    each: &mut dyn FnMut(&[u8]),
) -> Result<Copied, RelayError> {
    let format =
        copy::begin(session, copy_out, Direction::Out, stop).map_err(|halt| match halt {
            Halt::Stopped => RelayError::Stopped,
            Halt::Failed(error) => RelayError::Source(error),
        })?;
    let mut copied = Copied::default();
    let mut announced = None;
    let mut outcome = Ok(());
    loop {
        let Some(message) = session.next_unless(stop).map_err(RelayError::Source)? else {
            session.cancel_own();
            session.settle();
            return Err(RelayError::Stopped);
        };
        match message.tag {
            b'd' => {
                copied.rows += 1;
                copied.bytes += message.body.len() as u64;
                each(message.body);
            }
            b'C' => announced = copy::tag_rows(message.body),
            b'E' => {
                let error = ServerError::read(message.body);
                outcome = Err(RelayError::Source(session.server_error(error)));
                if session.is_lost() {
                    break;
                }
            }
            b'Z' => break,
            _ => {}
        }
    }
    outcome?;
    copied.rows = check_rows(session, format, copied.rows, announced)?;
    Ok(copied)
}

/// The source's row count, once frames and command tag agree.
pub(crate) fn check_rows(
    source: &Session,
    format: Format,
    counted: u64,
    announced: Option<u64>,
) -> Result<u64, RelayError> {
    match (announced, format) {
        (Some(announced), Format::Text) if announced != counted => {
            Err(RelayError::Source(source.misuse(&format!(
                "{counted} rows came but the server announced {announced} (a COPY with HEADER \
                 cannot be counted)"
            ))))
        }
        (Some(announced), Format::Text | Format::Binary) => Ok(announced),
        (None, _) => Err(RelayError::Source(source.misuse("the copy ended without a row count"))),
    }
}
