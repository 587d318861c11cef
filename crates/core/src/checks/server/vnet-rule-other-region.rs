//! The copier's network is in another region than the source: no VNet rule lets it in.

use crate::checks::{fixes, new_endpoint};
use crate::estate::network::{Vnet, region_key};
use crate::finding::{Finding, Fix};
use crate::trace::egress::Egress;
use crate::trace::gate::Gate;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (gate, unseen) = path.taken()?.gate.as_ref()?.as_known();
    let place = match gate {
        Gate::OtherRegion(rule, _)
        | Gate::RuleNotReady(rule, _)
        | Gate::ServiceEndpointMissing(rule) => rule,
        Gate::RuleMissing { .. } => &path.to_id,
        _ => return None,
    };
    let location = afar(path)?;
    let message = format!(
        "no VNet rule has an effect for subnet `{}`: it is in {location}, the server in {}",
        path.start.as_ref()?.subnet.name(),
        path.to.location.as_deref().unwrap_or("another region")
    );
    let why = "a VNet rule of a Single Server speaks of subnets of the server's own region only";
    let advice =
        || Fix::advice("reach the server through a private endpoint, which may be in any region");
    let finding = Finding::blocks(message, why).at(place, "").unless(unseen);
    let mut finding = finding.fixes_or(new_endpoint::nearby(path), advice);
    finding.on_fallback = path.leads == Leads::Fallback;
    // Packets to a server of another region come with a public address, whatever the subnet's service endpoint.
    if let Some(Egress::Known(addresses)) = &path.taken()?.egress {
        finding = finding.fix(fixes::let_address_in(path, addresses));
    }
    Some(finding)
}

/// The region of the copier's network, where it is another one than the source's.
pub(super) fn afar(path: &Path) -> Option<String> {
    let near = path.estate.find::<Vnet>(&path.start.as_ref()?.vnet)?.location.clone()?;
    let far = path.to.location.as_deref()?;
    (region_key(&near) != region_key(far)).then_some(near)
}
