//! Forecasts of a move are intervals, and none is made without a rate.

use flexway_core::assess::facts::Database;
use flexway_core::assess::forecast::{Rates, forecast};

#[test]
fn more_jobs_lower_only_the_best_case() {
    let rates = Rates { copy: 1e6, read: 2e6, index: 1e6, sample_bytes: 10 };
    let database = || Database::empty("d", 10_000_000, 2_000_000);
    let one = forecast(&[database()], rates, 1).expect("rates are positive");
    let four = forecast(&[database()], rates, 4).expect("rates are positive");
    assert!((one.seconds_min - (17.0 / 1.5 + 1.0)).abs() < 1e-9, "{one:?}");
    assert!((one.seconds_max - (17.0 * 1.5 + 8.0)).abs() < 1e-9, "{one:?}");
    assert!(four.seconds_min < one.seconds_min);
    assert_eq!(four.seconds_max, one.seconds_max);
}

#[test]
fn nothing_is_said_without_a_rate() {
    let rates = Rates { copy: 0.0, read: 1.0, index: 1.0, sample_bytes: 0 };
    assert_eq!(forecast(&[], rates, 2), None);
}
