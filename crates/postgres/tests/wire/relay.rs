//! Copies that succeed: every odd value arrives, in text and binary, between majors.

use std::sync::atomic::{AtomicBool, Ordering};

use flexway_core::migrate::{Copied, CopyProgress};
use flexway_lab::Options;
use flexway_postgres::{RelayError, Session, read_copy, relay};

use crate::{server, session, value};

pub(crate) static RUNNING: AtomicBool = AtomicBool::new(false);

pub(crate) fn copy(
    source: &mut Session,
    out: &str,
    target: &mut Session,
    into: &str,
) -> Result<Copied, RelayError> {
    relay(source, out, target, into, &CopyProgress::default(), &RUNNING)
}

const TABLE: &str = "create table public.odd (id int primary key, t text, b bytea, a text[], \
    d double precision, n numeric, j jsonb, z timestamptz)";
const ROWS: &str = r#"insert into public.odd values
    (1, '', '', '{}', 0, 0, '{}', now()),
    (2, null, null, null, null, null, null, null),
    (3, E'a\tb\nc\rd\\e\\.f', '\x00ff5c2e0a', '{a,NULL,"b,c",""}', 'NaN', 'NaN', '[null]',
        'infinity'),
    (4, E'\\.', '\x5c', E'{\\\\.}', '-Infinity', 1e-300, '"\n"', '0001-01-01 BC'),
    (5, E'\\N', '\x0d0a', '{{1,2},{3,4}}', 0.1, 12345678901234567890.123456789, '{"a": 1}', 'epoch'),
    (6, 'é€😀', '\xc3', '{😀}', 1e308, -1, '1', '2026-02-28');
    insert into public.odd (id, t, b) select 100 + i, repeat(chr(65 + i), 3000000),
        decode(repeat('5c0a', 700000), 'hex') from generate_series(1, 3) i;
    insert into public.odd (id, t) select 1000 + i, 'row ' || i from generate_series(1, 50000) i"#;
/// Of every value; floats by their bytes, since their text changed with PostgreSQL 12.
const HASH: &str = "select count(*) || ' ' || md5(string_agg(md5(row(id, t, b, a, float8send(d), \
    n, j, z)\
    ::text), '' order by id)) from public.odd";

fn every_odd_value(from: u32, to: u32, tls: bool) {
    let options = Options { tls, ..Options::default() };
    let (from, to) = (server(from, &options), server(to, &options));
    let (mut source, mut target) = (session(&from), session(&to));
    assert_eq!((source.is_encrypted(), target.is_encrypted()), (tls, tls));
    source.execute(TABLE).unwrap();
    source.execute(ROWS).unwrap();
    target.execute(TABLE).unwrap();
    let expected = value(&mut source, HASH);
    for format in ["text", "binary", "csv"] {
        let progress = CopyProgress::default();
        let copied = relay(
            &mut source,
            &format!("copy public.odd to stdout (format {format})"),
            &mut target,
            &format!("copy public.odd from stdin (format {format})"),
            &progress,
            &RUNNING,
        )
        .unwrap();
        assert_eq!(copied.rows, 50_009, "{format}");
        assert!(copied.bytes > 9_000_000, "{format}");
        assert_eq!(progress.rows.load(Ordering::Relaxed), copied.rows, "{format}");
        assert_eq!(progress.bytes.load(Ordering::Relaxed), copied.bytes, "{format}");
        assert_eq!(value(&mut target, HASH), expected, "{format}");
        target.execute("truncate public.odd").unwrap();
    }
    // Nothing to copy, and rows without columns.
    for sql in ["create table public.empty (a int)", "create table public.bare ()"] {
        source.execute(sql).unwrap();
        target.execute(sql).unwrap();
    }
    source.execute("insert into public.bare default values").unwrap();
    for (table, rows) in [("public.empty", 0), ("public.bare", 1)] {
        for format in ["text", "binary"] {
            let out = format!("copy {table} to stdout (format {format})");
            let into = format!("copy {table} from stdin (format {format})");
            let copied = copy(&mut source, &out, &mut target, &into).unwrap();
            assert_eq!(copied.rows, rows, "{table} {format}");
        }
    }
}

#[test]
fn every_odd_value_from_11_to_17() {
    every_odd_value(11, 17, false);
}

#[test]
fn every_odd_value_from_15_to_18() {
    every_odd_value(15, 18, false);
}

#[test]
fn every_odd_value_under_tls() {
    every_odd_value(15, 17, true);
}

#[test]
fn rows_can_be_read_here() {
    let server = server(18, &Options::default());
    let mut source = session(&server);
    let mut seen = Vec::new();
    let copied = read_copy(
        &mut source,
        "copy (select i, repeat('x', 2000000) from generate_series(1, 3) i) to stdout",
        &RUNNING,
        &mut |row| seen.push((row.len(), row.last().copied())),
    )
    .unwrap();
    assert_eq!(seen, [(2_000_003, Some(b'\n')); 3]);
    assert_eq!((copied.rows, copied.bytes), (3, 6_000_009));
    let sql = "copy (select i from generate_series(1, 3) i) to stdout (format binary)";
    assert_eq!(read_copy(&mut source, sql, &RUNNING, &mut |_| {}).unwrap().rows, 3);

    let error = read_copy(&mut source, "select 1", &RUNNING, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("no COPY"), "{error}");
    let sql = "copy (select 1 / (3 - i) from generate_series(1, 5) i) to stdout";
    let error = read_copy(&mut source, sql, &RUNNING, &mut |_| {}).unwrap_err();
    assert!(matches!(&error, RelayError::Source(e) if e.code() == Some("22012")), "{error}");
    let sql = "copy (select generate_series(1, 1000000000)) to stdout";
    let stop = AtomicBool::new(false);
    let error = read_copy(&mut source, sql, &stop, &mut |_| stop.store(true, Ordering::Relaxed))
        .unwrap_err();
    assert!(matches!(error, RelayError::Stopped), "{error}");
    assert_eq!(value(&mut source, "select 1"), "1");
}
