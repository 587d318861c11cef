//! What can go wrong while finding, starting and stopping servers.

use std::io;
use std::path::PathBuf;

/// Why a server could not be found, started, asked or stopped. Holds no password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// This major is neither in the cache nor among the system's packages.
    #[error("find PostgreSQL {major}: no bin/postgres in {searched}; run `cargo xtask setup`")]
    NotInstalled {
        /// The major that was wanted.
        major: u32,
        /// Folders that were looked at, for the reader.
        searched: String,
    },
    /// No `psql` of any major.
    #[error("find psql: none in {searched}; run `cargo xtask setup`")]
    NoClientTools {
        /// Folders that were looked at, for the reader.
        searched: String,
    },
    /// There is no place to keep installs in.
    #[error(
        "find a cache folder: FLEXWAY_CACHE, XDG_CACHE_HOME and HOME are unset; set FLEXWAY_CACHE"
    )]
    NoCache,
    /// A relative cache would be another one in every folder.
    #[error("use FLEXWAY_CACHE={0}: not an absolute path; give one that starts with /")]
    CacheNotAbsolute(PathBuf),
    /// We are root and there is nobody else to run the server.
    #[error(
        "find an account for PostgreSQL, which refuses root: no `nobody` in /etc/passwd; run as an ordinary user"
    )]
    NoAccount,
    /// A folder on the way to the server's programs or data is not open to its account.
    #[error(
        "run PostgreSQL as `nobody`, because it refuses root: {0} is closed to other users; open it, \
         or choose other folders by FLEXWAY_CACHE and TMPDIR"
    )]
    Closed(PathBuf),
    /// The folder given for a server holds something already.
    #[error("use {0} as a server's private folder: it is not empty; give an empty or a new one")]
    FolderInUse(PathBuf),
    /// Unix socket paths are at most 107 bytes long.
    #[error("use {0} for a Unix socket: the path is too long; give a shorter folder or TMPDIR")]
    FolderTooLong(PathBuf),
    /// A file, folder or process could not be handled.
    #[error("{what}")]
    Io {
        /// What was tried, as a fragment after "failed to".
        what: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Twins cannot be built on this machine, or not by us.
    #[error("build a twin: {0}")]
    NoTwin(String),
    /// A program ended with an error.
    #[error("run {program}: {detail}")]
    Program {
        /// Its name, such as `initdb`.
        program: String,
        /// The last lines that it printed.
        detail: String,
    },
    /// The server ended before it was ready.
    #[error("start PostgreSQL {major}: {detail}")]
    Start {
        /// The server's major.
        major: u32,
        /// The last lines of its log.
        detail: String,
    },
    /// Something took longer than its bound.
    #[error("{what}: not done after {seconds} s")]
    Timeout {
        /// What was waited for.
        what: String,
        /// The bound.
        seconds: u64,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }
}
