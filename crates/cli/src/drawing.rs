//! `--svg FILE`: the path as a picture, with the repaired one where a plan exists.

use std::path::{Path, PathBuf};

use clap::Args;
use flexway_core::diagnose::Report;
use flexway_core::estate::Estate;
use flexway_core::plan::{self, Plan};
use flexway_core::render::svg;
use flexway_core::repair::Policy;
use flexway_core::trace::step::Verdict;

use crate::exit::Failure;
use crate::output::remark;

/// Where to draw.
#[derive(Args)]
pub(crate) struct DrawingArgs {
    /// Draw the path into this file, and the repaired one below it
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl DrawingArgs {
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
    std::fs::write(path, picture).map_err(|why| {
        let help = "check that the folder exists and that you may write to it";
        Failure::failed(format!("write the picture to {}", path.display()), why, help)
    })?;
    remark(format_args!("picture written to {}", path.display()));
    Ok(())
}
