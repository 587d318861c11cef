//! A rule lets the flow pass to the service tag of another region than the source's.

use crate::checks::denial;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::near_miss::Miss;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let region = path.to.location.clone().unwrap_or_default();
    let why = "a tag with a region holds the front doors of that region alone";
    denial::missed(
        path,
        Miss::Region,
        |near| {
            format!(
                "allows {}, and the front door of `{}` is in {region}",
                near.names,
                path.to_id.name()
            )
        },
        why,
    )
}
