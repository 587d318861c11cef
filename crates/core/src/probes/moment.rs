//! A moment in UTC, to the second, as RFC 3339 writes it: core has no clock, so moments come in.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DAY_SECONDS: u64 = 86_400;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: u64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: u64 = 719_468;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds left out. The text form ends with the year 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// Reads `2026-11-26T00:18:41Z`; fractions of seconds are dropped, other zones than `Z` and
    /// `+00:00` are not read.
    pub fn parse(text: &str) -> Option<Moment> {
        let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00"))?;
        let (date, time) = text.split_once('T')?;
        let time = time.split_once('.').map_or(time, |(whole, _)| whole);
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(time, ':')?;
        let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month);
        if !is_date || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        // Years that begin in March put the leap day last.
        let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
        let days =
            (year / 400) * ERA_DAYS + day_of_era(year % 400) + (153 * month + 2) / 5 + day - 1;
        let seconds = hour * 3600 + minute * 60 + second;
        Some(Moment(days.checked_sub(EPOCH_DAYS)? * DAY_SECONDS + seconds))
    }
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(|part| part.parse().ok());
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Days before a year of the era.
fn day_of_era(year: u64) -> u64 {
    year * 365 + year / 4 - year / 100
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0 / DAY_SECONDS + EPOCH_DAYS;
        let (era, rest) = (days / ERA_DAYS, days % ERA_DAYS);
        let year = (rest - rest / 1460 + rest / 36_524 - rest / 146_096) / 365;
        let day = rest - day_of_era(year);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
        let second = self.0 % DAY_SECONDS;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let year = era * 400 + year;
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        Moment::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is no moment such as 2026-11-26T00:18:41Z"))
        })
    }
}
