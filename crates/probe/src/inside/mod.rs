//! The probe from inside another server, as SQL: the only one that starts where Azure's tool starts.
//!
//! Everything runs in one transaction that is rolled back, so nothing is left behind. What is
//! secret travels in the startup message, never in a statement, where logs would keep it.

mod dblink;
mod foreign;
mod report;

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use flexway_core::probes::{Moment, Observation, Place, ProbePlan};
use flexway_postgres::{ConnInfo, ConnectError, PgError, Session, SslMode, rungs};

use report::Outcome;

/// Name of the dial in the server, of its objects and of its settings.
const NAME: &str = "flexway_probe";
/// A setting that the dial gives and nobody else would: a pooler swallows it, or refuses.
const MARK: (&str, &str) = ("lock_timeout", "594321ms");
/// From this version on libpq can bound how long a connection request stays without an answer.
const BOUNDS_SILENCE: u32 = 120_000;
/// A dial may take so many time-outs: one for the name, one for the connection. Up to PostgreSQL 15
/// `connect_timeout` ends it, address by address; later ones ignore that and can be cancelled.
const DIAL_LIMITS: u32 = 2;
/// A name takes as long as the server's resolver likes, since nothing ends that before 16: glibc's
/// default is 5 s twice for each of 3 servers.
const RESOLVE_TIME_MAX: Duration = Duration::from_secs(30);

/// Why a server could not be asked to probe.
#[derive(Debug)]
pub enum InsideError {
    /// It could not be reached from here.
    Connect(ConnectError),
    /// It failed at something else than the dial.
    Statement(PgError),
}

impl fmt::Display for InsideError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InsideError::Connect(error) => error.fmt(out),
            InsideError::Statement(error) => error.fmt(out),
        }
    }
}

impl Error for InsideError {}

impl From<PgError> for InsideError {
    fn from(error: PgError) -> InsideError {
        InsideError::Statement(error)
    }
}

/// What the server has to dial with.
enum Tool {
    /// In this schema, quoted.
    Dblink(String),
    Foreign,
    /// Neither, and why.
    None(String),
}

/// Lets `server` dial `to`. `time` is now.
///
/// # Errors
/// The server itself cannot be used. That it has nothing to dial with is an observation that saw
/// nothing.
pub fn probe_inside(
    server: &ConnInfo,
    to: &ConnInfo,
    plan: &ProbePlan,
    time: Moment,
) -> Result<Observation, InsideError> {
    let limit = rungs::time_max(to);
    let secrets = server
        .with_setting(&format!("{NAME}.dial"), &to.for_another_server(mode(to), limit))
        .with_setting(&format!("{NAME}.password"), &to.password_for_another_server());
    let mut session = Session::connect(&secrets).map_err(InsideError::Connect)?;
    let address_time = limit.saturating_mul(u32::try_from(rungs::ADDRESSES_MAX).unwrap_or(1));
    session.set_silence_time_max(Some(RESOLVE_TIME_MAX + address_time));
    session.execute("BEGIN")?;
    let tool = find_tool(&mut session)?;
    let dial_ms = limit.saturating_mul(DIAL_LIMITS).as_millis();
    session.execute(&format!("SET LOCAL statement_timeout = {dial_ms}"))?;
    let started = Instant::now();
    let extra = extra(session.version().number, limit);
    let outcome = match &tool {
        Tool::Dblink(schema) => dblink::dial(&mut session, schema, to, plan, &extra)?,
        Tool::Foreign => foreign::dial(&mut session, to, mode(to), limit, &extra)?,
        Tool::None(why) => Outcome::NotTried(why.clone()),
    };
    let outcome = match session.version().number >= BOUNDS_SILENCE {
        true => outcome.told_apart(),
        false => outcome,
    };
    let elapsed = started.elapsed();
    let own = session.rows("SELECT pg_catalog.host(pg_catalog.inet_server_addr())")?;
    session.execute("ROLLBACK")?;
    let own = own.into_iter().next().and_then(|row| row.into_iter().next().flatten());
    let mut observation = report::observation(to, plan, time, outcome, elapsed);
    observation.vantage.place = match plan.place {
        Place::Here | Place::Target => Place::Target,
        Place::Runtime | Place::Relay => plan.place,
    };
    observation.vantage.host = Some(server.host().to_owned());
    observation.vantage.address = own.and_then(|text| text.parse().ok());
    Ok(observation)
}

/// What the dial gives beside the login. A connection request without an answer ends at three
/// quarters of the time-out, before anything else ends the dial: so a dial that ends later was
/// accepted. Source: tcp(7), TCP_USER_TIMEOUT; it counts while a request waits, and not while an
/// accepted connection is silent.
fn extra(version: u32, limit: Duration) -> Vec<(&'static str, String)> {
    let mut extra = vec![("options", format!("-c {}={}", MARK.0, MARK.1))];
    if version >= BOUNDS_SILENCE {
        extra.push(("tcp_user_timeout", limit.mul_f64(0.75).as_millis().to_string()));
    }
    extra
}

/// The mode that another server can keep: what names files here means nothing there.
fn mode(to: &ConnInfo) -> &'static str {
    match to.ssl_mode() {
        SslMode::Disable => "disable",
        SslMode::Allow => "allow",
        SslMode::Prefer => "prefer",
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => "require",
    }
}

/// `dblink` before `postgres_fdw`, and what is there before what has to be made: it shows more, and
/// needs no objects.
fn find_tool(session: &mut Session) -> Result<Tool, PgError> {
    let installed = "SELECT e.extname, pg_catalog.quote_ident(n.nspname) \
        FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace \
        WHERE e.extname IN ('dblink', 'postgres_fdw') ORDER BY 1";
    let rows = session.rows(installed)?;
    let text = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten();
    match rows.first().map(|row| (text(row, 0), text(row, 1))) {
        Some((Some(name), Some(schema))) if name == "dblink" => return Ok(Tool::Dblink(schema)),
        Some(_) => return Ok(Tool::Foreign),
        None => {}
    }
    let mut whys = Vec::new();
    for (name, tool) in [("dblink", Tool::Dblink(NAME.to_owned())), ("postgres_fdw", Tool::Foreign)]
    {
        let schema = format!("CREATE SCHEMA {NAME}; CREATE EXTENSION {name} SCHEMA {NAME}");
        match guarded(session, &schema)? {
            Ok(_) => return Ok(tool),
            Err(error) => whys.push(format!("{name}: {error}")),
        }
    }
    Ok(Tool::None(format!("the server can neither be given nor has {}", whys.join(", nor "))))
}

/// Runs SQL after a savepoint: a refusal of the server is an answer, and the transaction goes on.
fn guarded(
    session: &mut Session,
    sql: &str,
) -> Result<Result<Vec<flexway_postgres::Row>, PgError>, PgError> {
    session.execute(&format!("SAVEPOINT {NAME}"))?;
    match session.rows(sql) {
        Ok(rows) => Ok(Ok(rows)),
        Err(error @ PgError::Server(_)) if !session.is_lost() => {
            session.execute(&format!("ROLLBACK TO SAVEPOINT {NAME}"))?;
            Ok(Err(error))
        }
        Err(error) => Err(error),
    }
}
