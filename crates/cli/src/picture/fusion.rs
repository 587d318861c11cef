//! What observations make of a verdict.

use std::io::Write;

use flexway_core::fusion::{Agreement, Fusion};
use flexway_core::trace::step::Verdict;

use super::{BAD, DOUBT, FAINT, GOOD, STRONG};

pub(super) fn write(
    out: &mut impl Write,
    fusion: &Fusion,
    verdict: Verdict,
) -> std::io::Result<()> {
    let is_refused = fusion.witnesses.iter().any(|one| one.flow.is_some() && !one.holds);
    let (style, word) = match fusion.agreement {
        // A login, a pooler or replication: no matter of the path.
        Agreement::Agrees | Agreement::Decides if is_refused && verdict == Verdict::Reachable => {
            (DOUBT, "the probe came through to the server, and met something there")
        }
        Agreement::None => (FAINT, "no observation from the copier's place"),
        Agreement::Agrees => (GOOD, "the probe agrees with the estate"),
        Agreement::Decides => (GOOD, "the probe decides what the estate leaves open"),
        Agreement::Contradicts => (DOUBT, "the probe contradicts the estate"),
    };
    writeln!(out, "\n{STRONG}probes{STRONG:#}  {style}{word}{style:#}")?;
    for witness in &fusion.witnesses {
        let (style, mark) = match (witness.flow, witness.holds) {
            (None, _) => (FAINT, "--"),
            (Some(_), true) => (GOOD, "ok"),
            (Some(_), false) => (BAD, "XX"),
        };
        let (vantage, to, seen) = (&witness.vantage, &witness.to, &witness.seen);
        writeln!(out, "   {style}{mark}{style:#}  {vantage} to {to}, {}: {seen}", witness.time)?;
        if witness.flow.is_none() {
            writeln!(out, "{FAINT}       does not count: {}{FAINT:#}", witness.why)?;
        }
    }
    if fusion.hypotheses.is_empty() {
        return Ok(());
    }
    writeln!(out, "{STRONG}what would explain it{STRONG:#}, most likely first")?;
    for (index, hypothesis) in fusion.hypotheses.iter().enumerate() {
        let faults = hypothesis.faults.join(", ");
        let faults = if faults.is_empty() { faults } else { format!("  ({faults})") };
        writeln!(out, "   {}  {}{FAINT}{faults}{FAINT:#}", index + 1, hypothesis.title)?;
    }
    let Some(split) = &fusion.split else { return Ok(()) };
    let list = |numbers: &[usize]| {
        let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        if words.is_empty() { "none of them".to_owned() } else { words.join(", ") }
    };
    let (yes, no) = (list(&split.if_yes), list(&split.if_no));
    writeln!(out, "   to tell them apart: {} (yes leaves {yes}; no leaves {no})", split.probe)
}
