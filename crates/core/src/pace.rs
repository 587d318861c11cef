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
