//! Copies that fail or are stopped: the right side is blamed, nothing is left, sessions live on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flexway_core::migrate::CopyProgress;
use flexway_lab::{Options, Server};
use flexway_postgres::{PgError, RelayError, Session, relay};

use crate::relay::copy;
use crate::{server, session, value};

/// Two billion rows, made as they are sent (in FROM the server would write them all to disk first).
const ENDLESS: &str = "copy (select generate_series(1, 2000000000), 'x') to stdout";
const INTO: &str = "copy public.t from stdin";

struct Pair {
    from: Server,
    to: Server,
    source: Session,
    target: Session,
}

fn pair(from: u32, to: u32) -> Pair {
    let (from, to) = (server(from, &Options::default()), server(to, &Options::default()));
    let (source, mut target) = (session(&from), session(&to));
    target.execute("create table public.t (i bigint, x text)").unwrap();
    Pair { from, to, source, target }
}

fn is_alive(session: &mut Session) -> bool {
    session.rows("select 1").is_ok_and(|rows| rows.len() == 1)
}

fn assert_nothing_left(pair: &mut Pair) {
    assert!(is_alive(&mut pair.source));
    assert_eq!(value(&mut pair.target, "select count(*) from public.t"), "0");
}

/// Relays without end while `act` runs, which is given the counters and the stop flag.
fn relay_until(
    pair: &mut Pair,
    out: &str,
    act: impl FnOnce(&CopyProgress, &AtomicBool) + Send,
) -> RelayError {
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let (source, target) = (&mut pair.source, &mut pair.target);
    thread::scope(|scope| {
        scope.spawn(|| act(&progress, &stop));
        relay(source, out, target, INTO, &progress, &stop).unwrap_err()
    })
}

fn wait_for_rows(progress: &CopyProgress) {
    let end = Instant::now() + Duration::from_secs(20);
    while progress.rows.load(Ordering::Relaxed) < 50_000 && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn statements_that_are_refused_are_blamed_on_their_side() {
    let mut pair = pair(15, 17);
    let (source, target) = (&mut pair.source, &mut pair.target);
    let out = "copy (select 1, 'a') to stdout";
    let code = |error: &RelayError| match error {
        RelayError::Source(error) => format!("source {}", error.code().unwrap_or("misuse")),
        RelayError::Target(error) => format!("target {}", error.code().unwrap_or("misuse")),
        RelayError::Stopped => "stopped".to_owned(),
    };
    let table = [
        ("copy nowhere to stdout", INTO, "source 42P01"),
        (out, "copy nowhere from stdin", "target 42P01"),
        ("select 1", INTO, "source misuse"),
        ("copy public.nothing from stdin", INTO, "source 42P01"),
        (out, "copy (select 1) to stdout", "target misuse"),
        ("copy (select 1, 'a') to stdout (format binary)", INTO, "source misuse"),
        ("copy (select 1, 'a') to stdout (format csv, header)", INTO, "source misuse"),
        ("copy (select 'a', 'b') to stdout", INTO, "target 22P02"),
        (
            "copy (select 1 / (100000 - i), 'b' from generate_series(1, 200000) i) to stdout",
            INTO,
            "source 22012",
        ),
    ];
    for (out, into, expected) in table {
        let error = copy(source, out, target, into).unwrap_err();
        assert_eq!(code(&error), expected, "{out}: {error}");
        assert!(is_alive(source) && is_alive(target), "{out}");
    }
    copy(source, out, target, INTO).unwrap();
    target.execute("truncate public.t").unwrap();
    assert_nothing_left(&mut pair);
}

#[test]
fn a_target_that_refuses_a_row_ends_the_copy_at_once() {
    let mut pair = pair(11, 18);
    pair.target.execute("alter table public.t add constraint small check (i < 100000)").unwrap();
    let error = relay_until(&mut pair, ENDLESS, |_, _| {});
    let RelayError::Target(PgError::Server(error)) = &error else { panic!("{error}") };
    assert_eq!((error.code.as_str(), error.constraint.as_deref()), ("23514", Some("small")));
    assert!(!error.to_string().contains("100000, x"), "{error}");
    assert_nothing_left(&mut pair);
}

#[test]
fn the_stop_flag_ends_a_copy_wherever_it_waits() {
    let mut pair = pair(15, 18);
    let error = relay_until(&mut pair, ENDLESS, |progress, stop| {
        wait_for_rows(progress);
        stop.store(true, Ordering::Relaxed);
    });
    assert!(matches!(error, RelayError::Stopped), "{error}");
    assert_nothing_left(&mut pair);

    // One wide row is being sent.
    let wide = "copy (select 1, repeat('x', 200000000)) to stdout";
    let error = relay_until(&mut pair, wide, |progress, stop| {
        while progress.bytes.load(Ordering::Relaxed) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(matches!(error, RelayError::Stopped), "{error}");
    assert_nothing_left(&mut pair);

    // The source says nothing.
    let silent = "copy (select 1, pg_sleep(60)::text) to stdout";
    let stop_soon = |_: &CopyProgress, stop: &AtomicBool| {
        thread::sleep(Duration::from_millis(500));
        stop.store(true, Ordering::Relaxed);
    };
    let error = relay_until(&mut pair, silent, stop_soon);
    assert!(matches!(error, RelayError::Stopped), "{error}");
    assert_nothing_left(&mut pair);

    // The target waits for a lock.
    let mut locker = session(&pair.to);
    locker.execute("begin; lock table public.t").unwrap();
    let error = relay_until(&mut pair, ENDLESS, stop_soon);
    assert!(matches!(error, RelayError::Stopped), "{error}");
    locker.execute("rollback").unwrap();
    assert_nothing_left(&mut pair);

    // All rows are there, and the target takes its time to store them.
    pair.target
        .execute(
            "create function public.slow() returns trigger language plpgsql as \
             $$ begin perform pg_sleep(60); return null; end $$; \
             create trigger slow after insert on \
             public.t for each statement execute function public.slow()",
        )
        .unwrap();
    let error = relay_until(&mut pair, "copy (select 1, 'x') to stdout", stop_soon);
    assert!(matches!(error, RelayError::Stopped), "{error}");
    assert_nothing_left(&mut pair);
}

#[test]
fn a_source_that_dies_leaves_the_target_empty_and_usable() {
    let mut pair = pair(15, 17);
    let pid = pair.source.backend_pid();
    let mut killer = session(&pair.from);
    let error = relay_until(&mut pair, ENDLESS, |progress, _| {
        wait_for_rows(progress);
        killer.execute(&format!("select pg_terminate_backend({pid})")).unwrap();
    });
    // A backend that is told to end while it waits to send more rows says nothing: it could not be told from a row.
    let is_it = |e: &PgError| matches!(e, PgError::Connection(_)) || e.code() == Some("57P01");
    assert!(matches!(&error, RelayError::Source(e) if is_it(e)), "{error}");
    assert!(pair.source.is_lost());
    pair.source = session(&pair.from);
    assert_nothing_left(&mut pair);

    let mut from = std::mem::replace(&mut pair.from, server(15, &Options::default()));
    let error = relay_until(&mut pair, ENDLESS, |progress, _| {
        wait_for_rows(progress);
        from.kill9().unwrap();
    });
    assert!(matches!(&error, RelayError::Source(_)), "{error}");
    pair.source = session(&pair.from);
    assert_nothing_left(&mut pair);
}

#[test]
fn a_target_that_dies_leaves_the_source_usable() {
    let mut pair = pair(15, 17);
    let pid = pair.target.backend_pid();
    let mut killer = session(&pair.to);
    let error = relay_until(&mut pair, ENDLESS, |progress, _| {
        wait_for_rows(progress);
        killer.execute(&format!("select pg_terminate_backend({pid})")).unwrap();
    });
    assert!(matches!(&error, RelayError::Target(e) if e.code() == Some("57P01")), "{error}");
    assert!(pair.target.is_lost());
    pair.target = session(&pair.to);
    assert_nothing_left(&mut pair);
}

#[test]
fn rows_that_the_target_drops_are_missed() {
    let mut pair = pair(15, 17);
    pair.target
        .execute(
            "create function public.pick() returns trigger language plpgsql as $$ begin raise \
             notice \
             'row %', new.i; if new.i % 2 = 0 then return null; end if; return new; end $$; create \
             trigger pick before insert on public.t for each row execute function public.pick()",
        )
        .unwrap();
    // The notices alone are more than the sockets hold.
    let out = "copy (select i, 'x' from generate_series(1, 200000) i) to stdout";
    let error = copy(&mut pair.source, out, &mut pair.target, INTO).unwrap_err();
    assert!(error.to_string().contains("100000 of 200000 rows were stored"), "{error}");
    assert_eq!(pair.target.notice_count(), 200_000);
    assert!(is_alive(&mut pair.source) && is_alive(&mut pair.target));
}
