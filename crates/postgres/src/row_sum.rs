//! The content of a table as one number: each row hashed as COPY writes it, the hashes added, so that order does not matter and
//! duplicates count.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::copy::Format;

/// What a binary COPY begins with: signature, flags, and the length of an extension, which no server sends.
/// Source: PostgreSQL 18, "COPY", binary format.
const HEADER_BYTES: usize = 19;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// What a binary COPY ends with, in place of a row's number of columns.
const TRAILER: &[u8] = &[0xff, 0xff];

/// Rows and the sum of their 128-bit hashes modulo 2^128.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RowSum {
    /// Rows seen.
    pub(crate) rows: u64,
    /// Sum of the hashes. Two differing tables agree by accident once in 2^128; it is no defence
    /// against forgery.
    pub(crate) sum: u128,
}

impl RowSum {
    /// Adds one CopyData message as a server sends it: a row, in binary format also the header before or the trailer after it.
    pub(crate) fn add(&mut self, format: Format, message: &[u8]) {
        let row = match format {
            Format::Text => message,
            Format::Binary => {
                let row = without_header(message);
                if row.is_empty() || row == TRAILER {
                    return;
                }
                row
            }
        };
        self.rows += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(row));
    }
}

fn without_header(message: &[u8]) -> &[u8] {
    // No row begins so: it would have 20,551 columns, and 1,600 are the most.
    if message.starts_with(SIGNATURE) {
        message.get(HEADER_BYTES..).unwrap_or(&[])
    } else {
        message
    }
}

/// A message that comes in pieces, too long to be kept.
pub(crate) struct LongMessage {
    hash: Box<Xxh3>,
    is_first: bool,
}

impl LongMessage {
    pub(crate) fn new() -> LongMessage {
        LongMessage { hash: Box::new(Xxh3::new()), is_first: true }
    }

    /// Takes the next piece. The first must be long enough to hold a header.
    pub(crate) fn feed(&mut self, format: Format, piece: &[u8]) {
        let piece = match format {
            Format::Binary if self.is_first => without_header(piece),
            Format::Binary | Format::Text => piece,
        };
        self.is_first = false;
        self.hash.update(piece);
    }

    /// Adds the row to a sum.
    pub(crate) fn end(self, sum: &mut RowSum) {
        sum.rows += 1;
        sum.sum = sum.sum.wrapping_add(self.hash.digest128());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> RowSum {
        let mut found = RowSum::default();
        rows.iter().for_each(|row| found.add(Format::Text, row.as_bytes()));
        found
    }

    #[test]
    fn order_does_not_matter_and_duplicates_count() {
        assert_eq!(of(&["a\n", "b\n"]), of(&["b\n", "a\n"]));
        assert_ne!(of(&["a\n", "a\n"]), of(&["b\n", "b\n"]));
        assert_ne!(of(&["a\n", "a\n"]).sum, 0);
        assert_ne!(of(&["ab\n"]).sum, of(&["a\n", "b\n"]).sum);
    }

    #[test]
    fn headers_and_trailers_are_no_rows() {
        let header = [SIGNATURE, &[0; 8]].concat();
        let row: &[u8] = &[0, 1, 0, 0, 0, 1, b'x'];
        let mut whole = RowSum::default();
        for message in [&[&header[..], row].concat()[..], row, TRAILER] {
            whole.add(Format::Binary, message);
        }
        let mut bare = RowSum::default();
        [row, row].iter().for_each(|row| bare.add(Format::Binary, row));
        assert_eq!((whole, whole.rows), (bare, 2));
        let mut empty = RowSum::default();
        empty.add(Format::Binary, &[&header[..], TRAILER].concat());
        assert_eq!(empty, RowSum::default());
    }

    #[test]
    fn a_message_in_pieces_counts_like_a_whole_one() {
        let row: Vec<u8> = (0..1000).map(|n| (n % 251) as u8).collect();
        let message = [SIGNATURE, &[0; 8], &row].concat();
        let (mut whole, mut pieces) = (RowSum::default(), RowSum::default());
        whole.add(Format::Binary, &message);
        let mut long = LongMessage::new();
        message.chunks(100).for_each(|piece| long.feed(Format::Binary, piece));
        long.end(&mut pieces);
        assert_eq!(whole, pieces);
    }
}
