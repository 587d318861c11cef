//! Processes that stand still: their kernel goes on taking connections and bytes for them, and nobody answers.

use std::fs;
use std::io;

use rustix::process::{Pid, Signal, kill_process};

/// Processes that stand still until this is dropped.
#[derive(Debug)]
pub struct Still(Vec<Pid>);

impl Still {
    /// Halts one process.
    ///
    /// # Errors
    /// There is none of this number, or it belongs to somebody else.
    pub fn process(id: u32) -> io::Result<Still> {
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
        kill_process(pid, Signal::STOP)?;
        Ok(Still(vec![pid]))
    }

    /// Halts a process and those that it has started.
    ///
    /// # Errors
    /// As [`Still::process`]; or the list of processes cannot be read.
    pub(crate) fn family(id: u32) -> io::Result<Still> {
        // It comes first: from then on there are no new ones.
        let mut still = Still::process(id)?;
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let child = name.to_str().and_then(|name| name.parse().ok());
            if let Some(child) = child.filter(|child| parent(*child) == Some(id)) {
                // One that has ended meanwhile stands still enough.
                still.0.extend(Still::process(child).into_iter().flat_map(Still::forget));
            }
        }
        Ok(still)
    }

    /// The processes, which go on standing still.
    fn forget(mut self) -> Vec<Pid> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        for pid in &self.0 {
            // It may have been killed.
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}

/// Source: proc_pid_stat(5): the state and the parent follow the name in parentheses.
fn parent(id: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}
