//! The ladder from this machine: each rung in turn, until one does not hold.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use flexway_core::probes::{
    Destination, Moment, Observation, ProbePlan, Rung, RungReport, Symptom, Vantage,
};
use flexway_postgres::rungs::{self, Certificate, Dialled, Opened};
use flexway_postgres::{ConnInfo, ConnectError, Session, SslMode};
use serde_json::{Map, Value, json};

use crate::name;
use crate::{login, measure};

/// Climbs as far as the plan asks for. `time` is now; `machine` is this machine's name.
pub fn climb(
    plan: &ProbePlan,
    info: &ConnInfo,
    time: Moment,
    machine: Option<String>,
) -> Observation {
    let vantage = Vantage {
        place: plan.place,
        host: machine,
        resource: plan.resource.clone(),
        address: None,
    };
    let to = Destination { host: info.host().to_owned(), port: info.port() };
    let observation = Observation::new(vantage, time, to);
    let mut ladder = Ladder { plan, info, limit: rungs::time_max(info), observation };
    let end = ladder.climb();
    ladder.finish(end)
}

/// Milliseconds, to the microsecond.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// Why the ladder ends.
pub(crate) enum End {
    Failed,
    Enough,
}

pub(crate) struct Ladder<'a> {
    pub(crate) plan: &'a ProbePlan,
    pub(crate) info: &'a ConnInfo,
    pub(crate) limit: Duration,
    pub(crate) observation: Observation,
}

impl Ladder<'_> {
    fn climb(&mut self) -> End {
        match self.try_climb() {
            Ok(()) => End::Enough,
            Err(end) => end,
        }
    }

    fn try_climb(&mut self) -> Result<(), End> {
        let started = Instant::now();
        let (report, addresses) = name::climb(self.plan, self.info, self.limit);
        self.observation.addresses = addresses.iter().map(SocketAddr::ip).collect();
        self.add(report, started)?;
        let dialled = self.dial(&addresses)?;
        let (dialled, offers_tls) = self.ask_for_tls(dialled)?;
        let opened = self.encrypt(dialled, offers_tls)?;
        let started = Instant::now();
        let mut session = login::log_in(self, opened, started)?;
        let login = login::read_facts(self, &mut session);
        let elapsed = started.elapsed();
        self.measure(&mut session, &addresses);
        self.add_timed(login, elapsed)?;
        login::replicate(self, &mut session)
    }

    fn measure(&mut self, session: &mut Session, addresses: &[SocketAddr]) {
        self.observation.round_trip_ms = measure::round_trip_ms(session);
        let seconds = |count: u16| Duration::from_secs(count.into());
        let throughput = self.plan.throughput_s.map(|s| measure::throughput(session, seconds(s)));
        let idle = self.plan.idle_s.map(|s| measure::idle(self.info, addresses, seconds(s)));
        for (name, value) in [("throughput", throughput), ("idle", idle)] {
            self.observation.server.extend(value.map(|value| (name.to_owned(), value)));
        }
    }

    /// Notes a rung; an error when the ladder ends with it.
    pub(crate) fn add(&mut self, report: RungReport, started: Instant) -> Result<(), End> {
        self.add_timed(report, started.elapsed())
    }

    fn add_timed(&mut self, mut report: RungReport, time: Duration) -> Result<(), End> {
        let rung = report.rung;
        report.time_ms = Some(milliseconds(time));
        let is_failed = report.symptom.is_some();
        self.observation.rungs.push(report);
        match is_failed {
            true => Err(End::Failed),
            false if rung >= self.plan.up_to => Err(End::Enough),
            false => Ok(()),
        }
    }

    /// Notes a rung that failed with an error of the connection.
    pub(crate) fn fail(&mut self, rung: Rung, error: ConnectError, started: Instant) -> End {
        let symptom = error.symptom.unwrap_or(Symptom::Other);
        let mut report = RungReport::fail(rung, symptom, self.info.host(), error.why);
        report.fix = Some(error.fix);
        report.code = error.code;
        // An end without a failure is impossible here: the report has a symptom.
        self.add(report, started).err().unwrap_or(End::Failed)
    }

    /// The address that was reached last is dialled again where a rung needs a fresh connection.
    fn dial(&mut self, addresses: &[SocketAddr]) -> Result<(Dialled, SocketAddr), End> {
        let started = Instant::now();
        let mut attempts = Vec::new();
        let mut reached = None;
        let mut first_failure = None;
        for address in addresses.iter().take(rungs::ADDRESSES_MAX) {
            let since = Instant::now();
            let result = rungs::dial(*address, self.limit);
            let word = match &result {
                Ok(_) => "connected".to_owned(),
                Err(error) => rungs::tcp_symptom(error)
                    .map_or_else(|| error.kind().to_string(), |symptom| json_word(&json!(symptom))),
            };
            let time_ms = milliseconds(since.elapsed());
            attempts.push(json!({ "address": address.ip(), "result": word, "time_ms": time_ms }));
            match result {
                Ok(dialled) => {
                    reached = Some((dialled, *address));
                    break;
                }
                Err(error) => {
                    first_failure.get_or_insert((*address, error));
                }
            }
        }
        let mut report = match (&reached, first_failure) {
            (Some((dialled, address)), _) => {
                self.observation.vantage.address = dialled.own_address();
                let detail =
                    format!("{} accepts connections on port {}", address.ip(), address.port());
                RungReport::pass(Rung::Tcp, detail)
            }
            (None, Some((address, error))) => {
                let symptom = rungs::tcp_symptom(&error).unwrap_or(Symptom::Other);
                let why = rungs::tcp_why(&error, self.limit);
                let detail = format!("{} {why}", address.ip());
                RungReport::fail(Rung::Tcp, symptom, self.info.host(), detail)
            }
            (None, None) => RungReport::not_seen(Rung::Tcp, "no address to dial"),
        };
        report.evidence.insert("attempts".to_owned(), Value::Array(attempts));
        self.add(report, started)?;
        reached.ok_or(End::Failed)
    }

    fn ask_for_tls(
        &mut self,
        (mut dialled, address): (Dialled, SocketAddr),
    ) -> Result<((Dialled, SocketAddr), bool), End> {
        let started = Instant::now();
        let mut report = RungReport::pass(Rung::SslRequest, "PostgreSQL answers and offers TLS");
        match dialled.offers_tls(&self.info.place(), self.limit) {
            Ok(offers) => {
                if !offers {
                    report.detail = "PostgreSQL answers and offers no TLS".to_owned();
                }
                report.evidence.insert("offers_tls".to_owned(), json!(offers));
                self.add(report, started)?;
                Ok(((dialled, address), offers))
            }
            // A server that refuses before it looks at the request has said that it is PostgreSQL.
            Err(error) if error.rung > Rung::Tls => {
                report.detail = "PostgreSQL answers, with a refusal".to_owned();
                self.add(report, started)?;
                let report = RungReport::not_seen(Rung::Tls, "the server refused before");
                self.add(report, started)?;
                Err(self.fail(error.rung, error, started))
            }
            Err(error) => Err(self.fail(Rung::SslRequest, error, started)),
        }
    }

    fn encrypt(
        &mut self,
        (dialled, address): (Dialled, SocketAddr),
        offers_tls: bool,
    ) -> Result<Opened, End> {
        let started = Instant::now();
        let mode = self.info.ssl_mode();
        let in_the_clear = match mode {
            SslMode::Disable => true,
            SslMode::Allow | SslMode::Prefer => !offers_tls,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => false,
        };
        if in_the_clear {
            let detail = format!("in the clear, as sslmode={} permits", mode.word());
            self.add(RungReport::not_seen(Rung::Tls, detail), started)?;
            if !offers_tls {
                return Ok(dialled.in_the_clear());
            }
            // A server that agreed to TLS waits for the handshake and nothing else.
            return match rungs::dial(address, self.limit) {
                Ok(dialled) => Ok(dialled.in_the_clear()),
                Err(error) => {
                    let symptom = rungs::tcp_symptom(&error).unwrap_or(Symptom::Other);
                    let detail = format!("a second connection failed: {error}");
                    let host = self.info.host();
                    let report = RungReport::fail(Rung::Startup, symptom, host, detail);
                    Err(self.add(report, started).err().unwrap_or(End::Failed))
                }
            };
        }
        if !offers_tls {
            return Err(self.fail(Rung::Tls, rungs::declined(self.info), started));
        }
        let handshake = dialled.shake_hands(self.info);
        let evidence = shown(&handshake.chain, mode);
        match handshake.result {
            Ok(opened) => {
                let (version, cipher) = opened.encryption().unwrap_or_default();
                let identity = match mode {
                    SslMode::VerifyFull => "the certificate is for this host and trusted",
                    SslMode::VerifyCa => "the certificate is trusted, its name not looked at",
                    SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require => {
                        "who the server is was not checked"
                    }
                };
                let detail = format!("{}, {cipher}; {identity}", version.replace('_', "."));
                let mut report = RungReport::pass(Rung::Tls, detail);
                report.evidence = evidence;
                report.evidence.insert("version".to_owned(), json!(version.replace('_', ".")));
                report.evidence.insert("cipher".to_owned(), json!(cipher));
                self.add(report, started)?;
                Ok(opened)
            }
            Err(error) => {
                let end = self.fail(Rung::Tls, error, started);
                if let Some(report) = self.observation.rungs.last_mut() {
                    report.evidence = evidence;
                }
                Err(end)
            }
        }
    }

    fn finish(mut self, end: End) -> Observation {
        let why = match end {
            End::Failed => "a lower rung does not hold",
            End::Enough => "not asked for",
        };
        let last = self.observation.rungs.last().map(|report| report.rung);
        let rest = Rung::ALL.into_iter().filter(|rung| last.is_none_or(|last| *rung > last));
        self.observation.rungs.extend(rest.map(|rung| RungReport::not_seen(rung, why)));
        self.observation
    }
}

/// The certificates that were shown, and which authority would have to be trusted.
fn shown(chain: &[Certificate], mode: SslMode) -> Map<String, Value> {
    let time =
        |seconds: i64| u64::try_from(seconds).map(|seconds| Moment(seconds).to_string()).ok();
    let list = chain.iter().map(|one| {
        json!({
            "subject": one.subject,
            "issuer": one.issuer,
            "names": one.names,
            "not_before": time(one.not_before),
            "not_after": time(one.not_after),
            "version": one.version,
        })
    });
    let mut evidence = Map::new();
    evidence.insert("sslmode".to_owned(), json!(mode.word()));
    evidence.insert("root_wanted".to_owned(), json!(chain.last().map(|one| &one.issuer)));
    evidence.insert("chain".to_owned(), list.collect());
    evidence
}

fn json_word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
