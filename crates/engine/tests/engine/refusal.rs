//! What is refused before anything is changed, all of it at once.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{MoveError, Remedy};
use flexway_engine::RunError;

use crate::fake::{Fault, Moment, Store, World};
use crate::folder::Folder;
use crate::watch::{Watch, options, run, run_with};

fn refusals(world: &World, folder: &Folder, databases: &[&str]) -> Vec<String> {
    let mut options = options();
    options.databases = databases.iter().map(|name| (*name).to_owned()).collect();
    let stop = AtomicBool::new(false);
    match run_with(world, folder, &options, &Watch::default(), &stop) {
        Err(RunError::Refused(reasons)) => reasons.iter().map(finding).collect(),
        other => panic!("not refused: {other:?}"),
    }
}

/// What is the matter, without the mechanism.
fn finding(reason: &MoveError) -> String {
    let text = reason.to_string();
    text.split("; ").next().unwrap().to_owned()
}

fn filled() -> Store {
    Store { tables: [("theirs".to_owned(), vec![7])].into(), ..Store::default() }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let (world, folder) = (World::new(), Folder::new());
    {
        let mut state = world.state();
        state.source_version = 180_004;
        state.has_tools = false;
        state.target.insert("blog".to_owned(), filled());
    }
    let found = refusals(&world, &folder, &["blog", "nowhere"]);
    assert_eq!(
        found,
        [
            "begin the move: no pg_dump fits both servers: none of major 17 on the path",
            "begin the move: the source old:5432 as admin is PostgreSQL 18, the target new:5432 as \
             admin is 17",
            "begin the move: the source old:5432 as admin has no database nowhere",
            "move database blog: database blog of the target new:5432 as admin holds 1 objects \
             that are not of this move",
        ]
    );
    assert_eq!(world.state().target["blog"], filled(), "nothing was changed");
}

#[test]
fn both_servers_are_dialled_before_either_is_complained_of() {
    let (world, folder) = (World::new(), Folder::new());
    let name = None;
    let (moment, remedy) = (Moment::Before, Remedy::Act);
    world.state().fault = Some(Fault { call: None, name, times: 2, moment, remedy });
    assert_eq!(refusals(&world, &folder, &[]), ["source: injected", "target: injected"]);
}

#[test]
fn a_server_is_not_moved_onto_itself() {
    let (world, folder) = (World::new(), Folder::new());
    // In memory, a server is told by its version.
    world.state().source_version = 170_010;
    assert_eq!(
        refusals(&world, &folder, &[]),
        ["begin the move: old:5432 as admin and new:5432 as admin are the same server"]
    );
}

#[test]
fn a_source_without_databases_is_refused() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().source.clear();
    assert_eq!(
        refusals(&world, &folder, &[]),
        ["begin the move: the source old:5432 as admin has no database that can be connected to"]
    );
}

#[test]
fn data_that_came_after_a_failure_before_the_schema_is_not_ours() {
    let (world, folder) = (World::new(), Folder::new());
    world.state().fault = Some(Fault {
        call: None,
        name: Some("blog pre-data".to_owned()),
        times: 1,
        moment: Moment::Before,
        remedy: Remedy::Act,
    });
    assert_eq!(run(&world, &folder).unwrap().run.state, "failed");
    world.state().target.insert("blog".to_owned(), filled());
    let found = refusals(&world, &folder, &[]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("move database blog"), "{found:?}");
}

#[test]
fn a_target_database_that_was_dropped_since_is_named() {
    let (world, folder) = (World::new(), Folder::new());
    run(&world, &folder).unwrap();
    world.state().target.remove("shop");
    let found = refusals(&world, &folder, &[]);
    assert_eq!(
        found,
        ["go on with database shop: an earlier run made it, and the target new:5432 as admin has \
          it no more"]
    );
}
