//! A share of a table's rows, chosen by a hash of what they hold: the same rows on both sides, and each time.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{Sample, Table};

use crate::ask::{Outcome, act, read_failed};
use crate::content::{plain, qualified};
use crate::{Session, read_copy};

/// Smaller tables are compared whole: their rows take no longer than to find some of them.
const BYTES_MIN: u64 = 1 << 20;

/// Values that the hash is taken modulo of, a power of two: fine enough for a millionth.
const BUCKETS: u64 = 1 << 24;

/// Whether a share of the table is worth it.
pub(crate) fn is_large(table: &Table) -> bool {
    table.size_bytes >= BYTES_MIN && !table.columns.is_empty()
}

/// The `WHERE ...` of the share. `columns` are those that decide, as text that is the same on every version: the key, or all where
/// there is none. Then a row that differs is one of each side.
pub(crate) fn condition(columns: &str, sample: Sample) -> String {
    let below = u64::from(sample.per_million()) * BUCKETS / 1_000_000;
    let text = format!("ROW({columns})::text COLLATE \"C\"");
    format!("WHERE hashtext({text}) & {} < {}", BUCKETS - 1, below.max(1))
}

/// All rows of a table, by whichever way is cheapest for the server.
pub(crate) fn count(session: &mut Session, table: &Table, stop: &AtomicBool) -> Outcome<u64> {
    let what = format!("count the rows of {}", plain(table));
    let name = qualified(&table.schema, &table.name);
    let sql = format!("COPY (SELECT count(*) FROM ONLY {name}) TO STDOUT");
    let mut counted = None;
    read_copy(session, &sql, stop, &mut |line| {
        counted = std::str::from_utf8(line).ok().and_then(|text| text.trim_end().parse().ok());
    })
    .map_err(|error| read_failed(&what, session, error))?;
    counted.ok_or_else(|| act(&what, "the server gave no number", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_bound_of_the_hash() {
        let sample = |text: &str| text.parse::<Sample>().expect("a share");
        assert_eq!(
            condition("\"a\", \"b\"", sample("50")),
            "WHERE hashtext(ROW(\"a\", \"b\")::text COLLATE \"C\") & 16777215 < 8388608"
        );
        assert!(condition("\"a\"", sample("0.0001")).ends_with(" < 16"));
    }
}
