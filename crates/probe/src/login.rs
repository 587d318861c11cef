//! The upper rungs: what the server says to a startup message, a login, and one that replicates.

use std::time::{Duration, Instant};

use flexway_core::probes::{Rung, RungReport, Symptom, message};
use flexway_postgres::rungs::Opened;
use flexway_postgres::{PgError, Row, Session};
use serde_json::json;

use crate::ladder::{End, Ladder};

/// Makes a slot by the plug-in that online moves use, and drops it in the same statement: behind a
/// pooler a session outlives its client, and so would a slot that goes with its session. The process
/// id makes its name unique on the server.
pub(crate) const SLOT: &str = "SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM \
    pg_catalog.pg_create_logical_replication_slot( \
    'flexway_probe_' || pg_catalog.pg_backend_pid(), 'pgoutput', true)";
pub(crate) const SLOT_MADE: &str = "a temporary slot with pgoutput could be made, and is gone";
/// How a pooler shows that passes a login on and keeps its settings.
pub(crate) const POOLED: &str =
    "a pooler answers: a setting that the login gave did not arrive at the server";
pub(crate) const SLOT_WAITS: &str =
    "a slot was not made in time: the server waits for transactions that run";
/// query_canceled: the statement's time-out.
pub(crate) const CANCELLED: &str = "57014";

/// How long a server may take to make a slot: less than the silence after which a session is given
/// up, so that the server itself ends the attempt and nothing lingers.
pub(crate) fn slot_time_max(limit: Duration) -> Duration {
    limit.mul_f64(0.8)
}

/// What the server tells of itself and of us.
pub(crate) const FACTS: &str = "SELECT pg_catalog.host(pg_catalog.inet_client_addr()), \
    pg_catalog.host(pg_catalog.inet_server_addr()), \
    pg_catalog.current_setting('server_version'), pg_catalog.pg_is_in_recovery(), \
    (SELECT version FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid())";

/// What following changes needs.
pub(crate) const REPLICATION: &str = "SELECT pg_catalog.current_setting('wal_level'), \
    pg_catalog.current_setting('max_replication_slots'), \
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots), \
    pg_catalog.current_setting('max_wal_senders'), \
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication), \
    (SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user), \
    (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'output_plugin_libraries')";

/// Startup and login; notes the startup alone where both hold.
pub(crate) fn log_in(
    ladder: &mut Ladder<'_>,
    opened: Opened,
    started: Instant,
) -> Result<Session, End> {
    let passed = format!("the server takes connections to database `{}`", ladder.info.database());
    match opened.log_in(ladder.info) {
        Ok(mut session) => {
            session.set_silence_time_max(Some(ladder.limit));
            let report = match is_pooled(&mut session) {
                true => RungReport::fail(
                    Rung::Startup,
                    Symptom::Pooler,
                    ladder.info.host(),
                    "a pooler answers: the process that serves queries is not the one that the login named",
                ),
                false => RungReport::pass(Rung::Startup, passed),
            };
            ladder.add(report, started)?;
            Ok(session)
        }
        Err(error) if error.rung == Rung::Auth => {
            ladder.add(RungReport::pass(Rung::Startup, passed), started)?;
            Err(ladder.fail(Rung::Auth, error, started))
        }
        Err(error) => {
            ladder.observation.seen_as = message::client_address(&error.why);
            Err(ladder.fail(Rung::Startup, error, started))
        }
    }
}

/// Whether another process serves queries than the one that the login named.
fn is_pooled(session: &mut Session) -> bool {
    let rows = session.rows("SELECT pg_catalog.pg_backend_pid()");
    let pid = rows.ok().and_then(|rows| rows.into_iter().next()?.into_iter().next()?);
    pid.is_some_and(|pid| pid != session.backend_pid().to_string())
}

/// The login's report: whom the server sees, and what it is.
pub(crate) fn read_facts(ladder: &mut Ladder<'_>, session: &mut Session) -> RungReport {
    let row = match session.rows(FACTS) {
        Ok(rows) => rows.into_iter().next().unwrap_or_default(),
        Err(error) => {
            let detail = format!("the session's first question failed: {error}");
            return RungReport::fail(Rung::Auth, Symptom::Other, ladder.info.host(), detail);
        }
    };
    let value = |index: usize| row.get(index).cloned().flatten();
    ladder.observation.seen_as = value(0).and_then(|text| text.parse().ok());
    let facts = [
        ("address", json!(value(1))),
        ("version", json!(value(2))),
        ("is_standby", json!(value(3).as_deref() == Some("t"))),
        ("is_encrypted", json!(session.is_encrypted())),
    ];
    for (name, fact) in facts {
        ladder.observation.server.insert(name.to_owned(), fact);
    }
    RungReport::pass(Rung::Auth, format!("user `{}` is let in", ladder.info.user()))
}

/// The last rung: a replication session, and a slot that goes with it.
pub(crate) fn replicate(ladder: &mut Ladder<'_>, session: &mut Session) -> Result<(), End> {
    let started = Instant::now();
    let row = session.rows(REPLICATION).ok().and_then(|rows| rows.into_iter().next());
    let row = row.unwrap_or_default();
    let settings = settings_of(&row);
    let mut report = match obstacle(&settings) {
        Some((symptom, detail)) => {
            RungReport::fail(Rung::Replication, symptom, ladder.info.host(), detail)
        }
        None => try_slot(ladder, session),
    };
    for (name, value) in settings {
        report.evidence.insert(name.to_owned(), json!(value));
    }
    ladder.add(report, started)
}

/// A setting or count, and its value.
pub(crate) type Setting = (&'static str, Option<String>);

/// The columns of [`REPLICATION`] by name.
pub(crate) fn settings_of(row: &Row) -> Vec<Setting> {
    const NAMES: [&str; 7] = [
        "wal_level",
        "max_replication_slots",
        "replication_slots",
        "max_wal_senders",
        "wal_senders",
        "may_replicate",
        "output_plugin_libraries",
    ];
    let value = |at: usize| row.get(at).cloned().flatten();
    NAMES.iter().enumerate().map(|(at, name)| (*name, value(at))).collect()
}

/// What the settings alone rule out. What they leave open the slot decides.
pub(crate) fn obstacle(settings: &[Setting]) -> Option<(Symptom, String)> {
    let value = |name| settings.iter().find(|(known, _)| *known == name)?.1.as_deref();
    let number = |name| value(name).and_then(|text| text.parse::<u64>().ok());
    let level = value("wal_level")?;
    if level != "logical" {
        return Some((Symptom::WalLevel, format!("wal_level is {level}, not logical")));
    }
    if matches!(value("may_replicate"), Some("f" | "false")) {
        let detail = "the role has not the attribute REPLICATION".to_owned();
        return Some((Symptom::NoReplicationRight, detail));
    }
    let (max, taken) = (number("max_replication_slots")?, number("replication_slots")?);
    let detail = format!("{taken} of {max} replication slots are taken");
    (taken >= max).then_some((Symptom::NoFreeSlot, detail))
}

/// A replication session, then a temporary slot.
fn try_slot(ladder: &Ladder<'_>, session: &mut Session) -> RungReport {
    let host = ladder.info.host();
    let mut walsender = match Session::for_replication(ladder.info) {
        Ok(walsender) => walsender,
        Err(error) => {
            let symptom = error.symptom.unwrap_or(Symptom::Other);
            let mut report = RungReport::fail(Rung::Replication, symptom, host, error.why);
            report.code = error.code;
            return report;
        }
    };
    walsender.set_silence_time_max(Some(ladder.limit));
    let identity = match walsender.rows("IDENTIFY_SYSTEM") {
        Ok(rows) => rows.into_iter().next().unwrap_or_default(),
        Err(error) => return refused(host, &error),
    };
    let limit = format!("SET statement_timeout = {}", slot_time_max(ladder.limit).as_millis());
    let made = session.execute(&limit).and_then(|()| session.execute(SLOT));
    let mut report = match made {
        Ok(()) => RungReport::pass(Rung::Replication, SLOT_MADE),
        Err(error) if error.code() == Some(CANCELLED) => {
            RungReport::not_seen(Rung::Replication, SLOT_WAITS)
        }
        Err(error) => refused(host, &error),
    };
    for (at, name) in ["system_id", "timeline", "lsn"].into_iter().enumerate() {
        report.evidence.insert(name.to_owned(), json!(identity.get(at).cloned().flatten()));
    }
    report
}

fn refused(host: &str, error: &PgError) -> RungReport {
    let symptom = slot_symptom(error);
    let mut report = RungReport::fail(Rung::Replication, symptom, host, error.to_string());
    report.code = error.code().map(str::to_owned);
    report
}

/// How a refused slot shows; codes that speak of logins mean something else here.
pub(crate) fn slot_symptom(error: &PgError) -> Symptom {
    match error {
        PgError::Server(error) => match message::of_refusal(&error.code, &error.message) {
            symptom if symptom.rung() == Rung::Replication => symptom,
            // undefined_file: there is no such library.
            _ if error.code == "58P01" => Symptom::PluginMissing,
            _ => Symptom::Other,
        },
        PgError::Connection(_) | PgError::Misuse(_) => Symptom::Other,
    }
}
