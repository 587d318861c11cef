//! Named moments at which a test ends or halts the program. Only builds for tests have them.
//!
//! `FLEXWAY_FAILPOINT=part:3:kill` ends the process, without a last word, when it comes to `part` for the third time; with `stop`
//! it halts until somebody lets it go on. The names: `prepared`, `pre-data`, `part`, `durable`, `entry`, `copied`, `post-data`,
//! `finished`, `verified`; each is done on the target and not yet in the ledger.

/// Comes to a moment.
#[cfg(debug_assertions)]
pub(crate) fn reach(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static WANTED: OnceLock<Option<(String, u32, Signal)>> = OnceLock::new();
    static REACHED: AtomicU32 = AtomicU32::new(0);
    let read = || {
        let text = std::env::var("FLEXWAY_FAILPOINT").ok()?;
        let mut words = text.split(':');
        let (name, count) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        let signal = if words.next()? == "stop" { Signal::STOP } else { Signal::KILL };
        Some((name, count, signal))
    };
    if let Some((wanted, count, signal)) = WANTED.get_or_init(read)
        && wanted == name
        && REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *count
    {
        // A signal to oneself cannot fail.
        let _ = kill_process(getpid(), *signal);
    }
}

/// Comes to a moment.
#[cfg(not(debug_assertions))]
pub(crate) fn reach(_name: &str) {}
