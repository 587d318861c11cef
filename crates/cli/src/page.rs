//! `--report FILE`: the report of a move as one HTML page, written from its ledger.

use std::path::{Path, PathBuf};

use clap::Args;
use flexway_core::render::history;
use flexway_engine::ledger;

use crate::exit::Failure;
use crate::ledger_file;
use crate::output;

/// Where the page goes.
#[derive(Args)]
pub(crate) struct PageArgs {
    /// Write a report for people into this file: one HTML page with a timeline
    #[arg(long = "report", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl PageArgs {
    /// Says before the move that its page could not be written now; the folder may be made meanwhile, and the ledger keeps all.
    pub(crate) fn warn_of_no_place(&self) {
        let Some(file) = &self.file else { return };
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let why = match (folder.is_dir(), file.is_dir()) {
            (false, _) => format!("there is no folder {}", folder.display()),
            (true, true) => "it is a folder".to_owned(),
            (true, false) => return,
        };
        output::remark(format_args!("warning: --report {}: {why}", file.display()));
    }

    /// Writes the page when one was asked for and a move was begun.
    pub(crate) fn write(&self, ledger: &Path) -> Result<(), Failure> {
        let Some(file) = &self.file else { return Ok(()) };
        let history =
            ledger::history(ledger).map_err(|error| ledger_file::failure(ledger, &error))?;
        let Some(history) = history else {
            output::remark("no report was written: no move was begun with this ledger");
            return Ok(());
        };
        std::fs::write(file, history::page(&history)).map_err(|why| {
            let help = format!(
                "check that the folder exists and that you may write to it, then: flexway status \
                 --ledger {} --report FILE",
                ledger.display()
            );
            Failure::failed(format!("write the report to {}", file.display()), why, help)
        })?;
        output::remark(format_args!("report written to {}", file.display()));
        Ok(())
    }
}
