//! A security rule of the copier's subnet denies the way out.

use crate::checks::denial::{self, Gate};
use crate::finding::Finding;
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    denial::plain(path, Gate::Out)
}
