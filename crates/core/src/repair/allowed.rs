//! Which changes may be made: what the user forbids, and what locks forbid.

use crate::change::{Change, Edit};
use crate::estate::governance::Lock;
use crate::estate::{Estate, Key};
use crate::id::ResourceId;

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
            if let Some((lock, facts)) = locks_on(estate, id).next()
                && (facts.forbids_changes() || is_deletion)
            {
                let level = facts.level.as_deref().unwrap_or("of unknown level");
                return Some(format!("lock `{}` ({level}) holds `{}`", lock.name(), id.name()));
            }
        }
        None
    }
}

/// Locks that act on a resource.
fn locks_on<'e>(
    estate: &'e Estate,
    id: &ResourceId,
) -> impl Iterator<Item = (&'e ResourceId, &'e Lock)> {
    id.scopes().into_iter().flat_map(|scope| estate.list::<Lock>(Key::LocksOn(scope)))
}
