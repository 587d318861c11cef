//! What the threads of a move take next: parts of tables and builds on tables that are complete, largest first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Streams into one table at most: beyond, they wait for each other to extend it.
const STREAMS_PER_TABLE_MAX: usize = 8;

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// Find out what is to be built.
    List,
    /// Copy one part of a unit.
    Copy {
        /// Number of the unit.
        unit: usize,
        /// Place among the parts that the unit has left.
        part: usize,
    },
    /// Build one entry.
    Build(usize),
}

/// A task as it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) task: Task,
    /// Whether fewer tasks are left than there are threads, so that a build may spread over several processors.
    pub(crate) may_spread: bool,
    /// Tasks that are left, or become ready later.
    pub(crate) more: usize,
}

/// Tasks that can be done now, and those that wait for a unit.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// By weight, heaviest first, then in the order in which they came.
    ready: BTreeSet<(Reverse<u64>, usize, Task)>,
    count: usize,
    running: usize,
    /// Parts that are being copied, by unit.
    streams: BTreeMap<usize, usize>,
    /// Parts that are still to be copied, by unit; a unit without is over.
    parts_left: BTreeMap<usize, usize>,
    /// Builds that wait for a unit, with their weights.
    waiting: BTreeMap<usize, Vec<(usize, u64)>>,
    /// Builds that wait for all units.
    waiting_for_all: Vec<usize>,
}

impl Queue {
    pub(crate) fn add(&mut self, weight: u64, task: Task) {
        self.ready.insert((Reverse(weight), self.count, task));
        self.count += 1;
    }

    /// Adds the parts of a unit.
    pub(crate) fn add_unit(&mut self, unit: usize, weight: u64, parts: usize) {
        self.parts_left.insert(unit, parts);
        for part in 0..parts {
            self.add(weight, Task::Copy { unit, part });
        }
    }

    /// Adds a build that needs the rows of one unit.
    pub(crate) fn add_build(&mut self, entry: usize, unit: usize, weight: u64) {
        if self.parts_left.contains_key(&unit) {
            self.waiting.entry(unit).or_default().push((entry, weight));
        } else {
            self.add(weight, Task::Build(entry));
        }
    }

    /// Adds a build that needs the rows of all units.
    pub(crate) fn add_build_on_all(&mut self, entry: usize) {
        if self.parts_left.is_empty() {
            self.add(0, Task::Build(entry));
        } else {
            self.waiting_for_all.push(entry);
        }
    }

    /// The next task for one of `jobs` threads.
    pub(crate) fn take(&mut self, jobs: usize) -> Option<Taken> {
        let is_open = |(_, _, task): &&(Reverse<u64>, usize, Task)| match task {
            Task::Copy { unit, .. } => {
                self.streams.get(unit).copied().unwrap_or(0) < STREAMS_PER_TABLE_MAX
            }
            Task::List | Task::Build(_) => true,
        };
        let found = *self.ready.iter().find(is_open)?;
        self.ready.remove(&found);
        if let Task::Copy { unit, .. } = found.2 {
            *self.streams.entry(unit).or_default() += 1;
        }
        self.running += 1;
        let waiting = self.waiting.values().map(Vec::len).sum::<usize>();
        let more = self.ready.len() + waiting + self.waiting_for_all.len();
        Some(Taken { task: found.2, may_spread: self.ready.len() < jobs, more })
    }

    /// A task ended. Of a part that was copied and was the last of its unit, what waited for it becomes ready; gives whether it was.
    pub(crate) fn ended(&mut self, task: Task, is_done: bool) -> bool {
        self.running -= 1;
        let Task::Copy { unit, .. } = task else { return false };
        if let Some(streams) = self.streams.get_mut(&unit) {
            *streams -= 1;
        }
        if !is_done {
            return false;
        }
        let left = self.parts_left.get_mut(&unit).map_or(0, |left| {
            *left -= 1;
            *left
        });
        if left > 0 {
            return false;
        }
        self.parts_left.remove(&unit);
        for (entry, weight) in self.waiting.remove(&unit).unwrap_or_default() {
            self.add(weight, Task::Build(entry));
        }
        if self.parts_left.is_empty() {
            for entry in std::mem::take(&mut self.waiting_for_all) {
                self.add(0, Task::Build(entry));
            }
        }
        true
    }

    /// Whether nothing runs, so that nothing more can become ready.
    pub(crate) fn is_idle(&self) -> bool {
        self.running == 0
    }

    /// Whether no part of any unit is ready or being copied.
    pub(crate) fn is_copy_idle(&self) -> bool {
        let is_copy = |task: &Task| matches!(task, Task::Copy { .. });
        self.streams.values().all(|count| *count == 0)
            && !self.ready.iter().any(|(_, _, task)| is_copy(task))
    }

    /// Whether all units are over.
    pub(crate) fn is_copied(&self) -> bool {
        self.parts_left.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(queue: &mut Queue) -> Vec<Task> {
        std::iter::from_fn(|| queue.take(2).map(|taken| taken.task)).collect()
    }

    #[test]
    fn the_heaviest_comes_first_and_builds_wait_for_their_table() {
        let mut queue = Queue::default();
        queue.add_unit(0, 5, 1);
        queue.add_unit(1, 9, 2);
        queue.add_build(7, 1, 9);
        queue.add_build(8, 4, 3);
        queue.add_build_on_all(9);
        let part = |unit, part| Task::Copy { unit, part };
        assert_eq!(tasks(&mut queue), [part(1, 0), part(1, 1), part(0, 0), Task::Build(8)]);
        assert!(!queue.ended(part(1, 1), true));
        assert!(queue.take(2).is_none());
        assert!(queue.ended(part(1, 0), true));
        assert_eq!(tasks(&mut queue), [Task::Build(7)]);
        assert!(!queue.ended(part(0, 0), false), "a part that failed is none that was copied");
        assert!(queue.is_copy_idle() && !queue.is_copied());
        queue.add(5, part(0, 0));
        assert_eq!(tasks(&mut queue), [part(0, 0)]);
        assert!(queue.ended(part(0, 0), true) && queue.is_copied());
        assert_eq!(tasks(&mut queue), [Task::Build(9)]);
    }

    #[test]
    fn streams_into_one_table_are_bounded() {
        let mut queue = Queue::default();
        queue.add_unit(0, 9, 20);
        queue.add_unit(1, 1, 1);
        let taken = tasks(&mut queue);
        assert_eq!(taken.len(), STREAMS_PER_TABLE_MAX + 1);
        assert_eq!(taken[STREAMS_PER_TABLE_MAX], Task::Copy { unit: 1, part: 0 });
        queue.ended(taken[0], true);
        assert_eq!(tasks(&mut queue).len(), 1);
    }

    #[test]
    fn builds_spread_when_little_else_is_left() {
        let mut queue = Queue::default();
        (0..3).for_each(|entry| queue.add(1, Task::Build(entry)));
        let spread: Vec<bool> =
            std::iter::from_fn(|| queue.take(2).map(|taken| taken.may_spread)).collect();
        assert_eq!(spread, [false, true, true]);
    }
}
