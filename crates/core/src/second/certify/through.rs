//! What a route to a firewall of Azure lets through: what its rules do.

use serde_json::Value;

use super::super::address::{Prefix, address_of, private_range};
use super::super::firewall_passing::{Passing, passing};
use super::super::world::{World, list, private_address, text};
use super::opened::{Opened, Part};
use super::price::end_of;

/// More rules than these are not counted one by one.
const RULES_MAX: usize = 64;

/// What the rules of the one firewall that a route leads to let pass of what it catches; `None` where they are not known.
pub(super) fn firewall(
    world: &World,
    senders: &[Part],
    route: &Value,
    ports: (u64, u64),
) -> Option<Vec<Opened>> {
    let field = |name: &str| text(route, &["properties", name]);
    let address = address_of(field("nextHopIpAddress")?)?;
    let caught = Prefix::parse(field("addressPrefix")?)?;
    let stands = |body| {
        let all = list(body, &["properties", "ipConfigurations"]).unwrap_or(&[]);
        all.iter().any(|one| private_address(one) == Some(address))
    };
    let mut all = world.all("microsoft.network/azurefirewalls").filter(|(_, body)| stands(body));
    let (Some((key, body)), None) = (all.next(), all.next()) else { return None };
    let is_public =
        !private_range(caught.first()).is_some_and(|range| range.contains(caught.last()));
    let mut flows = Vec::new();
    for rule in passing(world, key, body)? {
        let Passing { from, to, tags, ports: own } = rule;
        let from: Vec<Part> = match &from {
            Some(spans) => senders.iter().flat_map(|part| cut(part, spans)).collect(),
            None => senders.to_vec(),
        };
        let whole = Part::Addresses(caught.first().into(), u64::from(caught.last()) + 1);
        let to: Vec<Part> = match &to {
            Some(spans) => {
                let tags = tags.iter().filter(|_| is_public).map(|tag| end_of(tag));
                cut(&whole, spans).into_iter().chain(tags).collect()
            }
            None => vec![whole],
        };
        for (first, behind) in own {
            let ports = (first.max(ports.0), behind.min(ports.1));
            if !from.is_empty() && !to.is_empty() && ports.0 < ports.1 {
                flows.push(Opened::new(from.clone(), to.clone(), ports));
            }
        }
    }
    (flows.len() <= RULES_MAX).then_some(flows)
}

/// What of a part some spans hold.
fn cut(part: &Part, spans: &[(u32, u32)]) -> Vec<Part> {
    let Part::Addresses(first, behind) = part else { return vec![part.clone()] };
    let each = spans
        .iter()
        .map(|(low, high)| (u64::from(*low).max(*first), (u64::from(*high) + 1).min(*behind)));
    each.filter(|(low, behind)| low < behind).map(|(low, end)| Part::Addresses(low, end)).collect()
}
