//! Measurements on a connection that stands: round trip, throughput, and how long it may idle.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use flexway_postgres::{ConnInfo, Session, SslMode, rungs};
use serde_json::{Value, json};

use crate::ladder::milliseconds;

/// Questions whose median is the round trip; odd, so that there is a middle one.
const ROUND_TRIPS: usize = 7;
/// One answer of the throughput measure: large against the round trip, small against memory.
const PIECE_BYTES: usize = 4 << 20;

/// The median time of an empty question.
pub(crate) fn round_trip_ms(session: &mut Session) -> Option<f64> {
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let since = Instant::now();
        session.execute("SELECT 1").ok()?;
        times.push(since.elapsed());
    }
    times.sort_unstable();
    times.get(ROUND_TRIPS / 2).copied().map(milliseconds)
}

/// How fast the server's bytes come here, over about `time`.
pub(crate) fn throughput(session: &mut Session, time: Duration) -> Value {
    let sql = format!("SELECT pg_catalog.repeat('x', {PIECE_BYTES})");
    let started = Instant::now();
    let mut bytes = 0;
    while started.elapsed() < time {
        match session.rows(&sql) {
            Ok(rows) => bytes += rows.iter().flatten().flatten().map(String::len).sum::<usize>(),
            Err(error) => return json!({ "error": error.to_string() }),
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    json!({ "bytes": bytes, "seconds": seconds, "bytes_per_second": (bytes as f64 / seconds).round() })
}

/// Leaves a connection without keepalives idle, then asks a question on it.
pub(crate) fn idle(info: &ConnInfo, addresses: &[SocketAddr], time: Duration) -> Value {
    let answer = |survived: bool, why: Option<String>| json!({ "seconds": time.as_secs(), "survived": survived, "why": why });
    let mut session = match open(info, addresses) {
        Ok(session) => session,
        Err(why) => return answer(false, Some(why)),
    };
    thread::sleep(time);
    session.set_silence_time_max(Some(rungs::time_max(info)));
    match session.execute("SELECT 1") {
        Ok(()) => answer(true, None),
        Err(error) => answer(false, Some(error.to_string())),
    }
}

fn open(info: &ConnInfo, addresses: &[SocketAddr]) -> Result<Session, String> {
    let limit = rungs::time_max(info);
    let dial = |address: &SocketAddr| rungs::dial(*address, limit).ok();
    let dialled = addresses.iter().find_map(dial).ok_or("it could not be dialled again")?;
    let mut dialled = dialled.without_keepalive().map_err(|error| error.to_string())?;
    let wants_tls = info.ssl_mode() != SslMode::Disable;
    let has_tls =
        wants_tls && dialled.offers_tls(&info.place(), limit).map_err(|error| error.why)?;
    let opened = match has_tls {
        true => dialled.shake_hands(info).result.map_err(|error| error.why)?,
        false => dialled.in_the_clear(),
    };
    opened.log_in(info).map_err(|error| error.why)
}
