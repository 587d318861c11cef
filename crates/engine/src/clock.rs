//! When a piece of work began, and how long it takes.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use flexway_core::history::{Span, SpanKind};

/// A piece of work that goes on. Its end is counted from its beginning: a clock that is set meanwhile makes nothing negative.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    began_ms: u64,
    started: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch { began_ms: now_ms(), started: Instant::now() }
    }

    /// Now, on the same clock as the beginning.
    fn now_ms(&self) -> u64 {
        self.began_ms + u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// What went on since the beginning and is over now; nothing was moved yet, and it is not done.
    pub(crate) fn span(&self, database: &str, kind: SpanKind, name: &str) -> Span {
        Span {
            database: database.to_owned(),
            kind,
            name: name.to_owned(),
            part: None,
            worker: None,
            began_ms: self.began_ms,
            ended_ms: self.now_ms(),
            rows: 0,
            bytes: 0,
            is_done: false,
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

/// Milliseconds since 1970; zero on a machine whose clock stands before that.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
