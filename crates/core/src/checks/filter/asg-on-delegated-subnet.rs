//! A rule that was meant for the flow names an application security group, which no injected server is a member of.

use crate::checks::denial;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::near_miss::Miss;

pub(super) fn find(path: &Path) -> Option<Finding> {
    denial::missed(path, Miss::Group, |near| {
        format!(
            "rule `{}` names application security group `{}`, and that end of the flow is no member of it; \
             a flexible server in a subnet cannot become one",
            near.rule.name, near.names
        )
    })
}
