//! A share of rows for a comparison that takes less time.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A share of rows, chosen by what they hold, so that the same ones are compared on both sides and each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    per_million: u32,
}

impl Sample {
    /// How many of a million rows, more than none and less than all.
    pub fn per_million(self) -> u32 {
        self.per_million
    }

    /// The same in percent.
    pub fn percent(self) -> f64 {
        f64::from(self.per_million) / 10_000.0
    }
}

impl FromStr for Sample {
    type Err = &'static str;

    /// Reads percent, such as `2` or `0.5`.
    fn from_str(text: &str) -> Result<Sample, &'static str> {
        let percent: f64 = text.parse().map_err(|_| "it is no number")?;
        if (0.0001..=99.9999).contains(&percent) {
            Ok(Sample { per_million: (percent * 10_000.0).round() as u32 })
        } else {
            Err("a sample is 0.0001 to 99.9999 percent of the rows")
        }
    }
}
