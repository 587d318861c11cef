//! The networks are members of one mesh, and it does not reach across regions.

use crate::checks::{joins, new_endpoint};
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let joined = leg.joined.as_ref()?;
    let mesh = joined.ended_mesh()?;
    let message = format!(
        "connectivity configuration `{}` joins networks of one region only, and these two are in different ones",
        mesh.configuration.name()
    );
    let why = "a mesh reaches its members in one region, unless it is made global; and no peering joins the two networks";
    let place = path.estate.locate(&mesh.configuration, "", "isGlobal");
    let mut finding =
        joins::fault_of(leg, Finding::blocks(message, why)).at(&mesh.configuration, place);
    finding.fixes.extend(joins::mend(path, leg));
    finding.fixes.extend(new_endpoint::nearby(path));
    Some(finding.fix(Fix::advice("make the configuration global, and deploy it anew")))
}
