//! A security rule of the copier's subnet, or of a relay host's interface, denies the way out.

use crate::checks::denial::{self, Gate};
use crate::finding::Finding;
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    denial::plain_of_both(path, [Gate::Out, Gate::OutInterface])
}
