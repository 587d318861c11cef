//! `--svg FILE`: the path as a picture, with the repaired one where a plan exists.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use flexway_core::diagnose::Report;
use flexway_core::estate::Estate;
use flexway_core::plan::{self, Plan};
use flexway_core::render::svg;
use flexway_core::repair::Policy;
use flexway_core::trace::step::Verdict;

use crate::exit::Failure;
use crate::output::{is_stdout, remark};

/// Where to draw.
#[derive(Args)]
pub(crate) struct DrawingArgs {
    /// Draw the path into this file, and the repaired one beside it; `-` for standard output, in place of the answer
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl DrawingArgs {
    /// Whether the picture is the answer. `what` would be printed beside it.
    ///
    /// # Errors
    /// Both would go to standard output.
    pub(crate) fn is_answer(&self, what: Option<&str>) -> Result<bool, Failure> {
        let is_answer = self.svg.as_deref().is_some_and(is_stdout);
        match what.filter(|_| is_answer) {
            Some(what) => Err(Failure::usage(
                "write to standard output",
                format!("the picture and {what} cannot both go there"),
                "give a file for one of them",
            )),
            None => Ok(is_answer),
        }
    }

    /// The repair, where there is one to look for and somebody shows it: a picture, or whoever asks.
    pub(crate) fn plan(&self, estate: &Estate, report: &Report, is_asked: bool) -> Option<Plan> {
        let is_shown = is_asked || self.svg.is_some();
        (is_shown && report.verdict != Verdict::Reachable)
            .then(|| plan::repair_of(estate, report, &Policy::default()))
    }

    /// Draws what was asked for.
    pub(crate) fn draw(
        &self,
        estate: &Estate,
        report: &Report,
        plan: Option<&Plan>,
    ) -> Result<(), Failure> {
        let Some(path) = &self.svg else { return Ok(()) };
        write(path, &svg::picture(estate, report, plan))
    }
}

fn write(path: &Path, picture: &str) -> Result<(), Failure> {
    if is_stdout(path) {
        // A reader that went away is not our failure.
        let _ = std::io::stdout().lock().write_all(picture.as_bytes());
        return Ok(());
    }
    std::fs::write(path, picture).map_err(|why| {
        let help = "check that the folder exists and that you may write to it";
        Failure::failed(format!("write the picture to {}", path.display()), why, help)
    })?;
    remark(format_args!("picture written to {}", path.display()));
    Ok(())
}
