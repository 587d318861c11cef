//! Shapes and words as SVG elements: colours come from classes, so that the picture follows the
//! reader's theme.

use super::text::{Run, escaped};

/// Elements drawn so far.
#[derive(Default)]
pub(super) struct Canvas {
    pub(super) body: String,
}

/// A number with at most one decimal.
fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded.fract() == 0.0 { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}

/// A rectangle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where a text stands relative to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
}

impl Canvas {
    /// Opens a group with a tooltip.
    pub(super) fn open(&mut self, tooltip: &str) {
        self.body.push_str(&format!("<g><title>{}</title>\n", escaped(tooltip)));
    }

    /// Closes the group opened last.
    pub(super) fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    pub(super) fn rect(&mut self, class: &str, area: Area, radius: f64) {
        self.body.push_str(&format!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\"/>\n",
            number(area.x),
            number(area.y),
            number(area.width.max(0.0)),
            number(area.height.max(0.0)),
            number(radius)
        ));
    }

    pub(super) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        self.body.push_str(&format!(
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\"/>\n",
            number(x),
            number(y),
            number(radius)
        ));
    }

    /// A path given by its commands; each number may have one decimal.
    pub(super) fn path(&mut self, class: &str, commands: &[(&str, &[f64])]) {
        let mut data = String::new();
        for (letter, values) in commands {
            data.push_str(letter);
            data.push_str(&values.iter().map(|one| number(*one)).collect::<Vec<_>>().join(" "));
        }
        self.body.push_str(&format!("<path class=\"{class}\" d=\"{data}\"/>\n"));
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.path(class, &[("M", &[from.0, from.1]), ("L", &[to.0, to.1])]);
    }

    /// One line of text; `y` is its base line.
    pub(super) fn text(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        size: f64,
        anchor: Anchor,
        runs: &[Run],
    ) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
        };
        let mut words = String::new();
        for run in runs {
            let text = escaped(&run.text);
            match run.is_strong {
                true => words.push_str(&format!("<tspan class=\"strong\">{text}</tspan>")),
                false => words.push_str(&text),
            }
        }
        self.body.push_str(&format!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" font-size=\"{}\"{anchor}>{words}</text>\n",
            number(x),
            number(y),
            number(size)
        ));
    }

    /// Lines of text under each other; returns the base line after the last one.
    pub(super) fn lines(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (size, pitch): (f64, f64),
        anchor: Anchor,
        lines: &[Vec<Run>],
    ) -> f64 {
        let mut base = y;
        for runs in lines {
            self.text(class, (x, base), size, anchor, runs);
            base += pitch;
        }
        base
    }

    /// A mark that ties a gate to the sentence about it.
    pub(super) fn badge(&mut self, class: &str, (x, y): (f64, f64), mark: &str) {
        self.circle(&format!("badge-{class}"), (x, y), 9.0);
        let runs = [Run { text: mark.to_owned(), is_strong: true }];
        self.text("on", (x, y + 4.0), 11.0, Anchor::Middle, &runs);
    }
}
