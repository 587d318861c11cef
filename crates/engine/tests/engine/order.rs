//! The order of work, and how many things happen at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flexway_core::migrate::Remedy;
use flexway_engine::RunOptions;
use flexway_engine::report::FoundDifference;

use crate::fake::{Fault, Moment, World};
use crate::folder::Folder;
use crate::watch::{Watch, options, run, run_with};

#[test]
fn a_whole_server_is_moved_and_found_equal() {
    let (world, folder) = (World::new(), Folder::new());
    let report = run(&world, &folder).unwrap();
    assert!(world.is_moved());
    assert_eq!(report.run.state, "done");
    assert!(report.verify.equal);
    assert_eq!((report.verify.tables_compared, report.verify.rows_compared), (4, 38));
    assert_eq!(report.databases.len(), 2);
    assert_eq!(report.databases[1].rows, 36);
    assert_eq!(report.databases[1].large_objects.as_ref().unwrap().rows, 4);
    assert_eq!(report.roles.unwrap().created, ["ada"]);
}

#[test]
fn what_could_not_be_carried_of_roles_is_a_difference() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().role_notes = vec!["give role ada the attribute LOGIN: refused".to_owned()];
    world.state().role_faults = vec!["ada".to_owned()];
    world.state().roles_different = vec!["ada".to_owned()];
    // Something else goes wrong with a role while the move goes on.
    world.state().stop_at = Some(("shop contents".to_owned(), Arc::default()));
    run(&world, &folder).unwrap();
    world.state().stop_at = None;
    world.state().role_faults.push("bob".to_owned());
    let report = run(&world, &folder).unwrap();
    assert_eq!(report.run.state, "differs");
    let words = |found: &[FoundDifference]| -> Vec<String> {
        found.iter().map(ToString::to_string).collect()
    };
    let roles = report.roles.unwrap();
    assert_eq!(words(&roles.not_carried), ["role ada: differs in LOGIN"]);
    let both = ["role ada: differs in LOGIN", "role bob: differs in LOGIN"];
    assert_eq!(words(&report.verify.differences), both);
    world.state().role_faults.pop();
    // A comparison by itself counts what was not carried, and so does a move, even one that compares nothing.
    let stop = AtomicBool::new(false);
    let unverified = RunOptions { verify: false, ..options() };
    let report = run_with(&world, &folder, &unverified, &Watch::default(), &stop).unwrap();
    assert_eq!((report.run.state.as_str(), report.verify.skipped), ("differs", true));
    assert_eq!(words(&report.verify.differences), both[..1]);
    world.state().role_faults.clear();
    assert_eq!(run(&world, &folder).unwrap().run.state, "done");
}

#[test]
fn roles_are_carried_for_the_chosen_databases_and_once() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().role_notes = vec!["role bob was left as it is".to_owned()];
    let choose = |choice: &[&str], overwrite: bool| {
        let mut options = options();
        options.databases = choice.iter().map(|name| (*name).to_owned()).collect();
        options.overwrite = overwrite;
        let stop = AtomicBool::new(false);
        run_with(&world, &folder, &options, &Watch::default(), &stop).unwrap()
    };
    for choice in [&["shop"][..], &["blog"], &["shop"], &[], &[]] {
        choose(choice, false);
    }
    choose(&["shop"], true);
    let report = choose(&["shop"], true);
    let calls = world.state().roles_of.clone();
    assert_eq!(calls, ["[shop]", "[shop blog]", "[]", "[] overwriting"]);
    assert_eq!(report.roles.unwrap().created, ["ada"]);
}

#[test]
fn phases_follow_each_other_and_tables_go_largest_first() {
    let (world, folder, watch) = (World::new(), Folder::new(), Watch::default());
    let mut options = options();
    options.jobs = 1;
    options.databases = vec!["shop".to_owned()];
    run_with(&world, &folder, &options, &watch, &AtomicBool::new(false)).unwrap();
    let calls = world.state().calls.clone();
    let expected = [
        "source",
        "target",
        "tools",
        "look at",
        "shop look into",
        "reserve",
        "roles",
        "shop prepare",
        "shop open",
        "shop pre-data",
        "shop contents",
        "shop begin",
        "shop post-data",
        "shop copy large objects",
        "shop copy big",
        "shop copy big 1",
        "shop copy big 2",
        "shop copy middle",
        "shop copy small",
        "shop apply CONSTRAINT big_pkey",
        "shop apply INDEX big_idx",
        "shop apply FK CONSTRAINT fk",
        "shop apply TRIGGER t",
        "shop finish",
        "shop last",
        "shop compare schema",
        "shop compare tables",
        "shop compare big",
        "shop compare middle",
        "shop compare small",
        "compare roles",
    ];
    assert_eq!(calls, expected);
    let phases: Vec<String> = watch.0.lock().unwrap().clone();
    assert_eq!(
        phases,
        [
            "shop prepared",
            "shop pre-data",
            "Copy 0/3 and 4",
            "Build 0/4",
            "shop copied",
            "shop post-data",
            "shop finished",
            "Compare 0/3",
            "shop verified",
        ]
    );
    assert!(!world.state().target.contains_key("blog"));
}

#[test]
fn no_more_than_jobs_tables_at_once() {
    let (world, folder) = (World::new(), Folder::new());
    let many = (0..40).map(|number| (format!("t{number:02}"), vec![number]));
    world.state().source.get_mut("shop").unwrap().tables = many.collect();
    run(&world, &folder).unwrap();
    assert!(world.is_moved());
    assert!(world.state().running_max <= 3);
    assert!(world.state().running_max >= 2, "tables were not copied side by side");
}

#[test]
fn an_index_that_needs_a_later_entry_is_built_in_its_place() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(Fault {
        call: None,
        name: Some("shop apply INDEX big_idx".to_owned()),
        times: 1,
        moment: Moment::Before,
        remedy: Remedy::Act,
    });
    let report = run(&world, &folder).unwrap();
    assert_eq!(report.run.state, "done");
    assert!(world.is_moved());
}

#[test]
fn a_table_that_fails_does_not_keep_the_others_from_being_copied() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(Fault {
        call: None,
        name: Some("shop copy big".to_owned()),
        times: 99,
        moment: Moment::Before,
        remedy: Remedy::Act,
    });
    let report = run(&world, &folder).unwrap();
    assert_eq!(report.run.state, "failed");
    assert_eq!(report.errors.len(), 1);
    assert_eq!(report.errors[0].what, "shop copy big");
    assert_eq!(report.errors[0].database.as_deref(), Some("shop"));
    assert_eq!((world.count("shop copy small"), world.count("shop copy middle")), (1, 1));
    assert_eq!(report.databases[0].phase, Some("verified"), "blog has nothing to do with it");
    let is_build = |call: &String| call.starts_with("shop apply");
    assert!(!world.state().calls.iter().any(is_build), "they need the table that is not there");
}

#[test]
fn a_table_that_needs_others_is_copied_after_them() {
    let fault = |times| Fault {
        call: None,
        name: Some("shop copy big".to_owned()),
        times,
        moment: Moment::Before,
        remedy: Remedy::Later,
    };
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(fault(1));
    assert_eq!(run(&world, &folder).unwrap().run.state, "done");
    assert!(world.is_moved());
    let copies = world.state().calls.clone();
    let copies: Vec<_> = copies.iter().filter(|call| call.starts_with("shop copy ")).collect();
    assert_eq!(copies.last().unwrap().as_str(), "shop copy big");
    // It fails again when nothing is left that could help.
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(fault(9));
    let report = run(&world, &folder).unwrap();
    assert_eq!((report.run.state.as_str(), report.errors.len()), ("failed", 1));
    assert_eq!(world.state().fault.as_ref().unwrap().times, 7);
}
