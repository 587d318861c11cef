//! Draws a diagnosis for people: the path with the culprit framed, then why and what to do.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use flexway_core::diagnose::Report;
use flexway_core::finding::{Certainty, Finding, Severity};
use flexway_core::fusion::{Agreement, Fusion};
use flexway_core::guide::{Guide, State};
use flexway_core::trace::step::{Outcome, Stage, Step, Verdict};

use crate::output::printable;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints a whole diagnosis on standard output.
///
/// `after` names the plans that were laid over the estate.
pub(crate) fn print_report(report: &Report, after: &[String]) {
    let mut out = anstream::stdout().lock();
    // A reader that went away, such as `head`, is not our failure.
    let _ = write_report(&mut out, report, after);
}

/// Prints a whole diagnosis on standard error, where a refused command explains itself.
pub(crate) fn print_refusal(report: &Report) {
    let _ = write_report(&mut anstream::stderr().lock(), report, &[]);
}

/// Prints the path alone.
pub(crate) fn print_trace(report: &Report, after: &[String]) {
    let mut out = anstream::stdout().lock();
    let fusion = report.fusion.as_ref();
    let _ = write_head(&mut out, report, after)
        .and_then(|()| write_path(&mut out, report, true))
        .and_then(|()| {
            fusion.map_or(Ok(()), |fusion| write_fusion(&mut out, fusion, report.verdict))
        });
}

fn write_report(out: &mut impl Write, report: &Report, after: &[String]) -> std::io::Result<()> {
    write_head(out, report, after)?;
    write_path(out, report, false)?;
    if let Some(fusion) = &report.fusion {
        write_fusion(out, fusion, report.verdict)?;
    }
    for finding in report.findings.iter().filter(|one| one.consequence_of.is_none()) {
        write_finding(out, finding)?;
        // A note may bear a cause's fault.
        let follows =
            |one: &&Finding| finding.is_cause() && one.consequence_of == Some(finding.fault);
        for consequence in report.findings.iter().filter(follows) {
            writeln!(
                out,
                "{FAINT}   then: {} ({}){FAINT:#}",
                consequence.message, consequence.fault
            )?;
        }
    }
    if let Some(guide) = &report.guide {
        write_guide(out, guide)?;
    }
    if !report.missing.is_empty() {
        writeln!(out, "\n{STRONG}not observed{STRONG:#}")?;
        for missing in &report.missing {
            writeln!(out, "  {}\n     to know it: {}", missing.what, missing.help)?;
        }
    }
    let Some(cause) = report.causes().next() else { return Ok(()) };
    let has_repair = report.causes().all(|one| one.fixes.iter().any(|fix| !fix.changes.is_empty()));
    let plan = if has_repair {
        "`flexway plan` with the same arguments computes the repair; "
    } else {
        ""
    };
    writeln!(out, "\nnext: {plan}`flexway explain {}` tells more", cause.fault)
}

fn write_head(out: &mut impl Write, report: &Report, after: &[String]) -> std::io::Result<()> {
    let (style, word) = match report.verdict {
        Verdict::Reachable => (GOOD, "reachable"),
        Verdict::Unreachable => (BAD, "unreachable"),
        Verdict::Partial => (BAD, "partly reachable"),
        Verdict::Undetermined => (DOUBT, "undetermined"),
        Verdict::Inconsistent => (DOUBT, "inconsistent"),
    };
    let code =
        report.code_shown().map_or(String::new(), |code| format!("  ({code} in Azure's tool)"));
    writeln!(out, "{style}{word}{style:#}{code}")?;
    let name = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let question = &report.question;
    writeln!(out, "  source  {}  port {}", name(question.source.text()), question.port)?;
    writeln!(out, "  target  {}", name(question.target.as_str()))?;
    writeln!(out, "  copier  {}", name(question.copier.text()))?;
    if let Some(senders) = &report.senders {
        writeln!(out, "  passes  from {}, not from {}", senders.pass, senders.dropped)?;
    }
    for file in after {
        writeln!(out, "  after   {file}")?;
    }
    if let Some(guide) = &report.guide {
        let access = format!("{} source, {} target", guide.source_access, guide.target_access);
        writeln!(out, "  guide   row {} ({access}): {}", guide.row, guide.advice)?;
    }
    Ok(())
}

fn write_fusion(out: &mut impl Write, fusion: &Fusion, verdict: Verdict) -> std::io::Result<()> {
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
        let texts = [&witness.vantage, &witness.to, &witness.seen];
        let [vantage, to, seen] = texts.map(|text| printable(text));
        writeln!(out, "   {style}{mark}{style:#}  {vantage} to {to}, {}: {seen}", witness.time)?;
        if witness.flow.is_none() {
            writeln!(out, "{FAINT}       does not count: {}{FAINT:#}", printable(&witness.why))?;
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

fn write_path(out: &mut impl Write, report: &Report, with_facts: bool) -> std::io::Result<()> {
    // A runtime server has a second flow: it starts with a gate of its own mode.
    let flows =
        report.forward.chunk_by(|one, next| one.stage == Stage::Mode || next.stage != Stage::Mode);
    for (index, steps) in flows.enumerate() {
        let end = if index == 0 { "source" } else { "target" };
        writeln!(out, "\n{STRONG}path from the copier to the {end}{STRONG:#}")?;
        for step in steps {
            write_step(out, step, with_facts)?;
        }
    }
    if !report.back.is_empty() {
        writeln!(out, "{STRONG}and back{STRONG:#}")?;
        for step in &report.back {
            write_step(out, step, with_facts)?;
        }
    }
    Ok(())
}

fn write_step(out: &mut impl Write, step: &Step, with_facts: bool) -> std::io::Result<()> {
    let stage = stage_word(step.stage);
    match step.shown() {
        Outcome::Pass => writeln!(out, "   {GOOD}ok{GOOD:#}  {stage:<10}  {}", step.detail)?,
        Outcome::Unknown => writeln!(out, "   {DOUBT}??{DOUBT:#}  {stage:<10}  {}", step.detail)?,
        Outcome::Drop if step.is_consequence => {
            writeln!(
                out,
                "   {BAD}xx{BAD:#}  {stage:<10}  {} (because of another gate)",
                step.detail
            )?;
        }
        Outcome::Drop => {
            let width = step.detail.chars().count() + 18;
            let line = "─".repeat(width);
            writeln!(out, "{BAD}  ┌{line}┐{BAD:#}")?;
            writeln!(out, "{BAD}  │ XX  {stage:<10}  {} │{BAD:#}", step.detail)?;
            writeln!(out, "{BAD}  └{line}┘{BAD:#}")?;
        }
    }
    if with_facts {
        for fact in &step.facts {
            writeln!(out, "{FAINT}         {} {}{FAINT:#}", fact.resource, fact.pointer)?;
        }
    }
    Ok(())
}

fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Mode => "mode",
        Stage::Name => "name",
        Stage::FilterOut => "filter out",
        Stage::Route => "route",
        Stage::Hop => "hop",
        Stage::FilterIn => "filter in",
        Stage::Admit => "admit",
        Stage::Return => "return",
        Stage::Listen => "listen",
        Stage::Tls => "tls",
        Stage::Auth => "login",
    }
}

fn write_finding(out: &mut impl Write, finding: &Finding) -> std::io::Result<()> {
    let (style, word) = match (finding.severity, finding.certainty) {
        (Severity::Blocks, _) => (BAD, "error"),
        (Severity::Risks, Certainty::Certain) => (DOUBT, "risk"),
        (Severity::Risks, Certainty::Possible) => (DOUBT, "possible"),
        (Severity::Note, _) => (FAINT, "note"),
    };
    writeln!(
        out,
        "\n{style}{word}[{}]{style:#}{STRONG}: {}{STRONG:#}",
        finding.fault, finding.message
    )?;
    writeln!(out, "   why: {}", finding.why)?;
    if let Some(place) = &finding.place
        && finding.severity != Severity::Note
    {
        writeln!(out, "{FAINT}    at: {} {}{FAINT:#}", place.resource, place.pointer)?;
    }
    for (index, fix) in finding.fixes.iter().enumerate() {
        writeln!(out, "   {}: {}", if index == 0 { "fix" } else { " or" }, fix.title)?;
        if index == 0 {
            let mut last_selected = "";
            for command in fix.changes.iter().flat_map(|change| &change.az) {
                let is_selection = command.starts_with("az account set");
                if !(is_selection && command == last_selected) {
                    writeln!(out, "        {command}")?;
                }
                if is_selection {
                    last_selected = command;
                }
            }
        }
    }
    Ok(())
}

fn write_guide(out: &mut impl Write, guide: &Guide) -> std::io::Result<()> {
    if guide.steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{STRONG}steps of the guide{STRONG:#}")?;
    for step in &guide.steps {
        let (style, mark) = match step.state {
            State::Met => (GOOD, "ok"),
            State::NotMet if step.on_path => (BAD, "XX"),
            State::NotMet => (FAINT, "--"),
            State::Unknown => (DOUBT, "??"),
            State::NotApplicable => (FAINT, "  "),
        };
        let needed = if step.on_path || step.state == State::Met {
            ""
        } else {
            "  (this flow does not need it)"
        };
        writeln!(
            out,
            "   {style}{mark}{style:#}  {}  {}{FAINT}{needed}{FAINT:#}",
            step.step, step.title
        )?;
    }
    Ok(())
}
