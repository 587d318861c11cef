//! How a command ends: the exit codes that scripts rely on, and failures in the form what, why, what to do.

use std::fmt;
use std::process::ExitCode;

use crate::output::remark;

/// Ends of a command that are answers, not failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: good.
    Good,
    /// 1: findings or differences.
    Findings,
    /// 2: could not tell.
    Unknown,
}

/// A command that could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    /// 3, or 64 for wrong usage.
    code: u8,
    what: String,
    why: String,
    help: String,
}

impl Failure {
    /// Exit code 3: `failed to WHAT: WHY`, then the help line when not empty.
    pub(crate) fn failed(
        what: impl Into<String>,
        why: impl fmt::Display,
        help: impl Into<String>,
    ) -> Failure {
        Failure { code: 3, what: what.into(), why: why.to_string(), help: help.into() }
    }

    /// Exit code 64: the command was called wrongly.
    pub(crate) fn usage(
        what: impl Into<String>,
        why: impl fmt::Display,
        help: impl Into<String>,
    ) -> Failure {
        Failure { code: 64, what: what.into(), why: why.to_string(), help: help.into() }
    }
}

impl Failure {
    /// What could not be done and why, in one line, without the help.
    pub(crate) fn reason(&self) -> String {
        let why = self.why.split([';', '\n']).next().unwrap_or_default();
        format!("failed to {}: {why}", self.what)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: failed to {}: {}", self.what, self.why)?;
        if !self.help.is_empty() {
            write!(out, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// What every command returns.
pub(crate) type Ended = Result<Exit, Failure>;

/// Turns the end of a command into the process's exit code, saying why on standard error.
pub(crate) fn report(ended: Ended) -> ExitCode {
    match ended {
        Ok(Exit::Good) => ExitCode::SUCCESS,
        Ok(Exit::Findings) => ExitCode::from(1),
        Ok(Exit::Unknown) => ExitCode::from(2),
        Err(failure) => {
            remark(&failure);
            ExitCode::from(failure.code)
        }
    }
}
