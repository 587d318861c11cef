//! Runs pg_dump: nothing secret in its arguments, everything it writes bounded.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use flexway_core::migrate::{MoveError, Remedy};

use crate::ask::{Outcome, act, help_of};
use crate::octets;
use crate::pool::connect;
use crate::stream::TICK;
use crate::watch::Watch;
use crate::{ConnInfo, locks};

/// A schema's text above this is refused: it would not fit into one message of the protocol either.
const TEXT_BYTES_MAX: u64 = 1 << 30;

/// A schema of 100,000 tables takes a few minutes; an hour means that pg_dump waits for something
/// that does not come.
const RUN_TIME_MAX: Duration = Duration::from_secs(3600);

/// pg_dump explains itself in its last lines.
const ERROR_LINES_MAX: usize = 6;
/// A line of pg_dump's that is longer repeats SQL.
const LINE_CHARS_MAX: usize = 400;

/// libpq's own words for a connection that did not come about, or broke; the server's may be in any
/// language. Source: PostgreSQL 9.5 to 18, fe-connect.c, fe-misc.c, fe-exec.c, fe-secure*.c.
const CONNECTION_TROUBLE: [&str; 13] = [
    "server closed the connection unexpectedly",
    "SSL connection has been closed unexpectedly",
    "SSL SYSCALL error",
    "could not receive data from server",
    "could not send data to server",
    "lost synchronization with server",
    "no connection to the server",
    "connection not open",
    "connection to server",
    "connection to database",
    "could not connect to server",
    "could not translate host name",
    "timeout expired",
];

/// Words of a refusal that is libpq's own: it does not pass by itself.
const TLS_TROUBLE: [&str; 4] = ["certificate", "SSL error", "sslmode", "does not support SSL"];

/// What the statement that takes over a snapshot becomes in the messages.
const NO_SNAPSHOT: &str = "the snapshot could not be taken over";

/// What the statement that locks tables becomes.
const NO_LOCK: &str = "tables could not be locked";

/// Part of the schema, as pg_dump cuts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What comes before the data.
    PreData,
    /// The same, for comparing it.
    PreDataToCompare,
    /// What comes after the data.
    PostData,
    /// Both, with the database itself and its settings, for comparing them.
    WholeWithDatabase,
    /// The database itself and its settings.
    DatabaseOnly,
}

/// Has every identifier quoted.
const QUOTED: &str = "--quote-all-identifiers";

impl Part {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Part::PreData => &["--section=pre-data", QUOTED],
            Part::PreDataToCompare => &["--section=pre-data"],
            Part::PostData => &["--section=post-data", QUOTED],
            Part::WholeWithDatabase => &["--create"],
            Part::DatabaseOnly => &["--create", "--section=pre-data", "--exclude-schema=*", QUOTED],
        }
    }
}

/// Text of the schema of the database that `info` names, as of `snapshot`; `encoding` is the client's.
///
/// Identifiers in what is run on the target are quoted throughout, since a word that is free on one
/// major may be reserved on the other. What is compared is not: majors quote some types, some not.
/// Tablespaces are left out: they are a matter of the target's disks. Subscriptions are left
/// out: their text holds passwords, and a copy that starts to pull from the old publisher would do
/// harm.
///
/// # Errors
/// pg_dump does not start, fails (its last lines say why), takes too long or writes too much.
pub(crate) fn run(
    pg_dump: &str,
    info: &ConnInfo,
    encoding: &str,
    part: Part,
    snapshot: Option<&str>,
) -> Outcome<String> {
    let what = format!("dump the schema of {}", info.label());
    let mut command = Command::new(pg_dump);
    command.args(["--schema-only", "--no-password", "--no-tablespaces", "--no-subscriptions"]);
    command.arg(format!("--lock-wait-timeout={}", locks::WAIT_MAX));
    command.arg(format!("--encoding={encoding}")).args(part.arguments());
    command.args(snapshot.map(|id| format!("--snapshot={id}")));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.envs(info.tool_environment()).env("LC_MESSAGES", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        act(
            &what,
            format!("{pg_dump} does not start: {error}"),
            "install it again, or set FLEXWAY_PG_BIN",
        )
    })?;
    collect(&what, info, &mut child)
}

enum Piece {
    Text(std::io::Result<Vec<u8>>),
    Errors(VecDeque<String>),
}

/// Reads both pipes of the child to their ends.
fn collect(what: &str, info: &ConnInfo, child: &mut Child) -> Outcome<String> {
    let (sender, pieces) = channel();
    if let Some(stdout) = child.stdout.take() {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let result = stdout.take(TEXT_BYTES_MAX + 1).read_to_end(&mut text).map(|_| text);
            let _ = sender.send(Piece::Text(result));
        });
    }
    if let Some(stderr) = child.stderr.take() {
        std::thread::spawn(move || {
            let _ = sender.send(Piece::Errors(last_lines(BufReader::new(stderr))));
        });
    }
    let result = wait(what, &pieces, Watch::of(info));
    if result.is_err() {
        let _ = child.kill();
    }
    let status =
        child.wait().map_err(|error| act(what, format!("pg_dump was lost: {error}"), ""))?;
    let (text, errors) = result?;
    if !status.success() {
        let said = Vec::from(errors).join("; ");
        let said = if said.is_empty() { status.to_string() } else { said };
        return Err(refused(what, info, &said));
    }
    Ok(octets::into_text(text))
}

/// The engine's words for what pg_dump said. When that is about its connection, one of our own
/// tells whether the server can be reached, in which rung it cannot, and what to do.
fn refused(what: &str, info: &ConnInfo, said: &str) -> MoveError {
    let why = format!("pg_dump: {said}");
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&[NO_SNAPSHOT]) {
        let help = "the session that pinned the snapshot is gone; run the command again";
        return MoveError { remedy: Remedy::Reopen, ..act(what, why, help) };
    }
    if says(&CONNECTION_TROUBLE) {
        return match connect(info) {
            Err(error) => error,
            Ok(_) if says(&TLS_TROUBLE) => {
                act(what, why, "give pg_dump what its libpq needs, or choose another sslmode")
            }
            Ok(_) => MoveError { remedy: Remedy::Retry, ..act(what, why, "") },
        };
    }
    if says(&["permission denied"]) {
        let help = "use a login that may read every table: the owner, a member of pg_read_all_data, or \
                    an administrator";
        return act(what, why, help);
    }
    let holders = || connect(info).and_then(|mut session| locks::holders(&mut session));
    // The server's own words for it may be in any language.
    if says(&[NO_LOCK])
        && let Ok(Some(holders)) = holders()
    {
        let why = format!("{why}; {holders}");
        return MoveError { remedy: Remedy::Contended, ..act(what, why, help_of("55P03")) };
    }
    act(what, why, "")
}

fn wait(
    what: &str,
    pieces: &Receiver<Piece>,
    mut watch: Watch,
) -> Outcome<(Vec<u8>, VecDeque<String>)> {
    let deadline = Instant::now() + RUN_TIME_MAX;
    let (mut text, mut errors) = (None, None);
    loop {
        match (text.take(), errors.take()) {
            (Some(text), Some(errors)) => return Ok((text, errors)),
            (earlier_text, earlier_errors) => (text, errors) = (earlier_text, earlier_errors),
        }
        match pieces.recv_timeout(TICK) {
            Ok(Piece::Text(Ok(bytes))) if bytes.len() as u64 > TEXT_BYTES_MAX => {
                return Err(act(
                    what,
                    "the schema is larger than 1 GiB",
                    "move it with pg_dump and pg_restore",
                ));
            }
            Ok(Piece::Text(Ok(bytes))) => text = Some(bytes),
            Ok(Piece::Text(Err(error))) => {
                return Err(act(what, format!("read from pg_dump: {error}"), ""));
            }
            Ok(Piece::Errors(lines)) => errors = Some(lines),
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {
                watch.quiet().map_err(|mute| MoveError {
                    remedy: Remedy::Retry,
                    ..act(what, mute.to_string(), "")
                })?;
            }
            Err(RecvTimeoutError::Timeout) => {
                return Err(act(
                    what,
                    "pg_dump did not end within an hour",
                    "see in pg_stat_activity of the server what it waits for",
                ));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(act(what, "pg_dump's output ended early", ""));
            }
        }
    }
}

/// The last lines that hold anything; pg_dump never writes a password there.
fn last_lines(stderr: impl BufRead) -> VecDeque<String> {
    let mut lines = VecDeque::new();
    for line in stderr.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        let line = line.strip_prefix("pg_dump: ").unwrap_or(&line);
        if line.is_empty() {
            continue;
        }
        // "detail: Query was: ..." repeats a page of catalog SQL.
        let lower = line.to_lowercase();
        let line = match lower.split_once("query was:") {
            Some((_, sql)) if sql.contains("set transaction snapshot") => NO_SNAPSHOT.to_owned(),
            Some((_, sql)) if sql.trim_start().starts_with("lock table") => NO_LOCK.to_owned(),
            Some(_) => continue,
            None => line.chars().take(LINE_CHARS_MAX).collect(),
        };
        if lines.len() == ERROR_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let text = (0..20).map(|n| format!("pg_dump: error: {n}\n")).collect::<String>();
        let lines = last_lines(text.as_bytes());
        assert_eq!(lines.len(), ERROR_LINES_MAX);
        assert_eq!(lines.back().map(String::as_str), Some("error: 19"));
    }

    #[test]
    fn a_server_that_takes_connections_and_does_not_answer_is_not_waited_for() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let text = format!(
            "host=127.0.0.1 port={port} user=u connect_timeout=2 keepalives_idle=1 \
             keepalives_interval=1 keepalives_count=1"
        );
        let info = ConnInfo::parse(&text, &|_| None).expect("a connection string");
        // pg_dump says nothing as long as it waits.
        let (_pg_dump, pieces) = channel();
        let error = wait("dump", &pieces, Watch::of(&info)).expect_err("nothing comes");
        assert_eq!(error.remedy, Remedy::Retry);
        assert!(error.why.contains("takes new connections without answering"), "{error}");
    }

    #[test]
    fn catalog_queries_are_not_repeated() {
        let text = "pg_dump: error: query failed: permission denied for table t\n\
                    pg_dump: detail: Query was: LOCK TABLE x\n";
        let lines = last_lines(text.as_bytes());
        assert_eq!(lines.len(), 2);
        assert_eq!(lines.back().map(String::as_str), Some(NO_LOCK));
        let text = "pg_dump: error: query failed: FEHLER:  ...\n\
                    pg_dump: error: query was: SET TRANSACTION SNAPSHOT '0-1'\n";
        assert_eq!(last_lines(text.as_bytes()).back().map(String::as_str), Some(NO_SNAPSHOT));
    }
}
