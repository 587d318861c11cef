//! How fast the copy of one database goes: sampled once a second, told to whoever watches, and kept in the ledger for `status`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use flexway_core::migrate::{Copied, CopyProgress};
use flexway_core::pace::{Left, Pace, Sample};
use serde::{Deserialize, Serialize};

/// How fast a copy goes and what it waits for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Paced {
    /// Bytes of COPY a second since the copy began; `None` before anything moved.
    pub bytes_per_second: Option<u64>,
    /// Seconds that the rest of the rows will take at that rate; `None` without ground for an estimate.
    pub seconds_left: Option<f64>,
    /// The same at the fastest rate seen over a while.
    pub seconds_left_min: Option<f64>,
    /// The same at the slowest; `None` also where nothing moved for a while.
    pub seconds_left_max: Option<f64>,
    /// `source`, `target` or `builds`; `None` when nothing alone holds the work up.
    pub bottleneck: Option<String>,
    /// Tables that are being copied.
    pub tables: Vec<TablePace>,
}

/// How fast one table is copied.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TablePace {
    /// Its name, schema-qualified.
    pub name: String,
    /// Rows on the target or on their way.
    pub rows: u64,
    /// Bytes on the target or on their way.
    pub bytes: u64,
    /// Bytes a second in this run; `None` before anything moved.
    pub bytes_per_second: Option<u64>,
    /// Seconds that its rest takes at this rate, going by its size on the source's disk.
    pub seconds_left: Option<f64>,
}

/// What is counted of a database's copy.
#[derive(Debug)]
pub(crate) struct Pacing {
    started: Instant,
    /// Size on the source's disk of what this run has to copy, by name.
    sizes: BTreeMap<String, u64>,
    running: BTreeMap<String, Running>,
    done: Done,
    pace: Pace,
}

#[derive(Debug)]
struct Running {
    progress: Arc<CopyProgress>,
    started: Instant,
    /// What the target had before.
    bytes_before: u64,
}

/// Of units that are over.
#[derive(Debug, Default)]
struct Done {
    size_bytes: u64,
    /// Of that, what this run copied.
    size_moved_bytes: f64,
    bytes: u64,
    source_wait_us: u64,
    target_wait_us: u64,
}

impl Pacing {
    pub(crate) fn new() -> Pacing {
        let (sizes, running) = (BTreeMap::new(), BTreeMap::new());
        let (done, pace) = (Done::default(), Pace::default());
        Pacing { started: Instant::now(), sizes, running, done, pace }
    }

    /// Says what this run has to copy.
    pub(crate) fn expect(&mut self, sizes: impl Iterator<Item = (String, u64)>) {
        self.sizes = sizes.collect();
    }

    pub(crate) fn begin(&mut self, name: &str, progress: &Arc<CopyProgress>) {
        let bytes_before = progress.bytes.load(Ordering::Relaxed);
        let progress = Arc::clone(progress);
        let running = Running { progress, started: Instant::now(), bytes_before };
        self.running.insert(name.to_owned(), running);
    }

    /// A unit is over; `copied` is what the target has of it now, `None` when it failed.
    pub(crate) fn end(&mut self, name: &str, copied: Option<Copied>) {
        let Some(running) = self.running.remove(name) else { return };
        self.done.source_wait_us += running.progress.source_wait_us.load(Ordering::Relaxed);
        self.done.target_wait_us += running.progress.target_wait_us.load(Ordering::Relaxed);
        if let Some(copied) = copied {
            let size = self.sizes.get(name).copied().unwrap_or(0);
            let moved = copied.bytes.saturating_sub(running.bytes_before);
            self.done.bytes += moved;
            self.done.size_bytes += size;
            self.done.size_moved_bytes += size as f64 * moved as f64 / copied.bytes.max(1) as f64;
        }
    }

    /// Takes a sample and says what all of them come to; `None` while nothing is copied.
    pub(crate) fn sample(&mut self, builds: usize) -> Option<Paced> {
        if self.running.is_empty() {
            return None;
        }
        let all = self.sizes.values().sum::<u64>() as f64;
        let running = || self.running.values().map(|running| &running.progress);
        let size = |(name, running): (&String, &Running)| self.size_done(name, running);
        let done = self.done.size_bytes as f64 + self.running.iter().map(size).sum::<f64>();
        let wait = |done: u64, more: u64| (done + more) as f64 / 1e6;
        let source_wait_us = running().map(|one| one.source_wait_us.load(Ordering::Relaxed)).sum();
        let target_wait_us = running().map(|one| one.target_wait_us.load(Ordering::Relaxed)).sum();
        self.pace.add(Sample {
            seconds: self.started.elapsed().as_secs_f64(),
            bytes: self.done.bytes + self.running.values().map(Running::moved).sum::<u64>(),
            share: if all > 0.0 { (done / all).min(1.0) } else { 0.0 },
            source_wait: wait(self.done.source_wait_us, source_wait_us),
            target_wait: wait(self.done.target_wait_us, target_wait_us),
            copies: self.running.len(),
            builds,
        });
        let left = self.pace.left();
        let tables = self.running.iter().map(|(name, running)| self.table(name, running)).collect();
        Some(Paced {
            bytes_per_second: self.pace.rate(),
            seconds_left: left.map(|left: Left| left.seconds),
            seconds_left_min: left.map(|left| left.seconds_min),
            seconds_left_max: left.and_then(|left| left.seconds_max),
            bottleneck: self.pace.bottleneck().map(|one| one.word().to_owned()),
            tables,
        })
    }

    fn table(&self, name: &str, running: &Running) -> TablePace {
        let seconds = running.started.elapsed().as_secs_f64();
        let moved = running.moved();
        let rate = (moved > 0 && seconds > 0.0).then(|| moved as f64 / seconds);
        let size = self.sizes.get(name).copied().unwrap_or(0) as f64;
        let rest = (size - self.size_done(name, running)) * self.ratio();
        TablePace {
            name: name.to_owned(),
            rows: running.progress.rows.load(Ordering::Relaxed),
            bytes: running.progress.bytes.load(Ordering::Relaxed),
            bytes_per_second: rate.map(|rate| rate as u64),
            seconds_left: rate.filter(|_| size > 0.0).map(|rate| rest / rate),
        }
    }

    /// How much of a running unit is there, as a size on the source's disk; never all before its end is confirmed.
    fn size_done(&self, name: &str, running: &Running) -> f64 {
        const SHARE_MAX: f64 = 0.99;
        let size = self.sizes.get(name).copied().unwrap_or(0) as f64;
        let bytes = running.progress.bytes.load(Ordering::Relaxed) as f64;
        (bytes / self.ratio()).min(size * SHARE_MAX)
    }

    /// Bytes of COPY for each byte on the source's disk, from what is finished; 1 until something is.
    fn ratio(&self) -> f64 {
        let ratio = self.done.bytes as f64 / self.done.size_moved_bytes;
        if ratio.is_finite() && ratio > 0.0 { ratio } else { 1.0 }
    }
}

impl Running {
    fn moved(&self) -> u64 {
        self.progress.bytes.load(Ordering::Relaxed).saturating_sub(self.bytes_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_learns_from_what_is_done_and_forgets_what_was_there() {
        let mut pacing = Pacing::new();
        assert_eq!(pacing.sample(0), None);
        let sizes = [("app.a", 1000), ("app.b", 1000)];
        pacing.expect(sizes.into_iter().map(|(name, size)| (name.to_owned(), size)));
        let (a, b) = (Arc::new(CopyProgress::default()), Arc::new(CopyProgress::default()));
        b.bytes.store(100, Ordering::Relaxed);
        pacing.begin("app.a", &a);
        pacing.begin("app.b", &b);
        pacing.end("app.a", Some(Copied { rows: 1, bytes: 500, hash: None }));
        b.bytes.store(350, Ordering::Relaxed);
        let running = &pacing.running["app.b"];
        assert_eq!(running.moved(), 250);
        assert!((pacing.size_done("app.b", running) - 700.0).abs() < 1e-9);
        let paced = pacing.sample(0).expect("a table is copied");
        assert_eq!((paced.tables.len(), paced.tables[0].bytes), (1, 350));
        assert_eq!(paced.seconds_left, None, "too young for an estimate");
        pacing.end("app.b", None);
        assert_eq!(pacing.done.size_bytes, 1000, "what failed is not done");
        pacing.begin("app.b", &b);
        pacing.end("app.b", Some(Copied { rows: 1, bytes: 500, hash: None }));
        assert!((pacing.ratio() - 0.5).abs() < 1e-9, "what was there before is no part of it");
    }
}
