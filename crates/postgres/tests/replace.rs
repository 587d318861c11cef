//! `--overwrite` on a real server: the old database goes only when the new one stands.

mod move_world;

use std::time::{Duration, Instant};

use flexway_core::migrate::Remedy;
use flexway_core::port::Databases;
use flexway_postgres::{ConnInfo, Mover, Session};
use move_world::{World, ask, info, run, start};

const OURS: &str = "SELECT datname FROM pg_database WHERE datname ~ '^flexway' ORDER BY 1";
const OLD_ROWS: &str = "SELECT count(*) FROM public.old";

/// A source with an empty database `d`, and a target whose `d` holds two rows and its own settings.
fn standing() -> Option<World> {
    let world = start(15, 17)?;
    run(&world.source, "postgres", "CREATE ROLE app_owner; CREATE DATABASE d OWNER app_owner");
    run(&world.source, "postgres", "ALTER DATABASE d SET work_mem = '9MB'");
    run(&world.target, "postgres", "CREATE DATABASE d; ALTER DATABASE d SET work_mem = '7MB'");
    run(&world.target, "d", "CREATE TABLE old AS SELECT generate_series(1, 2) AS a");
    Some(world)
}

/// The old database stands as it was, with nothing of ours beside it.
fn assert_old(world: &World) {
    assert_eq!(ask(&world.target, "d", OLD_ROWS), "2");
    assert_eq!(ask(&world.target, "d", "SELECT current_setting('work_mem')"), "7MB");
    assert_eq!(ask(&world.target, "postgres", OURS), "");
}

/// The new database stands with the source's properties, with nothing of ours beside it.
fn assert_new(world: &World) {
    assert_eq!(ask(&world.target, "d", "SELECT to_regclass('public.old')"), "NULL");
    assert_eq!(ask(&world.target, "d", "SELECT current_setting('work_mem')"), "9MB");
    let owner = "SELECT pg_get_userbyid(datdba), shobj_description(oid, 'pg_database') \
                 FROM pg_database WHERE datname = 'd'";
    assert_eq!(ask(&world.target, "postgres", owner), "app_owner,NULL");
    assert_eq!(ask(&world.target, "postgres", OURS), "");
}

#[test]
fn a_new_database_that_cannot_be_made_leaves_the_old_one() {
    let Some(world) = standing() else { return };
    // Its owner is not there.
    let error = world.mover.prepare("d", true).expect_err("no owner");
    assert!(error.why.contains("role \"app_owner\" does not exist"), "{error}");
    assert_old(&world);
    run(&world.target, "postgres", "CREATE ROLE app_owner");
    // It cannot be created.
    run(&world.target, "postgres", "ALTER DATABASE template0 ALLOW_CONNECTIONS true");
    let in_use = Session::connect(&info(&world.target, "template0")).expect("connects");
    let error = world.mover.prepare("d", true).expect_err("template0 is in use");
    assert_eq!((error.what.as_str(), error.remedy), ("create database d", Remedy::Contended));
    assert_old(&world);
    drop(in_use);
    // The old one could not be dropped.
    let subscription = "CREATE SUBSCRIPTION s CONNECTION 'host=nowhere.invalid' PUBLICATION p \
                        WITH (connect = false, slot_name = NONE)";
    run(&world.target, "d", subscription);
    let error = world.mover.prepare("d", true).expect_err("a subscription");
    assert!(error.why.contains("held by subscription s"), "{error}");
    assert_old(&world);
    run(&world.target, "d", "DROP SUBSCRIPTION s");
    // Somebody who is connected is no obstacle.
    let mut other = Session::connect(&info(&world.target, "d")).expect("connects");
    other.execute("SET application_name = 'theirs'").expect("named");
    assert_eq!(world.mover.prepare("d", true).expect("replaced"), 1);
    assert!(other.execute("SELECT 1").is_err());
    assert_new(&world);
}

#[test]
fn an_ordinary_login_replaces_what_it_owns() {
    let Some(mut world) = standing() else { return };
    run(
        &world.target,
        "postgres",
        "CREATE ROLE app_owner; CREATE ROLE mover LOGIN CREATEDB PASSWORD 'x' IN ROLE app_owner; \
         ALTER DATABASE d OWNER TO app_owner",
    );
    let url = format!("postgres://mover:x@127.0.0.1:{}/postgres", world.target.port());
    let login = ConnInfo::parse(&url, &|_| None).expect("url");
    world.mover = Mover::new(info(&world.source, "postgres"), login);
    world.mover.prepare("d", true).expect("replaced");
    assert_new(&world);
}

#[test]
fn only_what_killed_runs_left_is_removed() {
    let Some(world) = standing() else { return };
    run(&world.target, "postgres", "CREATE ROLE app_owner");
    let oid = ask(&world.target, "postgres", "SELECT oid FROM pg_database WHERE datname = 'd'");
    let mark = "'flexway: left of replacing database d; not in use'";
    let new = format!("flexway_new_{oid}");
    // Created and not marked yet; marked; the old one after the swap; and two of somebody else's.
    run(&world.target, "postgres", &format!("CREATE DATABASE {new}"));
    for name in ["flexway_new_1", "flexway_old_1", "flexway_old_2", "flexway_new_d"] {
        run(&world.target, "postgres", &format!("CREATE DATABASE {name}"));
    }
    for name in ["flexway_new_1", "flexway_old_1", "flexway_new_d"] {
        run(&world.target, "postgres", &format!("COMMENT ON DATABASE {name} IS {mark}"));
    }
    run(&world.target, "flexway_old_1", "CREATE TABLE old (a int)");
    // What a server leaves that was killed while it dropped one.
    let cut = "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'flexway_new_1'";
    run(&world.target, "postgres", cut);
    world.mover.prepare("d", true).expect("replaced");
    assert_eq!(ask(&world.target, "postgres", OURS), "flexway_new_d,flexway_old_2");
    // Somebody keeps things under the name that we need: nothing is touched.
    run(&world.target, "d", "CREATE TABLE old AS SELECT 1 AS a");
    let oid = ask(&world.target, "postgres", "SELECT oid FROM pg_database WHERE datname = 'd'");
    let new = format!("flexway_new_{oid}");
    run(&world.target, "postgres", &format!("CREATE DATABASE {new}"));
    run(&world.target, &new, "CREATE TABLE theirs AS SELECT 7 AS a");
    let error = world.mover.prepare("d", true).expect_err("the name is taken");
    assert!(error.why.contains("already exists"), "{error}");
    assert_eq!(ask(&world.target, &new, "SELECT a FROM public.theirs"), "7");
    assert_eq!(ask(&world.target, "d", OLD_ROWS), "1");
}

/// Moments at which a replacement is cut, evenly over the time that one takes.
const CUTS: u32 = 24;

/// Cuts before giving up: on a busy machine many come when the replacement is over.
const CUTS_MAX: u32 = 8 * CUTS;

/// Sessions are cut at every stage; whatever happens, `d` is the old database or the new one.
#[test]
fn a_replacement_that_is_cut_off_loses_nothing_and_can_be_done_again() {
    let Some(world) = standing() else { return };
    run(&world.target, "postgres", "CREATE ROLE app_owner");
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'flexway' AND pid <> pg_backend_pid()";
    let replace = || {
        let start = Instant::now();
        world.mover.prepare("d", true).map(|_| start.elapsed())
    };
    // The last replacement that nobody cut tells how long they take now.
    let mut whole = replace().expect("replaced");
    let (mut cuts, mut tries) = (0, 0);
    while tries < CUTS || cuts <= 2 && tries < CUTS_MAX {
        let delay = whole * (tries % CUTS) / CUTS;
        tries += 1;
        let exists = "SELECT count(*) FROM pg_class WHERE relname = 'old'";
        if ask(&world.target, "d", exists) == "0" {
            run(&world.target, "d", "CREATE TABLE old AS SELECT generate_series(1, 2) AS a");
        }
        let replaced = std::thread::scope(|scope| {
            let replaced = scope.spawn(replace);
            std::thread::sleep(delay);
            run(&world.target, "postgres", cut);
            replaced.join().expect("no panic")
        });
        match replaced {
            Ok(time) => whole = time,
            Err(_) => cuts += 1,
        }
        if ask(&world.target, "d", exists) == "1" {
            assert_eq!(ask(&world.target, "d", OLD_ROWS), "2", "after {delay:?} of {whole:?}");
        }
    }
    assert!(cuts > 2, "only {cuts} of {tries} runs were caught");
    // What was cut last may not have left the server yet.
    let mut last = replace();
    if last.as_ref().is_err_and(|error| error.remedy == Remedy::Retry) {
        std::thread::sleep(Duration::from_secs(1));
        last = replace();
    }
    last.expect("replaced in the end");
    assert_new(&world);
}

/// A database that may not be dropped is emptied as a whole or not at all.
#[test]
fn a_database_that_cannot_be_emptied_stays_whole() {
    let Some(mut world) = standing() else { return };
    run(
        &world.target,
        "postgres",
        "CREATE ROLE app_owner; CREATE ROLE mover LOGIN PASSWORD 'x'; \
         GRANT CREATE ON DATABASE d TO mover",
    );
    run(&world.target, "d", "ALTER TABLE old OWNER TO mover; CREATE SCHEMA theirs");
    let url = format!("postgres://mover:x@127.0.0.1:{}/postgres", world.target.port());
    let login = ConnInfo::parse(&url, &|_| None).expect("url");
    world.mover = Mover::new(info(&world.source, "postgres"), login);
    let error = world.mover.prepare("d", true).expect_err("may not");
    assert_eq!(error.remedy, Remedy::Act);
    assert_old(&world);
    // Even when all settings are its own business.
    run(&world.target, "postgres", "ALTER DATABASE d OWNER TO app_owner; GRANT app_owner TO mover");
    let error = world.mover.prepare("d", true).expect_err("one schema is not its own");
    assert!(error.what.contains("empty database d"), "{error}");
    assert_eq!(ask(&world.target, "d", OLD_ROWS), "2");
}
