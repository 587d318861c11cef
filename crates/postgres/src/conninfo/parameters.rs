//! The parameters that libpq knows: which are used here, which change nothing, which are refused.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::{ConnInfoError, SslMode, url};
use crate::dial::Keepalive;

/// What Linux takes for the times and the number of keepalives at most.
const KEEPALIVE_MAX: u32 = 127;

/// What becomes of a parameter.
#[derive(Clone, Copy)]
enum Support {
    Used,
    /// Accepted with any value: it tunes something that is fixed here.
    Ignored,
    /// Accepted with these values only, since they ask for nothing that is missing here.
    Only(&'static [&'static str]),
}

use Support::{Ignored, Only, Used};

/// Name, variable that gives its default, support. Source: PostgreSQL 18, `PQconninfoOptions`.
const KNOWN: &[(&str, Option<&str>, Support)] = &[
    ("host", Some("PGHOST"), Used),
    ("hostaddr", Some("PGHOSTADDR"), Used),
    ("port", Some("PGPORT"), Used),
    ("dbname", Some("PGDATABASE"), Used),
    ("user", Some("PGUSER"), Used),
    ("password", Some("PGPASSWORD"), Used),
    ("passfile", Some("PGPASSFILE"), Used),
    ("service", Some("PGSERVICE"), Used),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT"), Used),
    ("options", Some("PGOPTIONS"), Used),
    ("application_name", Some("PGAPPNAME"), Used),
    ("fallback_application_name", None, Used),
    ("sslmode", Some("PGSSLMODE"), Used),
    ("sslrootcert", Some("PGSSLROOTCERT"), Used),
    ("keepalives", None, Ignored),
    ("keepalives_idle", None, Used),
    ("keepalives_interval", None, Used),
    ("keepalives_count", None, Used),
    ("tcp_user_timeout", None, Ignored),
    ("sslcompression", Some("PGSSLCOMPRESSION"), Ignored),
    ("sslsni", Some("PGSSLSNI"), Ignored),
    ("sslcertmode", Some("PGSSLCERTMODE"), Only(&["disable", "allow"])),
    ("krbsrvname", Some("PGKRBSRVNAME"), Ignored),
    ("gsslib", Some("PGGSSLIB"), Ignored),
    ("gssdelegation", Some("PGGSSDELEGATION"), Ignored),
    ("client_encoding", Some("PGCLIENTENCODING"), Ignored),
    (
        "ssl_min_protocol_version",
        Some("PGSSLMINPROTOCOLVERSION"),
        Only(&["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ),
    ("ssl_max_protocol_version", Some("PGSSLMAXPROTOCOLVERSION"), Only(&["TLSv1.3"])),
    ("gssencmode", Some("PGGSSENCMODE"), Only(&["disable", "prefer"])),
    ("channel_binding", Some("PGCHANNELBINDING"), Only(&["disable", "prefer"])),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS"), Only(&["any"])),
    ("load_balance_hosts", Some("PGLOADBALANCEHOSTS"), Only(&["disable"])),
    ("sslnegotiation", Some("PGSSLNEGOTIATION"), Only(&["postgres"])),
    ("min_protocol_version", Some("PGMINPROTOCOLVERSION"), Only(&["3.0"])),
    ("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), Only(&["3.0", "3.2", "latest"])),
    ("sslcert", Some("PGSSLCERT"), Only(&[])),
    ("sslkey", Some("PGSSLKEY"), Only(&[])),
    ("sslpassword", None, Only(&[])),
    ("sslcrl", Some("PGSSLCRL"), Only(&[])),
    ("sslcrldir", Some("PGSSLCRLDIR"), Only(&[])),
    ("requirepeer", Some("PGREQUIREPEER"), Only(&[])),
    ("require_auth", Some("PGREQUIREAUTH"), Only(&[])),
    ("replication", None, Only(&["false", "off", "no", "0"])),
];

/// Whether libpq has a parameter of this name.
pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|(known, _, _)| *known == name)
}

/// Parameters that were given, by name; none is empty.
pub(crate) struct Parameters(BTreeMap<&'static str, String>);

impl Parameters {
    /// Takes the pairs of a connection string; of two with one name the last counts.
    pub(crate) fn from_given(pairs: Vec<(String, String)>) -> Result<Parameters, ConnInfoError> {
        let mut parameters = Parameters(BTreeMap::new());
        for (name, value) in pairs {
            parameters.set(&name, &name, value, true)?;
        }
        Ok(parameters)
    }

    /// Adds what was not given before.
    pub(crate) fn fill(&mut self, pairs: Vec<(String, String)>) -> Result<(), ConnInfoError> {
        for (name, value) in pairs {
            self.set(&name, &name, value, false)?;
        }
        Ok(())
    }

    /// Adds what was not given before from libpq's variables.
    pub(crate) fn fill_from_variables(
        &mut self,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), ConnInfoError> {
        for (name, variable, _) in KNOWN {
            let Some(variable) = variable else { continue };
            if let Some(value) = env(variable) {
                self.set(name, variable, value, false)?;
            }
        }
        Ok(())
    }

    /// `origin` is what the user wrote: the parameter's name or a variable's.
    fn set(
        &mut self,
        name: &str,
        origin: &str,
        value: String,
        replace: bool,
    ) -> Result<(), ConnInfoError> {
        let Some((name, _, support)) = KNOWN.iter().find(|(known, _, _)| *known == name) else {
            return Err(unknown(name));
        };
        if value.is_empty() || (!replace && self.0.contains_key(name)) {
            return Ok(());
        }
        if value.contains('\0') {
            return Err(ConnInfoError::new(format!(
                "the value of `{origin}` holds a NUL character"
            )));
        }
        if let Only(accepted) = support
            && !accepted.contains(&value.as_str())
        {
            return Err(unsupported(origin, accepted));
        }
        self.0.insert(name, value);
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn port(&self) -> Result<u16, ConnInfoError> {
        if self.get("host").is_some_and(|host| host.contains(',')) {
            return Err(url::several_hosts());
        }
        match self.get("port") {
            None => Ok(5432),
            Some(text) => text.trim().parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                ConnInfoError::new(
                    "the port is not a number from 1 to 65535 (`:`, `@`, \
                     `/` and `?` in a user name \
                     or password are written as %3A, %40, %2F and %3F)",
                )
            }),
        }
    }

    pub(crate) fn address(&self) -> Result<Option<IpAddr>, ConnInfoError> {
        self.get("hostaddr")
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| ConnInfoError::new("hostaddr is not one IPv4 or IPv6 address"))
    }

    pub(crate) fn ssl_mode(&self) -> Result<Option<SslMode>, ConnInfoError> {
        self.get("sslmode")
            .map(|word| {
                SslMode::from_word(word).ok_or_else(|| {
                    ConnInfoError::new(
                        "sslmode is none of disable, allow, prefer, require, verify-ca, \
                         verify-full",
                    )
                })
            })
            .transpose()
    }

    /// What was not given, and 0, which means the system's own to libpq, is as here for all connections.
    pub(crate) fn keepalive(&self) -> Result<Keepalive, ConnInfoError> {
        let default = Keepalive::default();
        let number = |name: &str, otherwise: u32| {
            let Some(text) = self.get(name) else { return Ok(otherwise) };
            let wrong = || {
                let max = KEEPALIVE_MAX;
                ConnInfoError::new(format!("{name} is not a whole number from 0 to {max}"))
            };
            let number: u32 = text.trim().parse().map_err(|_| wrong())?;
            match number {
                0 => Ok(otherwise),
                1..=KEEPALIVE_MAX => Ok(number),
                _ => Err(wrong()),
            }
        };
        let seconds = |name, otherwise: Duration| {
            let otherwise = u32::try_from(otherwise.as_secs()).unwrap_or(KEEPALIVE_MAX);
            number(name, otherwise).map(|seconds| Duration::from_secs(seconds.into()))
        };
        Ok(Keepalive {
            idle: seconds("keepalives_idle", default.idle)?,
            interval: seconds("keepalives_interval", default.interval)?,
            count: number("keepalives_count", default.count)?,
        })
    }

    /// `None` also for 0 and below, which mean "no limit" to libpq: here the default bound stays.
    pub(crate) fn connect_timeout(&self) -> Result<Option<Duration>, ConnInfoError> {
        let Some(text) = self.get("connect_timeout") else { return Ok(None) };
        let seconds: i32 = text
            .trim()
            .parse()
            .map_err(|_| ConnInfoError::new("connect_timeout is not a whole number of seconds"))?;
        // As in libpq, one second is too short to tell anything and counts as two.
        Ok(u64::try_from(seconds).ok().filter(|s| *s > 0).map(|s| Duration::from_secs(s.max(2))))
    }
}

fn unknown(name: &str) -> ConnInfoError {
    // A long or odd name is more likely a piece of a password with an unescaped `&` or quote.
    let is_word = name.len() <= 32 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if is_word {
        ConnInfoError::new(format!("libpq has no parameter `{name}`; check its spelling"))
    } else {
        ConnInfoError::new(
            "it holds a parameter that libpq does not know (`&`, `=` and quotes in a password must \
             be escaped)",
        )
    }
}

fn unsupported(name: &str, accepted: &[&str]) -> ConnInfoError {
    if accepted.is_empty() {
        ConnInfoError::new(format!("`{name}` is not supported here; leave it out"))
    } else {
        ConnInfoError::new(format!(
            "of `{name}` only {} is supported here; leave it out",
            accepted.join(", ")
        ))
    }
}
