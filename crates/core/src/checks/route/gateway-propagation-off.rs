//! The subnet's route table keeps the route of the gateway out.

use crate::change::route;
use crate::estate::network::Subnet;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::leg::Way;
use crate::trace::outward::{self, Outward};
use crate::trace::route::{leads_to_gateway, table_of};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let leg = path.intended.as_ref()?;
    let has_gateway = || {
        let could_use =
            |address| !outward::could_lend(path.estate, &start.vnet, address).is_empty();
        outward::has_gateway(path.estate, &start.vnet)
            || matches!(leg.way, Way::Beyond(address) if could_use(address))
    };
    let what = match leg.outward.as_ref()?.past_the_cut() {
        Outward::KeptOut { line: None, gateway, .. }
        | Outward::NotLent { line: None, gateway, .. }
        | Outward::Learned(gateway, _) => {
            format!("perhaps one to the source that `{}` has learned", gateway.name())
        }
        Outward::KeptOut { line: Some(line), .. }
        | Outward::NotLent { line: Some(line), .. }
        | Outward::Claimed { line, .. }
        | Outward::Through(line) => {
            format!("also that of `{}` to {}", line.gateway.name(), line.prefix)
        }
        Outward::Nowhere if has_gateway() => {
            "also one to the source, once a gateway has it".to_owned()
        }
        _ => return None,
    };
    // Behind the firewall of a hub it is the table of that one's subnet.
    let behind = leg.guard.as_ref().filter(|guard| guard.sends_on().is_some());
    let subnet_id = behind.map_or(&start.subnet, |guard| &guard.home);
    let subnet = path.estate.find::<Subnet>(subnet_id)?;
    let (table, facts) = table_of(path.estate, (subnet_id, subnet)).ok()??;
    let is_led = |address| leads_to_gateway(path.estate, (subnet_id, subnet), address);
    if !facts.keeps_gateway_routes_out || matches!(leg.way, Way::Beyond(one) if is_led(one)) {
        return None;
    }
    let message = format!("route table `{}` keeps routes of gateways out, {what}", table.name());
    let whose = if behind.is_some() { "firewall" } else { "copier" };
    let why = format!(
        "without it packets to the source have no route: Azure drops them in the {whose}'s own subnet"
    );
    let mut finding = Finding::blocks(message, why).at(table, facts.propagation_pointer.clone());
    // A line that is known is one of a VPN, whose gateway a route may name.
    if let (Way::Beyond(address), Outward::KeptOut { line: Some(line), .. }) =
        (&leg.way, leg.outward.as_ref()?.past_the_cut())
    {
        let route = route::add_to_gateway(path.estate, table, *address, &line.vnet);
        finding.fixes.extend(route.map(|route| Fix::of(vec![route])));
    }
    let all = route::let_gateway_routes_in(path.estate, table);
    Some(finding.fix(Fix::of(vec![all])))
}
