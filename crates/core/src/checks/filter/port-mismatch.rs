//! A rule lets the flow pass on another port than the one that is dialled.

use crate::checks::denial;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::near_miss::Miss;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let why = "a rule binds to its ports: packets to another one fall through to the next rule that matches";
    denial::missed(
        path,
        Miss::Port,
        |near| format!("allows port {}, not {}", near.names, near.port),
        why,
    )
}
