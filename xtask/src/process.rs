//! Runs other programs: captured within a bound, or shown as they are.

use std::env;
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use flexway_lab::run;

/// Listing the project's files takes milliseconds.
pub(crate) const GIT_LIMIT: Duration = Duration::from_secs(60);

/// A failure, as a fragment that fits after "failed to".
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Runs a program to its end and returns what it printed, whether it succeeded or not.
pub(crate) fn capture(command: Command, limit: Duration) -> Result<Output> {
    run::output(command, "", &env::temp_dir(), limit).map_err(|error| chain(&error))
}

/// Runs a program that has to succeed; returns its standard output.
pub(crate) fn read(command: Command, limit: Duration) -> Result<String> {
    let words = words(&command);
    let output = capture(command, limit)?;
    if !output.status.success() {
        return Err(format!("run `{words}`: {}", reason(&output)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program on our own terminal.
pub(crate) fn show(mut command: Command) -> Result<ExitStatus> {
    command.status().map_err(|error| format!("start `{}`: {error}", words(&command)))
}

/// The command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The line that tells best why a program failed.
///
/// npm and pip name a network's fault on the way and end with its consequences; without such a
/// line the last one tells most.
pub(crate) fn reason(output: &Output) -> String {
    const TELLING: [&str; 3] = ["reason:", "connection broken by", "npm error 4"];
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let is_telling = |line: &&&str| TELLING.iter().any(|words| line.contains(words));
    let told = lines.iter().find(is_telling).or(lines.last());
    told.map_or_else(|| output.status.to_string(), |line| (*line).to_owned())
}

/// An error with its causes, joined by colons.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
