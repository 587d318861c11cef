//! Draws a diagnosis for people: the path with the culprit framed, then why and what to do.

mod fusion;
mod next;
mod path;

use std::io::Write;

use anstyle::{AnsiColor, Style};
use flexway_core::change::Change;
use flexway_core::diagnose::Report;
use flexway_core::finding::{Certainty, Finding, Severity};
use flexway_core::guide::{Guide, State};
use flexway_core::plan::Plan;
use flexway_core::trace::step::{Fact, Verdict};

use crate::estates::Asked;
use crate::output::{Tame, columns};

/// Columns of a text in the narrowest terminal, and in the widest.
const TEXT_MIN: usize = 40;
const TEXT_MAX: usize = 110;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DOUBT: Style = AnsiColor::Yellow.on_default();
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints a whole diagnosis on standard output.
///
/// `plan` is the repair, for what to do next; `asked` tells of what time the estate is, and which plans were laid over it.
pub(crate) fn print_report(report: &Report, plan: Option<&Plan>, asked: &Asked) {
    let mut out = Tame(anstream::stdout().lock());
    // A reader that went away, such as `head`, is not our failure.
    let _ = write_report(&mut out, report, plan, Some(asked));
}

/// Prints a whole diagnosis on standard error, where a refused command explains itself.
pub(crate) fn print_refusal(report: &Report) {
    let _ = write_report(&mut Tame(anstream::stderr().lock()), report, None, None);
}

/// Prints the path with what each gate has read, and the causes without their repair.
pub(crate) fn print_trace(report: &Report, asked: &Asked) {
    let _ = write_trace(&mut Tame(anstream::stdout().lock()), report, asked);
}

fn write_report(
    out: &mut impl Write,
    report: &Report,
    plan: Option<&Plan>,
    asked: Option<&Asked>,
) -> std::io::Result<()> {
    write_head(out, report, asked)?;
    path::write(out, report, false)?;
    if let Some(fusion) = &report.fusion {
        fusion::write(out, fusion, report.verdict)?;
    }
    // What only the guide asks for stands among its steps.
    let stands_alone = |one: &&Finding| one.consequence_of.is_none() && !one.repeats_guide;
    for finding in report.findings.iter().filter(stands_alone) {
        write_finding(out, report, finding, plan)?;
        // A note may bear a cause's fault, and a cause may be told in the words of what follows. Of several causes of one fault the first
        // tells it.
        let mut causes = report.causes();
        let is_first = causes.find(|one| one.fault == finding.fault);
        let is_first = is_first.is_some_and(|one| std::ptr::eq(one, finding));
        let follows = |one: &&Finding| {
            is_first
                && one.consequence_of == Some(finding.fault)
                && !finding.message.contains(&one.message)
        };
        for consequence in report.findings.iter().filter(follows) {
            writeln!(
                out,
                "{FAINT}   from it follows: {} ({}){FAINT:#}",
                consequence.message, consequence.fault
            )?;
        }
    }
    if let Some(guide) = &report.guide {
        write_guide(out, guide)?;
    }
    write_missing(out, report)?;
    next::write(out, report, plan)
}

/// The number of a cause among several, as in the picture.
fn number_of(report: &Report, finding: &Finding) -> Option<usize> {
    let place = report.causes().position(|one| std::ptr::eq(one, finding))?;
    (report.causes().count() > 1).then_some(place + 1)
}

fn write_trace(out: &mut impl Write, report: &Report, asked: &Asked) -> std::io::Result<()> {
    write_head(out, report, Some(asked))?;
    path::write(out, report, true)?;
    if let Some(fusion) = &report.fusion {
        fusion::write(out, fusion, report.verdict)?;
    }
    for cause in report.causes() {
        write_message(out, cause, number_of(report, cause))?;
        write_place(out, cause)?;
    }
    write_missing(out, report)?;
    match report.causes().next() {
        Some(_) => {
            writeln!(out, "\nnext: `flexway check` with the same arguments says what mends it")
        }
        None => Ok(()),
    }
}

fn write_missing(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    if report.missing.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{STRONG}not observed{STRONG:#}")?;
    for missing in &report.missing {
        paragraph(out, "  ", &missing.what, "")?;
        paragraph(out, "     to know it: ", &missing.help, "")?;
    }
    Ok(())
}

/// The answer in one line: the verdict, with its causes or what keeps it open.
fn write_answer(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let (style, word) = match report.verdict {
        Verdict::Reachable => (GOOD, "reachable"),
        Verdict::Unreachable => (BAD, "unreachable"),
        Verdict::Partial => (BAD, "partly reachable"),
        Verdict::Undetermined => (DOUBT, "undetermined"),
        Verdict::Inconsistent => (DOUBT, "inconsistent"),
    };
    let surely = report.surely_dropped();
    let part = match (&report.senders, report.verdict) {
        (Some(senders), _) => format!(", from {} and not from {}", senders.pass, senders.dropped),
        (None, Verdict::Undetermined) if !surely.is_empty() => {
            format!(", surely not from {surely}")
        }
        (None, _) => String::new(),
    };
    let code =
        report.code_shown().map_or(String::new(), |code| format!(" ({code} in Azure's tool)"));
    let causes: Vec<&Finding> = report.causes().collect();
    let open = report.steps().find_map(|step| step.missing.as_ref());
    let told = |one: &Finding| format!("{}  [{}]", one.message, one.fault);
    let why = match (report.verdict, causes.as_slice()) {
        (Verdict::Undetermined, _) => {
            let is_lead = |one: &&Finding| {
                one.is_cause()
                    || one.severity == Severity::Risks && one.certainty == Certainty::Possible
            };
            let lead =
                report.findings.iter().filter(|one| one.consequence_of.is_none()).find(is_lead);
            let lead = lead.map_or(String::new(), |one| match one.is_cause() {
                true => format!(": {}", told(one)),
                false => format!("; suspected: {}", told(one)),
            });
            let open = open.or(report.missing.first());
            lead + &open
                .map_or(String::new(), |missing| format!("  (not observed: {})", missing.what))
        }
        (_, []) => String::new(),
        (_, [cause]) => format!(": {}", told(cause)),
        (_, several) => format!(": {} causes", several.len()),
    };
    writeln!(out, "{style}{word}{style:#}{part}{code}{STRONG}{why}{STRONG:#}")?;
    if report.verdict != Verdict::Undetermined && causes.len() > 1 {
        for (index, cause) in causes.iter().enumerate() {
            writeln!(out, "  {STRONG}{}  {}{STRONG:#}", index + 1, told(cause))?;
        }
    }
    Ok(())
}

fn write_head(out: &mut impl Write, report: &Report, asked: Option<&Asked>) -> std::io::Result<()> {
    write_answer(out, report)?;
    let name = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let question = &report.question;
    let source = match &report.given.source {
        Some(given) => format!("{} ({})", name(given), question.source.text()),
        None => name(question.source.text()),
    };
    writeln!(out, "  source  {source}  port {}", question.port)?;
    writeln!(out, "  target  {}", name(question.target.as_str()))?;
    let place = report.place.as_ref().map_or(String::new(), |(subnet, addresses)| {
        format!("  (subnet `{}`, {addresses})", subnet.name())
    });
    let copier = report.given.copier.as_deref().unwrap_or(question.copier.text());
    writeln!(out, "  copier  {}{place}", name(copier))?;
    if let Some(observed) = asked.and_then(Asked::observed) {
        writeln!(out, "  estate  files of {observed}")?;
    }
    for file in asked.iter().flat_map(|asked| &asked.after) {
        writeln!(out, "  after   {file}")?;
    }
    if let Some(guide) = &report.guide {
        let access = format!("{} source, {} target", guide.source_access, guide.target_access);
        let advice = format!("row {} ({access}): {}", guide.row, guide.advice);
        paragraph(out, "  guide   ", &advice, "")?;
    }
    Ok(())
}

/// A text in lines as wide as the terminal, but no wider than is well read, below each other behind what begins it; `more` is less
/// important.
fn paragraph(out: &mut impl Write, begin: &str, text: &str, more: &str) -> std::io::Result<()> {
    let indent = begin.chars().count();
    let room = columns().saturating_sub(indent).clamp(TEXT_MIN, TEXT_MAX - indent);
    let lines = wrapped(text, room);
    let last = lines.len() - 1;
    for (index, line) in lines.iter().enumerate() {
        let more = if index == last { more } else { "" };
        match index {
            0 => writeln!(out, "{begin}{line}{FAINT}{more}{FAINT:#}")?,
            _ => writeln!(out, "{:indent$}{line}{FAINT}{more}{FAINT:#}", "")?,
        }
    }
    Ok(())
}

/// Lines of whole words, each as long as the columns allow; a longer word stands alone. A command is a word: people copy it.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut is_command = false;
    let ends = |letter: char| {
        is_command ^= letter == '`';
        letter == ' ' && !is_command
    };
    // Other things than commands stand between such marks too, and most are words.
    for word in text.split(ends) {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A place in a captured body; the whole of it has no pointer.
fn place_words(fact: &Fact) -> String {
    format!("{} {}", fact.resource, fact.pointer).trim_end().to_owned()
}

fn write_message(
    out: &mut impl Write,
    finding: &Finding,
    number: Option<usize>,
) -> std::io::Result<()> {
    let (style, word) = match (finding.severity, finding.certainty) {
        (Severity::Blocks, _) => (BAD, "error"),
        (Severity::Risks, Certainty::Certain) => (DOUBT, "risk"),
        (Severity::Risks, Certainty::Possible) => (DOUBT, "possible"),
        (Severity::Note, _) => (FAINT, "note"),
    };
    let (fault, message) = (finding.fault, &finding.message);
    let number = number.map_or(String::new(), |number| format!(" {number}"));
    writeln!(out, "\n{style}{word}{number}[{fault}]{style:#}{STRONG}: {message}{STRONG:#}")
}

fn write_place(out: &mut impl Write, finding: &Finding) -> std::io::Result<()> {
    match finding.place.as_ref().filter(|_| finding.severity != Severity::Note) {
        Some(place) => writeln!(out, "{FAINT}    at: {}{FAINT:#}", place_words(place)),
        None => Ok(()),
    }
}

/// The number of a cause before this one whose first fix writes the same thing otherwise: each of both is made as if it were alone.
fn clash(report: &Report, finding: &Finding) -> Option<usize> {
    let changes = |one: &Finding| one.fixes.first().map_or(&[][..], |fix| &fix.changes).to_vec();
    let own = changes(finding);
    let clashes = |other: &Change| {
        own.iter().any(|one| one.resource == other.resource && one.request != other.request)
    };
    if !finding.is_cause() {
        return None;
    }
    let mut before = report.causes().take_while(|one| !std::ptr::eq(*one, finding));
    before.position(|one| changes(one).iter().any(clashes)).map(|place| place + 1)
}

fn write_finding(
    out: &mut impl Write,
    report: &Report,
    finding: &Finding,
    plan: Option<&Plan>,
) -> std::io::Result<()> {
    write_message(out, finding, number_of(report, finding))?;
    paragraph(out, "   why: ", &finding.why, "")?;
    write_place(out, finding)?;
    for (index, fix) in finding.fixes.iter().enumerate() {
        let is_planned = |one: &Change| fix.changes.iter().any(|own| own.title == one.title);
        let has_more = plan.is_some_and(|plan| plan.changes.iter().any(is_planned));
        let more = match (&fix.barred, fix.is_enough) {
            (Some(bar), _) => format!("  ({bar} forbids it)"),
            (None, Some(false)) if has_more => {
                "  (not enough by itself: `flexway plan` adds what else it takes)".to_owned()
            }
            (None, Some(false)) => "  (not enough by itself)".to_owned(),
            (None, Some(true) | None) => String::new(),
        };
        let word = if index == 0 { "fix" } else { " or" };
        paragraph(out, &format!("   {word}: "), &fix.title, &more)?;
        if index == 0 {
            if let Some(number) = clash(report, finding) {
                let text = format!(
                    "not beside the fix of error {number}, which writes the same: `flexway plan` has one for both"
                );
                paragraph(out, "        ", &text, "")?;
            }
            let mut selected = "";
            for command in fix.changes.iter().flat_map(|change| &change.az) {
                let selects = command.starts_with("az account set ");
                if !(selects && selected == command) {
                    writeln!(out, "        {command}")?;
                }
                selected = if selects { command } else { selected };
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

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_sentence_is_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a-very-long-name is whole", 8), ["a-very-long-name", "is whole"]);
        assert_eq!(wrapped("one two three", usize::MAX), ["one two three"]);
    }
}
