//! The program killed, a server killed, connections cut at every named moment: the move ends equal and copies no part twice.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::pair::{Pair, Ran};

/// One table of five parts, small ones, and what is built on them.
const TABLES: &str = "
    CREATE TABLE large (id integer PRIMARY KEY, body text)
        WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off);
    ALTER TABLE large ALTER body SET STORAGE EXTERNAL;
    INSERT INTO large SELECT i, repeat(md5(i::text), 250) FROM generate_series(1, 9000) i;
    CREATE TABLE owner (id integer PRIMARY KEY, name text);
    INSERT INTO owner SELECT i, 'n' || i FROM generate_series(1, 1000) i;
    CREATE TABLE thing (id integer PRIMARY KEY, owner integer REFERENCES owner, tags tsvector);
    INSERT INTO thing SELECT i, i, to_tsvector('simple', 'a ' || i) FROM generate_series(1, 1000) i;
    CREATE INDEX ON thing USING gin (tags);
    CREATE INDEX ON owner (name);
    CREATE TABLE nothing (a integer);
    SELECT lo_from_bytea(0, 'abc')";

/// Leaves five parts with few rows, which are copied again and again.
const FEWER: &str = "DELETE FROM large WHERE id % 20 > 0";

const KILL: i32 = 9;

/// Moments at which the target has more than the ledger knows.
const MOMENTS: [&str; 11] = [
    "prepared:1",
    "pre-data:1",
    "part:1",
    "part:4",
    "durable:1",
    "durable:2",
    "entry:2",
    "copied:1",
    "post-data:1",
    "finished:1",
    "verified:1",
];

fn start() -> Pair {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", TABLES);
    pair
}

fn begin(pair: &Pair, failpoint: &str, more: &[&str]) -> Child {
    let mut command = pair.command("migrate");
    command.args(["--database", "d", "--jobs", "2", "--ledger"]).arg(pair.ledger()).args(more);
    command.env("FLEXWAY_FAILPOINT", failpoint);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Transactions that brought parts, with the table and the number of rows of each.
fn arrived(pair: &Pair) -> Vec<String> {
    let has = "SELECT count(*) FROM pg_namespace WHERE nspname = 'flexway_progress'";
    if pair.on_target("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'd'") == "0\n"
        || pair.on_target("d", has) == "0\n"
    {
        return Vec::new();
    }
    let sql = "SELECT format('%s|%s|%s', table_name, xmin, row_count) FROM flexway_progress.part";
    pair.on_target("d", sql).lines().map(str::to_owned).collect()
}

/// Rows keep the mark of the transaction that brought them.
fn assert_kept(pair: &Pair, before: &[String], moment: &str) {
    for line in before {
        let [table, xmin, rows] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let sql = format!("SELECT count(*) FROM {table} WHERE xmin = '{xmin}'::xid");
        assert_eq!(pair.on_target("d", &sql).trim(), rows, "{table} came twice after {moment}");
    }
}

fn begin_anew(pair: &Pair) {
    pair.on_target("postgres", "DROP DATABASE IF EXISTS d WITH (FORCE)");
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mut name = pair.ledger().into_os_string();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}

#[test]
fn after_kill_9_at_any_moment_the_same_command_copies_no_part_twice() {
    let pair = start();
    pair.on_source("d", FEWER);
    let mut parts_kept = 0;
    for moment in MOMENTS {
        let ended = begin(&pair, &format!("{moment}:kill"), &[]).wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.signal(), Some(KILL), "{moment} was not reached: {words}");
        let before = arrived(&pair);
        parts_kept = parts_kept.max(before.len());
        pair.migrate(&["--database", "d", "--jobs", "2"]).ended(0).says(&["equal"]);
        assert_kept(&pair, &before, moment);
        let left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'flexway_progress'";
        assert_eq!(pair.on_target("d", left), "0\n", "after {moment}");
        begin_anew(&pair);
    }
    assert!(parts_kept > 5, "no moment left more than {parts_kept} parts");
}

/// Begins a move and halts it at a moment.
fn halted(pair: &Pair, moment: &str, more: &[&str]) -> Child {
    let child = begin(pair, &format!("{moment}:stop"), more);
    let (pid, end) = (child.id(), Instant::now() + Duration::from_secs(60));
    let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    while !state().rsplit_once(')').unwrap().1.starts_with(" T") {
        assert!(Instant::now() < end, "{moment} was not reached");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

/// Lets it go on; gives its end.
fn released(child: Child) -> Ran {
    crate::interrupted::signal(child.id(), "CONT");
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn a_server_killed_or_cut_off_at_any_moment_is_waited_for() {
    let mut pair = start();
    pair.on_source("d", FEWER);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'flexway' AND datname = 'd'";
    let cases = [
        ("part:3", "kill target"),
        ("part:3", "kill source"),
        ("entry:2", "kill target"),
        ("part:4", "cut target"),
        ("copied:1", "cut source"),
    ];
    for (moment, what) in cases {
        let child = halted(&pair, moment, &[]);
        match what {
            "kill target" => {
                pair.target.kill9().unwrap();
                pair.target.start_again().unwrap();
            }
            "kill source" => {
                pair.source.kill9().unwrap();
                pair.source.start_again().unwrap();
            }
            "cut target" => drop(pair.on_target("postgres", cut)),
            _ => drop(pair.on_source("postgres", cut)),
        }
        let before = arrived(&pair);
        released(child).ended(0).says(&["equal"]);
        assert_kept(&pair, &before, &format!("{what} at {moment}"));
        begin_anew(&pair);
    }
}

#[test]
fn a_server_that_takes_connections_and_does_not_answer_is_given_up() {
    let mut pair = start();
    // A silent server is asked after two seconds, and has as long for an answer.
    pair.parameters =
        "?connect_timeout=2&keepalives_idle=1&keepalives_interval=1&keepalives_count=1";
    for (moment, which) in [("part:3", "source"), ("entry:2", "target")] {
        let child = halted(&pair, moment, &["--patience", "1"]);
        let server = if which == "source" { &pair.source } else { &pair.target };
        let still = server.stand_still().unwrap();
        let ran = released(child).ended(3).says(&["go on with the same command"]);
        drop(still);
        // Which notices first is a matter of time: a session that waits, or one that begins.
        let words = ["takes new connections without answering them", "accepted, but no byte came"];
        assert!(words.iter().any(|word| ran.err.contains(word)), "{}", ran.err);
        let before = arrived(&pair);
        begin(&pair, "", &[]).wait_with_output().map(Ran::from).unwrap().ended(0).says(&["equal"]);
        assert_kept(&pair, &before, &format!("{which} stood still at {moment}"));
        begin_anew(&pair);
    }
}

/// Keeps parts from being recorded until one waits for that, then wants the table that it fills: neither could go on.
const IN_THE_WAY: &str = "
    SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE flexway_progress.part IN SHARE MODE;
    DO $$ DECLARE filled regclass; BEGIN
        LOOP
            SELECT f.relation INTO filled FROM pg_locks w JOIN pg_locks f USING (pid) JOIN pg_class c ON c.oid = f.relation
                WHERE w.relation = 'flexway_progress.part'::regclass AND NOT w.granted AND f.mode = 'RowExclusiveLock'
                AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'r';
            EXIT WHEN found;
            PERFORM pg_sleep(0.01);
        END LOOP;
        EXECUTE format('LOCK TABLE %s', filled);
    END $$; COMMIT;";

#[test]
fn a_deadlock_is_tried_again() {
    let pair = start();
    // The other session never looks for deadlocks, so it is the move's that is ended; it has come so far by then.
    pair.on_target("postgres", "ALTER SYSTEM SET deadlock_timeout = '3s'");
    pair.on_target("postgres", "SELECT pg_reload_conf()");
    let child = halted(&pair, "part:1", &[]);
    let ran = std::thread::scope(|scope| {
        let other = scope.spawn(|| pair.target.psql("d", IN_THE_WAY));
        let holds = "SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND granted \
                     AND relation = 'flexway_progress.part'::regclass";
        while pair.on_target("d", holds) == "0\n" {
            assert!(!other.is_finished(), "the other session is not in the way");
            std::thread::sleep(Duration::from_millis(10));
        }
        let ran = released(child);
        other.join().unwrap().unwrap();
        ran
    });
    ran.ended(0).says(&["ERROR 40P01: deadlock detected", "equal"]);
}
