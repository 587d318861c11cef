//! Reads a table and hashes its rows.

use std::sync::atomic::{AtomicBool, Ordering};

use flexway_core::migrate::{CopyProgress, Table};

use crate::ask::{Outcome, read_failed};
use crate::content::{in_format, plain};
use crate::copy::Format;
use crate::row_sum::RowSum;
use crate::{Session, read_copy};

/// Reads what `copy_out` gives in this format. `progress` counts only one side, so it is optional.
pub(crate) fn hash(
    session: &mut Session,
    table: &Table,
    (copy_out, format): (&str, Format),
    progress: Option<&CopyProgress>,
    stop: &AtomicBool,
) -> Outcome<RowSum> {
    let mut found = RowSum::default();
    let sql = in_format(copy_out.to_owned(), format, session);
    read_copy(session, &sql, stop, &mut |message| {
        found.add(format, message);
        if let Some(progress) = progress {
            progress.rows.store(found.rows, Ordering::Relaxed);
            progress.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
        }
    })
    .map_err(|error| read_failed(&format!("read table {}", plain(table)), session, error))?;
    Ok(found)
}
