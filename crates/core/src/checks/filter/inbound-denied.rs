//! A security rule of the source's subnet, or of its interface, denies the way in.

use crate::checks::denial::{self, Gate};
use crate::finding::Finding;
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    denial::plain_of_both(path, [Gate::In, Gate::Interface])
}
