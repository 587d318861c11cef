//! Which rows of a table differ: counted by hashes, never by what they hold.

use std::cmp::Ordering;
use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{Column, DifferingRows, Table};
use xxhash_rust::xxh3::{Xxh3, xxh3_64, xxh3_128};

use crate::ask::{Outcome, query, read_failed, text};
use crate::catalog::queried::can_be_queried;
use crate::catalog::tables::Rows;
use crate::content::{in_format, plain, qualified};
use crate::copy::Format;
use crate::{Session, quote_ident, quote_literal, read_copy};

/// Rows of one side whose hashes are kept: 48 MB. Of a larger table those groups of rows that differ.
const ROWS_MAX: usize = 2_000_000;

/// Groups in which a large table is searched.
const GROUPS: usize = 1 << 16;

/// Groups that a query for the rows names.
const SHOWN_MAX: usize = 10;

/// Types whose text is the same in every session, so that a query finds the rows again.
const PLAIN_TYPES: [&str; 7] =
    ["smallint", "integer", "bigint", "numeric", "text", "character varying", "uuid"];

/// How a row of a table is told from the others.
pub(crate) struct Key {
    /// Columns of the primary key; empty without one.
    names: Vec<String>,
    /// Where they stand among the columns that are read.
    positions: Vec<usize>,
    /// An expression for the group that a row belongs to, where a query can name it.
    group: Option<String>,
}

impl Key {
    /// Reads the table's primary key. One with columns that are not copied is none.
    pub(crate) fn read(session: &mut Session, table: &Table) -> Outcome<Key> {
        let what = format!("read the primary key of {}", plain(table));
        let sql = format!(
            "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
             CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place) \
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
             WHERE n.nspname = {} AND c.relname = {} ORDER BY k.place",
            quote_literal(&table.schema),
            quote_literal(&table.name)
        );
        let rows = query(session, &what, &sql)?;
        let place = |name: &str| table.columns.iter().position(|column| column.name == name);
        let places: Option<Vec<usize>> = rows.iter().map(|row| place(text(row, 0))).collect();
        let Some(positions) = places.filter(|places| !places.is_empty()) else {
            return Ok(Key { names: Vec::new(), positions: Vec::new(), group: None });
        };
        let names: Vec<String> = rows.iter().map(|row| quote_ident(text(row, 0))).collect();
        let is_plain = rows.iter().all(|row| PLAIN_TYPES.contains(&text(row, 1)));
        let group = (is_plain && can_be_queried(session, table)?).then(|| {
            // Columns of different collations have none together.
            let text = format!("concat_ws(',', {}) COLLATE \"C\"", names.join(", "));
            format!("hashtext({text}) & {}", GROUPS - 1)
        });
        Ok(Key { names, positions, group })
    }

    /// The table with the columns of the key alone; all of them without one.
    pub(crate) fn of(&self, table: &Table) -> Table {
        let key = self.positions.iter().filter_map(|place| table.columns.get(*place)).cloned();
        let columns: Vec<Column> = key.collect();
        if columns.is_empty() { table.clone() } else { Table { columns, ..table.clone() } }
    }

    /// Whether the quoted name is that of one of its columns.
    pub(super) fn names(&self, column: &str) -> bool {
        self.names.iter().any(|name| name == column)
    }

    /// What is read, given the columns that are compared.
    pub(crate) fn columns(&self, columns: &str) -> String {
        self.group
            .as_ref()
            .map_or_else(|| columns.to_owned(), |group| format!("{group}, {columns}"))
    }

    /// Takes a row in COPY format apart.
    fn row(&self, line: &[u8]) -> Row {
        let (group, rest) = match self.group {
            // A tab within a value is written as `\t`.
            Some(_) => {
                let end = line.iter().position(|byte| *byte == b'\t').unwrap_or(0);
                (number(&line[..end]), &line[line.len().min(end + 1)..])
            }
            None => (0, line),
        };
        let row = xxh3_128(rest);
        let key = if self.positions.is_empty() {
            xxh3_64(rest)
        } else {
            let rest = rest.strip_suffix(b"\n").unwrap_or(rest);
            let fields: Vec<&[u8]> = rest.split(|byte| *byte == b'\t').collect();
            let mut hash = Xxh3::new();
            for place in &self.positions {
                hash.update(fields.get(*place).copied().unwrap_or_default());
                hash.update(b"\t");
            }
            hash.digest()
        };
        Row { key, row: row as u64 ^ (row >> 64) as u64, group }
    }

    /// A query that finds the rows of these groups, and some that are in them by chance.
    fn query(&self, table: &Table, rows: Rows, groups: &[u16]) -> Option<String> {
        let group = self.group.as_ref()?;
        let only = match rows {
            Rows::Own | Rows::Where(_) => "ONLY ",
            Rows::OfLeaves(_) => "",
        };
        let list: Vec<String> = groups.iter().map(u16::to_string).collect();
        Some(format!(
            "SELECT * FROM {only}{} WHERE {group} IN ({}) ORDER BY {}",
            qualified(&table.schema, &table.name),
            list.join(", "),
            self.names.join(", ")
        ))
    }
}

fn number(digits: &[u8]) -> u16 {
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// A row as hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    key: u64,
    row: u64,
    group: u16,
}

/// One side of the comparison.
pub(crate) struct Side<'a> {
    pub(crate) session: &'a mut Session,
    /// Reads [`Key::columns`] of the table.
    pub(crate) copy_out: String,
    /// Rows that were read before.
    pub(crate) row_count: u64,
}

/// Counts the rows that differ. `None` when they are too many to be told apart.
pub(crate) fn differing(
    mut sides: [Side; 2],
    key: &Key,
    table: &Table,
    rows: Rows,
    stop: &AtomicBool,
) -> Outcome<Option<DifferingRows>> {
    let is_small = sides.iter().all(|side| side.row_count <= ROWS_MAX as u64);
    let is_wanted =
        if is_small { vec![true; GROUPS] } else { differing_groups(&mut sides, key, table, stop)? };
    let mut found = [Vec::new(), Vec::new()];
    for (side, found) in sides.iter_mut().zip(&mut found) {
        read(side, key, table, stop, &mut |row| {
            if is_wanted[place(row)] && found.len() <= ROWS_MAX {
                found.push(row);
            }
        })?;
        found.sort_unstable();
    }
    if found.iter().any(|found| found.len() > ROWS_MAX) {
        return Ok(None);
    }
    let (counts, mut groups) = count(&found[0], &found[1]);
    groups.sort_unstable();
    groups.dedup();
    groups.truncate(SHOWN_MAX);
    let query = key.query(table, rows, &groups);
    let changed = (!key.positions.is_empty()).then_some(counts.changed);
    Ok(Some(DifferingRows {
        source_only: counts.source_only,
        target_only: counts.target_only,
        changed,
        query,
    }))
}

/// The group in which a row is searched; not that of the query, which need not exist.
fn place(row: Row) -> usize {
    row.key as usize % GROUPS
}

fn differing_groups(
    sides: &mut [Side; 2],
    key: &Key,
    table: &Table,
    stop: &AtomicBool,
) -> Outcome<Vec<bool>> {
    let mut sums = [vec![(0u64, 0u64); GROUPS], vec![(0u64, 0u64); GROUPS]];
    for (side, sums) in sides.iter_mut().zip(&mut sums) {
        read(side, key, table, stop, &mut |row| {
            let (count, sum) = &mut sums[place(row)];
            *count += 1;
            *sum = sum.wrapping_add(row.row);
        })?;
    }
    Ok(sums[0].iter().zip(&sums[1]).map(|(one, other)| one != other).collect())
}

fn read(
    side: &mut Side,
    key: &Key,
    table: &Table,
    stop: &AtomicBool,
    each: &mut dyn FnMut(Row),
) -> Outcome<()> {
    let sql = in_format(side.copy_out.clone(), Format::Text, side.session);
    read_copy(side.session, &sql, stop, &mut |line| each(key.row(line)))
        .map(drop)
        .map_err(|error| read_failed(&format!("read table {}", plain(table)), side.session, error))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    source_only: u64,
    target_only: u64,
    changed: u64,
}

/// Compares two sorted sides, and gives the groups of the rows that differ.
fn count(source: &[Row], target: &[Row]) -> (Counts, Vec<u16>) {
    let (mut counts, mut groups) = (Counts::default(), Vec::new());
    let (mut source, mut target) = (source, target);
    while let Some(first) = source.first().into_iter().chain(target.first()).min() {
        let key = first.key;
        let (ours, rest) = source.split_at(source.partition_point(|row| row.key <= key));
        source = rest;
        let (theirs, rest) = target.split_at(target.partition_point(|row| row.key <= key));
        target = rest;
        let same = common(ours, theirs);
        let (ours_left, theirs_left) = (ours.len() - same, theirs.len() - same);
        let changed = ours_left.min(theirs_left);
        counts.changed += changed as u64;
        counts.source_only += (ours_left - changed) as u64;
        counts.target_only += (theirs_left - changed) as u64;
        if ours_left + theirs_left > 0 {
            groups.push(first.group);
        }
    }
    (counts, groups)
}

/// Rows that both have, as often as both have them.
fn common(ours: &[Row], theirs: &[Row]) -> usize {
    let (mut i, mut j, mut same) = (0, 0, 0);
    while let (Some(one), Some(other)) = (ours.get(i), theirs.get(j)) {
        match one.row.cmp(&other.row) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => (i, j, same) = (i + 1, j + 1, same + 1),
        }
    }
    same
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(list: &[(u64, u64)]) -> Vec<Row> {
        let mut rows: Vec<Row> =
            list.iter().map(|&(key, row)| Row { key, row, group: key as u16 }).collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn changed_and_one_sided_rows_are_told_apart() {
        let source = rows(&[(1, 1), (2, 2), (3, 3), (5, 5)]);
        let target = rows(&[(1, 1), (2, 9), (4, 4), (5, 5)]);
        let (counts, groups) = count(&source, &target);
        assert_eq!(counts, Counts { source_only: 1, target_only: 1, changed: 1 });
        assert_eq!(groups, [2, 3, 4]);
    }

    #[test]
    fn duplicates_count_without_a_key() {
        let source = rows(&[(7, 7), (7, 7), (7, 7), (8, 8)]);
        let (counts, _) = count(&source, &rows(&[(7, 7), (9, 9)]));
        assert_eq!(counts, Counts { source_only: 3, target_only: 1, changed: 0 });
    }

    #[test]
    fn a_key_is_found_among_the_columns() {
        let group = Some("g".to_owned());
        let key = Key { names: vec!["k".to_owned()], positions: vec![1], group };
        let [one, other, third] = ["12\ta\t5\tx\n", "12\tb\t5\ty\n", "13\ta\t6\tx\n"]
            .map(|line| key.row(line.as_bytes()));
        assert_eq!((one.key, one.group), (other.key, 12));
        assert_ne!(one.row, other.row);
        assert_ne!(one.key, third.key);
        let last = Key { names: Vec::new(), positions: vec![1], group: None };
        assert_eq!(last.row(b"a\t5\n").key, last.row(b"b\t5\n").key);
    }
}
