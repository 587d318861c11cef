//! Runs a program to its end within a bound, keeping what it printed.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// How often a waiting loop looks again: short beside the second that a server takes to start.
pub(crate) const POLL: Duration = Duration::from_millis(20);

/// Lines of a program's output that an error quotes: PostgreSQL's message, detail and hint.
const QUOTED_LINES: usize = 5;

/// Runs the command, its standard input being `input`, and returns what it printed.
///
/// Input and output go through unnamed files in `scratch`, so neither side can block the other.
///
/// # Errors
/// [`Error::Io`] when it cannot be started, [`Error::Timeout`] when it was ended at the limit.
/// A program that fails is not an error here: see the output's status.
pub fn output(
    mut command: Command,
    input: &str,
    scratch: &Path,
    limit: Duration,
) -> Result<Output, Error> {
    let program = name(&command);
    let during = |step: &str| Error::io(format!("{step} {program}"));
    let mut stdin = unnamed_file(scratch)?;
    stdin.write_all(input.as_bytes()).and_then(|()| stdin.rewind()).map_err(during("feed"))?;
    let mut stdout = unnamed_file(scratch)?;
    let mut stderr = unnamed_file(scratch)?;
    command.stdin(stdin);
    command.stdout(stdout.try_clone().map_err(during("read from"))?);
    command.stderr(stderr.try_clone().map_err(during("read from"))?);

    let mut child = command.spawn().map_err(during("start"))?;
    let Some(status) = wait(&mut child, limit).map_err(during("wait for"))? else {
        child.kill().and_then(|()| child.wait()).map_err(during("end"))?;
        return Err(Error::Timeout { what: format!("run {program}"), seconds: limit.as_secs() });
    };
    let stdout = read_back(&mut stdout).map_err(during("read from"))?;
    let stderr = read_back(&mut stderr).map_err(during("read from"))?;
    Ok(Output { status, stdout, stderr })
}

/// As [`output`], for a program that has to succeed; returns its standard output.
pub(crate) fn run(
    command: Command,
    input: &str,
    scratch: &Path,
    limit: Duration,
) -> Result<String, Error> {
    let program = name(&command);
    let output = output(command, input, scratch, limit)?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let said = if complaint.trim().is_empty() { printed.as_str() } else { &complaint };
    Err(Error::Program { program, detail: describe(output.status, said) })
}

/// Waits until the child has ended, at most so long; `None` when it still runs.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= deadline {
            return Ok(status);
        }
        thread::sleep(POLL);
    }
}

/// The last lines of a text, joined to one.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("; ")
}

fn describe(status: ExitStatus, said: &str) -> String {
    match tail(said) {
        said if said.is_empty() => status.to_string(),
        said => said,
    }
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}

/// A file that has no name any more, so that nothing is left when we end.
fn unnamed_file(folder: &Path) -> Result<File, Error> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("scratch-{}-{count}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path);
    file.and_then(|file| fs::remove_file(&path).map(|()| file))
        .map_err(Error::io(format!("make {}", path.display())))
}

fn read_back(file: &mut File) -> std::io::Result<Vec<u8>> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn run_shell(script: &str, input: &str, limit_ms: u64) -> Result<String, Error> {
        run(shell(script), input, &std::env::temp_dir(), Duration::from_millis(limit_ms))
    }

    #[test]
    fn output_is_returned_and_input_is_read() {
        let text = run_shell("cat; echo more", "line\n", 10_000).expect("sh runs");
        assert_eq!(text, "line\nmore\n");
    }

    #[test]
    fn an_error_quotes_what_was_said() {
        let error = run_shell("echo one; echo reason >&2; exit 3", "", 10_000);
        assert_eq!(error.expect_err("it fails").to_string(), "run sh: reason");
        let error = run_shell("exit 3", "", 10_000).expect_err("it fails");
        assert_eq!(error.to_string(), "run sh: exit status: 3");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let error = run_shell("exec sleep 60", "", 100).expect_err("it hangs");
        assert!(matches!(error, Error::Timeout { .. }), "{error}");
    }
}
