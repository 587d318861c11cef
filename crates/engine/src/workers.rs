//! How work is done: by how many threads, tried how often, watched by whom, stopped when.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flexway_core::migrate::{MoveError, Remedy};

use crate::failure::Failure;
use crate::observe::{Event, Observer};
use crate::retry::RetryPolicy;

/// How often a waiting thread looks whether the run was asked to stop: unnoticeable for people,
/// nothing for the processor.
const STOP_POLL: Duration = Duration::from_millis(50);

/// The people at work.
#[derive(Clone, Copy)]
pub(crate) struct Workers<'a> {
    pub(crate) jobs: usize,
    pub(crate) retry: &'a RetryPolicy,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) stop: &'a AtomicBool,
    /// How often a step lost its connection: each time a server may have lost what it had not yet on disk.
    pub(crate) losses: &'a AtomicUsize,
}

impl Workers<'_> {
    /// An error when the run was asked to stop.
    pub(crate) fn go_on(&self) -> Result<(), Failure> {
        if self.is_stopping() { Err(Failure::stopped()) } else { Ok(()) }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        self.observer.event(event);
    }

    /// Runs a step until it succeeds, fails for a reason that trying again does not cure, or the
    /// waits are used up.
    pub(crate) fn attempt<T>(
        &self,
        mut step: impl FnMut() -> Result<T, MoveError>,
    ) -> Result<T, MoveError> {
        let (mut lost, mut contended) =
            (self.retry.step_waits.iter(), self.retry.contended_waits.iter());
        loop {
            let result = step();
            let (error, wait) = match &result {
                Err(error) if error.remedy == Remedy::Retry => {
                    self.losses.fetch_add(1, Ordering::SeqCst);
                    (error, lost.next())
                }
                Err(error) if error.remedy == Remedy::Contended => (error, contended.next()),
                _ => return result,
            };
            match wait {
                Some(wait) if self.wait_after(error, *wait) => {}
                _ => return result,
            }
        }
    }

    /// Waits before another attempt; `false` when the run was asked to stop meanwhile.
    pub(crate) fn wait_after(&self, error: &MoveError, wait: Duration) -> bool {
        if self.is_stopping() {
            return false;
        }
        self.tell(&Event::Retrying { error, wait });
        let end = Instant::now() + wait;
        while !self.is_stopping() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(STOP_POLL));
        }
        false
    }

    /// Does `work` on every item, taken in order by `jobs` threads; it is told which of them it runs on, from 1.
    ///
    /// An error that somebody has to act on does not keep the others from being done: all of them
    /// are reported together. An error that trying again did not cure ends the taking of further
    /// items, and what runs is finished: the servers are away.
    pub(crate) fn each<T: Send>(
        &self,
        items: Vec<T>,
        work: &(dyn Fn(T, u32) -> Result<(), MoveError> + Sync),
    ) -> Result<(), Failure> {
        let threads = self.jobs.min(items.len());
        let queue = Mutex::new(VecDeque::from(items));
        let errors = Mutex::new(Vec::new());
        let is_halted = AtomicBool::new(false);
        let take = || {
            let may_take = !self.is_stopping() && !is_halted.load(Ordering::Relaxed);
            if may_take { guard(&queue).pop_front() } else { None }
        };
        thread::scope(|scope| {
            for worker in (1..).take(threads) {
                let (take, errors, is_halted) = (&take, &errors, &is_halted);
                scope.spawn(move || {
                    while let Some(item) = take() {
                        if let Err(error) = work(item, worker) {
                            if !error.remedy.is_alone() {
                                is_halted.store(true, Ordering::Relaxed);
                            }
                            guard(errors).push(error);
                        }
                    }
                });
            }
        });
        let errors = errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        Failure::unless_empty(errors)?;
        if guard(&queue).is_empty() { Ok(()) } else { Err(Failure::stopped()) }
    }
}

/// A panic elsewhere ends the scope anyway; the data behind our locks is never left half changed.
pub(crate) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
