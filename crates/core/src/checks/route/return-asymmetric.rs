//! Packets reach the source, and a route on the source's side loses the answers.

use crate::change::filter;
use crate::estate::network::{RouteTable, Subnet};
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::leg::Way;
use crate::trace::step::{Outcome, Stage};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref()?;
    let Way::Injected(subnet_id) = &leg.way else { return None };
    let step = leg.back.iter().find(|step| step.stage == Stage::Return && step.outcome == Outcome::Drop)?;
    let subnet = path.estate.get::<Subnet>(subnet_id).ok()?;
    let table_id = subnet.route_table.as_ref()?;
    let fact = step.facts.first()?;
    let table = path.estate.get::<RouteTable>(table_id).ok()?;
    let route = table.routes.as_ref()?.iter().find(|route| route.pointer == fact.pointer)?;
    let message = format!("route `{}` of table `{}` drops the source's answers to the copier", route.name, table_id.name());
    let why = "security rules let answers of an open connection pass; routes look at every packet";
    let fix = Fix::of(vec![filter::delete_route(path.estate, table_id, &route.name)]);
    Some(Finding::blocks(message, why).at(table_id, route.pointer.clone()).fix(fix))
}
