//! Counts what was injected and what was found, by fault.

use std::collections::{BTreeMap, BTreeSet};

/// One fault's counts.
#[derive(Debug, Default, Clone, Copy)]
struct Row {
    injected: usize,
    /// Deciding nothing while another fault is there.
    hidden: usize,
    found: usize,
    wrongly: usize,
}

/// The counts of all faults.
#[derive(Debug, Default)]
pub(crate) struct Score(BTreeMap<String, Row>);

impl Score {
    fn row(&mut self, fault: &str) -> &mut Row {
        self.0.entry(fault.to_owned()).or_default()
    }

    /// Counts one world. True when the two sets are one.
    pub(crate) fn count(&mut self, wanted: &BTreeSet<&str>, found: &BTreeSet<&str>) -> bool {
        wanted.iter().for_each(|fault| self.row(fault).injected += 1);
        for fault in found {
            let is_right = wanted.contains(fault);
            let row = self.row(fault);
            row.found += usize::from(is_right);
            row.wrongly += usize::from(!is_right);
        }
        wanted == found
    }

    /// Counts a fault that another one hides.
    pub(crate) fn hide(&mut self, fault: &str) {
        self.row(fault).hidden += 1;
    }

    /// The faults that were not always found, or found where they were not.
    pub(crate) fn imperfect(&self) -> Vec<String> {
        let bad = self.0.iter().filter(|(_, row)| row.found != row.injected || row.wrongly > 0);
        bad.map(|(fault, row)| format!("{fault}: {row:?}")).collect()
    }

    /// How many worlds show a fault.
    pub(crate) fn injected(&self, fault: &str) -> usize {
        self.0.get(fault).map_or(0, |row| row.injected)
    }

    /// The table. Recall is of what is not hidden.
    pub(crate) fn print(&self) {
        println!(
            "{:<38} {:>8} {:>6} {:>6} {:>9} {:>6}",
            "fault", "injected", "hidden", "found", "precision", "recall"
        );
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        for (fault, row) in &self.0 {
            println!(
                "{fault:<38} {:>8} {:>6} {:>6} {:>9.3} {:>6.3}",
                row.injected + row.hidden,
                row.hidden,
                row.found,
                share(row.found, row.found + row.wrongly),
                share(row.found, row.injected)
            );
        }
    }
}
