//! One gate of a lane: its name, its mark, its sentence, and the card it stands on when there is
//! something about it.

use super::canvas::{Anchor, Area, Canvas};
use super::layout::{CARD_MAX, DETAIL, DOT, Layout, NAME};
use super::scene::Station;
use super::text::Run;
use crate::trace::step::{Outcome, Stage};

/// A gate: its name above the mark, its sentence below.
pub(super) fn draw(canvas: &mut Canvas, station: &Station, index: usize, layout: &Layout) {
    let x = layout.centres[index];
    let word = word(station.step.stage);
    canvas.open(&format!("{word}: {}", sentence(station)));
    canvas.text(ink_of_name(station), (x, layout.names), NAME, Anchor::Middle, &strong(word));
    mark(canvas, station, (x, layout.way));
    let lines = &layout.details[index];
    let place = (x, layout.way + DOT + 20.0);
    canvas.lines(ink(station), place, DETAIL, Anchor::Middle, lines);
    canvas.close();
}

/// What a gate does; one that drops packets only because of a later gate says so.
pub(super) fn sentence(station: &Station) -> String {
    let reason = if station.step.is_consequence { " (follows from another gate)" } else { "" };
    format!("{}{reason}", station.step.detail)
}

/// The card of a gate, under the line that goes through it.
pub(super) fn ground(canvas: &mut Canvas, station: &Station, index: usize, layout: &Layout) {
    let (width, top) = (layout.rooms[index].min(CARD_MAX) - 6.0, layout.names - 20.0);
    let x = layout.centres[index] - width / 2.0;
    let area = Area { x, y: top, width, height: layout.details_end - top + 2.0 };
    card(canvas, station, area);
}

fn strong(text: &str) -> Vec<Run> {
    vec![Run { text: text.to_owned(), is_strong: true }]
}

/// The ground of a gate that stands out, with the marks of what is said about it.
pub(super) fn card(canvas: &mut Canvas, station: &Station, area: Area) {
    let (class, badge) = match station.step.shown() {
        Outcome::Drop if station.step.is_consequence => ("", "bad"),
        Outcome::Drop => ("card-bad", "bad"),
        Outcome::Unknown if station.is_changed => ("card-doubt", "good"),
        Outcome::Unknown => ("card-doubt", "doubt"),
        Outcome::Pass if station.is_changed => ("card-good", "good"),
        Outcome::Pass => ("", "bad"),
    };
    if !class.is_empty() {
        canvas.rect(class, area, 8.0);
    }
    for (place, mark) in station.badges.iter().rev().enumerate() {
        let x = area.x + area.width - 8.0 - 20.0 * place as f64;
        canvas.badge(badge, (x, area.y - 2.0), mark);
    }
}

/// The colour of a gate's sentence.
pub(super) fn ink(station: &Station) -> &'static str {
    match station.step.shown() {
        Outcome::Drop => "bad",
        Outcome::Unknown => "doubt",
        Outcome::Pass if station.is_changed => "good",
        Outcome::Pass => "muted",
    }
}

fn ink_of_name(station: &Station) -> &'static str {
    match ink(station) {
        "muted" => "ink",
        other => other,
    }
}

/// The mark of a gate: a tick, a cross or a question mark.
pub(super) fn mark(canvas: &mut Canvas, station: &Station, (x, y): (f64, f64)) {
    let tick: [(&str, &[f64]); 3] =
        [("M", &[x - 5.5, y + 0.5]), ("l", &[4.0, 4.0]), ("l", &[7.5, -8.0])];
    let cross: [(&str, &[f64]); 4] = [
        ("M", &[x - 4.5, y - 4.5]),
        ("l", &[9.0, 9.0]),
        ("M", &[x + 4.5, y - 4.5]),
        ("l", &[-9.0, 9.0]),
    ];
    match station.step.shown() {
        Outcome::Drop if station.step.is_consequence => {
            canvas.circle("dot-follows", (x, y), DOT);
            canvas.path("mark-follows", &cross);
        }
        Outcome::Drop => {
            canvas.circle("dot-bad", (x, y), DOT);
            canvas.path("mark-on", &cross);
        }
        Outcome::Unknown => {
            canvas.circle("dot-doubt", (x, y), DOT);
            canvas.text("doubt", (x, y + 5.0), 14.0, Anchor::Middle, &strong("?"));
        }
        Outcome::Pass if station.is_changed => {
            canvas.circle("dot-changed", (x, y), DOT);
            canvas.path("mark-on", &tick);
        }
        Outcome::Pass => {
            canvas.circle("dot-good", (x, y), DOT);
            canvas.path("mark-good", &tick);
        }
    }
}

/// A gate's name.
pub(super) fn word(stage: Stage) -> &'static str {
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
