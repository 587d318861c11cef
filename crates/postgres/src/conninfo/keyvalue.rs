//! The grammar of libpq's `key = 'value'` connection strings.

use super::ConnInfoError;

/// The pairs of a key/value string, in order.
pub(crate) fn read(text: &str) -> Result<Vec<(String, String)>, ConnInfoError> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(no_equals)?;
        let key = key.trim_end();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(no_equals());
        }
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('\'') {
            Some(quoted) => read_quoted(key, quoted)?,
            None => read_bare(after),
        };
        pairs.push((key.to_owned(), value));
        rest = left.trim_start();
    }
    Ok(pairs)
}

fn no_equals() -> ConnInfoError {
    ConnInfoError::new(
        "it is neither a postgres:// URL nor key=value pairs: a word stands without `=`; \
         put values \
         with spaces between single quotes",
    )
}

/// Up to the closing quote; a backslash takes the next character as it is.
fn read_quoted<'a>(key: &str, text: &'a str) -> Result<(String, &'a str), ConnInfoError> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' => return Ok((value, &text[at + 1..])),
            '\\' => value.extend(characters.next().map(|(_, next)| next)),
            _ => value.push(character),
        }
    }
    // The key is safe to show only when it is a parameter's name; otherwise it may be part of a
    // value with a stray quote.
    let named = if super::parameters::is_known(key) { key } else { "a parameter" };
    Err(ConnInfoError::new(format!("the value of {named} has no closing quote")))
}

/// Up to white space.
fn read_bare(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, next)| next)),
            _ if character.is_whitespace() => return (value, &text[at..]),
            _ => value.push(character),
        }
    }
    (value, "")
}
