//! The dial by `dblink`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use flexway_core::probes::{ProbePlan, Rung, message};
use flexway_postgres::{ConnInfo, PgError, Row, Session, rungs};

use super::report::{Outcome, Reached, Replication};
use super::{MARK, NAME, guarded};
use crate::ladder::milliseconds;
use crate::login::{
    CANCELLED, FACTS, REPLICATION, SLOT, SLOT_WAITS, obstacle, settings_of, slot_symptom,
    slot_time_max,
};

/// Questions whose median is the round trip.
const ROUND_TRIPS: usize = 5;
/// From this version on libpq names the address that it dialled.
const NAMES_ADDRESS: u32 = 140_000;

pub(super) fn dial(
    session: &mut Session,
    schema: &str,
    to: &ConnInfo,
    plan: &ProbePlan,
    extra: &[(&str, String)],
) -> Result<Outcome, PgError> {
    let extra = extra.iter().map(|(name, value)| format!(" {name}=''{value}''"));
    let extra: String = extra.collect();
    let dial = format!("pg_catalog.current_setting('{NAME}.dial') || '{extra}'");
    let connect = format!("SELECT {schema}.dblink_connect('{NAME}', {dial})");
    if let Err(error) = guarded(session, &connect)? {
        return Ok(Outcome::refused(error));
    }
    let mut reached = Reached::default();
    if let Some(row) = ask(session, schema, FACTS, 5)? {
        reached.read_facts(&row);
    }
    let mark = format!("SELECT pg_catalog.current_setting('{}')", MARK.0);
    reached.read_mark(ask(session, schema, &mark, 1)?);
    if reached.is_pooled {
        return Ok(Outcome::Reached(reached));
    }
    reached.round_trip_ms = round_trip_ms(session, schema)?;
    if plan.up_to >= Rung::Replication {
        reached.replication = replication(session, schema, rungs::time_max(to))?;
    }
    reached.address = dialled(session, schema, to, &dial)?;
    Ok(Outcome::Reached(reached))
}

/// One row of the other server, its values as text.
fn ask(
    session: &mut Session,
    schema: &str,
    sql: &str,
    width: usize,
) -> Result<Option<Row>, PgError> {
    let columns: Vec<String> = (0..width).map(|at| format!("c{at} text")).collect();
    let as_text: Vec<String> = (0..width).map(|at| format!("c{at}::text")).collect();
    let names: Vec<String> = (0..width).map(|at| format!("c{at}")).collect();
    let inner =
        format!("SELECT {} FROM ({sql}) AS facts({})", as_text.join(", "), names.join(", "));
    let sql = format!(
        "SELECT * FROM {schema}.dblink('{NAME}', $probe${inner}$probe$) AS t({})",
        columns.join(", ")
    );
    Ok(guarded(session, &sql)?.ok().and_then(|rows| rows.into_iter().next()))
}

/// The median of a few questions there, less that of as many answered by the server itself.
fn round_trip_ms(session: &mut Session, schema: &str) -> Result<Option<f64>, PgError> {
    let there = format!("SELECT * FROM {schema}.dblink('{NAME}', 'SELECT 1') AS t(one int)");
    let mut medians = [0.0; 2];
    for (median, sql) in medians.iter_mut().zip([there.as_str(), "SELECT 1"]) {
        let mut times = Vec::with_capacity(ROUND_TRIPS);
        for _ in 0..ROUND_TRIPS {
            let since = Instant::now();
            if guarded(session, sql)?.is_err() {
                return Ok(None);
            }
            times.push(milliseconds(since.elapsed()));
        }
        times.sort_unstable_by(f64::total_cmp);
        *median = times[ROUND_TRIPS / 2];
    }
    Ok(Some((medians[0] - medians[1]).max(0.0)))
}

/// What following changes needs: settings, then a temporary slot. The other server itself ends an
/// attempt that waits, since a wait of `dblink` cannot be ended from here.
fn replication(
    session: &mut Session,
    schema: &str,
    limit: Duration,
) -> Result<Replication, PgError> {
    let row = ask(session, schema, REPLICATION, 7)?.unwrap_or_default();
    if let Some((symptom, detail)) = obstacle(&settings_of(&row)) {
        return Ok(Replication::Fails(symptom, detail));
    }
    let limit_ms = slot_time_max(limit).as_millis();
    let bound =
        format!("SELECT {schema}.dblink_exec('{NAME}', 'SET statement_timeout = {limit_ms}')");
    if guarded(session, &bound)?.is_err() {
        return Ok(Replication::NotTried("the attempt could not be bounded"));
    }
    let slot =
        format!("SELECT * FROM {schema}.dblink('{NAME}', $probe${SLOT}$probe$) AS t(name text)");
    Ok(match guarded(session, &slot)? {
        Ok(_) => Replication::Holds,
        Err(error) if error.code() == Some(CANCELLED) => Replication::NotTried(SLOT_WAITS),
        Err(error) => Replication::Fails(slot_symptom(&error), error.to_string()),
    })
}

/// The address that the name gave there: libpq names it when a dial fails, so one is made to a
/// database that does not exist.
fn dialled(
    session: &mut Session,
    schema: &str,
    to: &ConnInfo,
    dial: &str,
) -> Result<Option<IpAddr>, PgError> {
    if to.address().is_some() || session.version().number < NAMES_ADDRESS {
        return Ok(to.address());
    }
    let nowhere =
        format!("SELECT {schema}.dblink_connect('{NAME}_name', {dial} || ' dbname={NAME}')");
    match guarded(session, &nowhere)? {
        Err(PgError::Server(error)) => {
            Ok(error.detail.as_deref().and_then(message::dialled_address))
        }
        Ok(_) | Err(_) => Ok(None),
    }
}
