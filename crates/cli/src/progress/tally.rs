//! How far the current work has come, how fast it goes and how long it will take.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use flexway_core::format::{bytes, count, duration, things};
use flexway_core::migrate::{Copied, CopyProgress};
use flexway_engine::{Amount, LARGE_OBJECTS, Paced, Work};

/// Below this share of the work an estimate is a guess that jumps about.
const ESTIMATE_SHARE_MIN: f64 = 0.01;

/// Below this many seconds too.
const ESTIMATE_SECONDS_MIN: f64 = 2.0;

/// The current work. The default is none.
///
/// A table's size is that of its heap, known beforehand; what is counted while it runs are bytes of
/// COPY. The ratio of both, learnt from finished tables, makes a share out of the count.
#[derive(Default)]
pub(crate) struct Tally {
    work: Option<Work>,
    database: String,
    /// Counts on as units are done.
    amount: Amount,
    /// What was done when this run began: it says nothing about speed.
    size_before_bytes: u64,
    /// Large objects whose copy is over.
    objects_done: u64,
    rows: u64,
    copied_bytes: u64,
    running: BTreeMap<String, Running>,
    started: Option<Instant>,
    /// What the engine says of the pace; only a copy has it.
    paced: Option<Paced>,
}

struct Running {
    size_bytes: u64,
    progress: Arc<CopyProgress>,
    started: Instant,
}

/// One running unit, for its bar.
pub(crate) struct UnitState {
    /// From 0 to 1; `None` when nothing tells.
    pub(crate) share: Option<f64>,
    /// Rows, bytes, rate, time left.
    pub(crate) text: String,
}

impl Tally {
    pub(crate) fn begin(database: &str, work: Work, amount: Amount) -> Tally {
        Tally {
            work: Some(work),
            database: database.to_owned(),
            amount,
            size_before_bytes: amount.size_done_bytes,
            started: Some(Instant::now()),
            ..Tally::default()
        }
    }

    pub(crate) fn is_of(&self, work: Work) -> bool {
        self.work == Some(work)
    }

    pub(crate) fn paced(&mut self, paced: &Paced) {
        if self.is_of(Work::Copy) {
            self.paced = Some(paced.clone());
        }
    }

    pub(crate) fn unit_begins(&mut self, name: &str, size_bytes: u64, progress: Arc<CopyProgress>) {
        let started = Instant::now();
        self.running.insert(name.to_owned(), Running { size_bytes, progress, started });
    }

    pub(crate) fn unit_ends(&mut self, name: &str, copied: Option<Copied>) {
        let Some(running) = self.running.remove(name) else { return };
        let Some(copied) = copied else { return };
        self.copied_bytes += copied.bytes;
        if name == LARGE_OBJECTS {
            self.objects_done += copied.rows;
        } else {
            self.amount.units_done += 1;
            self.amount.size_done_bytes += running.size_bytes;
            self.rows += copied.rows;
        }
    }

    /// What is about to be done; `None` when there is nothing to do.
    pub(crate) fn opening(&self) -> Option<String> {
        let verb = verb(self.work?);
        let Amount { units, units_done, large_objects, .. } = self.amount;
        let left = units - units_done;
        let mut parts = Vec::new();
        if left > 0 {
            let of = if units_done > 0 { format!(" of {units}") } else { String::new() };
            parts.push(format!("{left}{of} {}", self.things(units)));
        }
        if large_objects > 0 {
            parts.push(things(large_objects, "large object"));
        }
        if parts.is_empty() {
            return None;
        }
        let size = match self.amount.size_bytes - self.amount.size_done_bytes {
            0 => String::new(),
            size => format!(", {} on the source's disk", bytes(size)),
        };
        Some(format!("{}: {verb} {}{size}", self.database, parts.join(" and ")))
    }

    /// How far it is, in one line; `None` when nothing is going on.
    pub(crate) fn line(&self) -> Option<String> {
        let verb = verb(self.work?);
        Some(format!("{}: {verb}: {}", self.database, self.text()))
    }

    /// The line for the bar of the whole.
    pub(crate) fn total(&self) -> UnitState {
        UnitState { share: Some(self.share()), text: self.text() }
    }

    /// The line for the bar of a running unit.
    pub(crate) fn unit(&self, name: &str) -> UnitState {
        let Some(running) = self.running.get(name) else {
            return UnitState { share: None, text: String::new() };
        };
        let seconds = running.started.elapsed().as_secs_f64();
        if self.work == Some(Work::Build) {
            return UnitState { share: None, text: format!("{name}  {}", duration(seconds)) };
        }
        let (rows, moved) = counters(&running.progress);
        let share = (running.size_bytes > 0).then(|| self.share_of(running));
        let counted = match self.amount.large_objects {
            all if name == LARGE_OBJECTS => format!("{} of {}", count(rows), count(all)),
            _ => things(rows, "row"),
        };
        let text = format!(
            "{name}  {counted}, {}{}{}",
            bytes(moved),
            rate(moved, seconds),
            left(share.unwrap_or_default(), seconds)
        );
        UnitState { share, text }
    }

    /// Units, rows, bytes, rate and time left of the whole.
    fn text(&self) -> String {
        let Amount { units, units_done, large_objects, .. } = self.amount;
        let seconds = self.started.map_or(0.0, |started| started.elapsed().as_secs_f64());
        let mut parts = Vec::new();
        if units > 0 {
            parts.push(format!("{units_done} of {units} {}", self.things(units)));
        }
        if self.work == Some(Work::Build) {
            parts.push(duration(seconds));
            return parts.join(", ");
        }
        let (mut rows, mut moved, mut objects) = (self.rows, self.copied_bytes, self.objects_done);
        for (name, running) in &self.running {
            let (more_rows, more) = counters(&running.progress);
            *if name == LARGE_OBJECTS { &mut objects } else { &mut rows } += more_rows;
            moved += more;
        }
        if large_objects > 0 {
            let all = things(large_objects, "large object");
            parts.push(format!("{} of {all}", count(objects)));
        }
        if units > 0 {
            parts.push(things(rows, "row"));
        }
        let (rate, left) = match &self.paced {
            Some(paced) => (rate(moved, seconds), paced_words(paced)),
            None => (rate(moved, seconds), left(self.share_of_this_run(), seconds)),
        };
        format!("{}, {}{rate}{left}", parts.join(", "), bytes(moved))
    }

    fn things(&self, number: usize) -> &'static str {
        match (self.work, number) {
            (Some(Work::Build), 1) => "index, key or other entry",
            (Some(Work::Build), _) => "indexes, keys and other entries",
            (_, 1) => "table",
            _ => "tables",
        }
    }

    /// Share of the whole that is done, with what earlier runs did.
    fn share(&self) -> f64 {
        let Amount { units, units_done, size_bytes, size_done_bytes, .. } = self.amount;
        if size_bytes == 0 {
            return units_done as f64 / units.max(1) as f64;
        }
        (size_done_bytes as f64 + self.size_running()) / size_bytes as f64
    }

    /// Share of what this run has to do that is done.
    fn share_of_this_run(&self) -> f64 {
        let Amount { size_bytes, size_done_bytes, .. } = self.amount;
        let all = (size_bytes - self.size_before_bytes) as f64;
        let done = (size_done_bytes - self.size_before_bytes) as f64 + self.size_running();
        if all > 0.0 { done / all } else { 0.0 }
    }

    fn size_running(&self) -> f64 {
        self.running
            .values()
            .map(|running| self.share_of(running) * running.size_bytes as f64)
            .sum()
    }

    /// A running unit is never shown as done: its end has still to be confirmed.
    fn share_of(&self, running: &Running) -> f64 {
        let (_, moved) = counters(&running.progress);
        let expected = running.size_bytes as f64 * self.ratio();
        if expected > 0.0 { (moved as f64 / expected).min(0.99) } else { 0.0 }
    }

    /// Bytes of COPY for each byte of heap, from what is finished; 1 until something is.
    fn ratio(&self) -> f64 {
        let size = (self.amount.size_done_bytes - self.size_before_bytes) as f64;
        if size > 0.0 && self.copied_bytes > 0 { self.copied_bytes as f64 / size } else { 1.0 }
    }
}

fn counters(progress: &CopyProgress) -> (u64, u64) {
    (progress.rows.load(Ordering::Relaxed), progress.bytes.load(Ordering::Relaxed))
}

fn rate(moved: u64, seconds: f64) -> String {
    if moved == 0 || seconds < 0.1 {
        return String::new();
    }
    format!(", {}/s", bytes((moved as f64 / seconds) as u64))
}

fn left(share: f64, seconds: f64) -> String {
    if share < ESTIMATE_SHARE_MIN || seconds < ESTIMATE_SECONDS_MIN {
        return String::new();
    }
    format!(", about {} left", whole_seconds(seconds * (1.0 - share) / share))
}

/// Tenths of a second would pretend a knowledge that no estimate has.
fn whole_seconds(seconds: f64) -> String {
    let seconds = seconds.ceil();
    if seconds < 10.0 { format!("{seconds} s") } else { duration(seconds) }
}

/// Time left, between what, and what is waited for: `, about 40 s left (30 s to 1 min 0 s), waiting for the target`.
pub(crate) fn paced_words(paced: &Paced) -> String {
    let mut text = String::new();
    if let (Some(left), Some(min)) = (paced.seconds_left, paced.seconds_left_min) {
        let between = match paced.seconds_left_max {
            Some(max) => format!("{} to {}", whole_seconds(min), whole_seconds(max)),
            None => format!("{} or more", whole_seconds(min)),
        };
        text = format!(", about {} left for rows ({between})", whole_seconds(left));
    }
    match paced.bottleneck.as_deref() {
        Some("source") => text + ", waiting for the source",
        Some("target") => text + ", waiting for the target",
        Some(_) => text + ", building indexes and keys",
        None => text,
    }
}

fn verb(work: Work) -> &'static str {
    match work {
        Work::Copy => "copying",
        Work::Build => "building",
        Work::Compare => "comparing",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use flexway_core::migrate::{Copied, CopyProgress};
    use flexway_engine::{Amount, LARGE_OBJECTS, Paced, Work};

    use super::{Tally, left, paced_words, rate};

    fn tally(units: usize, units_done: usize, size_bytes: u64, size_done_bytes: u64) -> Tally {
        let amount = Amount { units, units_done, size_bytes, size_done_bytes, ..Amount::default() };
        Tally::begin("shop", Work::Copy, amount)
    }

    #[test]
    fn large_objects_are_no_table_and_their_number_no_rows() {
        let amount = Amount { units: 6, large_objects: 1200, ..Amount::default() };
        let mut tally = Tally::begin("shop", Work::Copy, amount);
        let opening = tally.opening().expect("there is work");
        assert_eq!(opening, "shop: copying 6 tables and 1,200 large objects");
        let progress = Arc::new(CopyProgress::default());
        tally.unit_begins(LARGE_OBJECTS, 0, Arc::clone(&progress));
        progress.rows.store(1000, Ordering::Relaxed);
        let half = "shop: copying: 0 of 6 tables, 1,000 of 1,200 large objects, 0 rows, 0 B";
        assert_eq!(tally.line().expect("work goes on"), half);
        tally.unit_ends(LARGE_OBJECTS, Some(Copied { rows: 1200, bytes: 7, hash: None }));
        let line = "shop: copying: 0 of 6 tables, 1,200 of 1,200 large objects, 0 rows, 7 B";
        assert_eq!(tally.line().expect("work goes on"), line);
        let only = Amount { units: 2, units_done: 2, large_objects: 1, ..Amount::default() };
        let tally = Tally::begin("shop", Work::Copy, only);
        assert_eq!(tally.opening().expect("there is work"), "shop: copying 1 large object");
    }

    #[test]
    fn the_share_learns_from_finished_tables_how_large_a_copy_is() {
        let mut tally = tally(3, 0, 1000, 0);
        let progress = Arc::new(CopyProgress::default());
        tally.unit_begins("app.big", 600, Arc::clone(&progress));
        tally.unit_begins("app.small", 200, Arc::default());
        progress.bytes.store(300, Ordering::Relaxed);
        assert!((tally.share() - 0.3).abs() < 1e-9);
        tally.unit_ends("app.small", Some(Copied { rows: 5, bytes: 100, hash: None }));
        // A copy has half the size of the heap: all of app.big but its confirmation is there.
        assert!((tally.share() - (0.2 + 0.6 * 0.99)).abs() < 1e-9);
        let line = tally.line().expect("work goes on");
        assert!(line.starts_with("shop: copying: 1 of 3 tables, 5 rows, 400 B"), "{line}");
    }

    #[test]
    fn what_an_earlier_run_did_counts_as_done_but_not_as_speed() {
        let tally = tally(10, 9, 1000, 900);
        assert!((tally.share() - 0.9).abs() < 1e-9);
        assert!(tally.share_of_this_run() < 1e-9);
        let opening = tally.opening().expect("there is work");
        assert_eq!(opening, "shop: copying 1 of 10 tables, 100 B on the source's disk");
    }

    #[test]
    fn a_failed_table_is_not_done() {
        let mut tally = tally(1, 0, 10, 0);
        tally.unit_begins("app.t", 10, Arc::default());
        tally.unit_ends("app.t", None);
        assert!(tally.share() < 1e-9);
    }

    #[test]
    fn no_estimate_without_ground() {
        assert_eq!(left(0.5, 1.0), "");
        assert_eq!(left(0.001, 60.0), "");
        assert_eq!(left(0.25, 60.0), ", about 3 min 0 s left");
        assert_eq!(rate(0, 10.0), "");
        let mut paced = Paced {
            seconds_left: Some(40.0),
            seconds_left_min: Some(30.0),
            bottleneck: Some("target".to_owned()),
            ..Paced::default()
        };
        let words = ", about 40 s left for rows (30 s or more), waiting for the target";
        assert_eq!(paced_words(&paced), words);
        (paced.seconds_left_max, paced.bottleneck) = (Some(61.0), None);
        assert_eq!(paced_words(&paced), ", about 40 s left for rows (30 s to 1 min 1 s)");
        assert_eq!(rate(5_000_000, 10.0), ", 500 kB/s");
    }
}
