//! A peered network has a gateway that leads to the source, and a flag of the peering does not let it be used.

use crate::checks::fixes;
use crate::finding::Finding;
use crate::trace::Path;
use crate::trace::outward::Outward;
use crate::trace::route_words::where_to;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let way = leg.unused.as_ref().or(leg.outward.as_ref())?.past_the_cut();
    let Outward::NotLent { gateway, line, half, pointer, .. } = way else { return None };
    let flag = pointer.rsplit('/').next().unwrap_or("");
    let leads = match leg.unused {
        Some(_) => "does not lead to the source, nor would it be used if it did".to_owned(),
        None => where_to(line.as_ref()),
    };
    let message = format!(
        "gateway `{}` {leads}, and `{flag}` of peering `{}` of network `{}` is false",
        gateway.name(),
        half.name(),
        half.name_at(0)
    );
    let why = "a network uses the gateway of a peered one only where that one lends it (allowGatewayTransit) and this one \
               asks for it (useRemoteGateways)";
    let fix = fixes::lend_gateway(path, half, pointer);
    Some(Finding::blocks(message, why).at(half, pointer.clone()).fix(fix))
}
