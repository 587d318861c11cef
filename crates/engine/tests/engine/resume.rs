//! A failure at every single call of a port: the run ends and says so, and the second run completes
//! without doing things twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flexway_core::migrate::Remedy;
use flexway_engine::RetryPolicy;

use crate::fake::{Fault, Moment, World};
use crate::folder::Folder;
use crate::watch::{Watch, options, run, run_with};

const COPIES: [&str; 7] = [
    "blog copy posts",
    "shop copy big",
    "shop copy big 1",
    "shop copy big 2",
    "shop copy middle",
    "shop copy small",
    "shop copy large objects",
];

fn call_count() -> usize {
    let (world, folder) = (World::new(), Folder::new());
    run(&world, &folder).unwrap();
    let count = world.state().calls.len();
    assert!(count > 25, "only {count} calls");
    count
}

fn fail_once(call: usize, moment: Moment, remedy: Remedy) -> (World, Folder) {
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(Fault { call: Some(call), name: None, times: 1, moment, remedy });
    let ended = run(&world, &folder);
    let name = world.state().calls[call].clone();
    match ended {
        // An index that fails beside the others is tried once more in its place.
        Ok(report) if report.run.state == "done" => assert!(name.contains("apply"), "{name}"),
        Ok(report) => assert!(!report.errors.is_empty(), "{name}"),
        Err(error) => {
            let error = error.to_string();
            let is_told = error.contains(&name) || name == "tools" && error.contains("no pg_dump");
            assert!(is_told, "{name}: {error}");
        }
    }
    (world, folder)
}

#[test]
fn after_a_failure_at_any_call_the_second_run_completes_and_copies_nothing_twice() {
    for call in 0..call_count() {
        let (world, folder) = fail_once(call, Moment::Before, Remedy::Act);
        let report = run(&world, &folder).unwrap();
        let name = world.state().calls[call].clone();
        assert_eq!(report.run.state, "done", "after {name}: {:?}", report.errors);
        assert!(world.is_moved(), "after {name}");
        for copy in COPIES {
            assert_eq!(world.count(copy), 1, "{copy} after {name}");
        }
        for once in ["shop pre-data", "shop apply TRIGGER t", "blog finish", "roles"] {
            let expected = 1 + usize::from(once == "blog finish" && name == "blog last");
            assert_eq!(world.count(once), expected, "{once} after {name}");
        }
        assert_eq!(report.verify.tables_compared, 4, "after {name}");
        assert_eq!(report.roles.unwrap().created.len(), 1, "after {name}");
    }
}

#[test]
fn after_a_lost_answer_at_any_call_the_second_run_completes() {
    for call in 0..call_count() {
        let (world, folder) = fail_once(call, Moment::After, Remedy::Retry);
        let report = run(&world, &folder).unwrap();
        let name = world.state().calls[call].clone();
        assert_eq!(report.run.state, "done", "after {name}: {:?}", report.errors);
        assert!(world.is_moved(), "after {name}");
        for copy in COPIES {
            // The target notes which parts of tables it has; large objects it takes again.
            let expected = 1 + usize::from(copy == name && copy.ends_with("objects"));
            assert_eq!(world.count(copy), expected, "{copy} after {name}");
        }
    }
}

#[test]
fn a_lost_connection_is_tried_again_within_the_run() {
    let brief = vec![Duration::from_millis(1)];
    let retry =
        RetryPolicy { step_waits: brief.clone(), round_waits: brief, ..RetryPolicy::never() };
    // The first calls inspect the servers: people want to hear at once that one is not there.
    for call in 7..call_count() {
        for moment in [Moment::Before, Moment::After] {
            let (world, folder, watch) = (World::new(), Folder::new(), Watch::default());
            let remedy = Remedy::Retry;
            world.state().fault =
                Some(Fault { call: Some(call), name: None, times: 1, moment, remedy });
            let mut options = options();
            options.retry = retry.clone();
            let stop = AtomicBool::new(false);
            let report = run_with(&world, &folder, &options, &watch, &stop).unwrap();
            let name = world.state().calls[call].clone();
            assert_eq!(report.run.state, "done", "{name}: {:?}", report.errors);
            assert!(world.is_moved(), "{name}");
            let told = watch.0.lock().unwrap().iter().any(|line| line.starts_with("again "));
            assert!(told, "{name}");
        }
    }
}

#[test]
fn a_lost_snapshot_is_cured_by_opening_the_database_anew() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(Fault {
        call: None,
        name: Some("shop copy small".to_owned()),
        times: 1,
        moment: Moment::Before,
        remedy: Remedy::Reopen,
    });
    let brief = vec![Duration::from_millis(1)];
    let mut options = options();
    options.retry = RetryPolicy { round_waits: brief, ..RetryPolicy::never() };
    let stop = AtomicBool::new(false);
    let report = run_with(&world, &folder, &options, &Watch::default(), &stop).unwrap();
    assert_eq!(report.run.state, "done");
    assert!(world.is_moved());
    assert_eq!((world.count("shop open"), world.count("shop copy big")), (2, 1));
}

#[test]
fn a_server_that_stays_away_ends_the_run() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(Fault {
        call: None,
        name: Some("blog copy posts".to_owned()),
        times: usize::MAX,
        moment: Moment::Before,
        remedy: Remedy::Retry,
    });
    let brief = vec![Duration::from_millis(1); 2];
    let mut options = options();
    options.retry =
        RetryPolicy { step_waits: brief.clone(), round_waits: brief, ..RetryPolicy::never() };
    let stop = AtomicBool::new(false);
    let report = run_with(&world, &folder, &options, &Watch::default(), &stop).unwrap();
    assert_eq!(report.run.state, "failed");
    let tries = world.state().calls.iter().filter(|call| *call == "blog copy posts").count();
    assert_eq!(tries, 9, "three rounds of three attempts");
    assert_eq!(world.count("shop prepare"), 0, "nothing else is begun");
}

/// A deadlock is no lost server: it is tried again by itself, keeps nobody else, and no network is suspected.
#[test]
fn what_others_are_in_the_way_of_is_tried_again_alone() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(Fault {
        call: None,
        name: Some("blog copy posts".to_owned()),
        times: 3,
        moment: Moment::Before,
        remedy: Remedy::Contended,
    });
    let contended_waits = vec![Duration::from_millis(1); 2];
    let mut options = options();
    options.retry = RetryPolicy { contended_waits, ..RetryPolicy::never() };
    let stop = AtomicBool::new(false);
    let report = run_with(&world, &folder, &options, &Watch::default(), &stop).unwrap();
    assert_eq!((report.run.state.as_str(), report.errors.len()), ("failed", 1));
    assert!(!report.errors[0].is_lost);
    let tries = || world.state().calls.iter().filter(|call| *call == "blog copy posts").count();
    assert_eq!((tries(), world.count("shop finish")), (3, 1));

    world.state().fault.as_mut().unwrap().times = 2;
    let report = run_with(&world, &folder, &options, &Watch::default(), &stop).unwrap();
    assert_eq!((report.run.state.as_str(), tries()), ("done", 6));
    assert!(world.is_moved());
}

#[test]
fn a_stopped_run_says_so_and_the_next_goes_on() {
    let (world, folder) = (World::new(), Folder::new());
    let stop = Arc::new(AtomicBool::new(false));
    world.state().stop_at = Some(("shop copy big".to_owned(), Arc::clone(&stop)));
    let report = run_with(&world, &folder, &options(), &Watch::default(), &stop).unwrap();
    assert_eq!(report.run.state, "stopped");
    assert_eq!(report.errors.len(), 1);
    assert_eq!(world.count("shop copy big"), 0);
    world.state().stop_at = None;
    stop.store(false, Ordering::Relaxed);
    let watch = Watch::default();
    let report = run_with(&world, &folder, &options(), &watch, &stop).unwrap();
    assert_eq!(report.run.state, "done");
    assert!(world.is_moved());
    assert_eq!(world.count("blog copy posts"), 1);
    assert!(!watch.0.lock().unwrap().contains(&"Copy 0/3 and 4".to_owned()), "nothing was kept");
}

#[test]
fn a_finished_run_is_not_done_again() {
    let (world, folder) = (World::new(), Folder::new());
    run(&world, &folder).unwrap();
    let before = world.state().calls.len();
    let report = run(&world, &folder).unwrap();
    assert_eq!(
        world.state().calls[before..],
        ["source", "target", "tools", "look at", "reserve", "compare roles"]
    );
    assert_eq!(report.run.state, "done");
    assert_eq!((report.verify.tables_compared, report.verify.rows_compared), (4, 38));
    assert_eq!(report.databases[1].tables.len(), 3);
    assert!(report.databases.iter().all(|database| database.by_earlier_run));
    assert!(report.databases.iter().all(|database| database.verified.is_some()));
}

#[test]
fn overwrite_empties_only_what_was_there_before_the_move() {
    let (world, folder) = (World::new(), Folder::new());
    let mut old = crate::fake::Store::default();
    old.tables.insert("old".to_owned(), vec![1]);
    world.state().target.insert("shop".to_owned(), old);
    let mut options = options();
    options.overwrite = true;
    world.state().fault = Some(Fault {
        call: None,
        name: Some("shop copy small".to_owned()),
        times: 1,
        moment: Moment::Before,
        remedy: Remedy::Act,
    });
    let stop = AtomicBool::new(false);
    let report = run_with(&world, &folder, &options, &Watch::default(), &stop).unwrap();
    assert_eq!(report.run.state, "failed");
    let report = run_with(&world, &folder, &options, &Watch::default(), &stop).unwrap();
    assert_eq!(report.run.state, "done");
    assert!(world.is_moved());
    assert_eq!((world.count("shop prepare"), world.count("shop copy big")), (1, 1));
}

/// The index that met the crash is built again, and does not stand on rows that are gone.
#[test]
fn what_a_crash_of_the_target_takes_back_is_copied_again() {
    copied_again_after_a_crash_at("shop apply INDEX big_idx");
}

#[test]
fn what_a_crash_took_back_that_only_the_target_tells_of_is_copied_again() {
    copied_again_after_a_crash_at("make durable");
}

fn copied_again_after_a_crash_at(call: &str) {
    let (world, folder, watch) = (World::new(), Folder::new(), Watch::default());
    world.state().crash_at = Some(call.to_owned());
    let mut options = options();
    options.retry = RetryPolicy { step_waits: vec![Duration::ZERO], ..RetryPolicy::never() };
    let report = run_with(&world, &folder, &options, &watch, &AtomicBool::new(false)).unwrap();
    assert_eq!(report.run.state, "done", "{:?}", report.errors);
    assert!(world.is_moved());
    assert_eq!((world.count("shop copy small"), world.count("shop copy middle")), (2, 1));
}
