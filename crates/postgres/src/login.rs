//! The last rungs: startup message and authentication, up to the first `ReadyForQuery`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use flexway_core::probes::{Rung, Symptom};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};

use crate::connect_error::ConnectError;
use crate::conninfo::ConnInfo;
use crate::pg_error::ServerError;
use crate::refusal;
use crate::watch::Mute;
use crate::wire::{self, Patience, Wire, WireError};

/// Protocol 3.0, which every server since 7.4 speaks.
const PROTOCOL: u32 = 3 << 16;
/// A login may take so many limits in all, however often something comes in between: one for each of
/// the server's pauses for thought.
const LOGIN_LIMITS: u32 = 3;
/// Messages during a login; a real one has about 25, most of them parameters.
const LOGIN_MESSAGES_MAX: usize = 1000;

/// What a server says of itself during login.
#[derive(Debug, Default)]
pub(crate) struct Login {
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) backend_pid: u32,
    /// Proves to the server that a cancel request comes from this session.
    pub(crate) cancel_key: Vec<u8>,
}

/// Logs in. `limit` bounds the wait for each answer.
pub(crate) fn log_in(
    wire: &mut Wire,
    info: &ConnInfo,
    is_encrypted: bool,
    limit: Duration,
) -> Result<Login, ConnectError> {
    let mut ladder = Ladder { info, limit, rung: Rung::Startup, proof: Proof::None };
    ladder.send(wire, &startup_message(info))?;
    let mut login = Login::default();
    let end = Instant::now() + limit * LOGIN_LIMITS;
    for _ in 0..LOGIN_MESSAGES_MAX {
        let left = end.saturating_duration_since(Instant::now()).min(limit);
        let message =
            wire.message(&mut Patience::at_most(left)).map_err(|error| ladder.broken(error))?;
        let mut body = message.body;
        match message.tag {
            b'R' => {
                if let Some(reply) = ladder.authenticate(body)? {
                    ladder.send(wire, &reply)?;
                }
            }
            b'E' => return Err(ladder.refused(ServerError::read(body), is_encrypted)),
            b'S' => read_parameter(&mut login.parameters, body),
            b'K' => {
                login.backend_pid = wire::take_u32(&mut body).unwrap_or_default();
                login.cancel_key = body.to_vec();
            }
            b'Z' => return Ok(login),
            // Notices, and a newer server's remark that it speaks newer protocols too.
            b'N' | b'v' => {}
            _ => return Err(ladder.not_postgres("a message that has no place in a login")),
        }
    }
    Err(ladder.not_postgres("no end of messages"))
}

/// Keeps a `ParameterStatus`.
pub(crate) fn read_parameter(parameters: &mut BTreeMap<String, String>, mut body: &[u8]) {
    if let (Some(name), Some(value)) = (wire::take_string(&mut body), wire::take_string(&mut body))
    {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        parameters.insert(text(name), text(value));
    }
}

fn startup_message(info: &ConnInfo) -> Vec<u8> {
    let mut out = Vec::new();
    wire::frame(&mut out, None, |out| {
        out.extend(PROTOCOL.to_be_bytes());
        let options = info.options();
        let parameters = [
            ("user", Some(info.user())),
            ("database", Some(info.database())),
            ("application_name", Some(info.application_name())),
            ("client_encoding", Some("UTF8")),
            ("options", Some(&options)),
            ("replication", info.is_replication().then_some("database")),
        ];
        for (name, value) in parameters {
            if let Some(value) = value {
                wire::push_string(out, name);
                wire::push_string(out, value);
            }
        }
        out.push(0);
    });
    out
}

/// How far the server has proven that it knows the password, too.
enum Proof {
    /// Not asked for: trust, cleartext, MD5.
    None,
    /// SCRAM has begun; the server must answer for itself before the login counts.
    Owed(Box<ScramSha256>),
    Given,
}

struct Ladder<'a> {
    info: &'a ConnInfo,
    limit: Duration,
    rung: Rung,
    proof: Proof,
}

impl Ladder<'_> {
    fn send(&self, wire: &mut Wire, message: &[u8]) -> Result<(), ConnectError> {
        wire.send(message, &mut Patience::at_most(self.limit)).map_err(|error| self.broken(error))
    }

    /// Answers one authentication request; the reply to send, if any.
    /// Source: PostgreSQL 18, "Message Formats", Authentication*.
    fn authenticate(&mut self, mut body: &[u8]) -> Result<Option<Vec<u8>>, ConnectError> {
        self.rung = Rung::Auth;
        let Some(kind) = wire::take_u32(&mut body) else {
            return Err(self.not_postgres("an authentication request without a kind"));
        };
        match kind {
            0 => match self.proof {
                Proof::None | Proof::Given => Ok(None),
                Proof::Owed(_) => Err(self.untrusted("it skipped its own proof")),
            },
            3 => Ok(Some(wire::text_message(b'p', self.password()?))),
            5 => {
                let salt = body
                    .first_chunk::<4>()
                    .ok_or_else(|| self.not_postgres("an MD5 request without salt"))?;
                let user = self.info.user().as_bytes();
                let hash = md5_hash(user, self.password()?.as_bytes(), *salt);
                Ok(Some(wire::text_message(b'p', &hash)))
            }
            10 => self.begin_scram(body).map(Some),
            11 => self.continue_scram(body).map(Some),
            12 => self.finish_scram(body).map(|()| None),
            2 | 7 | 9 => Err(self.unsupported("Kerberos, GSSAPI or SSPI")),
            _ => Err(self.unsupported("a method that is newer than this program")),
        }
    }

    fn begin_scram(&mut self, mechanisms: &[u8]) -> Result<Vec<u8>, ConnectError> {
        if !mechanisms.split(|byte| *byte == 0).any(|name| name == SCRAM_SHA_256.as_bytes()) {
            return Err(self.unsupported("a SASL mechanism other than SCRAM-SHA-256"));
        }
        let password = self.password()?.as_bytes();
        let scram = ScramSha256::new(password, ChannelBinding::unsupported());
        let mut out = Vec::new();
        wire::frame(&mut out, Some(b'p'), |out| {
            let first = scram.message();
            wire::push_string(out, SCRAM_SHA_256);
            // A SCRAM first message is under 100 bytes.
            out.extend(u32::try_from(first.len()).unwrap_or_default().to_be_bytes());
            out.extend_from_slice(first);
        });
        self.proof = Proof::Owed(Box::new(scram));
        Ok(out)
    }

    fn continue_scram(&mut self, body: &[u8]) -> Result<Vec<u8>, ConnectError> {
        let Proof::Owed(scram) = &mut self.proof else {
            return Err(self.not_postgres("a SCRAM step out of order"));
        };
        if scram.update(body).is_err() {
            return Err(self.untrusted("its SCRAM message does not fit ours"));
        }
        let mut out = Vec::new();
        wire::frame(&mut out, Some(b'p'), |out| out.extend_from_slice(scram.message()));
        Ok(out)
    }

    fn finish_scram(&mut self, body: &[u8]) -> Result<(), ConnectError> {
        let Proof::Owed(scram) = &mut self.proof else {
            return Err(self.not_postgres("a SCRAM step out of order"));
        };
        if scram.finish(body).is_err() {
            return Err(self.untrusted("it does not know the password itself"));
        }
        self.proof = Proof::Given;
        Ok(())
    }

    fn password(&self) -> Result<&str, ConnectError> {
        self.info.password().ok_or_else(|| {
            let why = match self.info.password_note() {
                Some(note) => format!("the server asks for a password and none is known; {note}"),
                None => "the server asks for a password and none is known".to_owned(),
            };
            ConnectError::of(Symptom::NoPassword, self.what(), why)
        })
    }

    fn what(&self) -> String {
        format!("log in to {}", self.info.label())
    }

    fn refused(&self, error: ServerError, is_encrypted: bool) -> ConnectError {
        let mut refusal = refusal::explain(&self.info.label(), error, is_encrypted);
        if refusal.rung == Rung::Auth
            && let Some(note) = self.info.password_note()
        {
            refusal.why = format!("{}; {note}", refusal.why);
        }
        refusal
    }

    fn broken(&self, error: WireError) -> ConnectError {
        match error {
            WireError::Malformed(what) => self.not_postgres(what),
            WireError::Silent(limit) | WireError::Mute(Mute(limit)) => ConnectError::new(
                self.rung,
                self.what(),
                format!("the server said nothing for {} s", limit.as_secs()),
                "check that PostgreSQL listens there and is not hung, and that no firewall or load \
                 balancer on the way accepts connections for it",
            )
            .shows(Symptom::Mute),
            WireError::Io(error) => ConnectError::new(
                self.rung,
                self.what(),
                "the connection was closed without a reason",
                "see the server's log, and check that PostgreSQL and no other service listens \
                 there",
            )
            .shows(Symptom::Closed)
            .caused_by(error),
        }
    }

    fn not_postgres(&self, what: &str) -> ConnectError {
        let why = format!("the answer is not PostgreSQL's: {what}");
        ConnectError::new(self.rung, self.what(), why, "check host and port")
            .shows(Symptom::NotPostgres)
    }

    fn untrusted(&self, what: &str) -> ConnectError {
        let why = format!("the server could not prove who it is: {what}");
        ConnectError::of(Symptom::Unproven, self.what(), why)
    }

    fn unsupported(&self, method: &str) -> ConnectError {
        let why = format!("the server asks for {method}, which is not supported");
        ConnectError::of(Symptom::MethodUnsupported, self.what(), why)
    }
}
