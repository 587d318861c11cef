//! Rules let packets pass to fixed public addresses, and the source's front door may have moved on.

use crate::estate::network::region_key;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::leg::Way;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.taken().filter(|leg| matches!(leg.way, Way::Public))?;
    let (group, decision) = leg.outbound.as_ref()?;
    // Only a rule that names addresses leaves it open whether the front door is among them.
    let (_, rule) = decision.unknown.first().filter(|(_, rule)| !rule.is_default())?;
    let message = format!(
        "rule `{}` of `{}` names public addresses: whether the front door of `{}` is among them is not told",
        rule.name,
        group.name(),
        path.to_id.name()
    );
    let why = "the front doors of a region move to other addresses from time to time; the service tag follows them";
    let region = path.to.location.as_deref().map(region_key).unwrap_or_default();
    Some(Finding::blocks(message, why).possible().at(&rule.resource, rule.place.pointer()).fix(
        Fix::advice(format!(
            "let the rule name the tag Sql.{region}, or resolve the server's name and compare"
        )),
    ))
}
