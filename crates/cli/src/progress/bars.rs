//! Bars on a terminal: one for each running table, one for the whole.

use std::collections::BTreeMap;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::tally::{Tally, UnitState};

/// Length of a bar in steps: finer than its characters, so that it moves evenly.
const STEPS: u64 = 1000;

/// Bars shown at most: as many fit on a small terminal beside the lines of text. More may run.
const BARS_MAX: usize = 16;

/// Frames drawn a second at most.
const FRAMES: u8 = 5;

/// What a bar stands for.
#[derive(Clone, Copy)]
enum Kind {
    Whole,
    Unit,
}

/// The bars of one run.
pub(crate) struct Bars {
    all: MultiProgress,
    total: Option<ProgressBar>,
    units: BTreeMap<String, ProgressBar>,
    has_colour: bool,
}

impl Bars {
    pub(crate) fn new(has_colour: bool) -> Bars {
        let target = ProgressDrawTarget::stderr_with_hz(FRAMES);
        let all = MultiProgress::with_draw_target(target);
        Bars { all, total: None, units: BTreeMap::new(), has_colour }
    }

    /// A line above the bars that stays.
    pub(crate) fn say(&self, line: &str) {
        // A terminal that cannot be written to is no reason to end a move.
        let _ = self.all.println(line);
    }

    pub(crate) fn begin(&mut self, tally: &Tally) {
        self.end();
        let bar = self.all.add(ProgressBar::new(STEPS).with_style(self.style(Kind::Whole)));
        show(&bar, &tally.total());
        self.total = Some(bar);
    }

    pub(crate) fn unit_begins(&mut self, name: &str) {
        let Some(total) = &self.total else { return };
        if self.units.len() >= BARS_MAX {
            return;
        }
        let bar = ProgressBar::new(STEPS).with_style(self.style(Kind::Unit));
        let bar = self.all.insert_before(total, bar);
        self.units.insert(name.to_owned(), bar);
    }

    pub(crate) fn unit_ends(&mut self, name: &str) {
        if let Some(bar) = self.units.remove(name) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    pub(crate) fn draw(&mut self, tally: &Tally) {
        for (name, bar) in &self.units {
            show(bar, &tally.unit(name));
        }
        if let Some(total) = &self.total {
            show(total, &tally.total());
        }
    }

    /// Removes the bars of the work that is over.
    pub(crate) fn end(&mut self) {
        for bar in std::mem::take(&mut self.units).into_values().chain(self.total.take()) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    pub(crate) fn clear(mut self) {
        self.end();
        let _ = self.all.clear();
    }

    fn style(&self, kind: Kind) -> ProgressStyle {
        let template = match (kind, self.has_colour) {
            (Kind::Whole, true) => "{bar:24.green} {wide_msg}",
            (Kind::Unit, true) => "{bar:24.cyan} {wide_msg}",
            (_, false) => "{bar:24} {wide_msg}",
        };
        ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ")
    }
}

fn show(bar: &ProgressBar, state: &UnitState) {
    let share = state.share.unwrap_or_default();
    bar.set_position((share * STEPS as f64) as u64);
    bar.set_message(state.text.clone());
}
