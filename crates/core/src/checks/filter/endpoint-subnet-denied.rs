//! A security rule of the private endpoint's subnet denies the way in, and the subnet lets rules act on endpoints.

use crate::estate::filter::Direction;
use crate::finding::Finding;
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let view = path.endpoint()?;
    let (group, decision) = path.intended.as_ref()?.inbound.as_ref()?;
    let subnet = view.subnet.as_ref().ok()?;
    let mut finding =
        super::outbound_denied::denied(path, group, decision, Direction::Inbound, subnet.name())?;
    finding.why.push_str(
        "; `privateEndpointNetworkPolicies` of the subnet lets rules act on private endpoints",
    );
    Some(finding)
}
