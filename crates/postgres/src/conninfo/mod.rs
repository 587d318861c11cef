//! How to reach a server: libpq connection strings, their defaults, and what is passed on to child
//! tools.

mod error;
mod keyvalue;
mod parameters;
mod passfile;
mod secret;
mod service;
mod sslmode;
mod text;
mod tools;
mod url;

pub use error::ConnInfoError;
pub use sslmode::{RootCert, SslMode};

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::dial::Keepalive;
use parameters::Parameters;
use passfile::Passfile;
use secret::Secret;

/// Settings that have to count from the first moment, for sessions and tools alike: given at the
/// start they stand above those of database and role. Without them one session would be another
/// role's, be cut short before it can lift the limits, end at its first error, or read and write
/// SQL otherwise.
const START_OPTIONS: &str = "-c role=none -c statement_timeout=0 -c lock_timeout=0 \
    -c exit_on_error=off -c array_nulls=on -c transform_null_equals=off -c quote_all_identifiers=off \
    -c standard_conforming_strings=on";

/// Where a server is, who logs in, and how the connection is protected.
///
/// Read with [`ConnInfo::parse`]. Neither `Debug` nor any message shows the password.
#[derive(Clone)]
pub struct ConnInfo {
    host: String,
    address: Option<IpAddr>,
    port: u16,
    user: String,
    database: String,
    password: Option<Secret>,
    passfile: Passfile,
    ssl_mode: SslMode,
    root_cert: RootCert,
    connect_timeout: Option<Duration>,
    keepalive: Keepalive,
    application_name: String,
    start_options: &'static str,
    /// Whether the server is known to let this login keep event triggers from firing, for it and all its copies.
    is_quiet: Arc<AtomicBool>,
    options: Option<String>,
    is_replication: bool,
}

impl ConnInfo {
    /// Reads a libpq URL (`postgres://`, `postgresql://`) or key/value string.
    ///
    /// What the text leaves out comes from the service file, then from libpq's variables as `env`
    /// gives them (`PGHOST`, `PGPASSFILE`, `PGSERVICEFILE` ...), then from the defaults: user
    /// `USER`, the database of the user's name, port 5432, and as host the folder of a local
    /// server's socket, or else `localhost`.
    ///
    /// One default differs from libpq: `sslmode` is `verify-full`, but `prefer` for Unix sockets
    /// and loopback addresses unless `sslrootcert` is given.
    ///
    /// # Errors
    /// Text that cannot be read, a parameter that libpq does not know or that is not supported
    /// here (each by name), and a service file that cannot be read. No error quotes the text, since
    /// a slip of the pen can put the password anywhere in it.
    /// Source: PostgreSQL 18, "Connection Strings", "Environment Variables".
    pub fn parse(
        text: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ConnInfo, ConnInfoError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ConnInfoError::new("it is empty; name at least a host and a database"));
        }
        let given = match url::without_scheme(text) {
            Some(rest) => url::read(rest)?,
            None => keyvalue::read(text)?,
        };
        let mut parameters = Parameters::from_given(given)?;
        if let Some(name) =
            parameters.get("service").map(str::to_owned).or_else(|| env("PGSERVICE"))
        {
            parameters.fill(service::read(&name, env)?)?;
        }
        parameters.fill_from_variables(env)?;
        ConnInfo::from_parameters(&parameters, env)
    }

    fn from_parameters(
        parameters: &Parameters,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ConnInfo, ConnInfoError> {
        let port = parameters.port()?;
        let address = parameters.address()?;
        let host = match (parameters.get("host"), address) {
            (Some(host), _) => host.to_owned(),
            (None, Some(address)) => address.to_string(),
            (None, None) => local_host(port),
        };
        let user = match parameters.get("user") {
            Some(user) => user.to_owned(),
            None => env("USER").or_else(|| env("LOGNAME")).ok_or_else(|| {
                ConnInfoError::new(
                    "it names no user, and neither do PGUSER and USER; add user=NAME",
                )
            })?,
        };
        let database = parameters.get("dbname").unwrap_or(&user).to_owned();
        let passfile = match parameters.get("password") {
            Some(_) => Passfile::default(),
            None => passfile::read(parameters.get("passfile"), env, &host, port, &user),
        };
        let mode = parameters.ssl_mode()?;
        let (ssl_mode, root_cert) =
            sslmode::resolve(mode, parameters.get("sslrootcert"), is_local(&host, address), env)?;
        Ok(ConnInfo {
            password: parameters
                .get("password")
                .or_else(|| passfile.password_for(&database))
                .map(Secret::new),
            host,
            address,
            port,
            user,
            database,
            passfile,
            ssl_mode,
            root_cert,
            connect_timeout: parameters.connect_timeout()?,
            keepalive: parameters.keepalive()?,
            application_name: parameters
                .get("application_name")
                .or_else(|| parameters.get("fallback_application_name"))
                .unwrap_or("flexway")
                .to_owned(),
            start_options: START_OPTIONS,
            is_quiet: Arc::default(),
            options: parameters.get("options").map(str::to_owned),
            is_replication: false,
        })
    }

    /// The same login to another database of the server; the password file is asked anew.
    #[must_use]
    pub fn with_database(&self, name: &str) -> ConnInfo {
        let mut other = self.clone();
        name.clone_into(&mut other.database);
        if let Some(password) = self.passfile.password_for(name) {
            other.password = Some(Secret::new(password));
        } else if !self.passfile.is_empty() {
            other.password = None;
        }
        other
    }

    /// The same without settings of ours, for a look at what a session begins with.
    pub(crate) fn without_settings(&self) -> ConnInfo {
        ConnInfo { start_options: "", ..self.clone() }
    }

    /// The same login to one address of its host.
    #[must_use]
    pub(crate) fn at(&self, address: IpAddr) -> ConnInfo {
        ConnInfo { address: Some(address), ..self.clone() }
    }

    /// The same login for a session that follows changes of its database.
    #[must_use]
    pub(crate) fn for_replication(&self) -> ConnInfo {
        ConnInfo { is_replication: true, ..self.clone() }
    }

    /// Whether the session is to follow changes.
    pub(crate) fn is_replication(&self) -> bool {
        self.is_replication
    }

    /// The database to log in to, unquoted.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The role that logs in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// A name, an address, or the folder of a Unix socket (it starts with `/`).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also of a Unix socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How the connection is protected.
    pub fn ssl_mode(&self) -> SslMode {
        self.ssl_mode
    }

    /// Which certificate authorities may vouch for the server.
    pub fn root_cert(&self) -> &RootCert {
        &self.root_cert
    }

    /// `host:port`, for messages.
    pub fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// `host:port/database as user`, never a password: for messages and the ledger.
    pub fn label(&self) -> String {
        format!("{}/{} as {}", self.place(), self.database, self.user)
    }

    /// The socket file, when the host is a folder.
    pub(crate) fn socket_path(&self) -> Option<PathBuf> {
        self.host
            .starts_with('/')
            .then(|| PathBuf::from(&self.host).join(format!(".s.PGSQL.{}", self.port)))
    }

    /// The address to dial instead of resolving the host: `hostaddr`, or a host that is an address.
    pub fn address(&self) -> Option<IpAddr> {
        self.address.or_else(|| self.host.parse().ok())
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(Secret::expose)
    }

    /// Why no password was found in the password file, for the message of a failed login.
    pub(crate) fn password_note(&self) -> Option<&str> {
        self.passfile.note()
    }

    /// When a path that carries nothing counts as dead: `keepalives_idle`, `keepalives_interval`, `keepalives_count`.
    pub(crate) fn keepalive(&self) -> Keepalive {
        self.keepalive
    }

    /// `connect_timeout`, which bounds every rung of the ladder; `None` when not given.
    pub(crate) fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    pub(crate) fn application_name(&self) -> &str {
        &self.application_name
    }

    /// Has later sessions, and tools, keep event triggers from firing: one on `login` may write rows, which would be a difference.
    pub(crate) fn keep_quiet(&self) {
        self.is_quiet.store(true, Ordering::Relaxed);
    }

    /// Whether [`ConnInfo::keep_quiet`] was called.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_quiet.load(Ordering::Relaxed)
    }

    /// Command line of the session: ours first, so that what the user gave wins.
    pub(crate) fn options(&self) -> String {
        let is_quiet = !self.start_options.is_empty() && self.is_quiet();
        let quiet = is_quiet.then_some("-c event_triggers=off");
        let all = [Some(self.start_options), quiet, self.options.as_deref()];
        all.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnInfo({}, sslmode={})", self.label(), self.ssl_mode.word())
    }
}

/// Whether traffic to the host stays on this machine.
fn is_local(host: &str, address: Option<IpAddr>) -> bool {
    match address.or_else(|| host.parse().ok()) {
        Some(address) => address.is_loopback(),
        None => host.starts_with('/') || host.eq_ignore_ascii_case("localhost"),
    }
}

/// libpq has the folder of the local server's socket compiled in; these are the two in use.
fn local_host(port: u16) -> String {
    ["/var/run/postgresql", "/tmp"]
        .into_iter()
        .find(|folder| PathBuf::from(folder).join(format!(".s.PGSQL.{port}")).exists())
        .unwrap_or("localhost")
        .to_owned()
}

#[cfg(test)]
mod tests;
