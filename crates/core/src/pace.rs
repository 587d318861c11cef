//! How fast a copy goes, how long it will take and how sure that is, and what it waits for: from samples of its counters.

use std::collections::VecDeque;
use std::fmt;

/// Below this many seconds of samples an estimate jumps about.
const SECONDS_MIN: f64 = 2.0;
/// Below this share of the work too.
const SHARE_MIN: f64 = 0.01;
/// Windows whose rates are compared: enough to see a rate change, few enough to be long.
const WINDOWS: usize = 6;
/// Samples kept; when there are more, every other one goes, so that the oldest stays.
const SAMPLES_MAX: usize = 240;
/// What has this share of all waiting holds the copy up, when at least one stream waits for this share of the time.
const WAIT_SHARE_MIN: f64 = 0.6;
/// How many of the latest samples say what is waited for now.
const NOW_SAMPLES: usize = 10;

/// Counters at one moment, of all that runs together.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// Seconds since the copy began.
    pub seconds: f64,
    /// Bytes moved in this run, in COPY format.
    pub bytes: u64,
    /// Share of what this run has to copy that is done, from 0 to 1.
    pub share: f64,
    /// Seconds that copies waited for the source, all of them together.
    pub source_wait: f64,
    /// Seconds that they waited for the target to take what they had.
    pub target_wait: f64,
    /// Copies that go on now.
    pub copies: usize,
    /// Builds of indexes and keys that go on now.
    pub builds: usize,
}

/// What the work waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bottleneck {
    /// The source sends slower than the target takes.
    Source,
    /// The target takes slower than the source sends.
    Target,
    /// Indexes and keys are built, and less is copied than built.
    Builds,
}

impl Bottleneck {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Bottleneck::Source => "source",
            Bottleneck::Target => "target",
            Bottleneck::Builds => "builds",
        }
    }
}

impl fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bottleneck::Source => "waiting for the source",
            Bottleneck::Target => "waiting for the target",
            Bottleneck::Builds => "building indexes and keys",
        })
    }
}

/// How long the rest of the copy will take, seconds. Builds that come after it are not in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left {
    /// At the rate of the whole.
    pub seconds: f64,
    /// At the fastest rate that was seen over a while.
    pub seconds_min: f64,
    /// At the slowest; `None` where nothing moved for a while.
    pub seconds_max: Option<f64>,
}

/// Remembers samples.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    samples: VecDeque<Sample>,
}

impl Pace {
    /// Takes a sample. Samples come in order of time.
    pub fn add(&mut self, sample: Sample) {
        if self.samples.len() == SAMPLES_MAX {
            let mut keep = false;
            self.samples.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.samples.push_back(sample);
    }

    /// Bytes a second over all samples; `None` before there is ground for it.
    pub fn rate(&self) -> Option<u64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let seconds = last.seconds - first.seconds;
        let moved = last.bytes.saturating_sub(first.bytes);
        (seconds > 0.0 && moved > 0).then(|| (moved as f64 / seconds) as u64)
    }

    /// How long the rest takes; `None` without ground for an estimate.
    pub fn left(&self) -> Option<Left> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let (seconds, done) = (last.seconds - first.seconds, last.share - first.share);
        if seconds < SECONDS_MIN || done < SHARE_MIN {
            return None;
        }
        let rest = (1.0 - last.share).max(0.0);
        let rates = self.window_rates(first.seconds, seconds);
        let fastest = rates.iter().copied().fold(done / seconds, f64::max);
        let slowest = rates.iter().copied().fold(done / seconds, f64::min);
        Some(Left {
            seconds: rest * seconds / done,
            seconds_min: rest / fastest,
            seconds_max: (slowest > 0.0).then(|| rest / slowest),
        })
    }

    /// What holds the work up now; `None` when nothing does, or nobody can tell yet.
    pub fn bottleneck(&self) -> Option<Bottleneck> {
        let last = self.samples.back()?;
        if last.builds > last.copies {
            return Some(Bottleneck::Builds);
        }
        let before = self.samples.iter().rev().take(NOW_SAMPLES).next_back()?;
        let source = last.source_wait - before.source_wait;
        let target = last.target_wait - before.target_wait;
        // Streams that seldom wait are held up by neither.
        if source + target < (last.seconds - before.seconds) * WAIT_SHARE_MIN {
            return None;
        }
        match source / (source + target) {
            share if share >= WAIT_SHARE_MIN => Some(Bottleneck::Source),
            share if share <= 1.0 - WAIT_SHARE_MIN => Some(Bottleneck::Target),
            _ => None,
        }
    }

    /// Shares a second in windows of equal length.
    fn window_rates(&self, began: f64, seconds: f64) -> Vec<f64> {
        let length = seconds / WINDOWS as f64;
        let share_at = |moment: f64| {
            let after = self.samples.partition_point(|sample| sample.seconds < moment);
            match (
                after.checked_sub(1).and_then(|at| self.samples.get(at)),
                self.samples.get(after),
            ) {
                (Some(one), Some(other)) if other.seconds > one.seconds => {
                    let way = (moment - one.seconds) / (other.seconds - one.seconds);
                    one.share + way * (other.share - one.share)
                }
                (_, Some(only)) | (Some(only), None) => only.share,
                (None, None) => 0.0,
            }
        };
        let bounds: Vec<f64> =
            (0..=WINDOWS).map(|window| share_at(began + length * window as f64)).collect();
        bounds.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0) / length).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Bottleneck, Pace, SAMPLES_MAX, Sample};

    fn pace(samples: impl IntoIterator<Item = (f64, f64)>) -> Pace {
        let mut pace = Pace::default();
        for (seconds, share) in samples {
            let bytes = (share * 1e9) as u64;
            pace.add(Sample { seconds, share, bytes, copies: 2, ..Sample::default() });
        }
        pace
    }

    #[test]
    fn a_steady_copy_is_sure_of_its_end() {
        let pace = pace((0..=20).map(|n| (f64::from(n), f64::from(n) / 40.0)));
        let left = pace.left().expect("there is ground");
        assert!((left.seconds - 20.0).abs() < 1e-6, "{left:?}");
        assert!((left.seconds_min - 20.0).abs() < 1e-6, "{left:?}");
        assert!((left.seconds_max.expect("it moved") - 20.0).abs() < 1e-6, "{left:?}");
        assert_eq!(pace.rate(), Some(25_000_000));
    }

    #[test]
    fn one_that_slows_down_says_between_what() {
        // Ten seconds at 4 % a second, ten at 1 %: half is left.
        let slow = |n: u32| 0.04 * f64::from(n.min(10)) + 0.01 * f64::from(n.saturating_sub(10));
        let pace = pace((0..=20).map(|n| (f64::from(n), slow(n))));
        let left = pace.left().expect("there is ground");
        assert!((left.seconds - 20.0).abs() < 1e-6, "{left:?}");
        assert!((left.seconds_min - 12.5).abs() < 1e-6, "{left:?}");
        assert!((left.seconds_max.expect("it moved") - 50.0).abs() < 1e-6, "{left:?}");
    }

    #[test]
    fn one_that_stood_still_has_no_latest_end_and_a_young_one_none() {
        let stood = pace([(0.0, 0.0), (1.0, 0.5), (30.0, 0.5)]);
        assert_eq!(stood.left().expect("there is ground").seconds_max, None);
        assert_eq!(pace([(0.0, 0.0), (1.0, 0.5)]).left(), None);
        assert_eq!(pace([(0.0, 0.0), (60.0, 0.001)]).left(), None);
        assert_eq!(Pace::default().left(), None);
    }

    #[test]
    fn what_is_waited_for_most_of_the_time_holds_it_up() {
        let with = |source_wait, target_wait, copies, builds| {
            let mut pace = Pace::default();
            pace.add(Sample { copies, builds, ..Sample::default() });
            let (seconds, share, bytes) = (10.0, 0.5, 1);
            pace.add(Sample { seconds, share, bytes, source_wait, target_wait, copies, builds });
            pace.bottleneck()
        };
        assert_eq!(with(15.0, 1.0, 2, 1), Some(Bottleneck::Source));
        assert_eq!(with(1.0, 15.0, 2, 0), Some(Bottleneck::Target));
        assert_eq!(with(9.0, 9.0, 2, 0), None);
        assert_eq!(with(2.0, 0.1, 2, 0), None);
        assert_eq!(with(0.0, 0.0, 1, 3), Some(Bottleneck::Builds));
        assert_eq!(with(0.0, 0.0, 0, 0), None);
    }

    #[test]
    fn many_samples_keep_the_first() {
        let pace = pace((0..1000).map(|n| (f64::from(n), f64::from(n) / 2000.0)));
        assert!(pace.samples.len() <= SAMPLES_MAX);
        let left = pace.left().expect("there is ground");
        assert!((left.seconds - 1001.0).abs() < 1e-6, "{left:?}");
    }
}
