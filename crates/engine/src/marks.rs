//! What becomes of items, collected and written to the ledger several times a second: thousands of small tables would otherwise
//! wait for the ledger's disk.
//!
//! Nothing is written down as done before a crash of the target can no longer take it back. What a killed run did not write down
//! stands on the target, and is found there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flexway_core::history::Span;
use flexway_core::migrate::{Copied, CopyProgress, MoveError, Remedy};
use flexway_core::port::Data;

use crate::failpoint;
use crate::ledger::{ItemKind, Ledger, Mark, recorded};
use crate::observe::{Event, Observer};
use crate::pacing::Pacing;
use crate::workers::{Workers, guard};

/// How often the ledger is written: fresh for people; a small transaction on the disk and one on the target.
const TICK: Duration = Duration::from_millis(100);
/// How many of these there are between two samples of the pace: a second is enough for people.
const PACE_TICKS: u64 = 10;

/// Items of one database that changed, and those that are being worked on.
pub(crate) struct Marks<'a> {
    ledger: &'a Ledger,
    database: &'a str,
    data: &'a dyn Data,
    /// See [`Workers`].
    losses: &'a AtomicUsize,
    changed: Mutex<BTreeMap<(ItemKind, String), Mark>>,
    running: Mutex<BTreeMap<(ItemKind, String), Arc<CopyProgress>>>,
    /// Held while the ledger is written: an older mark must not come after a newer one of another thread.
    writing: Mutex<()>,
    /// Work that is over and not yet written.
    spans: Mutex<Vec<Span>>,
    /// Entries that are being built.
    builds: AtomicUsize,
    pacing: Mutex<Pacing>,
    observer: &'a dyn Observer,
}

impl<'a> Marks<'a> {
    pub(crate) fn new(
        ledger: &'a Ledger,
        database: &'a str,
        data: &'a dyn Data,
        workers: Workers<'a>,
    ) -> Marks<'a> {
        let (changed, running, spans) = (Mutex::default(), Mutex::default(), Mutex::default());
        Marks {
            ledger,
            database,
            data,
            losses: workers.losses,
            changed,
            running,
            writing: Mutex::default(),
            spans,
            builds: AtomicUsize::new(0),
            pacing: Mutex::new(Pacing::new()),
            observer: workers.observer,
        }
    }

    /// Work on an item begins; `progress` is what it moves, live.
    pub(crate) fn begin(&self, kind: ItemKind, name: &str, progress: Option<&Arc<CopyProgress>>) {
        let key = (kind, name.to_owned());
        if let Some(progress) = progress {
            guard(&self.running).insert(key.clone(), Arc::clone(progress));
            guard(&self.pacing).begin(name, progress);
        } else {
            self.builds.fetch_add(1, Ordering::Relaxed);
        }
        guard(&self.changed).insert(key, Mark::Running);
    }

    /// Work on an item ended; without a mark it is as if it had not begun.
    pub(crate) fn end(&self, kind: ItemKind, name: &str, mark: Option<Mark>) {
        let key = (kind, name.to_owned());
        guard(&self.running).remove(&key);
        match (kind, &mark) {
            (ItemKind::Entry, _) => {
                self.builds.fetch_sub(1, Ordering::Relaxed);
            }
            (_, Some(Mark::Done(copied, _))) => guard(&self.pacing).end(name, Some(*copied)),
            (_, _) => guard(&self.pacing).end(name, None),
        }
        if let Some(mark) = mark {
            guard(&self.changed).insert(key, mark);
        }
    }

    /// Says what is to be copied, with sizes on the source's disk.
    pub(crate) fn expect(&self, sizes: impl Iterator<Item = (String, u64)>) {
        guard(&self.pacing).expect(sizes);
    }

    /// A stretch of work is over.
    pub(crate) fn span(&self, span: Span) {
        guard(&self.spans).push(span);
    }

    /// Writes until the work is over. What cannot be written is left to [`Marks::write`].
    pub(crate) fn tick(&self, is_over: &Receiver<()>) {
        let mut ticks = 0u64;
        let mut was_copying = false;
        while let Err(RecvTimeoutError::Timeout) = is_over.recv_timeout(TICK) {
            let _ = self.write();
            ticks += 1;
            if ticks.is_multiple_of(PACE_TICKS) {
                let paced = guard(&self.pacing).sample(self.builds.load(Ordering::Relaxed));
                if paced.is_some() || was_copying {
                    let _ = self.ledger.set_pace(self.database, paced.as_ref());
                }
                was_copying = paced.is_some();
                if let Some(paced) = &paced {
                    self.observer.event(&Event::Paced { database: self.database, paced });
                }
            }
            let counters: Vec<(ItemKind, String, Copied)> = guard(&self.running)
                .iter()
                .map(|((kind, name), progress)| {
                    let copied = Copied {
                        rows: progress.rows.load(Ordering::Relaxed),
                        bytes: progress.bytes.load(Ordering::Relaxed),
                        hash: None,
                    };
                    (*kind, name.clone(), copied)
                })
                .collect();
            let _ = self.ledger.tick_items(self.database, &counters);
        }
        let _ = self.ledger.set_pace(self.database, None);
    }

    /// Writes what changed. On failure it is kept for the next time.
    pub(crate) fn write(&self) -> Result<(), MoveError> {
        let _one = guard(&self.writing);
        let changed = std::mem::take(&mut *guard(&self.changed));
        let spans = std::mem::take(&mut *guard(&self.spans));
        if changed.is_empty() && spans.is_empty() {
            return Ok(());
        }
        let is_done = |mark: &Mark| matches!(mark, Mark::Done(..));
        let durable = match changed.values().any(is_done) {
            true => self.data.make_durable(),
            false => Ok(()),
        };
        failpoint::reach("durable");
        let written = durable
            .and_then(|()| recorded(self.ledger.mark_items(self.database, &changed, &spans)));
        if let Err(error) = &written {
            if error.remedy == Remedy::Retry {
                self.losses.fetch_add(1, Ordering::SeqCst);
            }
            let mut newer = guard(&self.changed);
            for (key, mark) in changed {
                newer.entry(key).or_insert(mark);
            }
            guard(&self.spans).extend(spans);
        }
        written
    }
}
