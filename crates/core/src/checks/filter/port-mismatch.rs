//! A rule lets the flow pass on another port than the one that is dialled.

use crate::checks::denial;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::near_miss::Miss;

pub(super) fn find(path: &Path) -> Option<Finding> {
    denial::missed(path, Miss::Port, |near| {
        format!(
            "rule `{}` lets the same senders reach the same place on port {}, not on {}",
            near.rule.name, near.names, near.port
        )
    })
}
