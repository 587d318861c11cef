//! What the signs mean, at the foot of a picture.

use super::MARGIN;
use super::canvas::{Anchor, Canvas};
use super::gate;
use super::scene::Sign;
use super::text::{Run, width};

const SIZE: f64 = 12.5;
/// From line to line.
const PITCH: f64 = 28.0;
/// Room of a sign.
const ROOM: f64 = 34.0;

/// A sign of the legend.
enum Key {
    Mark(Sign),
    Way(&'static str),
    Badge(&'static str, &'static str),
}

/// Draws the legend; returns where it ends.
pub(super) fn draw(canvas: &mut Canvas, (top, wide): (f64, f64), is_repaired: bool) -> f64 {
    let mut keys = vec![
        (Key::Mark(Sign::Pass), "packets pass"),
        (Key::Mark(Sign::Drop), "they end here"),
        (Key::Mark(Sign::Part), "some of them do"),
        (Key::Mark(Sign::Follows), "they end here because of another gate"),
        (Key::Mark(Sign::Unknown), "not known"),
        (Key::Way("way-part"), "some senders only"),
        (Key::Way("way-doubt"), "perhaps"),
        (Key::Way("way-shut"), "nothing comes here: looked at as if the gates before were open"),
        (Key::Badge("bad", "1"), "cause"),
    ];
    if is_repaired {
        keys.push((Key::Badge("good", "A"), "change, in the order in which they are made"));
    }
    let (mut x, mut y) = (MARGIN + 8.0, top + PITCH / 2.0);
    canvas.open("what the signs mean");
    for (key, words) in keys {
        let room = ROOM + width(words, SIZE, false) + 18.0;
        if x + room > wide - MARGIN {
            (x, y) = (MARGIN + 8.0, y + PITCH);
        }
        match key {
            Key::Mark(sign) => gate::mark(canvas, sign, false, (x + 11.0, y)),
            Key::Way(class) => canvas.line(class, (x, y), (x + 26.0, y)),
            Key::Badge(class, mark) => canvas.badge(class, (x + 11.0, y), mark),
        }
        let runs = [Run { text: words.to_owned(), is_strong: false }];
        canvas.text("muted", (x + ROOM, y + 4.5), SIZE, Anchor::Start, &runs);
        x += room;
    }
    canvas.close();
    y + PITCH / 2.0
}
