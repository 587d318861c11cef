//! A security rule of the source's subnet, or of its interface, denies the way in; or one of an appliance on the way there.

use crate::checks::denial::{self, Gate};
use crate::finding::Finding;
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Vec<Finding> {
    let pairs = [[Gate::Appliance, Gate::ApplianceInterface], [Gate::In, Gate::Interface]];
    pairs.into_iter().filter_map(|gates| denial::plain_of_both(path, gates)).collect()
}
