//! The contestants: Flexway with and without its comparison, the peers, and the servers alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use flexway_lab::{Install, Server};

use super::cost::{self, Cost};
use super::floor;
use crate::chores::target_folder;
use crate::process::Result;

/// Streams side by side: the machine of the goals has two cores.
pub(super) const JOBS: usize = 2;

/// Who moves the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    /// Flexway as it is: copied and compared by content.
    Flexway,
    /// Flexway told not to compare, as the peers do not.
    FlexwayUnverified,
    Pgcopydb,
    /// `pg_dump -Fd -j`, then `pg_restore -j`.
    DumpFolder,
    /// `pg_dump | psql`.
    DumpPipe,
    /// The servers alone, joined by named pipes.
    Floor,
}

impl Tool {
    pub(super) const ALL: [Tool; 6] = [
        Tool::Flexway,
        Tool::FlexwayUnverified,
        Tool::Pgcopydb,
        Tool::DumpFolder,
        Tool::DumpPipe,
        Tool::Floor,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Tool::Flexway => "flexway",
            Tool::FlexwayUnverified => "flexway-no-verify",
            Tool::Pgcopydb => "pgcopydb",
            Tool::DumpFolder => "dump-restore",
            Tool::DumpPipe => "dump-psql",
            Tool::Floor => "floor",
        }
    }

    /// Whether it is somebody else's, whose best result the goals refer to.
    pub(super) fn is_peer(self) -> bool {
        matches!(self, Tool::Pgcopydb | Tool::DumpFolder | Tool::DumpPipe)
    }
}

/// Two servers of one build, and where things are.
pub(super) struct Arena<'a> {
    pub(super) install: &'a Install,
    pub(super) source: &'a Server,
    pub(super) target: &'a Server,
    /// For files of the tools.
    pub(super) scratch: &'a Path,
}

impl Arena<'_> {
    /// Moves a database with one tool. The target has none of that name before and after.
    pub(super) fn run(&self, tool: Tool, database: &str) -> Result<Cost> {
        let admin =
            |sql: &str| self.target.psql("postgres", sql).map_err(|error| error.to_string());
        admin(&format!("DROP DATABASE IF EXISTS {database}"))?;
        if !matches!(tool, Tool::Flexway | Tool::FlexwayUnverified) {
            admin(&format!("CREATE DATABASE {database} TEMPLATE template0"))?;
        }
        admin("CHECKPOINT")?;
        let work = self.scratch.join("work");
        let _ = fs::remove_dir_all(&work);
        fs::create_dir(&work).map_err(|why| format!("make {}: {why}", work.display()))?;
        let done = self.measure(tool, database, &work);
        let _ = fs::remove_dir_all(&work);
        admin(&format!("DROP DATABASE IF EXISTS {database}"))?;
        done
    }

    fn measure(&self, tool: Tool, database: &str, work: &Path) -> Result<Cost> {
        let (from, to) = (self.source.url(database), self.target.url(database));
        match tool {
            Tool::Flexway => self.cost(self.flexway(database, work, &[])),
            Tool::FlexwayUnverified => self.cost(self.flexway(database, work, &["--no-verify"])),
            Tool::Pgcopydb => {
                let jobs = JOBS.to_string();
                let mut command = self.command(Path::new("pgcopydb"));
                command.args(["clone", "--no-owner", "--table-jobs", &jobs, "--index-jobs", &jobs]);
                command.args(["--source", &from, "--target", &to, "--dir"]).arg(work.join("state"));
                self.cost(command)
            }
            Tool::DumpFolder => {
                let (folder, jobs) = (work.join("dump"), format!("-j{JOBS}"));
                let mut dump = self.command(&self.install.program("pg_dump"));
                dump.args(["-Fd", "-Z0", &jobs, "-d", &from, "-f"]).arg(&folder);
                let mut restore = self.command(&self.install.program("pg_restore"));
                restore.args(["--no-owner", &jobs, "-d", &to]).arg(&folder);
                Ok(self.cost(dump)?.and(self.cost(restore)?))
            }
            Tool::DumpPipe => {
                let mut shell = self.command(Path::new("sh"));
                shell.args(["-c", "\"$1\" -d \"$2\" | \"$3\" -X -q -v ON_ERROR_STOP=1 -d \"$4\""]);
                shell.arg("sh").arg(self.install.program("pg_dump")).arg(from);
                shell.arg(self.install.program("psql")).arg(to);
                self.cost(shell)
            }
            Tool::Floor => floor::run(self, database, work),
        }
    }

    fn flexway(&self, database: &str, work: &Path, options: &[&str]) -> Command {
        let mut command = self.command(&target_folder().join("release/flexway"));
        command.args([
            "migrate",
            "--no-roles",
            "--database",
            database,
            "--jobs",
            &JOBS.to_string(),
        ]);
        command.args(options).arg("--ledger").arg(work.join("ledger"));
        command.env("FLEXWAY_SOURCE", self.source.url("postgres"));
        command.env("FLEXWAY_TARGET", self.target.url("postgres"));
        command
    }

    /// A program whose words go nowhere but into a log.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.install.bin.display()));
        let log = fs::File::options().create(true).append(true).open(self.scratch.join("log"));
        let outputs = log.and_then(|log| Ok((log.try_clone()?, log)));
        let (output, errors) = match outputs {
            Ok((output, errors)) => (Stdio::from(output), Stdio::from(errors)),
            Err(_) => (Stdio::null(), Stdio::null()),
        };
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        command
    }

    pub(super) fn cost(&self, command: Command) -> Result<Cost> {
        let log = self.scratch.join("log");
        cost::of(command, self.source, self.target)
            .map_err(|why| format!("{why}; its words are in {}", log.display()))
    }
}
