//! A security rule of the source's subnet, or of its interface, denies the way in.

use crate::checks::denial::{self, Gate};
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let groups = [Gate::In, Gate::Interface].map(|gate| denial::plain(path, gate));
    let (mut finding, other) = match groups {
        [Some(subnet), interface] => (subnet, interface),
        [None, interface] => return interface,
    };
    if let Some(other) = other {
        finding.message = format!("{}; and {}", finding.message, other.message);
        let both = finding.fixes.iter().chain(&other.fixes).flat_map(|fix| fix.changes.clone());
        finding.fixes = vec![Fix::of(both.collect())];
    }
    Some(finding)
}
