//! Connection strings where none belongs: they can hold passwords, so no message repeats them.

use std::ffi::OsString;

use clap::error::Error;

use crate::exit::Failure;

/// What takes the place of a connection string in a message.
const HIDDEN: &str = "(a connection string)";

/// Why one is refused.
pub(crate) const WHY: &str =
    "it looks like a connection string, and is not repeated: it may hold a password";

/// What to give instead of one.
const INSTEAD: &str = "name the server or its ARM id; a URL goes to --source-url or --target-url, which keep passwords out of `ps`";

/// Options whose value may be a connection string or any text: their commands say what is wrong with it.
const FREE_OPTIONS: [&str; 3] = ["--ledger", "--source-url", "--target-url"];

/// Commands whose words may be any text.
const FREE_COMMANDS: [&str; 2] = ["explain", "lab"];

/// Whether a text that should name a server may be a connection string. No id and no name of a server has any of these letters.
pub(crate) fn is_like(text: &str) -> bool {
    text.contains(['@', '=']) || text.contains("://")
}

/// Whether any text, such as a path, holds a connection string.
fn is_within(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["://", "password=", "password =", "pwd="].into_iter().any(|mark| lower.contains(mark))
}

/// A text as it may be shown.
pub(crate) fn shown(text: &str) -> &str {
    if is_within(text) || text.contains('@') { HIDDEN } else { text }
}

/// Refuses a connection string where a server is to be named; `what` fits after "failed to".
pub(crate) fn refuse(what: &str, text: &str) -> Result<(), Failure> {
    match is_like(text) {
        true => Err(Failure::usage(what, WHY, INSTEAD)),
        false => Ok(()),
    }
}

/// Refuses arguments that hold a connection string where none belongs.
pub(crate) fn refuse_arguments(arguments: &[OsString]) -> Result<(), Failure> {
    let texts: Vec<_> = arguments.iter().map(|one| one.to_string_lossy()).collect();
    if texts.get(1).is_some_and(|command| FREE_COMMANDS.contains(&&**command)) {
        return Ok(());
    }
    for pair in texts.windows(2) {
        let (option, value) = joined(&pair[1]).unwrap_or((&*pair[0], &*pair[1]));
        if is_within(value) && !FREE_OPTIONS.contains(&option) {
            let what = match option.starts_with("--") {
                true => format!("read the value of {option}"),
                false => "read the arguments".to_owned(),
            };
            return Err(Failure::usage(what, WHY, INSTEAD));
        }
    }
    Ok(())
}

/// An option with its value, where they are one argument.
fn joined(argument: &str) -> Option<(&str, &str)> {
    argument.split_once('=').filter(|(option, _)| option.starts_with("--"))
}

/// The refusal that takes the place of a parser's message which repeats an argument that may hold a password.
pub(crate) fn instead_of(error: &Error, arguments: &[OsString]) -> Option<Failure> {
    let said = error.to_string();
    let mut texts = arguments.iter().skip(1).map(|one| one.to_string_lossy());
    let is_repeated = texts.any(|text| {
        let value = joined(&text).map_or(&*text, |(_, value)| value);
        shown(value) == HIDDEN && said.contains(value)
    });
    is_repeated.then(|| Failure::usage("read the arguments", WHY, INSTEAD))
}
