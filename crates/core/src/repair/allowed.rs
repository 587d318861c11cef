//! Which changes may be made: what the user forbids, and what locks forbid.

use crate::change::{Change, Edit};
use crate::estate::Estate;
use crate::estate::governance::{Lock, locks_on};

/// What a repair may not do.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Kinds of changes that are forbidden, such as `create-peering`.
    pub forbidden: Vec<String>,
    /// Whether locks are left out of account, to see what they cost.
    pub ignores_locks: bool,
}

impl Policy {
    /// The first change that may not be made, with the reason.
    pub fn bars(&self, estate: &Estate, changes: &[Change]) -> Option<(Change, String)> {
        changes.iter().find_map(|change| Some((change.clone(), self.bar(estate, change)?)))
    }

    fn bar(&self, estate: &Estate, change: &Change) -> Option<String> {
        if self.forbidden.iter().any(|kind| kind.eq_ignore_ascii_case(change.kind)) {
            return Some(format!("changes of kind {} are forbidden", change.kind));
        }
        if self.ignores_locks {
            return None;
        }
        let is_deletion = change.request.method == "DELETE";
        let written = change.edits.iter().map(Edit::resource).chain([&change.resource]);
        for id in written {
            let bars =
                |(_, lock): &(_, &Lock)| is_deletion || lock.forbids_changes() != Some(false);
            if let Some((lock, facts)) = locks_on(estate, id).find(bars) {
                let level = facts.level.as_deref().unwrap_or("of unknown level");
                return Some(format!("lock `{}` ({level}) holds `{}`", lock.name(), id.name()));
            }
        }
        None
    }
}
