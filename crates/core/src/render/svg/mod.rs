//! The path as one picture: where it is blocked in red, the repaired one below in green, readable
//! in light and dark and without eyes.

mod canvas;
mod gate;
mod lane;
mod layout;
mod notes;
mod scene;
mod style;
mod text;
mod words;

use self::canvas::{Anchor, Area, Canvas};
use self::notes::Note;
use self::scene::Lane;
use self::text::{Run, escaped, fit, width};
use crate::diagnose::{self, Report};
use crate::estate::Estate;
use crate::finding::{Finding, Severity};
use crate::plan::Plan;
use crate::render::{about, letter};
use crate::trace::step::Verdict;

/// Width of the picture; its height follows from what it shows.
const WIDTH: f64 = 1200.0;
/// Around everything.
const MARGIN: f64 = 24.0;
/// Lines of the answer: three names of servers as long as Azure allows.
const ANSWER_LINES_MAX: usize = 4;
/// Things not observed that are shown: more would hide the path; the text alternative has all of them.
const MISSING_MAX: usize = 5;

/// Draws a diagnosis of the estate, and the plan that repairs it where there is one. The plan is
/// tried on a copy of the estate.
pub fn picture(estate: &Estate, report: &Report, plan: Option<&Plan>) -> String {
    let repaired = plan.filter(|plan| !plan.changes.is_empty()).map(|plan| {
        let changed = plan.changes.iter().fold(estate.clone(), |now, change| change.apply(&now));
        let report = diagnose::check(&changed, &report.question);
        (changed, report)
    });
    let mut canvas = Canvas::default();
    let mut y = heading(&mut canvas, report);
    let mut before = scene::lanes(estate, report);
    let causes: Vec<&Finding> = report.causes().collect();
    for (index, cause) in causes.iter().enumerate() {
        let mark = (index + 1).to_string();
        before.iter_mut().for_each(|lane| lane.blame(&mark, report, cause));
    }
    y = lanes(&mut canvas, &before, y, false);
    y = notes::draw(&mut canvas, &remarks(report, &causes, plan), y + 4.0);
    if let (Some(plan), Some((changed, after))) = (plan, &repaired) {
        let mut lanes_after = scene::lanes(changed, after);
        for (index, change) in plan.changes.iter().enumerate() {
            let mark = letter(index);
            let others = plan.changes.iter().enumerate().filter(|(other, _)| *other != index);
            let estate = others.fold(estate.clone(), |now, (_, other)| other.apply(&now));
            let report = diagnose::check(&estate, &report.question);
            let without = scene::lanes(&estate, &report);
            let pairs = lanes_after.iter_mut().zip(&without);
            let opened =
                pairs.filter_map(|(lane, old)| lane.credit(&mark, change, old).then_some(()));
            if opened.count() > 0 {
                continue;
            }
            let opened = before.iter().position(|lane| lane.is_opened_by(change)).unwrap_or(0);
            if let Some(lane) = lanes_after.get_mut(opened) {
                lane.attach(&mark, change, before.get(opened));
            }
        }
        y = section(&mut canvas, &simulated(plan.changes.len()), y + 10.0);
        y = lanes(&mut canvas, &lanes_after, y, true);
        let broken = breaks(plan);
        let changes = (0..plan.changes.len()).map(|index| of_change(plan, index, &causes));
        let cards: Vec<Note> = broken.into_iter().chain(changes).collect();
        y = notes::draw(&mut canvas, &cards, y + 4.0);
    }
    let repair = plan.map(|plan| (plan, repaired.as_ref().map_or(report, |(_, after)| after)));
    document(report, repair, &canvas.body, y + 8.0)
}

fn document(report: &Report, repair: Option<(&Plan, &Report)>, body: &str, height: f64) -> String {
    let (title, description) =
        (escaped(&words::answer(report)), escaped(&words::description(report, repair)));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"flexway\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         width=\"{WIDTH}\" height=\"{height:.0}\" role=\"img\" \
         aria-labelledby=\"flexway-title flexway-description\">\n\
         <title id=\"flexway-title\">{title}</title>\n<desc id=\"flexway-description\">{description}</desc>\n\
         <style>\n{}</style>\n<rect class=\"bg\" width=\"{WIDTH}\" height=\"{height:.0}\"/>\n{body}</svg>\n",
        style::sheet()
    )
}

/// The answer in large letters, and the verdict's word beside it.
fn heading(canvas: &mut Canvas, report: &Report) -> f64 {
    let (word, tone) = match report.verdict {
        Verdict::Reachable => ("reachable", "good"),
        Verdict::Unreachable => ("unreachable", "bad"),
        Verdict::Partial => ("partly reachable", "bad"),
        Verdict::Undetermined => ("undetermined", "doubt"),
        Verdict::Inconsistent => ("inconsistent", "doubt"),
    };
    let code =
        report.code_shown().map_or(String::new(), |code| format!("  ·  {code} in Azure's tool"));
    let label = format!("{word}{code}");
    let wide = width(&label, 14.0, true) + 28.0;
    let answer = words::answer(report);
    canvas.open(&answer);
    let lines = fit(&answer, 22.0, WIDTH - 2.0 * MARGIN - wide - 24.0, ANSWER_LINES_MAX);
    let base = canvas.lines("ink", (MARGIN, 44.0), (22.0, 28.0), Anchor::Start, &lines);
    canvas.close();
    let area = Area { x: WIDTH - MARGIN - wide, y: 20.0, width: wide, height: 34.0 };
    canvas.rect(&format!("card-{tone}"), area, 17.0);
    let runs = [Run { text: label, is_strong: true }];
    canvas.text(tone, (area.x + wide / 2.0, 42.0), 14.0, Anchor::Middle, &runs);
    base - 6.0
}

fn section(canvas: &mut Canvas, title: &str, top: f64) -> f64 {
    let runs = [Run { text: title.to_owned(), is_strong: true }];
    canvas.text("good", (MARGIN, top + 20.0), 17.0, Anchor::Start, &runs);
    top + 34.0
}

fn simulated(count: usize) -> String {
    let noun = if count == 1 { "this change".to_owned() } else { format!("these {count} changes") };
    format!("After {noun}, tried on a copy of the configuration:")
}

fn lanes(canvas: &mut Canvas, lanes: &[Lane], top: f64, is_repaired: bool) -> f64 {
    lanes.iter().fold(top, |y, lane| lane::draw(canvas, lane, y, is_repaired) + 12.0)
}

/// What to say of the path as it is: causes, or risks where nothing is certain, then what was not
/// observed, then why nothing mends it.
fn remarks(report: &Report, causes: &[&Finding], plan: Option<&Plan>) -> Vec<Note> {
    let mut notes: Vec<Note> = causes
        .iter()
        .enumerate()
        .map(|(index, cause)| of_finding(Some((index + 1).to_string()), "bad", cause))
        .collect();
    let is_risk = |one: &&Finding| one.severity == Severity::Risks && one.consequence_of.is_none();
    if causes.is_empty() && report.verdict != Verdict::Reachable {
        let risks = report.findings.iter().filter(is_risk);
        notes.extend(risks.map(|one| of_finding(None, "doubt", one)));
    }
    for missing in report.missing.iter().take(MISSING_MAX) {
        notes.push(Note {
            mark: None,
            tone: "doubt",
            head: format!("not observed: {}", missing.what),
            more: vec![format!("to know it: {}", missing.help)],
        });
    }
    let refusal = plan.and_then(|plan| plan.refusal.as_ref()).filter(|_| !causes.is_empty());
    notes.extend(refusal.map(|refusal| Note {
        mark: None,
        tone: "muted",
        head: format!("no plan: {}", refusal.why),
        more: refusal.help.clone(),
    }));
    notes
}

fn of_finding(mark: Option<String>, tone: &'static str, finding: &Finding) -> Note {
    Note {
        mark,
        tone,
        head: finding.message.clone(),
        more: vec![format!("`{}`: {}", finding.fault, finding.why)],
    }
}

fn of_change(plan: &Plan, index: usize, causes: &[&Finding]) -> Note {
    let word = |fault: &str| match causes.iter().position(|cause| cause.fault == fault) {
        Some(place) => format!("{} (`{fault}`)", place + 1),
        None => format!("`{fault}`"),
    };
    Note {
        mark: Some(letter(index)),
        tone: "good",
        head: plan.changes[index].title.clone(),
        more: about(plan, index, word),
    }
}

/// What works now and stops with the repair.
fn breaks(plan: &Plan) -> Option<Note> {
    let lines = plan.breaks();
    (!lines.is_empty()).then(|| Note {
        mark: None,
        tone: "doubt",
        head: "Breaks what works:".to_owned(),
        more: lines,
    })
}
