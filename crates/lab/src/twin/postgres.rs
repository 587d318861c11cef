//! Real PostgreSQL in the places of a twin's servers. They live as long as the twin.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::keeper::is_alive;
use super::{Networks, Place};
use crate::account::Account;
use crate::folder::Folder;
use crate::installed::{self, Install};
use crate::options::{Auth, Options};
use crate::secret::Secret;
use crate::tls::Certificates;
use crate::{Error, cluster, run};

/// Starting takes a tenth of a second; this is for a loaded machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The major of servers that do not tell theirs, and of those whose own is not installed.
const MAJOR: u32 = 17;

/// Majors whose builds have no TLS.
const WITHOUT_TLS: [u32; 1] = [18];

/// The file with the password of user `postgres` on every server of the twin, in the form of `PGPASSFILE`.
pub(super) const PASSWORDS: &str = "passwords";

/// The certificates that clients in the twin trust: those of its servers.
pub(super) const TRUSTED: &str = "trusted.pem";

/// A server of a twin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The name of its place.
    pub place: String,
    /// Its PostgreSQL's major.
    pub major: u32,
}

/// Starts what does not run and ends what should not, by the states of the servers. `wanted` tells the major that a place asks for.
///
/// # Errors
/// [`Error`] with the last lines of what `initdb` or the server said.
pub fn start(
    networks: &Networks,
    wanted: impl Fn(&Place) -> Option<u32>,
) -> Result<Vec<Running>, Error> {
    let password = password(&networks.folder)?;
    let mut running = Vec::new();
    for place in networks.blueprint.places.iter().filter(|place| place.is_server) {
        let folder = folder_of(networks, place);
        let is_up = runs(networks, place);
        if !place.runs {
            if is_up {
                stop(networks, &folder)?;
            }
            continue;
        }
        let install = install(wanted(place))?;
        if !folder.exists() {
            create(&install, place, &folder, &password)?;
        }
        if !is_up {
            launch(networks, place, &install, &folder)?;
        }
        running.push(Running { place: place.name.clone(), major: install.major });
    }
    Ok(running)
}

fn install(wanted: Option<u32>) -> Result<Install, Error> {
    let own = wanted.and_then(|major| installed::find(major).ok());
    own.map_or_else(|| installed::find(MAJOR), Ok)
}

/// Where a server's data and socket are.
pub(super) fn folder_of(networks: &Networks, place: &Place) -> PathBuf {
    networks.folder.join(format!("{}.server", place.namespace))
}

fn create(install: &Install, place: &Place, folder: &Path, password: &Secret) -> Result<(), Error> {
    let account = Account::for_servers()?;
    let folder = Folder::kept(folder, &account)?;
    folder.subfolder("s", &account)?;
    let with_tls = !WITHOUT_TLS.contains(&install.major);
    let names: Vec<&str> = place.host.as_deref().into_iter().collect();
    let certificates = with_tls.then(|| Certificates::create(&folder, &account, &names));
    let certificates = certificates.transpose()?;
    if let Some(certificates) = &certificates {
        trust(&folder.path().join("..").join(TRUSTED), &certificates.authority)?;
    }
    // What the server dials itself, as with dblink, finds the password of the others here.
    let passwords = folder.path().join(PASSWORDS);
    write_passwords(&passwords, password)?;
    account.give(&passwords)?;
    cluster::initialise(install, &account, &folder, Some(password))?;
    let options = Options {
        settings: vec![
            ("listen_addresses".to_owned(), "0.0.0.0".to_owned()),
            ("wal_level".to_owned(), "logical".to_owned()),
        ],
        auth: Auth::Scram,
        hba: vec!["host all all 0.0.0.0/0 scram-sha-256".to_owned()],
        ..Options::default()
    };
    cluster::configure(&folder, certificates.as_ref(), &options)
}

fn launch(
    networks: &Networks,
    place: &Place,
    install: &Install,
    folder: &Path,
) -> Result<(), Error> {
    let account = Account::for_servers()?;
    // What a server leaves that was killed: its number may be another's by now.
    for left in ["data/postmaster.pid", "s/.s.PGSQL.5432.lock"] {
        let _ = fs::remove_file(folder.join(left));
    }
    // The shell ends at once, and the server is then a child of the twin's first process.
    let start = format!(
        "setsid {} \"$1\" -D \"$0/data\" -p 5432 < /dev/null >> \"$0/log\" 2>&1 &",
        account.setpriv()
    );
    let mut command = networks.at_place(place);
    command.env("PGPASSFILE", folder.join(PASSWORDS)).env_remove("PGHOST");
    // With roots to trust, libpq's `require` would verify; Azure's servers have none.
    command.env_remove("PGSSLROOTCERT");
    command.args(["sh", "-c", &start]).arg(folder).arg(install.program("postgres"));
    run::run(command, "", &networks.folder, START_LIMIT)?;
    let deadline = Instant::now() + START_LIMIT;
    while Instant::now() < deadline {
        if runs(networks, place) {
            return Ok(());
        }
        thread::sleep(run::POLL);
    }
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    Err(Error::Start { major: install.major, detail: run::tail(&log) })
}

/// Whether the server at a place runs now: line 8 of its status file says so, and the process of line 1 is there.
pub fn runs(networks: &Networks, place: &Place) -> bool {
    let file = folder_of(networks, place).join("data/postmaster.pid");
    let status = fs::read_to_string(file).unwrap_or_default();
    let mut lines = status.lines().map(str::trim);
    let process = lines.next().unwrap_or_default();
    lines.nth(6) == Some("ready") && is_alive(&networks.process.root().join("proc").join(process))
}

/// Ends a server at once, as a stopped one is: it answers nobody any more.
fn stop(networks: &Networks, folder: &Path) -> Result<(), Error> {
    let mut command = networks.process.enter();
    const END: &str = "kill -INT \"$(head -n 1 \"$0\")\"; tries=0; \
                       while [ -e \"$0\" ] && [ $tries -lt 500 ]; do tries=$((tries + 1)); sleep 0.02; done";
    command.args(["sh", "-c", END]).arg(folder.join("data/postmaster.pid"));
    run::run(command, "", &networks.folder, START_LIMIT).map(drop)
}

/// The password of the twin's servers: made once.
fn password(folder: &Path) -> Result<Secret, Error> {
    let path = folder.join(PASSWORDS);
    if let Ok(text) = fs::read_to_string(&path)
        && let Some(word) = text.trim().rsplit(':').next()
    {
        return Ok(Secret::known(word.to_owned()));
    }
    let secret = Secret::random()?;
    write_passwords(&path, &secret)?;
    Ok(secret)
}

fn write_passwords(path: &Path, secret: &Secret) -> Result<(), Error> {
    let line = format!("*:*:*:postgres:{}\n", secret.text());
    let file = fs::File::options().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(line.as_bytes()))
        .map_err(Error::io(format!("write {}", path.display())))
}

fn trust(list: &Path, authority: &Path) -> Result<(), Error> {
    let text = fs::read_to_string(authority).map_err(Error::io("read a certificate"))?;
    let file = fs::File::options().create(true).append(true).open(list);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::io(format!("write {}", list.display())))
}
