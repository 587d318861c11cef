//! The VNet rule is there, and the copier's subnet does not have the service endpoint that it works through.

use crate::change::subnet;
use crate::checks::{fixes, new_endpoint};
use crate::estate::network::SQL_ENDPOINT;
use crate::estate::network::Subnet;
use crate::finding::{Finding, Fix};
use crate::trace::egress::Egress;
use crate::trace::gate::Gate;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let (gate, unseen) = path.taken()?.gate.as_ref()?.as_known();
    let Gate::ServiceEndpointMissing(rule) = gate else { return None };
    let facts = path.estate.find::<Subnet>(&start.subnet)?;
    let message = format!(
        "VNet rule `{}` has no effect: service endpoint {SQL_ENDPOINT} of subnet `{}` is off",
        rule.name(),
        start.subnet.name()
    );
    let why = "without the service endpoint packets arrive with a public address, and a VNet rule matches subnets only";
    let pointer = path.estate.locate(&start.subnet, "", "serviceEndpoints");
    let fix = Fix::of(vec![subnet::turn_on_service_endpoint(
        path.estate,
        &start.subnet,
        facts,
        &path.to_id,
    )]);
    let finding = Finding::blocks(message, why).at(&start.subnet, pointer).fix(fix);
    let mut finding = finding.unless(unseen);
    finding.on_fallback = path.leads == Leads::Fallback;
    if let Some(Egress::Known(addresses)) = &path.taken()?.egress {
        finding = finding.fix(fixes::let_address_in(path, addresses));
    }
    finding.fixes.extend(new_endpoint::instead(path));
    Some(finding)
}
