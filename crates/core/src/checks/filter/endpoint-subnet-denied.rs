//! A security rule of the private endpoint's subnet denies the way in, and rules act on endpoints there.

use crate::checks::denial::{self, Gate};
use crate::checks::new_endpoint;
use crate::finding::Finding;
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let mut finding = denial::plain(path, Gate::Endpoint)?;
    let policy =
        "`privateEndpointNetworkPolicies` of the subnet lets rules act on private endpoints";
    finding.why = format!("{}; {policy}", finding.why);
    // Who may not change these rules may be able to make an endpoint beyond them.
    finding.fixes.extend(new_endpoint::instead(path));
    Some(finding)
}
