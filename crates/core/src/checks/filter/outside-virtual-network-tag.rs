//! A rule lets the tag VirtualNetwork pass, and the other end is not in that tag here, or only by a default route.

use crate::checks::denial;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::near_miss::Miss;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let why = "the tag VirtualNetwork holds the network's own space, peered networks that are let in, and what gateways lead to";
    let missed = denial::missed(
        path,
        Miss::NetworkTag,
        |near| format!("allows the tag {}, which does not hold the other end", near.names),
        why,
    );
    missed.or_else(|| denial::by_default_route(path))
}
