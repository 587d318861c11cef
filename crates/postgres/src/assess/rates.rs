//! Measures how fast rows leave the source and reach the target, with a sample of some megabytes in
//! a temporary table that is rolled back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use flexway_core::assess::forecast::Rates;
use flexway_core::migrate::CopyProgress;

use crate::ask::{Outcome, failed, number, query, query_one, relay_failed, run, text};
use crate::catalog::USER_SCHEMAS;
use crate::pool::connect;
use crate::{ConnInfo, Session, read_copy, relay};

/// Enough to outlast the first buffers on the way, little enough for a slow line.
const SAMPLE_BYTES: u64 = 16 * 1024 * 1024;

/// A table below this, or less text of it, says nothing about rates; rows are made up on the source instead.
const TABLE_BYTES_MIN: u64 = 1024 * 1024;

/// Longest time that each measurement may take.
const TIME_MAX: Duration = Duration::from_secs(20);

const TABLE: &str = "pg_temp.flexway_sample";

/// Reads the sample once on the source alone, once across, and builds an index of it.
pub(crate) fn measure(
    source: &ConnInfo,
    target: &ConnInfo,
    databases: &[String],
) -> Outcome<Rates> {
    let Sample { database, rows, made_up } = sample(source, databases)?;
    let here = &mut connect(&source.with_database(&database))?;
    let there = &mut connect(target)?;
    let mut copy_out = format!("COPY ({}) TO STDOUT", rows.as_ref().unwrap_or(&made_up));
    // The first time warms the caches, as the copy's own read does for the comparison.
    let (mut bytes, _) = read(here, &copy_out)?;
    if bytes < TABLE_BYTES_MIN {
        // Rows that pack well give little text, and the fixed cost would be all that is measured.
        copy_out = format!("COPY ({made_up}) TO STDOUT");
        (bytes, _) = read(here, &copy_out)?;
    }
    let (_, read_s) = read(here, &copy_out)?;
    run(there, "begin to measure", "BEGIN")?;
    let table = "CREATE TEMPORARY TABLE flexway_sample (line text) ON COMMIT DROP";
    run(there, "make a temporary table", table)?;
    let started = Instant::now();
    within(|stop| {
        let copy_in = format!("COPY {TABLE} FROM STDIN");
        let progress = CopyProgress::default();
        relay(here, &copy_out, there, &copy_in, &progress, stop)
            .map_err(|error| relay_failed("copy a sample", error))
    })?;
    let copy_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let index = format!("CREATE INDEX flexway_sample_index ON {TABLE} (left(line, 40))");
    there.execute(&index).map_err(|error| failed("build an index of a sample", &error))?;
    let index_s = started.elapsed().as_secs_f64();
    let size = "SELECT pg_relation_size('pg_temp.flexway_sample_index')";
    let index_bytes = number("measure", &query_one(there, "measure", size)?, 0)?;
    run(there, "take the temporary table back", "ROLLBACK")?;
    let rate = |bytes: u64, seconds: f64| bytes as f64 / seconds.max(1e-4);
    Ok(Rates {
        copy: rate(bytes, copy_s),
        read: rate(bytes, read_s),
        index: rate(index_bytes, index_s),
        sample_bytes: bytes,
    })
}

/// What to measure with.
struct Sample {
    database: String,
    /// The query of rows of the largest table. `None` where no table has enough.
    rows: Option<String>,
    /// The query of rows that are made up on the source, 128 bytes each: as much as all tables have.
    made_up: String,
}

fn sample(source: &ConnInfo, databases: &[String]) -> Outcome<Sample> {
    let what = "find a table to measure with";
    let (mut best, mut all): (Option<(u64, String, String)>, u64) = (None, 0);
    for name in databases {
        let session = &mut connect(&source.with_database(name))?;
        let sql = format!(
            "SELECT format('%I.%I', n.nspname, c.relname), coalesce(pg_table_size(c.oid), 0), \
             greatest(c.reltuples, 0)::bigint, sum(coalesce(pg_table_size(c.oid), 0)) OVER () FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'r' AND {USER_SCHEMAS} AND has_table_privilege(c.oid, 'SELECT') \
             AND has_schema_privilege(n.oid, 'USAGE') AND NOT row_security_active(c.oid) \
             ORDER BY 2 DESC LIMIT 1"
        );
        for row in query(session, what, &sql)? {
            let (bytes, count) = (number(what, &row, 1)?, number(what, &row, 2)?);
            all = all.saturating_add(number(what, &row, 3)?);
            if bytes < TABLE_BYTES_MIN || best.as_ref().is_some_and(|(size, ..)| *size >= bytes) {
                continue;
            }
            // Never analysed: as if a row had a hundred bytes.
            let count = if count == 0 { bytes / 100 } else { count };
            let limit = (u128::from(count) * u128::from(SAMPLE_BYTES) / u128::from(bytes)).max(1);
            let rows = format!("SELECT t::text FROM ONLY {} t LIMIT {limit}", text(&row, 0));
            best = Some((bytes, name.clone(), rows));
        }
    }
    let count = all.clamp(TABLE_BYTES_MIN, SAMPLE_BYTES) / 128;
    let made_up = format!("SELECT repeat(md5(i::text), 4) FROM generate_series(1, {count}) AS i");
    let first = || databases.first().map_or(source.database(), String::as_str).to_owned();
    let (database, rows) =
        best.map_or_else(|| (first(), None), |(_, name, rows)| (name, Some(rows)));
    Ok(Sample { database, rows, made_up })
}

/// Bytes and seconds of reading.
fn read(session: &mut Session, copy_out: &str) -> Outcome<(u64, f64)> {
    let started = Instant::now();
    let copied = within(|stop| {
        read_copy(session, copy_out, stop, &mut |_| {})
            .map_err(|error| relay_failed("read a sample", error))
    })?;
    Ok((copied.bytes, started.elapsed().as_secs_f64()))
}

/// Runs `work` with a flag that is set once it took too long.
fn within<T>(work: impl FnOnce(&AtomicBool) -> Outcome<T>) -> Outcome<T> {
    let stop = &AtomicBool::new(false);
    let (done, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if ended.recv_timeout(TIME_MAX) == Err(mpsc::RecvTimeoutError::Timeout) {
                stop.store(true, Ordering::Relaxed);
            }
        });
        let result = work(stop);
        drop(done);
        result
    })
}
