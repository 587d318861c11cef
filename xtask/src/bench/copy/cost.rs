//! What a program costs: wall time, its own CPU and that of both servers, memory of it and its children.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flexway_lab::Server;

use crate::process::{Result, words};

/// Kernel ticks a second in /proc, the same on every Linux: `USER_HZ`.
const TICKS_PER_SECOND: f64 = 100.0;

/// How often memory is looked at: peaks of a copy last for seconds.
const MEMORY_POLL: Duration = Duration::from_millis(100);

/// One run of one program.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) wall: f64,
    /// CPU seconds, user and system.
    pub(super) tool: f64,
    pub(super) source: f64,
    pub(super) target: f64,
    /// Highest sum of proportional set sizes of the program and its children.
    pub(super) memory_bytes: u64,
}

impl Cost {
    /// CPU seconds of everything.
    pub(super) fn cpu(&self) -> f64 {
        self.tool + self.source + self.target
    }

    /// Two steps of one tool.
    pub(super) fn and(self, next: Cost) -> Cost {
        Cost {
            wall: self.wall + next.wall,
            tool: self.tool + next.tool,
            source: self.source + next.source,
            target: self.target + next.target,
            memory_bytes: self.memory_bytes.max(next.memory_bytes),
        }
    }
}

/// Runs a command to its end and measures it; it must succeed.
pub(super) fn of(mut command: Command, source: &Server, target: &Server) -> Result<Cost> {
    let shown = words(&command);
    let before = [server_cpu(source)?, server_cpu(target)?, own_children_cpu()?];
    let started = Instant::now();
    let mut child = command.spawn().map_err(|why| format!("start `{shown}`: {why}"))?;
    let (over, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let id = child.id();
    let status = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                peak.fetch_max(memory_of_tree(id), Ordering::Relaxed);
                thread::sleep(MEMORY_POLL);
            }
        });
        let status = child.wait();
        over.store(true, Ordering::Relaxed);
        status
    });
    let wall = started.elapsed().as_secs_f64();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("run `{shown}`: {status}")),
        Err(why) => return Err(format!("wait for `{shown}`: {why}")),
    }
    Ok(Cost {
        wall,
        tool: own_children_cpu()? - before[2],
        source: server_cpu(source)? - before[0],
        target: server_cpu(target)? - before[1],
        memory_bytes: peak.into_inner(),
    })
}

/// CPU of a server since its start: the postmaster, the children that it has reaped, and those that live.
fn server_cpu(server: &Server) -> Result<f64> {
    let file = server.folder().join("data/postmaster.pid");
    let text =
        fs::read_to_string(&file).map_err(|why| format!("read {}: {why}", file.display()))?;
    let pid: u32 =
        text.lines().next().and_then(|line| line.parse().ok()).ok_or("read the server's pid")?;
    // Children first: one that ends meanwhile is counted in neither rather than twice.
    let living: f64 = children(pid).into_iter().filter_map(cpu_with_reaped).sum();
    Ok(living + cpu_with_reaped(pid).ok_or("read the server's CPU time")?)
}

/// CPU of all children that this program has waited for, with theirs.
fn own_children_cpu() -> Result<f64> {
    ticks("self")
        .map(|[_, _, user, system]| (user + system) / TICKS_PER_SECOND)
        .ok_or_else(|| "read the CPU time of children".to_owned())
}

fn cpu_with_reaped(pid: u32) -> Option<f64> {
    ticks(&pid.to_string()).map(|ticks| ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}

/// `utime`, `stime`, `cutime`, `cstime` of /proc/PID/stat. Source: proc(5).
fn ticks(pid: &str) -> Option<[f64; 4]> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in brackets, may hold blanks.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse().ok();
    Some([field(14)?, field(15)?, field(16)?, field(17)?])
}

/// Children that live, of all threads.
fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|one| fs::read_to_string(one.path().join("children")).ok());
    let parse =
        |text: String| text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    lists.flat_map(|text| -> Vec<u32> { parse(text) }).collect()
}

fn memory_of_tree(pid: u32) -> u64 {
    let own = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = own.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024 + children(pid).into_iter().map(memory_of_tree).sum::<u64>()
}
