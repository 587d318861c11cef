//! Bytes of a file into text, whichever program wrote it, and lists in a sentence.
//!
//! PowerShell 5 writes UTF-16 with a byte order mark when output is redirected by `>`, and some editors put a mark before UTF-8.

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

/// Bytes that are no text. Places count from the file's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoText {
    /// Half of a character that has two halves, without the other.
    #[error("it is UTF-16 with half a character at byte {0}; write it anew as UTF-8")]
    LoneSurrogate(usize),
    /// The last character is cut in two.
    #[error("it is UTF-16 and ends inside a character; write it anew as UTF-8")]
    OddLength,
    /// Neither UTF-8 nor marked as anything else.
    #[error("it is neither UTF-8 nor UTF-16 (byte {0}); write it anew as UTF-8")]
    NotUtf8(usize),
}

/// The text of some bytes, without a byte order mark. UTF-16 is known by its mark, or by the zero byte that the first character of
/// JSON has there; all else is UTF-8.
///
/// # Errors
/// [`NoText`], with the place where the encoding is broken.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, NoText> {
    const MARK: &str = "\u{feff}";
    match bytes {
        [0xff, 0xfe, ..] | [_, 0, ..] => utf16(bytes, u16::from_le_bytes).map(Cow::Owned),
        [0xfe, 0xff, ..] | [0, _, ..] => utf16(bytes, u16::from_be_bytes).map(Cow::Owned),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text.strip_prefix(MARK).unwrap_or(text))),
            Err(why) => Err(NoText::NotUtf8(why.valid_up_to())),
        },
    }
}

/// Whether a terminal acts on a character, or shows the ones beside it in another order.
pub fn steers(one: char) -> bool {
    one.is_control() || matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, NoText> {
    const MARK: u16 = 0xfeff;
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(NoText::OddLength);
    }
    let units = units.iter().map(|pair| unit(*pair));
    let is_marked = units.clone().next() == Some(MARK);
    // Mostly ASCII, which takes half as many bytes in UTF-8.
    let mut text = String::with_capacity(bytes.len() / 2);
    for decoded in char::decode_utf16(units.skip(usize::from(is_marked))) {
        match decoded {
            Ok(character) => text.push(character),
            Err(_) => return Err(NoText::LoneSurrogate(place(&text, is_marked))),
        }
    }
    Ok(text)
}

/// The place in a UTF-16 file that follows a text.
fn place(text: &str, is_marked: bool) -> usize {
    2 * (text.encode_utf16().count() + usize::from(is_marked))
}

/// The first names of a list, and how many more there are.
pub(crate) fn some_of<T: AsRef<str>>(names: &[T], shown_max: usize) -> String {
    let shown: Vec<&str> = names.iter().take(shown_max).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(shown_max) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// JSON without comments, as Azure takes templates with them: `// ...` to the end of the line and `/* ... */`. Blanks stand in their
/// place, so that whatever is wrong stays in its line. `None` where there are none.
pub fn without_comments(json: &str) -> Option<String> {
    let comments = comments(json);
    let mut plain = String::with_capacity(if comments.is_empty() { 0 } else { json.len() });
    let mut end = 0;
    for comment in &comments {
        plain.push_str(&json[end..comment.start]);
        let letters = json[comment.clone()].chars();
        plain.extend(letters.map(|one| if one == '\n' { one } else { ' ' }));
        end = comment.end;
    }
    (!comments.is_empty()).then(|| plain + &json[end..])
}

/// Where comments stand.
fn comments(json: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(place) = json[at..].find(['"', '/']) {
        let (start, rest) = (at + place, &json[at + place..]);
        let length = match rest.as_bytes() {
            [b'"', ..] => quoted(rest),
            [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            _ => 1,
        };
        at = start + length;
        if rest.starts_with("//") || rest.starts_with("/*") {
            found.push(start..at);
        }
    }
    found
}

/// Length of the string that a text begins with, its quotes included.
fn quoted(text: &str) -> usize {
    let mut is_escaped = false;
    let mut inner = text.char_indices().skip(1);
    let end = inner.find(|(_, one)| {
        let is_end = *one == '"' && !is_escaped;
        is_escaped = *one == '\\' && !is_escaped;
        is_end
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}
