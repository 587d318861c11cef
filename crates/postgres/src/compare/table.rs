//! The content hash of a table: each row hashed as text, the hashes added, so that order does not
//! matter and duplicates count.

use std::sync::atomic::{AtomicBool, Ordering};

use flexway_core::migrate::{CopyProgress, Table};
use xxhash_rust::xxh3::xxh3_128;

use crate::ask::{Outcome, relay_failed};
use crate::content::plain;
use crate::{Session, read_copy};

/// Rows and sum of the rows' 128-bit hashes modulo 2^128.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TableHash {
    /// Rows read.
    pub(crate) rows: u64,
    /// Sum of the hashes. Two differing tables agree by accident once in 2^128; it is no defence
    /// against forgery.
    pub(crate) sum: u128,
}

impl TableHash {
    fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(row));
    }
}

/// Reads what `copy_out` gives, a row a frame. `progress` counts only one side, so it is optional.
pub(crate) fn hash(
    session: &mut Session,
    table: &Table,
    copy_out: &str,
    progress: Option<&CopyProgress>,
    stop: &AtomicBool,
) -> Outcome<TableHash> {
    let mut found = TableHash::default();
    read_copy(session, copy_out, stop, &mut |row| {
        found.add(row);
        if let Some(progress) = progress {
            progress.rows.fetch_add(1, Ordering::Relaxed);
            progress.bytes.fetch_add(row.len() as u64, Ordering::Relaxed);
        }
    })
    .map_err(|error| relay_failed(&format!("read table {}", plain(table)), error))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> TableHash {
        let mut found = TableHash::default();
        rows.iter().for_each(|row| found.add(row.as_bytes()));
        found
    }

    #[test]
    fn order_does_not_matter_and_duplicates_count() {
        assert_eq!(of(&["a\n", "b\n"]), of(&["b\n", "a\n"]));
        assert_ne!(of(&["a\n", "a\n"]), of(&["b\n", "b\n"]));
        assert_ne!(of(&["a\n", "a\n"]).sum, 0);
        assert_ne!(of(&["ab\n"]).sum, of(&["a\n", "b\n"]).sum);
    }
}
