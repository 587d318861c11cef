//! Sentences under the ways: what closes it, what opens it, what was not observed.

use super::MARGIN;
use super::canvas::{Anchor, Area, Canvas};
use super::text::{Run, wrap};

/// Size of a note's first sentence, and from line to line.
const HEAD: (f64, f64) = (14.0, 19.0);
/// Size of what follows, and from line to line.
const BODY: (f64, f64) = (13.0, 17.5);
/// Lines of one sentence; the tooltip has all of it.
const LINES_MAX: usize = 8;

/// A sentence with more about it.
pub(super) struct Note {
    /// The mark that stands at gates, too; `None` for a note about no gate.
    pub(super) mark: Option<String>,
    /// `bad`, `good`, `doubt` or `muted`.
    pub(super) tone: &'static str,
    pub(super) head: String,
    pub(super) more: Vec<String>,
}

/// Draws notes under each other; returns where they end.
pub(super) fn draw(canvas: &mut Canvas, notes: &[Note], (top, wide): (f64, f64)) -> f64 {
    let mut y = top;
    for note in notes {
        y = one(canvas, note, (y, wide)) + 8.0;
    }
    y
}

fn one(canvas: &mut Canvas, note: &Note, (top, wide): (f64, f64)) -> f64 {
    let x = MARGIN + if note.mark.is_some() { 40.0 } else { 16.0 };
    let width = wide - MARGIN - 14.0 - x;
    let head = wrap(&note.head, HEAD.0, width, LINES_MAX);
    let more: Vec<Vec<Run>> =
        note.more.iter().flat_map(|text| wrap(text, BODY.0, width, LINES_MAX)).collect();
    let height = 18.0 + head.len() as f64 * HEAD.1 + more.len() as f64 * BODY.1;
    let whole: Vec<&str> =
        std::iter::once(&note.head).chain(&note.more).map(String::as_str).collect();
    canvas.open(&whole.join("\n"));
    let area = Area { x: MARGIN, y: top, width: wide - 2.0 * MARGIN, height };
    let (ground, ink) = match note.tone {
        "bad" => ("card-bad", "bad"),
        "good" => ("card-good", "good"),
        "doubt" => ("card-doubt", "doubt"),
        _ => ("network", "muted"),
    };
    canvas.rect(ground, area, 8.0);
    if let Some(mark) = &note.mark {
        canvas.badge(note.tone, (MARGIN + 21.0, top + 20.0), mark);
    }
    let base = canvas.lines(ink, (x, top + 25.0), HEAD, Anchor::Start, &head);
    canvas.lines("ink", (x, base), BODY, Anchor::Start, &more);
    canvas.close();
    top + height
}
