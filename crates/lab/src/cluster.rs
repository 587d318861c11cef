//! Makes a server's data: `initdb`, then the lines that tell it from a default one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::account::Account;
use crate::folder::Folder;
use crate::installed::Install;
use crate::options::{Auth, Options};
use crate::secret::Secret;
use crate::tls::Certificates;
use crate::{Error, run};

/// `initdb` takes half a second; the rest is for a loaded machine with a slow disk.
const INITDB_LIMIT: Duration = Duration::from_secs(120);

/// Runs `initdb`: superuser `postgres`, UTF-8, locale C.UTF-8, which every Linux has. With a
/// password, every login wants it.
pub(crate) fn initialise(
    install: &Install,
    account: &Account,
    folder: &Folder,
    password: Option<&Secret>,
) -> Result<(), Error> {
    let data = folder.subfolder("data", account)?;
    // It ends with whoever waits for it.
    let mut command = account.command(Path::new("setpriv"));
    command.arg("--pdeathsig=KILL").arg(install.program("initdb"));
    command.current_dir(folder.path()).arg("-D").arg(&data);
    command.args(["-U", "postgres", "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync"]);
    let Some(password) = password else {
        command.arg(format!("--auth={}", Auth::Trust.name()));
        return run::run(command, "", folder.path(), INITDB_LIMIT).map(drop);
    };
    let password_file = folder.path().join("password");
    password.write(&password_file)?;
    account.give(&password_file)?;
    command.arg(format!("--auth={}", Auth::Scram.name())).arg("--pwfile").arg(&password_file);
    run::run(command, "", folder.path(), INITDB_LIMIT)?;
    fs::remove_file(&password_file).map_err(Error::io("remove initdb's password file"))
}

/// The data of a server that nobody has used yet.
struct Fresh {
    bin: PathBuf,
    folder: Folder,
    password: Option<Secret>,
}

/// One of each sort in a process: a copy takes a fraction of what `initdb` takes. Their folders go with the process.
static FRESH: Mutex<Vec<Fresh>> = Mutex::new(Vec::new());

/// Copying forty megabytes, on a loaded machine with a slow disk.
const COPY_LIMIT: Duration = Duration::from_secs(60);

/// The same as [`initialise`], by a copy of what the process has made before; returns the password, which all copies share.
pub(crate) fn copy_fresh(
    install: &Install,
    account: &Account,
    folder: &Folder,
    auth: Auth,
) -> Result<Option<Secret>, Error> {
    let mut all = FRESH.lock().unwrap_or_else(PoisonError::into_inner);
    let is_it =
        |one: &Fresh| one.bin == install.bin && one.password.is_some() == (auth == Auth::Scram);
    let place = match all.iter().position(is_it) {
        Some(place) => place,
        None => {
            let password = match auth {
                Auth::Scram => Some(Secret::random()?),
                Auth::Trust => None,
            };
            let fresh = Folder::create(None, account)?;
            initialise(install, account, &fresh, password.as_ref())?;
            all.push(Fresh { bin: install.bin.clone(), folder: fresh, password });
            all.len() - 1
        }
    };
    let fresh = &all[place];
    let mut command = account.command(Path::new("cp"));
    command.arg("-a").arg(fresh.folder.data()).arg(folder.data());
    run::run(command, "", folder.path(), COPY_LIMIT)?;
    Ok(fresh.password.as_ref().map(|password| Secret::known(password.text().to_owned())))
}

/// Adds settings to `postgresql.conf`, where later lines win, and lines to `pg_hba.conf`, where
/// earlier lines win.
pub(crate) fn configure(
    folder: &Folder,
    certificates: Option<&Certificates>,
    options: &Options,
) -> Result<(), Error> {
    let own = [
        ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
        ("unix_socket_directories".to_owned(), folder.socket().display().to_string()),
        ("fsync".to_owned(), "off".to_owned()),
        // What a killed server leaves of its shared memory goes with its folder.
        ("dynamic_shared_memory_type".to_owned(), "mmap".to_owned()),
    ];
    let tls = certificates.into_iter().flat_map(Certificates::settings);
    let settings: String = own
        .into_iter()
        .chain(tls)
        .chain(options.settings.iter().cloned())
        .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
        .collect();
    edit(&folder.data().join("postgresql.conf"), |text| format!("{text}\n{settings}"))?;
    let hba = options.hba.join("\n");
    edit(&folder.data().join("pg_hba.conf"), |text| format!("{hba}\n{text}"))
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) -> Result<(), Error> {
    let text = fs::read_to_string(path);
    text.and_then(|text| fs::write(path, change(text)))
        .map_err(Error::io(format!("change {}", path.display())))
}
