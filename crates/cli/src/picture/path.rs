//! The path, gate by gate.

use std::io::Write;

use flexway_core::diagnose::{Reach, Report, Spot};
use flexway_core::trace::step::{Outcome, Step};

use super::{BAD, DOUBT, FAINT, GOOD, STRONG, place_words, wrapped};
use crate::output::columns;

/// Columns of the box around a closed gate, without its sentence.
const BOX: usize = 22;

/// Columns of the sentence in the narrowest terminal, and in the widest.
const DETAIL_MIN: usize = 40;
const DETAIL_MAX: usize = 100;

/// A line of what is said once for several gates.
const BESIDE: &str = "       ";

pub(super) fn write(
    out: &mut impl Write,
    report: &Report,
    with_facts: bool,
) -> std::io::Result<()> {
    let spots = report.spots();
    for (place, flow) in report.flows.iter().enumerate() {
        writeln!(out, "\n{STRONG}path from the copier to the {}{STRONG:#}", flow.to)?;
        let (mut reach, mut header) = (Reach::All, None);
        let causes = |step: usize| -> Vec<String> {
            let is_here =
                |own: &Vec<Spot>| own.iter().any(|one| (one.flow, one.step) == (place, step));
            let numbered =
                spots.iter().enumerate().filter(|(_, own)| spots.len() > 1 && is_here(own));
            numbered.map(|(number, _)| (number + 1).to_string()).collect()
        };
        for (index, (step, comes)) in flow.steps().zip(flow.reaches()).enumerate() {
            if index == flow.forward.len() {
                writeln!(out, "{STRONG}and back{STRONG:#}")?;
                header = None;
            }
            if comes == Reach::Nothing && reach != Reach::Nothing {
                writeln!(
                    out,
                    "{FAINT}{BESIDE}-- no packet comes further; below as if the gates above were open --{FAINT:#}"
                )?;
            }
            reach = comes;
            if let Some(packets) = &step.packets {
                if header.as_ref() != Some(&packets.before) {
                    let words = packets.before.words(index >= flow.forward.len());
                    writeln!(out, "{FAINT}{BESIDE}packets {words}{FAINT:#}")?;
                }
                header = Some(packets.before.clone());
            }
            write_step(out, step, (comes, &causes(index)), with_facts)?;
        }
    }
    Ok(())
}

fn write_step(
    out: &mut impl Write,
    step: &Step,
    (comes, causes): (Reach, &[String]),
    with_facts: bool,
) -> std::io::Result<()> {
    let stage = step.stage.word();
    let room = columns().saturating_sub(BOX).clamp(DETAIL_MIN, DETAIL_MAX);
    let rule = step.rule.iter().flat_map(|rule| wrapped(rule, room));
    let detail = match (step.is_consequence, causes) {
        (true, _) => format!("{} (follows from another gate)", step.detail),
        (false, []) => step.detail.clone(),
        (false, [one]) => format!("{} (cause {one})", step.detail),
        (false, several) => format!("{} (causes {})", step.detail, several.join(" and ")),
    };
    let mut lines = wrapped(&detail, room);
    let of_detail = lines.len();
    lines.extend(rule);
    let is_framed = step.shown() == Outcome::Drop && !step.is_consequence;
    if is_framed {
        let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let edge = "─".repeat(width + BOX - 4);
        writeln!(out, "{BAD}  ┌{edge}┐{BAD:#}")?;
        for (index, line) in lines.iter().enumerate() {
            let (mark, stage) = if index == 0 { ("XX", stage) } else { ("  ", "") };
            writeln!(out, "{BAD}  │ {mark}  {stage:<10}  {line:<width$} │{BAD:#}")?;
        }
        writeln!(out, "{BAD}  └{edge}┘{BAD:#}")?;
    } else {
        let (style, mark) = match step.shown() {
            // It would let pass what does not come to it.
            Outcome::Pass if comes == Reach::Nothing => (FAINT, "(ok)"),
            Outcome::Pass => (GOOD, " ok "),
            Outcome::Unknown => (DOUBT, " ?? "),
            Outcome::Drop => (BAD, " xx "),
        };
        for (index, line) in lines.iter().enumerate() {
            match index {
                0 => writeln!(out, "  {style}{mark}{style:#} {stage:<10}  {line}")?,
                _ if index < of_detail => writeln!(out, "{:19}{line}", "")?,
                _ => writeln!(out, "{FAINT}{:19}{line}{FAINT:#}", "")?,
            }
        }
    }
    if with_facts {
        for fact in &step.facts {
            writeln!(out, "{FAINT}         {}{FAINT:#}", place_words(fact))?;
        }
    }
    Ok(())
}
