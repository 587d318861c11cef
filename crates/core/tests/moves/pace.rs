//! How fast a move is, when it will end, and what holds it up.

use flexway_core::pace::{Bottleneck, Pace, Sample};

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
    let kept = format!("{pace:?}").matches("Sample {").count();
    assert!((1..=240).contains(&kept), "{kept} samples");
    let left = pace.left().expect("there is ground");
    assert!((left.seconds - 1001.0).abs() < 1e-6, "{left:?}");
}
