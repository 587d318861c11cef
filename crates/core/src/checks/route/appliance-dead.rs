//! A user-defined route hands the packets to an appliance that surely does not forward them.

use crate::change::interface;
use crate::change::route as routes;
use crate::checks::{firewall_routes, fixes, joins, new_endpoint};
use crate::estate::firewall::Firewall;
use crate::estate::machine::VirtualMachine;
use crate::estate::network::NextHop;
use crate::finding::{Finding, Fix};
use crate::shell::quoted;
use crate::trace::Path;
use crate::trace::appliance::{self, Appliance};
use crate::trace::leg::Way;
use crate::trace::route::{Routed, UserRoute};
use crate::trace::route_words::appliance_words;

const WHY: &str = "Azure delivers such packets to the interface with that address, and drops what that one may not forward";

pub(super) fn find(path: &Path) -> Option<Finding> {
    let dead = path.legs().find_map(|leg| match &leg.route {
        Some(Routed::Dead(route, appliance)) => Some((leg, route, appliance)),
        _ => None,
    });
    let Some((leg, route, appliance)) = dead else { return perhaps(path) };
    let message = format!(
        "route `{}` ({}) of table `{}` hands packets to {}",
        route.name,
        route.prefix,
        route.table.name(),
        appliance_words(route, appliance)
    );
    let finding = Finding::blocks(message, WHY);
    let mut finding = match appliance {
        Appliance::Stands(nic) | Appliance::OutOfReach(nic)
            if appliance::stands(path.estate, nic) =>
        {
            let pointer = path.estate.locate(nic, "", "enableIPForwarding");
            let fix = Fix::of(vec![interface::turn_on_forwarding(path.estate, nic)]);
            finding.at(nic, pointer).fix(fix)
        }
        Appliance::Down(who, _) => {
            let machine = path.estate.find::<VirtualMachine>(who);
            let pointer = machine.map_or_else(
                || path.estate.locate(who, "", "ipConfigurations"),
                |machine| machine.power_pointer.clone(),
            );
            finding.at(who, pointer).fix(Fix::advice(format!("start `{}`", who.name())))
        }
        _ => finding.at(&route.resource, route.pointer.clone()),
    };
    let firewall = to_the_firewall(path, route, appliance);
    // Without the route nothing leads on where no peering does: it only has to lead to the firewall.
    let is_needed = firewall.is_some() && leg.is_apart;
    finding.fixes.extend(firewall);
    finding.fixes.extend(firewall_routes::through_hub(path, leg));
    if matches!(leg.way, Way::Public) {
        finding.fixes.extend(fixes::past_broad_route(path, route));
    }
    finding.on_fallback = super::blackhole::is_other_way(path, leg);
    // Where a peering leads to the appliance once it is mended, the route does what it was made for.
    let is_mended = leg.leads_out_of_reach(path.estate) && joins::mend(path, leg).is_some();
    match is_mended {
        true => {
            finding.fixes.push(Fix::advice("mend the peering with the network of the appliance"))
        }
        false if is_needed => {}
        false => finding.fixes.push(Fix::of(vec![routes::delete(
            path.estate,
            &route.table,
            &route.name,
        )])),
    }
    if leg.leads_out_of_reach(path.estate) && leg.leads_to_firewall(path.estate) {
        finding.fixes.push(Fix::of(vec![routes::delete(path.estate, &route.table, &route.name)]));
    }
    let broad = route.prefix.parse().ok();
    finding.fixes.extend(broad.and_then(|broad| joins::direct(path, leg, broad)));
    finding.fixes.extend(new_endpoint::instead(path));
    Some(finding)
}

/// Leads the route to the firewall that stands in the subnet in which it looks for one.
pub(super) fn to_the_firewall(
    path: &Path,
    route: &UserRoute,
    appliance: &Appliance,
) -> Option<Fix> {
    let Appliance::Absent(subnet) = appliance else { return None };
    let mut seats = path.estate.all::<Firewall>().flat_map(|(_, one)| &one.frontends);
    let seat = seats.find(|one| one.subnet.as_ref() == Some(subnet))?;
    let change = routes::set_next_hop(path.estate, &route.table, &route.name, seat.address)?;
    Some(Fix::of(vec![change]))
}

/// Interfaces of the appliance's network were captured, and none has its address.
fn perhaps(path: &Path) -> Option<Finding> {
    let Some(Routed::Elsewhere(route, _)) = &path.taken()?.route else { return None };
    let NextHop::Appliance(address) = &route.next_hop else { return None };
    let subnet = appliance::unseen(path.estate, &path.start.as_ref()?.vnet, address.parse().ok()?)?;
    let message = format!(
        "route `{}` ({}) of table `{}` hands packets to {address} in subnet `{}`, and no interface in the estate has that address",
        route.name,
        route.prefix,
        route.table.name(),
        subnet.name()
    );
    let advice = format!(
        "look who has {address}: `az network nic list --subscription {}`",
        quoted(subnet.subscription())
    );
    let finding = Finding::blocks(message, WHY).possible();
    Some(finding.at(&route.resource, route.pointer.clone()).fix(Fix::advice(advice)))
}
