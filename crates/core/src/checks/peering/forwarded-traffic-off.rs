//! Packets come through an appliance in a third network, and a peering does not take what that network forwards.

use crate::change::peering;
use crate::checks::joins;
use crate::estate::network::Peering;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::firewall::{Guard, Sender};
use crate::trace::hop;

pub(super) fn find(path: &Path) -> Vec<Finding> {
    let (Some(start), Some((middle, end))) = (path.start.as_ref(), joins::past_a_third(path))
    else {
        return Vec::new();
    };
    let (Some(hub), Some(far)) = (middle.parent(), end.parent()) else { return Vec::new() };
    let guard = path.intended.as_ref().and_then(|leg| leg.guard.as_ref());
    let sender = guard.and_then(Guard::sends_on);
    if sender == Some(Sender::Replaced) {
        return Vec::new();
    }
    // Packets on their way there, then the answers on their way back.
    let refusing = [&far, &start.vnet].into_iter().filter_map(|vnet| {
        let (id, half) = hop::half(path.estate, vnet, &hub)?;
        let other = hop::half(path.estate, &hub, vnet).and_then(|(_, one)| one.allows_forwarded);
        let is_sure = sender == Some(Sender::Kept) && other == Some(false);
        (half.allows_forwarded == Some(false)).then_some((id, half, is_sure))
    });
    let all = refusing.map(|refusing| refused(path, &hub, refusing));
    match sender {
        Some(_) => all.collect(),
        // Of one that may translate addresses, the first is enough to be asked about.
        None => all.take(1).collect(),
    }
}

fn refused(
    path: &Path,
    hub: &ResourceId,
    (half, facts, is_sure): (&ResourceId, &Peering, bool),
) -> Finding {
    let message = format!(
        "peering `{}` of network `{}` does not take packets that `{}` forwards",
        half.name(),
        half.name_at(0),
        hub.name()
    );
    let why = match is_sure {
        true => {
            "packets that the firewall passes on keep their sender, which is in neither of the two networks; neither half of the \
                 peering allows them"
        }
        false => {
            "packets that an appliance passes on keep their sender, which is in neither of the two networks, unless the \
                  appliance translates addresses; documents disagree on which half of the peering has to allow them"
        }
    };
    let fix = Fix::of(vec![peering::set_flag(path.estate, half, "allowForwardedTraffic")]);
    let pointer = format!("{}/allowForwardedTraffic", facts.fields);
    let finding = Finding::blocks(message, why).at(half, pointer).fix(fix);
    if is_sure { finding } else { finding.possible() }
}
