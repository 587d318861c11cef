//! Numbers as people read them.

use flexway_core::format::{bytes, count, duration, fine_duration, moment, things, version};

#[test]
fn moments_know_leap_days() {
    let shown = [0, 951_782_400_000, 1_709_251_199_000, 1_767_225_599_999].map(moment);
    assert_eq!(
        shown,
        [
            "1970-01-01 00:00:00 UTC",
            "2000-02-29 00:00:00 UTC",
            "2024-02-29 23:59:59 UTC",
            "2025-12-31 23:59:59 UTC"
        ]
    );
}

#[test]
fn bytes_keep_three_digits() {
    let shown = [0, 999, 1000, 9_994, 12_345, 999_499, 999_500, 1_500_000_000].map(bytes);
    assert_eq!(
        shown,
        ["0 B", "999 B", "1.00 kB", "9.99 kB", "12.3 kB", "999 kB", "1.00 MB", "1.50 GB"]
    );
}

#[test]
fn counts_are_parted_by_thousands() {
    assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
}

#[test]
fn nouns_follow_their_number() {
    assert_eq!([0, 1, 2].map(|number| things(number, "row")), ["0 rows", "1 row", "2 rows"]);
}

#[test]
fn durations_have_two_units() {
    let shown = [0.04, 9.94, 9.95, 59.4, 185.0, 7800.0, 352_800.0].map(duration);
    assert_eq!(shown, ["0.0 s", "9.9 s", "10 s", "59 s", "3 min 5 s", "2 h 10 min", "4 d 2 h"]);
}

#[test]
fn short_durations_are_told_finely() {
    let shown = [0.0, 0.0124, 0.9994, 0.9996, 75.0].map(fine_duration);
    assert_eq!(shown, ["0 ms", "12 ms", "999 ms", "1.0 s", "1 min 15 s"]);
}

#[test]
fn versions_read_as_postgresql_prints_them() {
    assert_eq!([90_624, 110_022, 180_006].map(version), ["9.6.24", "11.22", "18.6"]);
}
