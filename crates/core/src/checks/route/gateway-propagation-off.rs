//! The subnet's route table keeps the route of the gateway out.

use crate::change::route;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::outward::Outward;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let Some(Outward::KeptOut { line, table, pointer }) = &path.intended.as_ref()?.outward else {
        return None;
    };
    let message = format!(
        "route table `{}` keeps routes of gateways out, also that of `{}` to {}",
        table.name(),
        line.gateway.name(),
        line.prefix
    );
    let why = "without it packets to the source have no route: Azure drops them in the copier's own subnet";
    let fix = Fix::of(vec![route::let_gateway_routes_in(path.estate, table)]);
    Some(Finding::blocks(message, why).at(table, pointer.clone()).fix(fix))
}
