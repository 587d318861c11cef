//! A user-defined route drops the packets on their way to the source.

use crate::change::filter;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::route::Routed;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.taken()?;
    let Some(Routed::Dropped(route)) = &leg.route else { return None };
    let message = format!(
        "route `{}` ({}) of table `{}` drops packets to the source",
        route.name,
        route.prefix,
        route.table.name()
    );
    let why = "a user-defined route beats Azure's own route of the same or a shorter prefix";
    let fix = Fix::of(vec![filter::delete_route(path.estate, &route.table, &route.name)]);
    Some(Finding::blocks(message, why).at(&route.resource, route.pointer.clone()).fix(fix))
}
