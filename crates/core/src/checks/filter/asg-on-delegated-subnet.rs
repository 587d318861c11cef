//! A rule that was meant for the flow names an application security group, which no injected server is a member of.

use crate::checks::denial;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::near_miss::Miss;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let why =
        "a flexible server in a subnet cannot become a member of an application security group";
    denial::missed(
        path,
        Miss::Group,
        |near| {
            format!(
                "names application security group `{}`, of which that end of the flow is no member",
                near.names
            )
        },
        why,
    )
}
