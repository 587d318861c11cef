//! Runs all tests, three suites side by side: most of the time they wait for servers.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::chores::{linted, root};
use crate::process::{Result, capture, read};

/// Building every test from nothing takes minutes.
const BUILD_LIMIT: Duration = Duration::from_secs(1_800);

/// The longest suite takes four minutes beside another one.
const SUITE_LIMIT: Duration = Duration::from_secs(900);

/// Suites at a time.
const SIDE_BY_SIDE: usize = 3;

/// Suites that run four tests at a time: much of their time is waiting.
const FOUR_AT_A_TIME: [&str; 2] = ["move_servers", "lab"];

/// Where servers have their files if there is room: in memory, which takes a sixth off a suite's CPU.
const MEMORY: &str = "/dev/shm";

/// Room that the servers of all suites have there at least, in KiB.
const MEMORY_KIB_MIN: u64 = 6 << 20;

/// Suites that take longest, in the order in which they start: the others fill the gaps.
const LONG: [&str; 11] = [
    "move_servers",
    "lab",
    "twin",
    "worlds",
    "wire",
    "move_troubles",
    "move_everything",
    "ladder",
    "render",
    "plans",
    "estates",
];

/// A test binary.
struct Suite {
    name: String,
    program: PathBuf,
    /// The folder of its package, where its tests expect to run.
    folder: PathBuf,
}

/// Builds every test, with clippy's judgement, and runs it. Each suite's output is shown when it ends, a summary at the end.
pub(crate) fn run() -> Result<()> {
    eprintln!("==> clippy and cargo test --no-run");
    let mut build = linted(&["test", "--workspace", "--locked", "--no-run"]);
    build.args(["--message-format", "json-render-diagnostics"]);
    let mut suites = suites(&read(build, BUILD_LIMIT)?);
    suites.sort_by_key(|suite| {
        LONG.iter().position(|long| *long == suite.name).unwrap_or(LONG.len())
    });
    let count = suites.len();
    if count == 0 {
        return Err("find a test among what cargo built".to_owned());
    }
    let has_room = has_room();
    let queue = Mutex::new(VecDeque::from(suites));
    let failed = Mutex::new(Vec::new());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(suite) = next() {
                    if !run_one(&suite, has_room) {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push(suite.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failed.as_slice() {
        [] => {
            println!("{count} suites passed");
            Ok(())
        }
        names => Err(format!("pass {} of {count} suites: {}", names.len(), names.join(", "))),
    }
}

/// Runs a suite to its end; whether it passed.
fn run_one(suite: &Suite, has_room: bool) -> bool {
    let mut command = Command::new(&suite.program);
    command.current_dir(&suite.folder).env("CARGO_MANIFEST_DIR", &suite.folder);
    if FOUR_AT_A_TIME.contains(&suite.name.as_str()) {
        command.env("RUST_TEST_THREADS", "4");
    }
    if has_room {
        command.env("TMPDIR", MEMORY);
    }
    let started = Instant::now();
    let ended = capture(command, SUITE_LIMIT);
    let took = started.elapsed().as_secs_f64();
    let name = &suite.name;
    match ended {
        Ok(output) => {
            let (out, err) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            println!("==> {name} ({took:.1} s)\n{}{}", err.trim_start(), out.trim_start());
            output.status.success()
        }
        Err(why) => {
            println!("==> {name} ({took:.1} s)\nfailed to {why}");
            false
        }
    }
}

/// Whether there is a file system in memory that has room for servers, and whose programs can be run.
fn has_room() -> bool {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let is_fit = mounts.lines().any(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        matches!(words.as_slice(), [_, place, "tmpfs", options, ..]
            if *place == MEMORY && !options.split(',').any(|one| one == "noexec"))
    });
    let mut df = Command::new("df");
    df.args(["--output=avail", "-k", MEMORY]);
    let free = || read(df, Duration::from_secs(10)).ok();
    let free_kib = || free()?.lines().last()?.trim().parse::<u64>().ok();
    is_fit && free_kib().is_some_and(|kib| kib >= MEMORY_KIB_MIN)
}

/// The test binaries among what cargo says that it built.
fn suites(messages: &str) -> Vec<Suite> {
    let suite = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let program = PathBuf::from(message["executable"].as_str()?);
        if message["profile"]["test"] != true {
            return None;
        }
        let manifest = Path::new(message["manifest_path"].as_str()?);
        let folder = manifest.parent().map_or_else(root, Path::to_path_buf);
        let name = message["target"]["name"].as_str()?.to_owned();
        Some(Suite { name, program, folder })
    };
    messages.lines().filter_map(suite).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn test_binaries_are_found_among_what_cargo_says() {
        let message = |name: &str, is_test: bool, program: Value| {
            json!({ "reason": "compiler-artifact", "manifest_path": "/p/a/Cargo.toml",
                "target": { "name": name }, "profile": { "test": is_test }, "executable": program })
            .to_string()
        };
        let messages = [
            message("moves", true, json!("/t/moves-1")),
            message("tool", false, json!("/t/tool")),
            message("lib", true, Value::Null),
            json!({ "reason": "build-finished", "success": true }).to_string(),
        ];
        let found = suites(&messages.join("\n"));
        let [one] = found.as_slice() else { panic!("{} suites", found.len()) };
        assert_eq!((one.name.as_str(), one.folder.as_path()), ("moves", Path::new("/p/a")));
    }
}
