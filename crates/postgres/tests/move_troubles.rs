//! What goes wrong in a move on real servers: targets that lack something or hold something else, rows at fault, broken
//! sessions, moves that meet, stops.

mod move_world;

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use flexway_core::migrate::{CopyProgress, Remedy, Room};
use flexway_core::port::{Databases, Servers};
use flexway_postgres::{Mover, Session};
use move_world::{ALONE, ask, copy, copy_table, info, run, start};

#[test]
fn another_schema_on_the_target_is_named() {
    let Some(world) = start(15, 15) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    run(
        &world.source,
        "d",
        "CREATE TABLE one (a int); CREATE TABLE two (a int); DROP SCHEMA IF EXISTS other",
    );
    world.mover.prepare("d", false).expect("prepare");
    run(&world.target, "d", "CREATE TABLE two (b text)");
    let open = world.mover.open("d").expect("open");
    let error = open.schema().pre_data(3).expect_err("two stands");
    assert!(error.what.contains("create table two in schema public"), "{error}");
    assert!(error.help.contains("--overwrite"), "{error:?}");
    assert_eq!(ask(&world.target, "d", "SELECT to_regclass('public.one')"), "NULL");
}

#[test]
fn what_the_target_lacks_is_named() {
    let Some(world) = start(15, 17) else { return };
    run(&world.source, "postgres", "CREATE ROLE only_here; CREATE DATABASE d");
    run(
        &world.source,
        "d",
        "CREATE TABLE first (a int); CREATE TABLE second (a int); \
         ALTER TABLE second OWNER TO only_here; \
         ALTER DATABASE d SET default_transaction_read_only = on",
    );
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    let error = open.schema().pre_data(3).expect_err("no such role");
    assert_eq!(error.what, "create table second in schema public");
    assert!(error.why.contains("role \"only_here\" does not exist"), "{error}");
    assert_eq!(ask(&world.target, "d", "SELECT to_regclass('public.first')"), "NULL");
    world.mover.copy_roles(&[], false).expect("roles");
    copy(&*open);
    assert_eq!(open.compare().schema().expect("compare"), []);
}

#[test]
fn a_lost_session_is_retried_and_a_lost_snapshot_said() {
    // 17 has another code for it.
    for major in [15, 17] {
        lose_sessions(major);
    }
}

fn lose_sessions(major: u32) {
    let Some(world) = start(major, major) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    run(&world.source, "d", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS a");
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    open.schema().pre_data(3).expect("pre-data");
    let contents = open.data().contents().expect("contents");
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let copied = copy_table(&*open, &contents.tables[0], &progress, &stop).expect("copy");
    assert_eq!(copied.rows, 1000);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'd' \
        AND pid <> \
    pg_backend_pid() \
               AND application_name = 'flexway'";
    // Rows that come later are not part of the snapshot.
    run(&world.source, "d", "INSERT INTO t SELECT generate_series(1, 9)");
    run(&world.target, "postgres", cut);
    let error = copy_table(&*open, &contents.tables[0], &progress, &stop).expect_err("cut");
    assert_eq!(error.remedy, Remedy::Retry);
    let copied = copy_table(&*open, &contents.tables[0], &progress, &stop).expect("again");
    assert_eq!(copied.rows, 1000);
    assert_eq!(ask(&world.target, "d", "SELECT count(*) FROM public.t"), "1000");
    run(&world.source, "postgres", cut);
    copy_table(&*open, &contents.tables[0], &progress, &stop).expect_err("cut");
    let error = copy_table(&*open, &contents.tables[0], &progress, &stop).expect_err("no snapshot");
    assert!(error.help.contains("run the command again"), "{error:?}");
    assert_eq!(error.remedy, Remedy::Reopen, "{error:?}");
}

/// Rows that the source holds in spite of its constraints: the help says how to go on, and it works.
#[test]
fn rows_at_fault_can_be_found_and_mended() {
    let Some(world) = start(15, 17) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    let fault = "CREATE TABLE u (\"K\" int PRIMARY KEY); CREATE TABLE t (k int REFERENCES u); \
                 SET session_replication_role = replica; INSERT INTO t VALUES (4711), (NULL); \
                 RESET session_replication_role; \
                 CREATE SCHEMA aside; SET search_path = public, aside; \
                 CREATE TABLE aside.limits (n int); INSERT INTO limits VALUES (5); \
                 CREATE FUNCTION small(n int) RETURNS boolean LANGUAGE plpgsql AS \
                 'BEGIN RETURN n < (SELECT max(l.n) FROM limits l); END'; \
                 CREATE TABLE c (n int CHECK (small(n))); INSERT INTO c VALUES (1); \
                 CREATE TABLE p (a int) PARTITION BY RANGE (a); \
                 CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (1) TO (9); INSERT INTO p VALUES (1)";
    run(&world.source, "d", fault);
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    open.schema().pre_data(3).expect("pre-data");
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let tables = open.data().contents().expect("contents").tables;
    let copy = |name: &str| {
        let table = tables.iter().find(|table| table.name == name).expect("listed");
        copy_table(&*open, table, &progress, &stop)
    };
    let error = copy("c").expect_err("the function finds no table");
    let advice = "ALTER FUNCTION ... SET search_path = ... on source and target";
    assert!(error.help.contains(advice), "{error:?}");
    run(&world.target, "d", "ALTER FUNCTION small SET search_path = aside");
    // As if the target sorted otherwise.
    let other = "ALTER TABLE p DETACH PARTITION p_1; \
                 ALTER TABLE p ATTACH PARTITION p_1 FOR VALUES FROM (2) TO (9)";
    run(&world.target, "d", other);
    let error = copy("p_1").expect_err("out of bounds");
    assert_eq!(error.remedy, Remedy::Act, "{error:?}");
    assert!(error.help.contains("a collation that sorts alike"), "{error:?}");
    for name in ["c", "t", "u", "limits"] {
        copy(name).expect(name);
    }
    let entries = open.schema().post_data().expect("post-data");
    let mut errors =
        entries.iter().filter_map(|entry| open.schema().apply(entry, Room::default(), &stop).err());
    let error = errors.next().expect("the key is violated");
    assert!(!error.why.contains("4711"), "{error}");
    let query = error.help.split("either server: ").nth(1).and_then(|rest| rest.split(';').next());
    let query = query.expect("a query");
    assert_eq!(ask(&world.source, "d", query), "4711");
    assert_eq!(ask(&world.target, "d", query), "4711");
}

/// Broken connections of pg_dump come back by themselves; a lost snapshot needs a new one.
#[test]
fn what_pg_dump_meets_is_tried_again_where_that_helps() {
    let Some(mut world) = start(15, 15) else { return };
    for server in [&world.source, &world.target] {
        run(server, "postgres", "CREATE DATABASE d");
        run(server, "d", "CREATE TABLE t (a int)");
    }
    let open = world.mover.open("d").expect("open");
    // pg_dump waits for a lock while its session is ended.
    let mut locker = Session::connect(&info(&world.target, "d")).expect("connects");
    locker.execute("BEGIN; LOCK TABLE public.t").expect("lock");
    let error = std::thread::scope(|scope| {
        let compared = scope.spawn(|| open.compare().schema());
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = 'd' AND wait_event_type = 'Lock'";
        let end = Instant::now() + Duration::from_secs(60);
        while ask(&world.target, "postgres", cut).is_empty() && Instant::now() < end {}
        compared.join().expect("no panic").expect_err("cut")
    });
    assert_eq!(error.remedy, Remedy::Retry, "{error}");
    assert!(error.what.contains("dump the schema of 127.0.0.1"), "{error}");
    locker.execute("ROLLBACK").expect("unlock");
    assert_eq!(open.compare().schema().expect("compare"), []);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'd'";
    run(&world.source, "postgres", cut);
    let error = open.schema().post_data().expect_err("no snapshot");
    assert_eq!(error.remedy, Remedy::Reopen, "{error}");
    // The server is away: our own words say so.
    world.source.kill9().expect("kill");
    let error = open.schema().post_data().expect_err("away");
    assert_eq!(error.remedy, Remedy::Retry, "{error}");
    assert!(error.why.contains("refused"), "{error}");
}

/// Nothing of a comparison waits for long, and who is in the way is named.
#[test]
fn a_comparison_names_who_locks_a_table() {
    let Some(world) = start(15, 15) else { return };
    for server in [&world.source, &world.target] {
        run(server, "postgres", "CREATE DATABASE d");
        run(server, "d", "CREATE TABLE t (a int); CREATE VIEW v AS SELECT t.a FROM t");
    }
    let open = world.mover.open("d").expect("open");
    let table = open.compare().tables().expect("tables").0.remove(0);
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let mut locker = Session::connect(&info(&world.target, "d")).expect("connects");
    locker.execute("BEGIN; LOCK TABLE public.t").expect("lock");
    let expected = format!("public.t is locked by server process {} (", locker.backend_pid());
    let began = Instant::now();
    let (dumped, read) = std::thread::scope(|scope| {
        let read = scope.spawn(|| open.compare().table(&table, None, &progress, &stop));
        (
            open.compare().schema().expect_err("locked"),
            read.join().expect("no panic").expect_err("locked"),
        )
    });
    for error in [dumped, read] {
        assert_eq!(error.remedy, Remedy::Contended, "{error:?}");
        assert!(error.why.contains(&expected), "{error}");
        assert!(error.what.contains(" of 127.0.0.1:"), "{error}");
        assert!(error.help.contains("names who waits"), "{error:?}");
    }
    drop((locker, open));
    let mut locker = Session::connect(&info(&world.source, "d")).expect("connects");
    locker.execute("BEGIN; LOCK TABLE public.t").expect("lock");
    for error in [world.mover.open("d").err(), world.mover.look_into("d").err()] {
        let error = error.expect("locked");
        assert!(error.why.contains("public.t is locked by server process "), "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

/// Whoever comes second is told who is there; a lost session of the first is made up for.
#[test]
fn a_database_is_moved_into_by_one_at_a_time() {
    let Some(world) = start(15, 15) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d; CREATE DATABASE e");
    let second = Mover::new(info(&world.source, "d"), info(&world.target, "postgres"));
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    world.mover.reserve(&names(&["d"])).expect("free");
    second.reserve(&names(&["e"])).expect("another database");
    let error = second.reserve(&names(&["e", "d"])).expect_err("taken");
    assert!(error.what.contains("reserve database d"), "{error}");
    assert!(error.why.starts_with("flexway (server process "), "{error}");
    let at_work = second.at_work(&names(&["c", "d", "e"])).expect("asked");
    assert_eq!(at_work.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["d"]);
    assert!(at_work[0].1.starts_with("flexway (server process "), "{at_work:?}");
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'";
    run(&world.target, "postgres", cut);
    world.mover.prepare("d", false).expect("reserved again");
    second.reserve(&names(&["d"])).expect_err("taken again");
}

#[test]
fn a_stop_is_heeded() {
    let Some(world) = start(15, 15) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    run(&world.source, "d", "CREATE TABLE t AS SELECT generate_series(1, 100000) AS a");
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    open.schema().pre_data(3).expect("pre-data");
    let contents = open.data().contents().expect("contents");
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(true));
    let error = copy_table(&*open, &contents.tables[0], &progress, &stop).expect_err("stopped");
    assert_eq!(error.remedy, Remedy::Stopped);
    assert_eq!(ask(&world.target, "d", "SELECT count(*) FROM public.t"), "0");
}

/// An index that would take half a minute is cancelled, leaves nothing, and can be built later.
#[test]
fn a_running_index_can_be_stopped() {
    let Some(world) = start(15, 17) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    let slow = "CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \
                'BEGIN PERFORM pg_catalog.pg_sleep(0.01); RETURN n; END'; \
                CREATE TABLE t (a int); CREATE INDEX i ON t (slow(a))";
    run(&world.source, "d", slow);
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    open.schema().pre_data(3).expect("pre-data");
    run(&world.target, "d", "INSERT INTO t SELECT generate_series(1, 3000)");
    let entry = open.schema().post_data().expect("post-data").remove(0);
    let (stop, started) = (AtomicBool::new(false), Instant::now());
    let error = std::thread::scope(|scope| {
        let applied = scope.spawn(|| open.schema().apply(&entry, ALONE, &stop));
        std::thread::sleep(Duration::from_secs(1));
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        applied.join().expect("no panic").expect_err("stopped")
    });
    assert_eq!(error.remedy, Remedy::Stopped);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(ask(&world.target, "d", "SELECT to_regclass('public.i')"), "NULL");
    run(&world.target, "d", "DELETE FROM t WHERE a > 3");
    open.schema().apply(&entry, ALONE, &AtomicBool::new(false)).expect("built");
    assert_eq!(ask(&world.target, "d", "SELECT to_regclass('public.i')"), "public.i");
}
