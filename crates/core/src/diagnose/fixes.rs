//! What the fixes of a cause are good for, each on its own.

use super::{Report, judged};
use crate::estate::Estate;
use crate::finding::Finding;
use crate::repair::{Policy, search};

/// Whether a fault is gone, with no other in its place.
pub(super) fn is_mended(fault: &str, before: &[&str], after: &[Finding]) -> bool {
    let is_left = |one: &Finding| one.fault == fault || !before.contains(&one.fault);
    !after.iter().any(|one| one.is_cause() && is_left(one))
}

/// Tries each fix of each cause on its own, and looks whether a lock forbids it.
pub fn weigh_fixes(estate: &Estate, report: &mut Report) {
    let before: Vec<&'static str> = report.causes().map(|one| one.fault).collect();
    for cause in report.findings.iter_mut().filter(|one| one.is_cause()) {
        let fault = cause.fault;
        for fix in cause.fixes.iter_mut().filter(|fix| !fix.changes.is_empty()) {
            let (_, after) = judged(&search::apply(estate, &fix.changes), &report.question);
            let bar = Policy::default().bars(estate, &fix.changes);
            fix.barred = bar.map(|(_, bar)| bar.to_string());
            fix.is_enough = Some(is_mended(fault, &before, &after));
        }
    }
}
