//! One gate of a way: its mark on the line, its name and its sentences beside it, and the card they stand on when there is something
//! about it.

use super::canvas::{Anchor, Area, Canvas};
use super::scene::{Gate, Sign};
use super::text::{Run, wrap};

/// Radius of a mark.
pub(super) const DOT: f64 = 11.0;
/// Size of a gate's name, and from line to line.
const NAME: (f64, f64) = (14.0, 19.0);
/// The same of its sentences.
const DETAIL: (f64, f64) = (13.0, 17.0);
/// Around the words of a gate.
const PAD: f64 = 8.0;
/// Between two gates.
const GAP: f64 = 6.0;
/// Room of one mark of a cause or a change.
const BADGE: f64 = 22.0;
/// Lines of one sentence: a list of a hundred addresses would hide the path. The text alternative has all of it.
const LINES_MAX: usize = 6;

/// Sentences of a gate.
pub(super) fn sentences(gate: &Gate) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for step in &gate.steps {
        let reason = if step.is_consequence { " (follows from another gate)" } else { "" };
        lines.push(format!("{}{reason}", step.detail));
        let says = step.rule.as_ref().filter(|_| gate.sign() != Sign::Pass);
        lines.extend(says.cloned());
    }
    lines.extend(gate.passing.as_ref().map(|senders| format!("goes on: {senders}")));
    lines
}

fn lines(gate: &Gate, width: f64) -> Vec<Vec<Run>> {
    let wrapped = |text: &String| wrap(text, DETAIL.0, width - 2.0 * PAD, LINES_MAX);
    sentences(gate).iter().flat_map(wrapped).collect()
}

/// How high a gate is whose words are so wide.
pub(super) fn height(gate: &Gate, width: f64) -> f64 {
    2.0 * PAD + NAME.1 + lines(gate, width).len() as f64 * DETAIL.1 + GAP
}

/// How far below a gate's top its mark stands.
pub(super) const MARK: f64 = PAD + 10.0;

/// Draws a gate's words at a place that is so wide, and its mark at `line`.
pub(super) fn draw(canvas: &mut Canvas, gate: &Gate, (x, top, width): (f64, f64, f64), line: f64) {
    let area = Area { x, y: top, width, height: height(gate, width) - GAP };
    let way = if gate.is_back { " (way back)" } else { "" };
    let word = format!("{}{way}", gate.word());
    canvas.open(&format!("{word}: {}", sentences(gate).join("\n")));
    let (class, badge) = match gate.sign() {
        Sign::Drop | Sign::Part => ("card-bad", "bad"),
        Sign::Unknown if gate.is_changed => ("card-doubt", "good"),
        Sign::Unknown => ("card-doubt", "doubt"),
        Sign::Pass if gate.is_changed => ("card-good", "good"),
        Sign::Pass | Sign::Follows => ("", "bad"),
    };
    if !class.is_empty() {
        canvas.rect(class, area, 8.0);
    }
    let ink = ink(gate);
    let name_ink = if ink == "muted" { "ink" } else { ink };
    let runs = [Run { text: word, is_strong: true }];
    canvas.text(name_ink, (x + PAD, top + PAD + 14.0), NAME.0, Anchor::Start, &runs);
    for (place, one) in gate.badges.iter().rev().enumerate() {
        let at = (x + width - 15.0 - BADGE * place as f64, top + PAD + 9.0);
        canvas.badge(badge, at, one);
    }
    let base = top + PAD + 14.0 + NAME.1;
    canvas.lines(ink, (x + PAD, base), DETAIL, Anchor::Start, &lines(gate, width));
    mark(canvas, gate.sign(), gate.is_changed, (line, top + MARK));
    canvas.close();
}

/// The colour of a gate's sentence.
fn ink(gate: &Gate) -> &'static str {
    match gate.sign() {
        Sign::Drop | Sign::Part | Sign::Follows => "bad",
        Sign::Unknown => "doubt",
        Sign::Pass if gate.is_changed => "good",
        Sign::Pass => "muted",
    }
}

/// The mark of a gate: a tick, a cross or a question mark.
pub(super) fn mark(canvas: &mut Canvas, sign: Sign, is_changed: bool, (x, y): (f64, f64)) {
    let tick: [(&str, &[f64]); 3] =
        [("M", &[x - 5.5, y + 0.5]), ("l", &[4.0, 4.0]), ("l", &[7.5, -8.0])];
    let cross: [(&str, &[f64]); 4] = [
        ("M", &[x - 4.5, y - 4.5]),
        ("l", &[9.0, 9.0]),
        ("M", &[x + 4.5, y - 4.5]),
        ("l", &[-9.0, 9.0]),
    ];
    match sign {
        Sign::Follows => {
            canvas.circle("dot-follows", (x, y), DOT);
            canvas.path("mark-follows", &cross);
        }
        Sign::Drop => {
            canvas.circle("dot-bad", (x, y), DOT);
            canvas.path("mark-on", &cross);
        }
        // Half of it is open.
        Sign::Part => {
            canvas.circle("dot-part", (x, y), DOT);
            let half = [
                ("M", &[x, y - DOT][..]),
                ("a", &[DOT, DOT, 0.0, 0.0, 1.0, 0.0, 2.0 * DOT]),
                ("z", &[]),
            ];
            canvas.path("half-bad", &half);
        }
        Sign::Unknown => {
            canvas.circle("dot-doubt", (x, y), DOT);
            let runs = [Run { text: "?".to_owned(), is_strong: true }];
            canvas.text("doubt", (x, y + 5.0), 14.0, Anchor::Middle, &runs);
        }
        Sign::Pass if is_changed => {
            canvas.circle("dot-changed", (x, y), DOT);
            canvas.path("mark-on", &tick);
        }
        Sign::Pass => {
            canvas.circle("dot-good", (x, y), DOT);
            canvas.path("mark-good", &tick);
        }
    }
}
