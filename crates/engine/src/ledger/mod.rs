//! The ledger: one SQLite file that remembers how far a move has come, so that it can be gone on
//! with.

mod items;
mod lock;
mod schema;
mod spans;
mod view;
mod write;

pub(crate) use items::Mark;
pub use items::{ItemKind, qualified};
pub(crate) use spans::Word;
pub use spans::history;
pub use view::{DatabaseView, ItemView, LedgerView, RunView};
pub use write::{DatabaseRecord, Ledger, RunEnd};

use std::io;
use std::path::PathBuf;

use flexway_core::migrate::MoveError;

use crate::failure::ledger_failed;

/// A ledger that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file or its folder cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file is not a Flexway ledger.
    #[error("the file is not a Flexway ledger")]
    NotALedger,
    /// The file was written by another version of Flexway.
    #[error("the file has version {found} of the ledger's tables, this program knows {known}")]
    OtherVersion {
        /// `user_version` of the file.
        found: i32,
        /// The version this program writes.
        known: i32,
    },
    /// Another process works with it.
    #[error("{}", busy(.pid))]
    Busy {
        /// The process, when it has written its id.
        pid: Option<u32>,
    },
    /// The ledger belongs to a move between other servers.
    #[error("it belongs to the move from {source_label} to {target_label}")]
    OtherServers {
        /// The source of the recorded move.
        source_label: String,
        /// The target of the recorded move.
        target_label: String,
    },
    /// SQLite failed.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

fn busy(pid: &Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid} works with it"),
        None => "another process works with it".to_owned(),
    }
}

/// An error of the ledger in the place of a step's.
pub(crate) fn recorded<T>(result: Result<T, LedgerError>) -> Result<T, MoveError> {
    result.map_err(|error| ledger_failed(&error))
}
