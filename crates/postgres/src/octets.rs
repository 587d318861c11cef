//! Bytes of no known encoding as text and back, without loss: in a database of encoding `SQL_ASCII`
//! names and text may be anything.
//!
//! What is UTF-8 stays itself; every other byte becomes a character of a private range, which no
//! server hands out: its own UTF-8 is taken for bytes, too.

use std::borrow::Cow;

/// Stands for byte 0; the 255 behind it for the others.
const FIRST: u32 = 0x10_FE00;
const LAST: u32 = FIRST + 0xFF;
/// How characters of the range begin in UTF-8.
const LEAD: [u8; 2] = [0xF4, 0x8F];

/// Text for `bytes`.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if !bytes.windows(2).any(|pair| pair == LEAD) => Cow::Borrowed(text),
        _ => Cow::Owned(decode_slowly(bytes)),
    }
}

/// As [`decode`], without a copy of what is UTF-8.
pub(crate) fn into_text(bytes: Vec<u8>) -> String {
    if let Cow::Owned(text) = decode(&bytes) {
        return text;
    }
    String::from_utf8(bytes).unwrap_or_else(|error| decode_slowly(error.as_bytes()))
}

fn decode_slowly(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let disguise = |text: &mut String, bytes: &[u8]| {
        text.extend(bytes.iter().filter_map(|&byte| char::from_u32(FIRST + u32::from(byte))));
    };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_disguise(c) {
                disguise(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(c);
            }
        }
        disguise(&mut text, chunk.invalid());
    }
    text
}

/// The bytes that `text` was decoded from.
pub(crate) fn encode(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(is_disguise) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        if is_disguise(c) {
            bytes.push((u32::from(c) - FIRST) as u8);
        } else {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Cow::Owned(bytes)
}

fn is_disguise(c: char) -> bool {
    (FIRST..=LAST).contains(&u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_whatever_they_are() {
        let disguised = char::from_u32(FIRST + 7).map(String::from).unwrap_or_default();
        let utf_8 = "naïve 🚀 \u{10ffff}";
        for bytes in [utf_8.as_bytes(), b"a\xfcb\xff", b"\xf4\x8f", disguised.as_bytes()] {
            assert_eq!(encode(&decode(bytes)), bytes);
        }
        assert_eq!(decode(utf_8.as_bytes()), utf_8);
        assert_eq!(decode(b"a\xfc").chars().count(), 2);
    }
}
