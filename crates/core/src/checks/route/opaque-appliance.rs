//! A user-defined route hands the packets to an appliance whose rules are not in the estate.

use crate::checks::fixes;
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::appliance;
use crate::trace::leg::Way;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(Routed::Elsewhere(route, _)) = &path.taken()?.route else { return None };
    let NextHop::Appliance(_) = &route.next_hop else { return None };
    let start = path.start.as_ref()?;
    let (who, look) = appliance::name(path.estate, &start.subnet, &route.next_hop);
    let message = format!(
        "route `{}` ({}) sends packets to `{}` through {who}",
        route.name,
        route.prefix,
        path.to_id.name()
    );
    let why = format!(
        "an appliance filters by rules of its own; it must let port {} pass and return the answers the same way",
        path.port
    );
    let finding = Finding::blocks(message, why).possible();
    let flow = fixes::flow_words(path)
        .unwrap_or_else(|| format!("the copier's packets to port {}", path.port));
    let advice = Fix::advice(format!("{look}; let pass there: {flow}"));
    let mut finding = finding.at(&route.resource, route.pointer.clone()).fix(advice);
    // Past the appliance nobody inspects the flow: that is the second choice.
    if path.taken().is_some_and(|leg| matches!(leg.way, Way::Public)) {
        finding.fixes.extend(fixes::past_broad_route(path, route));
    }
    Some(finding)
}
