//! Packets reach the source, and a route on the source's side loses the answers.

use crate::change::filter;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let Some(Routed::Dropped(route)) = &leg.route_back else { return None };
    let message = format!(
        "route `{}` of table `{}` drops the source's answers to the copier",
        route.name,
        route.table.name()
    );
    let why = "security rules let answers of an open connection pass; routes look at every packet";
    let fix = Fix::of(vec![filter::delete_route(path.estate, &route.table, &route.name)]);
    Some(Finding::blocks(message, why).at(&route.resource, route.pointer.clone()).fix(fix))
}
