//! Packets come through an appliance in a third network, and a peering does not take what that network forwards.

use crate::change::peering;
use crate::checks::joins;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::hop;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let (middle, end) = joins::past_a_third(path)?;
    let (hub, far) = (middle.parent()?, end.parent()?);
    // Packets on their way there, then the answers on their way back.
    let refusing = [&far, &start.vnet].into_iter().find_map(|vnet| {
        let (id, half) = hop::half(path.estate, vnet, &hub)?;
        (half.allows_forwarded == Some(false)).then_some((id, half))
    });
    let (half, facts) = refusing?;
    let message = format!(
        "peering `{}` of network `{}` does not take packets that `{}` forwards",
        half.name(),
        half.name_at(0),
        hub.name()
    );
    let why = "packets that an appliance passes on keep their sender, which is in neither of the two networks, unless the \
               appliance translates addresses; documents disagree on which half of the peering has to allow them";
    let fix = Fix::of(vec![peering::set_flag(path.estate, half, "allowForwardedTraffic")]);
    let pointer = format!("{}/allowForwardedTraffic", facts.fields);
    Some(Finding::blocks(message, why).possible().at(half, pointer).fix(fix))
}
