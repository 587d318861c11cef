//! Who works with a ledger: a lock beside the file that dies with its process.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::LedgerError;

/// A reader of the status holds the lock for microseconds to see whether it is free; ten tries over
/// half a second outlast it.
const TRIES: u32 = 10;
const TRY_WAIT: Duration = Duration::from_millis(50);

/// A held lock. The operating system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Removes the lock's file; the lock is held on. Who opened the file before finds out by
    /// [`is_current`], who opens it from now on makes another.
    pub(super) fn remove_file(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Takes the lock of the ledger at `path`, or names the process that holds it.
pub(super) fn take(path: &Path) -> Result<Lock, LedgerError> {
    let path = lock_path(path);
    let io = |error| LedgerError::Io { path: path.clone(), error };
    let mut pid = None;
    for attempt in 1..=TRIES {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        match file.try_lock() {
            Ok(()) if is_current(&file, &path) => {
                write_pid(&mut file).map_err(io)?;
                return Ok(Lock { path, _file: file });
            }
            // Its holder removed it meanwhile: that lock keeps nobody out.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                pid = read_pid(&mut file);
                if attempt < TRIES {
                    thread::sleep(TRY_WAIT);
                }
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
    }
    Err(LedgerError::Busy { pid })
}

/// Whether the open file is still the one at `path`.
fn is_current(file: &File, path: &Path) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => identity(open) == identity(named),
        _ => false,
    }
}

/// Whether a process works with the ledger at `path` now.
pub(super) fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(lock_path(path)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// The lock stands beside the ledger: a lock on the ledger itself would meddle with SQLite's own.
fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())?;
    file.flush()
}

/// The pid in the file; `None` when its writer has not got that far.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
