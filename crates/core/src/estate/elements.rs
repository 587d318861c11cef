//! The elements of a JSON list, one after the other, out of a window that moves over the input.

use std::io::{self, Read};

use super::json::Json;

/// Bytes that are read at a time: about the cache of a core.
pub(super) const STEP: usize = 1 << 19;

/// What may stand between the values of a JSON text.
const SPACE: [char; 4] = [' ', '\n', '\r', '\t'];

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum Turn {
    List,
    First,
    More,
    End,
}

/// Hands out every element of a list, with its text. Never holds more of the input than its largest element, twice, and a step. False
/// where the input is anything else than one list in UTF-8; some elements may have been handed out then.
///
/// # Errors
/// The input cannot be read.
pub(super) fn each_element(
    mut input: impl Read,
    window: &mut Vec<u8>,
    step: usize,
    mut take: impl FnMut(&Json, &str),
) -> io::Result<bool> {
    window.clear();
    window.reserve(2 * step);
    let mut turn = Turn::List;
    loop {
        // An element that does not fit is read again when twice as much is there.
        let wanted = window.len().max(step) as u64;
        let is_all = input.by_ref().take(wanted).read_to_end(window)? == 0;
        let Some(text) = whole_characters(window) else { return Ok(false) };
        let mut rest = text;
        loop {
            let ahead = rest.trim_start_matches(SPACE);
            match (turn, ahead.chars().next()) {
                (_, None) => break,
                (Turn::List, Some(mark @ '\u{feff}')) => rest = &ahead[mark.len_utf8()..],
                (Turn::List, Some('[')) => (rest, turn) = (&ahead[1..], Turn::First),
                (Turn::First | Turn::More, Some(']')) => (rest, turn) = (&ahead[1..], Turn::End),
                (Turn::First, Some(_)) | (Turn::More, Some(',')) => {
                    let mut behind = if turn == Turn::More { &ahead[1..] } else { ahead };
                    match take_value(&mut behind) {
                        // A number may go on in what comes next.
                        Some((element, own)) if is_all || !behind.is_empty() => {
                            take(&element, own);
                            (rest, turn) = (behind, Turn::More);
                        }
                        _ => break,
                    }
                }
                _ => return Ok(false),
            }
        }
        if is_all {
            let is_over = text.len() == window.len() && rest.trim_start_matches(SPACE).is_empty();
            return Ok(is_over && turn == Turn::End);
        }
        let taken = text.len() - rest.len();
        window.drain(..taken);
    }
}

/// Takes one JSON value off the front of a text; with its own text.
pub(super) fn take_value<'t>(text: &mut &'t str) -> Option<(Json<'t>, &'t str)> {
    let all = text.trim_start_matches(SPACE);
    let mut values = serde_json::Deserializer::from_str(all).into_iter::<Json>();
    let value = values.next()?.ok()?;
    let (own, rest) = all.split_at(values.byte_offset());
    *text = rest.trim_start_matches(SPACE);
    Some((value, own))
}

/// The text that bytes begin with, up to a character that is not all there; `None` where it is not UTF-8.
fn whole_characters(bytes: &[u8]) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(why) if why.error_len().is_none() => {
            std::str::from_utf8(&bytes[..why.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}
