//! Two servers, a private folder, and the program under test.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use flexway_lab::{Options, Server, installed};
use serde_json::Value;

/// Longest wait for something that happens within a second or two, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Dropping it stops the servers and removes all folders.
pub(crate) struct Pair {
    pub(crate) source: Server,
    pub(crate) target: Server,
    /// What follows both URLs.
    pub(crate) parameters: &'static str,
    folder: Folder,
}

/// A private folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("flexway-move-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Pair {
    pub(crate) fn start(source: u32, target: u32) -> Pair {
        let start = |major| {
            let install = installed::find(major).unwrap();
            let hba = vec!["host all banned all reject".to_owned()];
            Server::start(&install, &Options { hba, ..Options::default() }).unwrap()
        };
        let (source, target) = (start(source), start(target));
        Pair { source, target, parameters: "", folder: Folder::new() }
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.path().join("move.ledger")
    }

    /// `flexway COMMAND` with both servers in its environment.
    pub(crate) fn command(&self, command: &str) -> Command {
        let mut flexway = flexway(self.folder.path());
        flexway.arg(command);
        for (name, server) in [("FLEXWAY_SOURCE", &self.source), ("FLEXWAY_TARGET", &self.target)] {
            flexway.env(name, server.url("postgres") + self.parameters);
        }
        flexway
    }

    /// `flexway migrate` with this pair's ledger.
    pub(crate) fn migrate(&self, more: &[&str]) -> Ran {
        let mut command = self.command("migrate");
        command.arg("--ledger").arg(self.ledger()).args(more);
        Ran::of(command)
    }

    pub(crate) fn verify(&self, more: &[&str]) -> Ran {
        let mut command = self.command("verify");
        command.args(more);
        Ran::of(command)
    }

    /// `flexway status --json`, as soon as there is a ledger.
    pub(crate) fn status(&self) -> Option<Value> {
        let mut command = flexway(self.folder.path());
        command.arg("status").arg("--json").arg("--ledger").arg(self.ledger());
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Begins a move and waits until the status says what `is_reached` looks for.
    pub(crate) fn begin(&self, more: &[&str], is_reached: impl Fn(&Value) -> bool) -> Child {
        let mut command = self.command("migrate");
        command.arg("--ledger").arg(self.ledger()).args(more);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let end = Instant::now() + PATIENCE;
        loop {
            if self.status().is_some_and(|status| is_reached(&status)) {
                return child;
            }
            if let Some(ended) = child.try_wait().unwrap() {
                let output = child.wait_with_output().unwrap();
                panic!("ended with {ended}: {}", String::from_utf8_lossy(&output.stderr));
            }
            assert!(Instant::now() < end, "not reached: {:?}", self.status());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn on_source(&self, database: &str, sql: &str) -> String {
        self.source.psql(database, sql).unwrap()
    }

    pub(crate) fn on_target(&self, database: &str, sql: &str) -> String {
        self.target.psql(database, sql).unwrap()
    }

    /// The same question gives the same answer on both sides.
    pub(crate) fn assert_same(&self, database: &str, sql: &str) {
        let (source, target) = (self.on_source(database, sql), self.on_target(database, sql));
        assert_eq!(source, target, "{database}: {sql}");
        assert!(!source.trim().is_empty(), "{database}: nothing to compare: {sql}");
    }
}

/// The program under test with an environment of its own.
pub(crate) fn flexway(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    let kept = ["PATH", "FLEXWAY_CACHE", "TMPDIR", "LD_LIBRARY_PATH", "USER"];
    command.env_clear().envs(std::env::vars().filter(|(name, _)| kept.contains(&name.as_str())));
    command.env("HOME", folder).env("XDG_STATE_HOME", folder.join("state"));
    command.stdin(Stdio::null());
    command
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(mut command: Command) -> Ran {
        Ran::from(command.output().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err))
    }

    /// Panics with everything that was said unless it ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in\n{}", self.err);
        }
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
