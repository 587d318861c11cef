//! What to do now.

use std::io::Write;

use flexway_core::diagnose::Report;
use flexway_core::plan::Plan;
use flexway_core::trace::step::Verdict;

use super::paragraph;

/// How a connection tells.
const PROBE: &str = "run the same command with `--probe` (FLEXWAY_SOURCE and FLEXWAY_TARGET set)";

pub(super) fn write(
    out: &mut impl Write,
    report: &Report,
    plan: Option<&Plan>,
) -> std::io::Result<()> {
    let count = report.causes().count();
    let repair = plan.map(|plan| match (&plan.refusal, plan.after) {
        (Some(_), _) => {
            "no request mends it all: `flexway plan` with the same arguments says why, and what helps"
        }
        (None, Verdict::Reachable) if count > 1 => {
            "each fix above is for one cause: `flexway plan` with the same arguments joins them into one repair"
        }
        (None, Verdict::Reachable) => "`flexway plan` with the same arguments computes the repair",
        (None, _) => {
            "`flexway plan` with the same arguments opens what is known to be closed; what is left is not observed"
        }
    });
    let more =
        report.causes().next().map(|first| format!("`flexway explain {}` tells more", first.fault));
    let parts: Vec<&str> =
        repair.filter(|_| count > 0).into_iter().chain(more.as_deref()).collect();
    if !parts.is_empty() {
        writeln!(out)?;
        paragraph(out, "next: ", &parts.join("; "), "")?;
    } else if report.verdict == Verdict::Undetermined && report.fusion.is_none() {
        let text = format!(
            "capture what is not observed and ask again; or let a connection tell: {PROBE}"
        );
        writeln!(out)?;
        paragraph(out, "next: ", &text, "")?;
    } else if report.verdict == Verdict::Reachable {
        let probe = match report.fusion {
            None => format!("{PROBE}, which sees TLS, the login and pg_hba.conf, too; "),
            Some(_) => String::new(),
        };
        let text = format!(
            "where Azure's tool still says ST008: {probe}`flexway explain 603000` tells more"
        );
        writeln!(out)?;
        paragraph(out, "next: ", &text, "")?;
    }
    Ok(())
}
