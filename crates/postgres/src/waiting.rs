//! How long a copy waits, and for which side.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counts the time until it is dropped as waiting.
pub(crate) struct Waiting<'a> {
    since: Instant,
    counter_us: &'a AtomicU64,
}

impl<'a> Waiting<'a> {
    pub(crate) fn on(counter_us: &'a AtomicU64) -> Waiting<'a> {
        Waiting { since: Instant::now(), counter_us }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let us = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.counter_us.fetch_add(us, Ordering::Relaxed);
    }
}
