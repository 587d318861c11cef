//! Failures of a database's move: often several at once, since work goes on beside the first.

use flexway_core::migrate::{MoveError, Remedy};

use crate::ledger::LedgerError;

/// One or more steps failed.
#[derive(Debug)]
pub(crate) struct Failure {
    first: MoveError,
    more: Vec<MoveError>,
}

impl Failure {
    /// `Ok` when there are no errors.
    pub(crate) fn unless_empty(errors: Vec<MoveError>) -> Result<(), Failure> {
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(()),
            Some(first) => Err(Failure { first, more: errors.collect() }),
        }
    }

    /// The run was asked to stop.
    pub(crate) fn stopped() -> Failure {
        Failure { first: stopped(), more: Vec::new() }
    }

    /// The strongest remedy: stop, then try again (which opens the database anew), as well where others were in the way, then act, then
    /// leave it open.
    pub(crate) fn remedy(&self) -> Remedy {
        let has = |remedy| self.errors().any(|error| error.remedy == remedy);
        if has(Remedy::Stopped) {
            Remedy::Stopped
        } else if has(Remedy::Retry) || has(Remedy::Reopen) {
            Remedy::Retry
        } else if has(Remedy::Contended) {
            Remedy::Contended
        } else if self.errors().all(|error| error.remedy == Remedy::Open) {
            Remedy::Open
        } else {
            Remedy::Act
        }
    }

    /// The error to show when there is room for one.
    pub(crate) fn first(&self) -> &MoveError {
        &self.first
    }

    /// All of them, first come first.
    pub(crate) fn errors(&self) -> impl Iterator<Item = &MoveError> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// All of them, for the report. That the run was asked to stop is said once.
    pub(crate) fn into_errors(self) -> Vec<MoveError> {
        if self.remedy() == Remedy::Stopped {
            return vec![stopped()];
        }
        let mut errors = vec![self.first];
        errors.extend(self.more);
        errors
    }
}

impl From<MoveError> for Failure {
    fn from(error: MoveError) -> Failure {
        Failure { first: error, more: Vec::new() }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Failure {
        Failure::from(ledger_failed(&error))
    }
}

/// A ledger that cannot be written ends the work: what is not recorded would be done again.
pub(crate) fn ledger_failed(error: &LedgerError) -> MoveError {
    MoveError {
        what: "write the ledger".to_owned(),
        why: error.to_string(),
        help: "look at free space and rights of its folder, then run the same command again"
            .to_owned(),
        remedy: Remedy::Act,
    }
}

fn stopped() -> MoveError {
    MoveError {
        what: "finish the move".to_owned(),
        why: "it was asked to stop".to_owned(),
        help: String::new(),
        remedy: Remedy::Stopped,
    }
}
