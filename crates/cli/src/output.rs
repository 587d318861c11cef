//! What commands print: answers, remarks, several failures at once, JSON.
//!
//! A reader that goes away (`| head`) ends nothing: a move is worth more than its log.

use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::path::Path;

use flexway_core::text::steers;
use flexway_engine::report::Problem;
use serde::Serialize;

use crate::exit::Failure;

/// Failures shown at most: the ledger and the JSON hold all of them.
const SHOWN_MAX: usize = 20;

/// A line of the answer: on standard output, or beside the JSON on standard error.
pub(crate) fn answer(line: &str, is_json_there: bool) {
    if is_json_there {
        remark(line);
    } else {
        say(line);
    }
}

/// A line on standard output.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(Tame(std::io::stdout().lock()), "{line}");
}

/// A line for people on standard error.
pub(crate) fn remark(line: impl Display) {
    let _ = writeln!(Tame(std::io::stderr().lock()), "{line}");
}

/// Columns of the terminal that shows the answer; without end where it goes into a file.
pub(crate) fn columns() -> usize {
    let size = terminal_size::terminal_size_of(std::io::stdout());
    size.map_or(usize::MAX, |(width, _)| usize::from(width.0))
}

/// Whether a path to write to stands for standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A text of others, as one line, without what could steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|one| if steers(one) { ' ' } else { one }).collect()
}

/// Writes text with names of others in it: styles and ends of lines pass, and nothing else that could steer a terminal.
pub(crate) struct Tame<W>(pub(crate) W);

impl<W: Write> Write for Tame<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        // A style comes as a piece of its own.
        let is_style = |inner: &[u8]| inner.iter().all(|one| matches!(one, b'0'..=b'9' | b';'));
        if bytes
            .strip_prefix(b"\x1b[")
            .and_then(|rest| rest.strip_suffix(b"m"))
            .is_some_and(is_style)
        {
            return self.0.write_all(bytes);
        }
        let text = String::from_utf8_lossy(bytes);
        match text.chars().any(|one| steers(one) && one != '\n') {
            false => self.0.write_all(bytes),
            true => {
                let lines: Vec<String> = text.split('\n').map(printable).collect();
                self.0.write_all(lines.join("\n").as_bytes())
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use anstyle::{AnsiColor, Style};

    use super::Tame;

    #[test]
    fn only_styles_and_ends_of_lines_pass() {
        let red: Style = AnsiColor::Red.on_default();
        let mut out = Tame(Vec::new());
        let name = "a\u{1b}[2Jb\u{9b}c\rd\u{202e}e";
        writeln!(out, "{red}{name}{red:#} ö").expect("memory takes it");
        let text = String::from_utf8(out.0).expect("it is text");
        assert_eq!(text, format!("{red}a [2Jb c d e{red:#} ö\n"));
    }
}

/// Prints all failures but the last, which ends the command.
pub(crate) fn tell(problems: &[Problem], after: &str) -> Failure {
    let left_out = problems.len().saturating_sub(SHOWN_MAX);
    let mut failures = problems.iter().take(SHOWN_MAX).map(|problem| {
        let why = match &problem.database {
            Some(database) => format!("{} (database {database})", problem.why),
            None => problem.why.clone(),
        };
        (problem.what.clone(), why, problem.help.clone())
    });
    let last = failures.next_back();
    for (what, why, help) in failures {
        remark(Failure::failed(what, why, help));
    }
    if left_out > 0 {
        remark(format_args!("and {left_out} more"));
    }
    let (what, why, help) =
        last.unwrap_or_else(|| ("finish".into(), "not known".into(), "".into()));
    let help = match (help.is_empty(), after.is_empty()) {
        (_, true) => help,
        (true, false) => after.to_owned(),
        (false, false) => format!("{help}\n  {after}"),
    };
    Failure::failed(what, why, help)
}

/// A report with the name of its schema in front.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'a str,
    #[serde(flatten)]
    report: &'a T,
}

/// Prints a report as JSON on standard output. Where that is a file, it has to hold it.
pub(crate) fn print_json<T: Serialize>(schema: &str, report: &T) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed("print the report", error, "");
    let text = serde_json::to_string_pretty(&Document { schema, report })
        .map_err(|error| failed(&error))?;
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(failed(&error)),
        _ => Ok(()),
    }
}
