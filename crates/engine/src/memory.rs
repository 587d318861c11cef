//! The target's memory, shared out to builds that run at once: together they never take more than there is.

use std::sync::Mutex;

use flexway_core::migrate::BuildMemory;

use crate::workers::guard;

/// What a server takes as its least setting.
const LEAST_BYTES: u64 = 1 << 20;

/// Beyond, an index builds no faster: what is written and read back is merged in one go.
const MOST_BYTES: u64 = 2 << 30;

/// Memory that a build needs for each byte of its table: a sort keeps 24 bytes beside a key, and an inverted index each word of a text.
const PER_BYTE: u64 = 2;

/// Memory for the builds of one database.
pub(crate) struct Memory {
    all_bytes: u64,
    /// What each of the threads is sure of, when it needs that much.
    share_bytes: u64,
    threads: u64,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    bytes: u64,
    builds: u64,
}

/// Memory of one build; given back when it is dropped.
pub(crate) struct Grant<'a> {
    memory: &'a Memory,
    pub(crate) bytes: u64,
}

impl Memory {
    /// For so many threads. A share is the server's own setting, unless all of them together would be too much.
    pub(crate) fn new(target: BuildMemory, threads: usize) -> Memory {
        let threads = threads.max(1) as u64;
        let all_bytes = target.all_bytes.max(threads * LEAST_BYTES);
        let share_bytes = target.each_bytes.clamp(LEAST_BYTES, all_bytes / threads);
        Memory { all_bytes, share_bytes, threads, used: Mutex::default() }
    }

    /// Memory for a build on a table of this size, beside which `more` tasks are at hand. Threads that have no build yet find their
    /// share; the rest is for who comes first, which are the largest.
    pub(crate) fn take(&self, table_bytes: u64, more: usize) -> Grant<'_> {
        let need = (table_bytes.saturating_mul(PER_BYTE)).clamp(LEAST_BYTES, MOST_BYTES);
        let mut used = guard(&self.used);
        used.builds += 1;
        let others = self.threads.saturating_sub(used.builds).min(more as u64);
        let free = self.all_bytes.saturating_sub(used.bytes);
        // One that is given less than its share would be one too many: there are as many shares as threads.
        let bytes = need.min(free.saturating_sub(others * self.share_bytes)).max(LEAST_BYTES);
        used.bytes += bytes;
        Grant { memory: self, bytes }
    }
}

impl Drop for Grant<'_> {
    fn drop(&mut self) {
        let mut used = guard(&self.memory.used);
        used.bytes -= self.bytes;
        used.builds -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn memory(each: u64, all: u64, threads: usize) -> Memory {
        Memory::new(BuildMemory { each_bytes: each * MIB, all_bytes: all * MIB }, threads)
    }

    #[test]
    fn the_first_and_largest_gets_what_others_are_not_sure_of() {
        let memory = memory(64, 1000, 4);
        let giant = memory.take(10_000 * MIB, 9);
        assert_eq!(giant.bytes, (1000 - 3 * 64) * MIB);
        let small = memory.take(MIB, 9);
        assert_eq!(small.bytes, 2 * MIB);
        let second = memory.take(500 * MIB, 9);
        assert_eq!(second.bytes, (3 * 64 - 2 - 64) * MIB);
        assert_eq!(memory.take(500 * MIB, 9).bytes, 64 * MIB);
        drop(giant);
        // Nobody else will come.
        assert_eq!(memory.take(10_000 * MIB, 0).bytes, (1000 - 2 - 126) * MIB);
    }

    #[test]
    fn a_setting_too_large_for_all_is_parted() {
        let memory = memory(512, 128, 4);
        let grants = [0; 4].map(|_| memory.take(10_000 * MIB, 9));
        assert_eq!(grants.map(|grant| grant.bytes / MIB), [32; 4]);
    }

    #[test]
    fn builds_in_any_order_never_take_more_than_there_is() {
        let mut state = 7u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for _ in 0..200 {
            let (each, all, threads) = (1 + next(600), 1 + next(2000), 1 + next(16) as usize);
            let memory = memory(each, all, threads);
            let mut running: Vec<Grant<'_>> = Vec::new();
            let mut left = 60usize;
            while left > 0 {
                if running.len() == threads || next(3) == 0 && !running.is_empty() {
                    running.swap_remove(next(running.len() as u64) as usize);
                    continue;
                }
                left -= 1;
                running.push(memory.take(next(4000) * MIB, left));
                let sum: u64 = running.iter().map(|grant| grant.bytes).sum();
                assert!(sum <= memory.all_bytes, "{sum} of {} for {threads}", memory.all_bytes);
                assert!(running.iter().all(|grant| grant.bytes >= LEAST_BYTES));
            }
        }
    }
}
