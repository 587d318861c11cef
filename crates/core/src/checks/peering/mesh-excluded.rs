//! The networks are members of one mesh, and it does not reach across regions.

use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop::Joined;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Joined::Apart { mesh: Some(mesh), .. } = path.intended.as_ref()?.joined.as_ref()? else {
        return None;
    };
    if mesh.reaches != Some(false) {
        return None;
    }
    let message = format!(
        "connectivity configuration `{}` joins both networks, and not across regions",
        mesh.configuration.name()
    );
    let why = "a mesh reaches its members in one region only, unless it is made global; whether it is deployed is not told here";
    let place = path.estate.locate(&mesh.configuration, "", "isGlobal");
    Some(
        Finding::blocks(message, why).possible().at(&mesh.configuration, place).fix(Fix::advice(
            "make the configuration global and deploy it, or peer the two networks",
        )),
    )
}
