//! The relay host's subnet is private, and nothing else gives the host a way into the internet.

use crate::checks::{fixes, new_endpoint};
use crate::finding::{Finding, Fix};
use crate::trace::egress::Egress;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let Some(Egress::Nowhere) = path.taken()?.egress else { return None };
    let message = format!(
        "subnet `{}` is private, and the relay host in it has no way to the public address of `{}`",
        start.subnet.name(),
        path.to_id.name()
    );
    let why = "a machine without a public address gets into the internet through a NAT gateway, or through what Azure lends by \
               default, which a private subnet does not take";
    let pointer = path.estate.locate(&start.subnet, "", "defaultOutboundAccess");
    let mut finding = Finding::blocks(message, why).at(&start.subnet, pointer);
    finding.on_fallback = path.leads == Leads::Fallback;
    let gateways = fixes::nat_gateways(path);
    let advice = Fix::advice(
        "give the subnet a NAT gateway, and let its address in at the server: nothing comes in by it, and it has one fixed address",
    );
    let advice = gateways.is_empty().then_some(advice);
    finding.fixes.extend(gateways);
    // The routes of a service endpoint need no way into the internet.
    finding.fixes.extend(fixes::let_subnet_in(path));
    finding.fixes.extend(new_endpoint::nearby(path));
    finding.fixes.extend(advice);
    Some(finding)
}
