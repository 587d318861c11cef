//! The process that a twin lives in: namespaces for networks, mounts and processes. When it ends, however it ends, the kernel ends
//! every process of the twin and takes its networks away.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::account::clean_command;
use crate::{Error, folder};

/// The first process of a twin. It waits for the word to stay; without it, it ends with whoever started it. Then it waits for every
/// process whose own parent has ended: one that nobody waits for would look like a running server.
const SCRIPT: &str = r#"
ip link set lo up
echo ready
exec > /dev/null 2>&1
read -r word
[ "$word" = stay ] || exit
while :; do sleep infinity & wait $!; done
"#;

/// A process, told from a later one of the same number by its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// Clock ticks between the machine's start and its own.
    pub start: u64,
}

impl Process {
    /// The living process of a number; `None` when there is none.
    pub fn living(id: u32) -> Option<Process> {
        folder::start_time(id).map(|start| Process { id, start })
    }

    /// Whether it still lives.
    pub fn lives(&self) -> bool {
        Process::living(self.id) == Some(*self)
            && is_alive(&Path::new("/proc").join(self.id.to_string()))
    }

    /// A command that runs in the twin, among its processes and with its mounts, in its outer network.
    pub fn enter(&self) -> Command {
        let mut command = clean_command(Path::new("nsenter"));
        let of = |kind: &str| format!("/proc/{}/ns/{kind}", self.id);
        command
            .arg(format!("--mount={}", of("mnt")))
            .arg(format!("--net={}", of("net")))
            .arg(format!("--ipc={}", of("ipc")));
        command.arg(format!("--pid={}", of("pid_for_children")));
        command
    }

    /// Where the twin's mounts are seen from outside.
    pub fn root(&self) -> std::path::PathBuf {
        Path::new("/proc").join(self.id.to_string()).join("root")
    }

    /// Ends it, and so everything in the twin. Ending a dead one does nothing.
    ///
    /// # Errors
    /// [`Error::Io`] when the signal cannot be sent, [`Error::Timeout`] when it does not end.
    pub fn end(&self) -> Result<(), Error> {
        const TRIES: u32 = 500;
        if !self.lives() {
            return Ok(());
        }
        let pid = i32::try_from(self.id).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let sent = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            sent.map_err(|why| Error::io("end the twin's first process")(why.into()))?;
        }
        for _ in 0..TRIES {
            if !self.lives() {
                return Ok(());
            }
            std::thread::sleep(crate::run::POLL);
        }
        Err(Error::Timeout { what: "end the twin".to_owned(), seconds: 10 })
    }
}

/// Whether there is a process behind a folder of /proc that has not ended; one that nobody waited for has.
pub(super) fn is_alive(folder: &Path) -> bool {
    let stat = std::fs::read_to_string(folder.join("stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// A twin's first process, held by its owner.
#[derive(Debug)]
pub(crate) struct Keeper {
    child: Child,
    input: Option<ChildStdin>,
    process: Process,
}

impl Keeper {
    pub(crate) fn start() -> Result<Keeper, Error> {
        let mut command = clean_command(Path::new("unshare"));
        command.args([
            "--mount",
            "--net",
            "--ipc",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ]);
        command.args(["sh", "-c", SCRIPT, "flexway-twin"]).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own: a Ctrl-C is for the owner, who then ends the twin.
        let mut child = command.process_group(0).spawn().map_err(Error::io("start unshare"))?;
        let input = child.stdin.take();
        let mut line = String::new();
        let read = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        let process = Process::living(child.id());
        match (read, process) {
            (Some(Ok(_)), Some(process)) if line.trim() == "ready" => {
                Ok(Keeper { child, input, process })
            }
            _ => {
                let _ = child.kill().and_then(|()| child.wait());
                Err(Error::NoTwin(
                    "this machine grants no namespaces; run on one that does".to_owned(),
                ))
            }
        }
    }

    pub(crate) fn process(&self) -> Process {
        self.process
    }

    /// Lets the twin live on without its owner.
    pub(crate) fn stay(mut self) -> Result<Process, Error> {
        if let Some(mut input) = self.input.take() {
            input.write_all(b"stay\n").map_err(Error::io("let the twin stay"))?;
        }
        let process = self.process;
        // What remains of the owner's hold is the number of a child, which init takes over.
        std::mem::forget(self);
        Ok(process)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.input.take());
        // A failure has no one to go to; without its owner's input the process ends by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
