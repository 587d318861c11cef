//! Which changes may be made: what the user forbids, and what locks forbid.

use std::fmt;

use crate::change::{Change, Edit};
use crate::estate::Estate;
use crate::estate::governance::{Lock, locks_on};
use crate::id::ResourceId;

/// What a repair may not do.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Kinds of changes that are forbidden, such as `create-peering`.
    pub forbidden: Vec<String>,
    /// Whether locks are left out of account, to see what they cost.
    pub ignores_locks: bool,
}

/// What stands against a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bar {
    /// Its kind is forbidden.
    Kind(&'static str),
    /// A lock holds what it writes; with its level as written.
    Lock(ResourceId, Option<String>),
}

impl fmt::Display for Bar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bar::Kind(kind) => write!(out, "`--forbid {kind}`"),
            Bar::Lock(id, level) => {
                let level = level.as_deref().unwrap_or("of unknown level");
                write!(out, "lock `{}` ({level}) on {}", id.name(), held(id))
            }
        }
    }
}

/// What a lock is about, in words.
fn held(lock: &ResourceId) -> String {
    let scope = lock.scope_as_written();
    let name = scope.rsplit('/').next().unwrap_or_default();
    let Some(id) = ResourceId::parse(scope) else {
        let is_group = scope.to_ascii_lowercase().contains("/resourcegroups/");
        return format!("{} `{name}`", if is_group { "resource group" } else { "subscription" });
    };
    match id.resource_type().as_str() {
        "microsoft.network/privatednszones" => format!("zone `{name}`"),
        "microsoft.network/virtualnetworks" => format!("network `{name}`"),
        "microsoft.network/networksecuritygroups" => format!("security group `{name}`"),
        "microsoft.network/routetables" => format!("route table `{name}`"),
        _ => format!("`{name}`"),
    }
}

impl Policy {
    /// The first change that may not be made, with what stands against it.
    pub fn bars(&self, estate: &Estate, changes: &[Change]) -> Option<(Change, Bar)> {
        changes.iter().find_map(|change| Some((change.clone(), self.bar(estate, change)?)))
    }

    fn bar(&self, estate: &Estate, change: &Change) -> Option<Bar> {
        if self.forbidden.iter().any(|kind| kind.eq_ignore_ascii_case(change.kind)) {
            return Some(Bar::Kind(change.kind));
        }
        if self.ignores_locks {
            return None;
        }
        let is_deletion = change.request.method == "DELETE";
        // An endpoint follows the approval of its connection by itself.
        let follows = |id: &ResourceId| {
            change.kind == "approve-endpoint" && id.is_type("microsoft.network/privateendpoints")
        };
        let edited = change.edits.iter().map(Edit::resource).filter(|id| !follows(id));
        let written = edited.chain([&change.resource]);
        let bars = |(_, lock): &(_, &Lock)| is_deletion || lock.forbids_changes() != Some(false);
        let mut locks = written.flat_map(|id| locks_on(estate, id));
        locks.find(bars).map(|(id, lock)| Bar::Lock(id.clone(), lock.level.clone()))
    }
}
