//! One running PostgreSQL: started, asked, stopped, killed, removed.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;
use crate::account::{Account, clean_command};
use crate::cluster;
use crate::folder::{self, Folder};
use crate::installed::{self, Install};
use crate::options::Options;
use crate::run::{self, POLL, tail};
use crate::secret::Secret;
use crate::still::Still;
use crate::tls::Certificates;

/// Start and stop take a tenth of a second; recovery after a kill replays what was written since.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// One `psql` call: a demo's sample data takes seconds.
const PSQL_LIMIT: Duration = Duration::from_secs(300);

/// Another program may take a free port between our look and the server's start. It takes five
/// such accidents in a row to fail.
const PORT_TRIES: u32 = 5;

/// A PostgreSQL server of our own. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Server {
    install: Install,
    account: Account,
    port: u16,
    password: Option<Secret>,
    certificates: Option<Certificates>,
    postmaster: Option<Child>,
    /// Last, because fields are dropped in order: the folder goes after the process.
    folder: Folder,
}

impl Server {
    /// Sets a new server up and starts it; it is ready for connections on return.
    ///
    /// # Errors
    /// [`Error`], whose text quotes the last lines of `initdb` or of the server's log. Nothing of
    /// the server is left then.
    pub fn start(install: &Install, options: &Options) -> Result<Server, Error> {
        let account = Account::for_servers()?;
        let bin = install.bin.canonicalize();
        account.require_entry(&bin.map_err(Error::io("find the server's programs"))?)?;
        let folder = Folder::create(options.folder.as_deref(), &account)?;
        folder.subfolder("s", &account)?;
        let certificates = match options.tls {
            true => Some(Certificates::create(&folder, &account, &[])?),
            false => None,
        };
        let password = cluster::copy_fresh(install, &account, &folder, options.auth)?;
        cluster::configure(&folder, certificates.as_ref(), options)?;
        let install = install.clone();
        let (port, postmaster) = (0, None);
        let mut server =
            Server { install, account, port, password, certificates, postmaster, folder };
        server.launch_on_free_port()?;
        Ok(server)
    }

    /// The major that runs.
    pub fn major(&self) -> u32 {
        self.install.major
    }

    /// Its TCP port on 127.0.0.1; the same for the server's whole life.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket.
    pub fn socket_dir(&self) -> PathBuf {
        self.folder.socket()
    }

    /// Its private folder, with `data`, `s` (the socket) and `log` inside.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file that its log goes to.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The password of user `postgres`; empty with [`Auth::Trust`].
    pub fn password(&self) -> &str {
        self.password.as_ref().map_or("", Secret::text)
    }

    /// The certificate that clients have to trust (`sslrootcert`), when it offers TLS.
    pub fn certificate_authority(&self) -> Option<&Path> {
        self.certificates.as_ref().map(|certificates| certificates.authority.as_path())
    }

    /// The libpq URL of a database for user `postgres`, password included.
    pub fn url(&self, database: &str) -> String {
        let password = match self.password() {
            "" => String::new(),
            password => format!(":{password}"),
        };
        format!(
            "postgres://postgres{password}@127.0.0.1:{}/{}",
            self.port,
            percent_encoded(database)
        )
    }

    /// Runs SQL through `psql` as user `postgres`, stopping at the first error, and returns its
    /// output: one line a row, columns parted by `|`.
    ///
    /// # Errors
    /// [`Error::NoClientTools`] without any `psql`; [`Error::Program`] with PostgreSQL's message.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, Error> {
        let tools = installed::newest_client_tools()?;
        let mut command = clean_command(&tools.program("psql"));
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse"]);
        command.env("PGHOST", self.socket_dir()).env("PGPORT", self.port.to_string());
        command.env("PGUSER", "postgres").env("PGPASSWORD", self.password());
        command.env("PGDATABASE", database);
        run::run(command, sql, self.folder.path(), PSQL_LIMIT)
    }

    /// Whether its main process lives.
    pub fn is_running(&mut self) -> bool {
        self.postmaster.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Stops it in good order, ending open sessions. A stopped server stays stopped.
    ///
    /// # Errors
    /// [`Error::Program`] with the words of `pg_ctl`.
    pub fn stop(&mut self) -> Result<(), Error> {
        if self.is_running() {
            self.pg_ctl_stop("fast")?;
        }
        self.reap()
    }

    /// Kills its main process with SIGKILL, as a crash or the kernel's memory killer would, and
    /// waits until its other processes have noticed and gone.
    ///
    /// # Errors
    /// [`Error::Timeout`] when they do not go.
    pub fn kill9(&mut self) -> Result<(), Error> {
        if let Some(child) = self.postmaster.as_mut() {
            child.kill().map_err(Error::io("kill postgres"))?;
        }
        self.reap()
    }

    /// Has all its processes stand still, as on a machine that hangs, until what this gives is dropped.
    ///
    /// # Errors
    /// [`Error::Io`] when they cannot be halted, such as those of a server that does not run.
    pub fn stand_still(&self) -> Result<Still, Error> {
        let id = self.postmaster.as_ref().map_or(0, Child::id);
        Still::family(id).map_err(Error::io("halt postgres"))
    }

    /// Starts a stopped or killed server again, on the same port. A running one is left alone.
    ///
    /// # Errors
    /// [`Error::Start`] with the end of the server's log.
    pub fn start_again(&mut self) -> Result<(), Error> {
        if self.is_running() {
            return Ok(());
        }
        self.launch(self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.data()
    }

    fn launch_on_free_port(&mut self) -> Result<(), Error> {
        for _ in 1..PORT_TRIES {
            self.port = free_port()?;
            match self.launch(self.port) {
                Err(Error::Start { detail, .. }) if is_port_taken(&detail) => {}
                other => return other,
            }
        }
        self.port = free_port()?;
        self.launch(self.port)
    }

    fn launch(&mut self, port: u16) -> Result<(), Error> {
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.map_err(Error::io("open the server's log"))?;
        let log_start = log.metadata().map_err(Error::io("read the server's log"))?.len();
        let errors = log.try_clone().map_err(Error::io("open the server's log"))?;
        let mut command = self.account.command(&self.install.program("postgres"));
        command.arg("-D").arg(self.data()).arg("-p").arg(port.to_string());
        command.current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        // A group of its own: a Ctrl-C is for the owner, who then stops the server in good order.
        let child = command.process_group(0).spawn().map_err(Error::io("start postgres"))?;
        self.postmaster = Some(child);
        self.wait_until_ready(log_start)
    }

    /// Waits for the word `ready` in the server's own status file. Source: PostgreSQL's
    /// `pidfile.h`: line 1 is the process, line 8 the state, since PostgreSQL 10.
    fn wait_until_ready(&mut self, log_start: u64) -> Result<(), Error> {
        let status_file = self.data().join("postmaster.pid");
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if !self.is_running() {
                self.postmaster = None;
                let detail = tail(&read_from(&self.log(), log_start)?);
                return Err(Error::Start { major: self.install.major, detail });
            }
            let status = fs::read_to_string(&status_file).unwrap_or_default();
            let lines: Vec<&str> = status.lines().map(str::trim).collect();
            let id = self.postmaster.as_ref().map(|child| child.id().to_string());
            if lines.first().copied() == id.as_deref() && lines.get(7) == Some(&"ready") {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        let what = format!("start PostgreSQL {}", self.install.major);
        Err(Error::Timeout { what, seconds: START_LIMIT.as_secs() })
    }

    fn pg_ctl_stop(&self, mode: &str) -> Result<(), Error> {
        let mut command = self.account.command(&self.install.program("pg_ctl"));
        command.current_dir(self.folder.path()).arg("-D").arg(self.data());
        command.args(["stop", "-w", "-t", &STOP_LIMIT.as_secs().to_string(), "-m", mode]);
        run::run(command, "", self.folder.path(), STOP_LIMIT + Duration::from_secs(5)).map(drop)
    }

    /// Takes leave of a main process that is about to end, and waits for the others.
    fn reap(&mut self) -> Result<(), Error> {
        let Some(mut child) = self.postmaster.take() else { return Ok(()) };
        let gone = run::wait(&mut child, STOP_LIMIT).map_err(Error::io("wait for postgres"))?;
        let deadline = Instant::now() + STOP_LIMIT;
        while gone.is_some() && Instant::now() < deadline {
            if !folder::is_occupied(&self.data()) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        let what = format!("end PostgreSQL {}", self.install.major);
        Err(Error::Timeout { what, seconds: STOP_LIMIT.as_secs() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failure has no one to go to; the folder's cleaner looks after what stays.
        if self.is_running() && self.pg_ctl_stop("immediate").is_err() {
            let _ = self.kill9();
        }
        let _ = self.reap();
    }
}

fn read_from(path: &Path, offset: u64) -> Result<String, Error> {
    let bytes = fs::read(path).map_err(Error::io(format!("read {}", path.display())))?;
    let start = usize::try_from(offset).unwrap_or(0).min(bytes.len());
    Ok(String::from_utf8_lossy(&bytes[start..]).into_owned())
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::io("find a free port"))?;
    listener.local_addr().map(|address| address.port()).map_err(Error::io("find a free port"))
}

/// Whether a server's last words say that its port is in use. Source: PostgreSQL's `pqcomm.c`.
fn is_port_taken(detail: &str) -> bool {
    detail.contains("could not bind IPv4 address") || detail.contains("could not create any TCP/IP")
}

fn percent_encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    name.bytes().map(encode).collect()
}
