//! A small generator of random numbers (splitmix64), so that every world has a number of its own.

pub(crate) struct Chance(u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Chance {
    /// Neighbouring seeds start far apart; the bare seed would give the same stream, one step on.
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(mix(mix(seed.wrapping_add(STEP))))
    }

    /// A stream of its own, from which draws leave this one as it is.
    pub(crate) fn aside(&self) -> Chance {
        Chance(mix(self.0))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub(crate) fn hits(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// The healthy value, or in so many of a hundred cases one of the others.
    pub(crate) fn mostly<T: Copy>(&mut self, healthy: T, percent: usize, others: &[T]) -> T {
        if self.hits(percent) { self.pick(others) } else { healthy }
    }
}

fn mix(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
