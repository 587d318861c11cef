//! The private folder of one server, and how it disappears whatever happens to its owner.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::account::{Account, clean_command};
use crate::{Error, run};

/// Names are `flexway-lab-PID-START-COUNT`: the owner's process id and start time tell a dead
/// owner from a new process with its number.
const PREFIX: &str = "flexway-lab-";

/// How long the cleaner may take: ten seconds for the server (see the script), then the files.
const CLEAN_LIMIT: Duration = Duration::from_secs(30);

/// Bytes that PostgreSQL's longest socket file name adds to the folder: `/s/.s.PGSQL.65535.lock`.
const SOCKET_NAME_BYTES: usize = 22;

/// Longest path of a Unix socket, `sun_path` less its end mark. Source: unix(7).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Waits for the end of its input, which comes when the owner closes it or dies in any way; then
/// ends the server of folder `$1` (told by its working directory: process ids are reused) and
/// removes the shared memory of one that was killed, which line 7 of its status file names, and
/// the folder, trying again while the server's last processes still write into it.
const CLEANER: &str = r#"
trap '' HUP INT QUIT TERM
read -r line
data=$1/data
pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null)
serves() { [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$data" ]; }
if serves; then kill -QUIT "$pid"; fi
for try in 0 1 2 3 4 5 6 7 8 9; do if serves; then sleep 1; fi; done
if serves; then kill -KILL "$pid"; fi
shared=$(sed -n '7s/.* //p' "$data/postmaster.pid" 2>/dev/null)
if [ -n "$shared" ]; then ipcrm -m "$shared" 2>/dev/null; fi
for try in 0 1 2 3 4; do rm -rf -- "$1" 2>/dev/null && exit 0; sleep 1; done
exit 1
"#;

/// A folder that only the server's account may read. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// `None` for a folder that outlives its owner.
    cleaner: Option<Child>,
}

impl Folder {
    /// Makes the folder and starts its cleaner.
    pub(crate) fn create(given: Option<&Path>, account: &Account) -> Result<Folder, Error> {
        let path = match given {
            Some(path) => claim(path, account)?,
            None => {
                let base = temporary_folder(account)?;
                sweep(&base, account);
                create_in(&base)?
            }
        };
        let cleaner = start_cleaner(&path, Stdio::piped()).inspect_err(|_| {
            // Nothing is in it yet; the error that is on its way says more than this one.
            let _ = fs::remove_dir(&path);
        })?;
        let folder = Folder { path, cleaner: Some(cleaner) };
        if folder.path.as_os_str().len() + SOCKET_NAME_BYTES > SOCKET_PATH_BYTES_MAX {
            return Err(Error::FolderTooLong(folder.path.clone()));
        }
        account.give(&folder.path)?;
        set_private(&folder.path)?;
        Ok(folder)
    }

    /// A new folder that stays until somebody else removes it.
    pub(crate) fn kept(path: &Path, account: &Account) -> Result<Folder, Error> {
        let folder = Folder { path: claim(path, account)?, cleaner: None };
        account.give(&folder.path)?;
        set_private(&folder.path)?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The server's data.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The folder of the Unix socket; one letter, because socket paths are short.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("s")
    }

    /// A new folder inside, owned by the account.
    pub(crate) fn subfolder(&self, name: &str, account: &Account) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        fs::create_dir(&path).map_err(Error::io(format!("make {}", path.display())))?;
        account.give(&path)?;
        Ok(path)
    }
}

/// A private folder of ours, removed when it is dropped and when its owner dies in any way.
#[derive(Debug)]
pub struct Scratch(Folder);

impl Scratch {
    /// Makes a folder in the temporary folder.
    ///
    /// # Errors
    /// [`Error`] when it cannot be made.
    pub fn new() -> Result<Scratch, Error> {
        let account = Account::for_servers()?;
        let folder = Folder::create(None, &account)?;
        // Programs of other accounts have to get to their own folders below.
        set_mode(&folder.path, 0o711)?;
        Ok(Scratch(folder))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let Some(cleaner) = &mut self.cleaner else { return };
        // Closing its input sets the cleaner off. A failure has no one to go to: dropping happens
        // in panics too. What stays is swept by the next start.
        drop(cleaner.stdin.take());
        let _ = run::wait(cleaner, CLEAN_LIMIT);
    }
}

/// Runs the cleaner over a folder. It gets a process group of its own, so that a Ctrl-C meant for
/// the owner does not end it, and no output, so that nobody waits for it to close one.
fn start_cleaner(folder: &Path, input: Stdio) -> Result<Child, Error> {
    clean_command(Path::new("sh"))
        .args(["-c", CLEANER, "flexway-lab-cleaner"])
        .arg(folder)
        .current_dir("/")
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(Error::io("start sh"))
}

/// The first temporary folder that the server's account can get into; root's own TMPDIR may not be.
fn temporary_folder(account: &Account) -> Result<PathBuf, Error> {
    let candidates = [env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")];
    let existing = candidates.iter().filter_map(|folder| folder.canonicalize().ok());
    let usable = existing.into_iter().find(|folder| account.require_entry(folder).is_ok());
    usable.ok_or_else(|| Error::Closed(env::temp_dir()))
}

fn create_in(base: &Path) -> Result<PathBuf, Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let id = std::process::id();
    let start = start_time(id).unwrap_or_default();
    let path = base.join(format!("{PREFIX}{id}-{start}-{count}"));
    fs::create_dir(&path).map_err(Error::io(format!("make {}", path.display())))?;
    Ok(path)
}

/// Takes a folder that the caller named, making it when it is absent.
fn claim(path: &Path, account: &Account) -> Result<PathBuf, Error> {
    let failed = || Error::io(format!("make {}", path.display()));
    fs::create_dir_all(path).map_err(failed())?;
    if fs::read_dir(path).map_err(failed())?.next().is_some() {
        return Err(Error::FolderInUse(path.to_owned()));
    }
    let path = path.canonicalize().map_err(failed())?;
    account.require_entry(&path)?;
    Ok(path)
}

/// PostgreSQL wants 0700 on its data; the socket and the log deserve no less.
fn set_private(path: &Path) -> Result<(), Error> {
    set_mode(path, 0o700)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(Error::io(format!("set who may enter {}", path.display())))
}

/// Removes folders whose owners are dead, and ends servers in them. Failures stay silent: they
/// concern servers of the past, and the next start tries again.
fn sweep(base: &Path, account: &Account) {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()).filter(|path| is_stale(path, account)) {
        if let Ok(mut cleaner) = start_cleaner(&path, Stdio::null()) {
            let _ = run::wait(&mut cleaner, CLEAN_LIMIT);
        }
    }
}

fn is_stale(path: &Path, account: &Account) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some((id, start)) = name.and_then(owner_of) else { return false };
    let ours = path.symlink_metadata().is_ok_and(|data| data.is_dir() && account.owns(&data));
    ours && start_time(id) != Some(start)
}

/// Process id and start time of the owner, from a folder's name.
fn owner_of(name: &str) -> Option<(u32, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.splitn(3, '-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// When a living process started, in clock ticks since boot; `None` when there is no such process.
/// Source: proc(5), /proc/pid/stat, field 22. Field 2, the name, may hold spaces and brackets.
pub(crate) fn start_time(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    const FIELDS_BETWEEN: usize = 22 - 3;
    after_name.split(' ').nth(FIELDS_BETWEEN)?.parse().ok()
}

/// Whether any process works in the folder: what is left of a server whose main process is dead.
pub(crate) fn is_occupied(folder: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok())
        .any(|cwd| cwd == folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_read_from_names() {
        assert_eq!(owner_of("flexway-lab-12-3456-0"), Some((12, 3456)));
        assert_eq!(owner_of("flexway-lab-twelve-3456-0"), None);
        assert_eq!(owner_of("flexway-12-3456-0"), None);
    }

    #[test]
    fn a_start_time_tells_the_living_from_the_dead() {
        let own = start_time(std::process::id());
        assert!(own.is_some());
        assert_eq!(own, start_time(std::process::id()));
        assert_eq!(start_time(u32::MAX), None);
    }

    #[test]
    fn folders_of_dead_owners_are_swept_and_others_kept() {
        let account = Account::for_servers().expect("an account");
        let base = env::temp_dir().canonicalize().expect("a temporary folder");
        let base = base.join(format!("flexway-sweep-{}", std::process::id()));
        let make = |name: String| {
            let path = base.join(name);
            fs::create_dir_all(path.join("data")).expect("make a folder");
            account.give(&path).expect("give it away");
            path
        };
        let own = start_time(std::process::id()).expect("we live");
        let living = make(format!("{PREFIX}{}-{own}-0", std::process::id()));
        let recycled = make(format!("{PREFIX}{}-{}-0", std::process::id(), own + 1));
        let foreign = make("other".to_owned());
        sweep(&base, &account);
        let left = [&living, &recycled, &foreign].map(|path| path.exists());
        fs::remove_dir_all(&base).expect("clean up");
        assert_eq!(left, [true, false, true]);
    }
}
