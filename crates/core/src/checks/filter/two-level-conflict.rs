//! The security group of a machine's interface denies what the group of its subnet lets pass.

use crate::checks::denial;
use crate::finding::Finding;
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let denials = denial::of(path);
    let denial = denials.iter().find(|one| one.is_conflict(path) && one.miss(path).is_none())?;
    let why = "packets pass the group of the subnet and the group of the interface: both have to let them";
    let mut finding = denial.finding(path, why)?;
    finding.message = match denial.subnet_lets(path) {
        Some(lets) => format!("{lets}; {}", finding.message),
        None => finding.message,
    };
    Some(finding)
}
