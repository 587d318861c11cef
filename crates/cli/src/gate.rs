//! The network check before a move: a move that Azure's copier could not make is refused with the diagnosis.

use std::path::PathBuf;

use flexway_core::diagnose;
use flexway_core::trace::step::Verdict;

use crate::check::{exit_of, print_value};
use crate::estates::FlowArgs;
use crate::exit::{Exit, Failure};
use crate::output::remark;
use crate::picture;

/// What the network check says about the move.
pub(crate) enum Gate {
    /// Go on.
    Open,
    /// The move does not start; the diagnosis was printed.
    Closed(Exit),
}

/// Checks the path from the target to the source. With `through_here` the copier is this process, whose own connections are the
/// proof: the diagnosis is then told, and the move goes on.
pub(crate) fn check(
    estate: &[PathBuf],
    (source, target): (&str, &str),
    through_here: bool,
    json: bool,
) -> Result<Gate, Failure> {
    let flow = FlowArgs {
        estate: estate.to_vec(),
        after: Vec::new(),
        source: Some(source.to_owned()),
        target: Some(target.to_owned()),
        copier: "target".to_owned(),
        port: None,
    };
    let asked = flow.ask()?;
    let report = diagnose::check(&asked.loaded.estate, &asked.question);
    if report.verdict == Verdict::Reachable {
        remark("network: the target reaches the source");
        return Ok(Gate::Open);
    }
    if through_here {
        let causes: Vec<&str> = report.causes().map(|cause| cause.fault).collect();
        let why = if causes.is_empty() {
            "the estate does not tell".to_owned()
        } else {
            causes.join(", ")
        };
        remark(format_args!(
            "network: the target does not reach the source ({why}); rows go through this host, which connects to both"
        ));
        return Ok(Gate::Open);
    }
    match json {
        true => print_value(&report.to_json()),
        false => picture::print_refusal(&report),
    }
    remark(
        "the move did not start: repair the path (`flexway plan`), or let this host copy with `--copier relay`",
    );
    Ok(Gate::Closed(exit_of(report.verdict)))
}
