//! The path as one picture: where it is blocked in red, the repaired one beside it in green, readable
//! in light and dark and without eyes.

mod canvas;
mod column;
mod gate;
mod legend;
mod marks;
mod notes;
mod scene;
mod style;
mod text;
mod words;

use self::canvas::{Anchor, Area, Canvas};
use self::column::Item;
use self::notes::Note;
use self::scene::{Sign, Track};
use self::text::{Run, escaped, fit, width};
use crate::diagnose::{self, Report};
use crate::estate::Estate;
use crate::finding::{Finding, Severity};
use crate::fusion::Fusion;
use crate::plan::Plan;
use crate::render::{about, letter};
use crate::trace::step::Verdict;

/// Around everything.
const MARGIN: f64 = 24.0;
/// Width of one column.
const COLUMN: f64 = 550.0;
/// Between two columns.
const GAP: f64 = 20.0;
/// Lines of the answer: three names of servers as long as Azure allows.
const ANSWER_LINES_MAX: usize = 4;
/// Things not observed that are shown: more would hide the path; the text alternative has all of them.
const MISSING_MAX: usize = 5;
/// Explanations that are shown where configuration and probes disagree.
const EXPLANATIONS_MAX: usize = 3;

/// Draws a diagnosis of the estate, and the plan that repairs it where there is one. The plan is
/// tried on a copy of the estate.
pub fn picture(estate: &Estate, report: &Report, plan: Option<&Plan>) -> String {
    let repaired = plan.filter(|plan| !plan.changes.is_empty()).map(|plan| {
        let changed = plan.changes.iter().fold(estate.clone(), |now, change| change.apply(&now));
        let after = diagnose::check(&changed, &report.question);
        (plan, changed, Report { given: report.given.clone(), ..after })
    });
    let causes: Vec<&Finding> = report.causes().collect();
    let before = scene::tracks(estate, report);
    let mut mended: Vec<Vec<usize>> = Vec::new();
    let after = repaired.as_ref().map(|(plan, changed, after)| {
        let mut tracks = scene::tracks(changed, after);
        for (index, change) in plan.changes.iter().enumerate() {
            let others = plan.changes.iter().enumerate().filter(|(other, _)| *other != index);
            let estate = others.fold(estate.clone(), |now, (_, other)| other.apply(&now));
            let report = diagnose::check(&estate, &report.question);
            let without = scene::tracks(&estate, &report);
            marks::credit(&letter(index), change, &mut tracks, (&before, &without));
            let is_left = |cause: &Finding| {
                report.causes().any(|one| (one.fault, &one.place) == (cause.fault, &cause.place))
            };
            let left = (0..causes.len()).filter(|place| is_left(causes[*place]));
            mended.push(left.collect());
        }
        marks::opened(&mut tracks, &before);
        tracks
    });
    let wide = 2.0 * MARGIN + COLUMN + if after.is_some() { GAP + COLUMN } else { 0.0 };
    let mut canvas = Canvas::default();
    let mut y = heading(&mut canvas, report, wide);
    if let Some((plan, ..)) = &repaired {
        y = titles(&mut canvas, plan, y);
    }
    for (place, track) in before.iter().enumerate() {
        let repaired = after.as_ref().and_then(|after| after.get(place));
        y = flow(&mut canvas, track, repaired, (place, before.len()), y);
    }
    y = notes::draw(&mut canvas, &remarks(report, &causes, plan), (y + 4.0, wide));
    if let Some((plan, ..)) = &repaired {
        let broken = breaks(plan);
        let changes =
            (0..plan.changes.len()).map(|index| of_change(plan, index, (&causes, &mended[index])));
        let cards: Vec<Note> = broken.into_iter().chain(changes).collect();
        y = notes::draw(&mut canvas, &cards, (y + 4.0, wide));
    }
    y = legend::draw(&mut canvas, (y + 4.0, wide), after.is_some());
    let repair = plan.map(|plan| (plan, repaired.as_ref().map_or(report, |(.., after)| after)));
    document(report, repair, &canvas.body, (wide, y + 8.0))
}

fn document(
    report: &Report,
    repair: Option<(&Plan, &Report)>,
    body: &str,
    (width, height): (f64, f64),
) -> String {
    let (title, description) =
        (escaped(&words::answer(report)), words::description(report, repair));
    let lines: Vec<String> = description.lines().map(escaped).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"flexway\" viewBox=\"0 0 {width} {height:.0}\" \
         width=\"{width}\" height=\"{height:.0}\" role=\"img\" \
         aria-labelledby=\"flexway-title flexway-description\">\n\
         <title id=\"flexway-title\">{title}</title>\n<desc id=\"flexway-description\">{}</desc>\n\
         <style>\n{}</style>\n<rect class=\"bg\" width=\"{width}\" height=\"{height:.0}\"/>\n{body}</svg>\n",
        lines.join("\n"),
        style::sheet()
    )
}

/// The answer in large letters, and the verdict's word beside it.
fn heading(canvas: &mut Canvas, report: &Report, wide: f64) -> f64 {
    let (tone, word) = word(report.verdict);
    let code =
        report.code_shown().map_or(String::new(), |code| format!("  ·  {code} in Azure's tool"));
    let label = format!("{word}{code}");
    let pill = width(&label, 14.0, true) + 28.0;
    let answer = words::answer(report);
    canvas.open(&answer);
    let lines = fit(&answer, 20.0, wide - 2.0 * MARGIN - pill - 24.0, ANSWER_LINES_MAX);
    let base = canvas.lines("ink", (MARGIN, 44.0), (20.0, 26.0), Anchor::Start, &lines);
    canvas.close();
    let area = Area { x: wide - MARGIN - pill, y: 20.0, width: pill, height: 34.0 };
    let ground = if report.verdict == Verdict::Partial { "part" } else { tone };
    canvas.rect(&format!("card-{ground}"), area, 17.0);
    let runs = [Run { text: label, is_strong: true }];
    canvas.text(tone, (area.x + pill / 2.0, 42.0), 14.0, Anchor::Middle, &runs);
    base
}

/// The colour of a verdict, and its word.
fn word(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Reachable => ("good", "reachable"),
        Verdict::Unreachable => ("bad", "unreachable"),
        Verdict::Partial => ("bad", "partly reachable"),
        Verdict::Undetermined => ("doubt", "undetermined"),
        Verdict::Inconsistent => ("doubt", "inconsistent"),
    }
}

/// What the two columns are.
fn titles(canvas: &mut Canvas, plan: &Plan, top: f64) -> f64 {
    let count = plan.changes.len();
    let changes = match count {
        1 => "After change A".to_owned(),
        2 => "After changes A and B".to_owned(),
        _ => format!("After changes A to {}", letter(count - 1)),
    };
    let (tone, verdict) = word(plan.after);
    let right = format!("{changes}, tried on a copy: {verdict}");
    let columns = [("ink", MARGIN, "Now".to_owned()), (tone, MARGIN + COLUMN + GAP, right)];
    for (tone, x, text) in columns {
        let runs = [Run { text, is_strong: true }];
        canvas.text(tone, (x + 8.0, top + 4.0), 16.0, Anchor::Start, &runs);
    }
    top + 20.0
}

/// A flow as it is, and beside it as it is after the changes.
fn flow(
    canvas: &mut Canvas,
    track: &Track,
    repaired: Option<&Track>,
    (place, count): (usize, usize),
    top: f64,
) -> f64 {
    let mut top = top;
    if count > 1 {
        let (copier, server) = (&track.copier, &track.server);
        let (number, role, port) = (place + 1, track.role, track.port);
        let text = format!("{number}  to the {role}: {copier} → {server}, port {port}");
        let runs = [Run { text, is_strong: true }];
        canvas.text("ink", (MARGIN + 8.0, top + 14.0), 15.0, Anchor::Start, &runs);
        top += 26.0;
    }
    let items = column::items(track);
    let (x, other) = (MARGIN, MARGIN + COLUMN + GAP);
    let Some(repaired) = repaired else {
        let (placed, end) = stacked(items.into_iter().map(|item| (Some(item), None)), top);
        column::draw(canvas, track, (x, COLUMN), &placed.0, false);
        return end + 12.0;
    };
    if is_untouched(track, repaired) {
        let (placed, end) = stacked(items.into_iter().map(|item| (Some(item), None)), top);
        column::draw(canvas, track, (x, COLUMN), &placed.0, false);
        let text = "unchanged".to_owned();
        let runs = [Run { text, is_strong: false }];
        canvas.text("muted", (other + 8.0, top + 20.0), 14.0, Anchor::Start, &runs);
        return end + 12.0;
    }
    let pairs = aligned(&items, &column::items(repaired));
    let (placed, end) = stacked(pairs, top);
    column::draw(canvas, track, (x, COLUMN), &placed.0, false);
    column::draw(canvas, repaired, (other, COLUMN), &placed.1, true);
    end + 12.0
}

fn is_untouched(one: &Track, other: &Track) -> bool {
    let told = |track: &Track| -> Vec<(Sign, Vec<String>)> {
        track.gates.iter().map(|gate| (gate.sign(), gate::sentences(gate))).collect()
    };
    other.gates.iter().all(|gate| !gate.is_changed) && told(one) == told(other)
}

/// An item of each column, or of one of them alone.
type Row<'t> = (Option<Item<'t>>, Option<Item<'t>>);

/// Items of a column, each with where it begins.
type Placed<'t> = Vec<(Item<'t>, f64)>;

/// Rows under each other, each as high as its higher item; and where they end.
fn stacked<'t>(
    rows: impl IntoIterator<Item = Row<'t>>,
    top: f64,
) -> ((Placed<'t>, Placed<'t>), f64) {
    let (mut left, mut right, mut y) = (Vec::new(), Vec::new(), top);
    for (one, other) in rows {
        let height = [&one, &other].into_iter().flatten().map(|item| item.height(COLUMN));
        let height = height.fold(0.0, f64::max);
        left.extend(one.map(|item| (item, y)));
        right.extend(other.map(|item| (item, y)));
        y += height;
    }
    ((left, right), y)
}

/// The rows of two columns: what is alike stands beside each other, in the order of both.
fn aligned<'t>(left: &[Item<'t>], right: &[Item<'t>]) -> Vec<Row<'t>> {
    let mut best = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, one) in left.iter().enumerate().rev() {
        for (j, other) in right.iter().enumerate().rev() {
            let both = match one.likeness(other) {
                0 => 0,
                points => points + best[i + 1][j + 1],
            };
            best[i][j] = both.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    let (mut i, mut j, mut rows) = (0, 0, Vec::new());
    while i < left.len() || j < right.len() {
        let both = match (left.get(i), right.get(j)) {
            (Some(one), Some(other)) => one.likeness(other),
            _ => 0,
        };
        if both > 0 && best[i][j] == both + best[i + 1][j + 1] {
            rows.push((Some(left[i]), Some(right[j])));
            (i, j) = (i + 1, j + 1);
        } else if i < left.len() && (j == right.len() || best[i][j] == best[i + 1][j]) {
            rows.push((Some(left[i]), None));
            i += 1;
        } else {
            rows.push((None, Some(right[j])));
            j += 1;
        }
    }
    rows
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
    notes.extend(report.fusion.iter().flat_map(of_probes));
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

/// What was seen, and what would explain it where that contradicts the configuration.
fn of_probes(fusion: &Fusion) -> Vec<Note> {
    let seen = fusion.witnesses.iter().filter(|one| one.flow.is_some());
    let seen = seen.map(|one| Note {
        mark: None,
        tone: if one.holds { "muted" } else { "doubt" },
        head: format!("seen from {} to {}, {}: {}", one.vantage, one.to, one.time, one.seen),
        more: Vec::new(),
    });
    let explained = fusion.hypotheses.iter().take(EXPLANATIONS_MAX).map(|one| one.title.clone());
    let explained: Vec<String> = explained.collect();
    let why = (!explained.is_empty()).then(|| Note {
        mark: None,
        tone: "doubt",
        head: "what would explain it, most likely first:".to_owned(),
        more: explained,
    });
    seen.chain(why).collect()
}

fn of_finding(mark: Option<String>, tone: &'static str, finding: &Finding) -> Note {
    Note {
        mark,
        tone,
        head: finding.message.clone(),
        more: vec![format!("`{}`: {}", finding.fault, finding.why)],
    }
}

/// `mended` are the causes that are there without the change.
fn of_change(plan: &Plan, index: usize, (causes, mended): (&[&Finding], &[usize])) -> Note {
    let word = |fault: &str| {
        let is_it = |place: &usize| causes[*place].fault == fault;
        let own: Vec<usize> = mended.iter().copied().filter(is_it).collect();
        let first = (0..causes.len()).find(is_it).into_iter().collect();
        let places = if own.is_empty() { first } else { own };
        let numbers: Vec<String> = places.iter().map(|place| (place + 1).to_string()).collect();
        match numbers.is_empty() {
            true => format!("`{fault}`"),
            false => format!("{} (`{fault}`)", numbers.join(" and ")),
        }
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
