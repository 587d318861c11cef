//! Large tables travel in parts, on old servers as on new ones; what has arrived is not copied again, and compared without the source.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod move_world;

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use flexway_core::migrate::{Copied, CopyProgress, Part, Remedy};
use flexway_core::port::{Database, Databases};
use flexway_lab::Server;

use move_world::{World, ask, run, start};

/// 100 MB in the table, three quarters of them free, and its TOAST table, rows longer than a frame, and types that travel as text only.
const TABLES: &str = "
    CREATE TYPE mood AS ENUM ('low', 'high');
    CREATE TABLE large (id integer PRIMARY KEY, name text, n numeric, at timestamptz, m mood, d bytea, f float8)
      WITH (fillfactor = 25);
    INSERT INTO large SELECT i, repeat('x', 200) || i, i / 7.0, timestamptz '2024-01-01' + i * interval '1 s',
      (ARRAY['low', 'high'])[i % 2 + 1]::mood, decode(md5(i::text), 'hex'), i / 3.0 FROM generate_series(1, 62500) i;
    UPDATE large SET d = decode(repeat(md5(id::text), 20000), 'hex') WHERE id % 12500 = 0;
    DELETE FROM large WHERE id % 10 = 0;
    CREATE TABLE words (id integer, v tsvector, f float8);
    INSERT INTO words SELECT i, to_tsvector('simple', 'word ' || i), i / 3.0 FROM generate_series(1, 1000) i;
    CREATE TABLE empty (a integer, b text)";

fn sum(parts: &[Part]) -> Copied {
    parts.iter().map(|part| part.arrived.unwrap()).reduce(Copied::and).unwrap()
}

/// Who wants a table for himself waits for the move, and the move's readers would wait for him.
#[test]
fn a_reader_does_not_wait_for_who_waits_for_the_move() {
    let Some(world) = start(15, 17) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    run(&world.source, "d", "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1)");
    world.mover.prepare("d", false).unwrap();
    let open = world.mover.open("d").unwrap();
    open.schema().pre_data(1).unwrap();
    let table = open.data().contents().unwrap().tables.remove(0);
    let parts = open.data().begin().unwrap();
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| run(&world.source, "d", "TRUNCATE t"));
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        let began = Instant::now();
        while ask(&world.source, "d", waiting) == "0" {
            assert!(began.elapsed() < Duration::from_secs(30), "nobody waits for the table");
            std::thread::sleep(Duration::from_millis(50));
        }
        let error = open.data().copy_part(&table, &parts[0][0], &progress, &stop).unwrap_err();
        assert_eq!(error.remedy, Remedy::Contended, "{error}");
        assert!(error.help.contains("names who waits"), "{error}");
        drop(open);
    });
    assert_eq!(ask(&world.source, "d", "SELECT count(*) FROM public.t"), "0");
}

/// Whether or not a session of the move saw it.
#[test]
fn a_crash_of_the_target_is_told_before_what_it_had_counts_as_safe() {
    let Some(mut world) = start(17, 15) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    run(&world.source, "d", "CREATE TABLE t (id integer); INSERT INTO t VALUES (1)");
    world.mover.prepare("d", false).unwrap();
    for _ in 0..2 {
        let open = world.mover.open("d").unwrap();
        open.data().begin().unwrap();
        open.data().make_durable().unwrap();
        drop(open);
        world.target.kill9().unwrap();
        world.target.start_again().unwrap();
        let open = world.mover.open("d").unwrap();
        let error = open.data().make_durable().unwrap_err();
        assert_eq!(error.remedy, Remedy::Retry, "{error}");
        assert!(error.why.contains("it crashed"), "{error}");
        open.data().make_durable().unwrap();
    }
}

fn moves_in_parts(source: u32, target: u32) {
    let Some(world) = start(source, target) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    run(&world.source, "d", TABLES);
    world.mover.prepare("d", false).unwrap();
    let open = world.mover.open("d").unwrap();
    open.schema().pre_data(3).unwrap();
    let tables = open.data().contents().unwrap().tables;
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let parts = open.data().begin().unwrap();
    assert_eq!(tables[0].name, "large");
    assert!(parts[0].len() > 3, "{:?}", parts[0]);
    for part in &parts[0][1..] {
        open.data().copy_part(&tables[0], part, &progress, &stop).unwrap();
    }
    // The answer to a commit is lost, and the part comes again.
    let twice = open.data().copy_part(&tables[0], &parts[0][1], &progress, &stop).unwrap();
    open.data().make_durable().unwrap();
    drop(open);
    let open = world.mover.open("d").unwrap();
    let parts = open.data().begin().unwrap();
    let left: Vec<u32> =
        parts[0].iter().filter(|part| part.arrived.is_none()).map(|part| part.number).collect();
    assert_eq!((left, parts[0][1].arrived), (vec![0], Some(twice)));
    for (table, parts) in tables.iter().zip(&parts) {
        for part in parts.iter().filter(|part| part.arrived.is_none()) {
            open.data().copy_part(table, part, &progress, &stop).unwrap();
        }
    }
    let parts = open.data().begin().unwrap();
    for (table, parts) in tables.iter().zip(&parts) {
        let sent = sum(parts);
        assert_eq!(sent.hash.unwrap().is_binary, table.name != "words", "{}", table.name);
        let equal = |sent| open.compare().table(table, sent, &progress, &stop).unwrap().is_equal();
        assert!(equal(Some(&sent)) && equal(None), "{}", table.name);
    }
    assert_eq!(ask(&world.target, "d", "SELECT count(*) FROM public.large"), "56250");
    run(&world.target, "d", "UPDATE large SET f = f + 1 WHERE id = 77");
    let found = open.compare().table(&tables[0], Some(&sum(&parts[0])), &progress, &stop).unwrap();
    assert_eq!(found.differing.and_then(|rows| rows.changed), Some(1));
    rewritten(&world, &*open);
}

/// A table whose rows moved to other blocks meanwhile is begun anew.
fn rewritten(world: &World, open: &dyn Database) {
    let cut = open.data().begin().unwrap()[0][0].cut.clone();
    let lock = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'd' \
                AND pid <> pg_backend_pid()";
    run(&world.source, "postgres", lock);
    run(&world.source, "d", "VACUUM FULL large");
    let open = world.mover.open("d").unwrap();
    let parts = open.data().begin().unwrap();
    assert_ne!(parts[0][0].cut, cut);
    assert!(parts[0].iter().all(|part| part.arrived.is_none()));
    assert_eq!(rows(&world.target), "0");
}

/// What an index calls is found by the search_path of the application alone: every query of the table fails in a move.
#[test]
fn a_table_that_no_query_can_read_is_copied_whole() {
    let Some(world) = start(15, 17) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    let indexed = "CREATE SCHEMA app; SET search_path = app; \
        CREATE FUNCTION bare(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)'; \
        CREATE FUNCTION folded(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT bare($1)'; \
        CREATE TABLE large (id int PRIMARY KEY, name text, f float8) WITH (fillfactor = 10); CREATE INDEX ON large (folded(name)); \
        INSERT INTO large SELECT i, repeat('X', 1000) || i, i / 3.0 FROM generate_series(1, 7000) i";
    run(&world.source, "d", indexed);
    world.mover.prepare("d", false).unwrap();
    let open = world.mover.open("d").unwrap();
    open.schema().pre_data(3).unwrap();
    let table = open.data().contents().unwrap().tables.remove(0);
    let parts = open.data().begin().unwrap().remove(0);
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let sent: Vec<Copied> = parts
        .iter()
        .map(|part| open.data().copy_part(&table, part, &progress, &stop).unwrap())
        .collect();
    assert_eq!(sent.iter().map(|sent| sent.rows).collect::<Vec<_>>(), [7_000]);
    let compare = |sent| open.compare().table(&table, sent, &progress, &stop).unwrap();
    assert!(compare(Some(&sent[0])).is_equal() && compare(None).is_equal());
    let sample = "10".parse().unwrap();
    assert!(open.compare().sample(&table, sample, &progress, &stop).unwrap().is_equal());
    run(&world.target, "d", "UPDATE app.large SET f = 0 WHERE id = 77");
    assert_eq!(compare(None).differing.and_then(|rows| rows.changed), Some(1));
}

fn rows(server: &Server) -> String {
    ask(server, "d", "SELECT count(*) FROM public.large")
}

#[test]
fn from_11_by_lists_of_rows() {
    moves_in_parts(11, 17);
}

#[test]
fn from_15_by_ranges_of_blocks() {
    moves_in_parts(15, 18);
}
