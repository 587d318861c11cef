//! Routes put into words: of users, of Azure, and beyond gateways.

use std::fmt::Display;
use std::net::Ipv4Addr;

use crate::estate::network::{NextHop, Subnet};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::appliance::{self, Appliance};
use crate::trace::firewall::Guard;
use crate::trace::leg::Leg;
use crate::trace::outward::{Line, Outward};
use crate::trace::own_route::Own;
use crate::trace::place::{self, Place};
use crate::trace::route::{Routed, UserRoute};
use crate::trace::step::{Stage, Step};
use crate::trace::told::RouteSays;
use crate::trace::words::replies_step;

/// What becomes of packets at a subnet's routes; `own` counts where no route of a user decides.
pub(super) fn route_step(
    estate: &Estate,
    subnet: &ResourceId,
    (routed, own): (&Routed, Own),
    destination: impl Display,
) -> Step {
    match routed {
        Routed::Directly => own_step(estate, subnet, own, destination),
        Routed::ByUser(route) => {
            let detail = estate.words(|| {
                let (name, prefix, table) = (&route.name, &route.prefix, route.table.name());
                format!(
                    "route `{name}` ({prefix}) of table `{table}` leads {}",
                    leads(&route.next_hop)
                )
            });
            decided_by(route, Step::pass(Stage::Route, Some(&route.table), detail))
        }
        Routed::Dropped(route) => {
            let detail =
                format!("route `{}` ({}) drops packets to {destination}", route.name, route.prefix);
            decided_by(route, Step::drop(Stage::Route, Some(&route.table), detail))
        }
        Routed::Elsewhere(route, missing) | Routed::Doubtful(route, missing) => {
            let mut step = Step::unknown(Stage::Route, missing.clone());
            step.resource = Some(route.table.clone());
            step.detail = format!("route `{}` ({}): {}", route.name, route.prefix, step.detail);
            decided_by(route, step)
        }
        Routed::Dead(route, appliance) => {
            let detail = format!(
                "route `{}` ({}) hands packets to {}",
                route.name,
                route.prefix,
                appliance_words(route, appliance)
            );
            decided_by(route, Step::drop(Stage::Route, Some(&route.table), detail))
        }
        Routed::Unknown(missing) => Step::unknown(Stage::Route, missing.clone()),
    }
}

/// The step of a user's route: what it says, and where it was read.
pub(super) fn decided_by(route: &UserRoute, step: Step) -> Step {
    let step = step.read(&route.resource, &route.pointer);
    if step.facts.is_empty() {
        return step;
    }
    let says = RouteSays {
        table: Some(route.table.clone()),
        name: Some(route.name.clone()),
        prefix: route.prefix.clone(),
        origin: "user",
        next_hop: route.next_hop.word().to_owned(),
        address: route.next_hop.appliance(),
    };
    Step { route: Some(Box::new(says)), ..step }
}

/// The step of a route of Azure's own.
fn decided_by_azure(next_hop: &str, prefix: impl Display, step: Step) -> Step {
    let (next_hop, prefix) = (next_hop.to_owned(), prefix.to_string());
    let origin = "system";
    let says = RouteSays { table: None, name: None, prefix, origin, next_hop, address: None };
    Step { route: Some(Box::new(says)), ..step }
}

/// An endpoint answers past the appliance that a route hands its packets to, of which nobody knows what it does with them.
pub(super) fn bypass_step(estate: &Estate, subnet: &ResourceId, leg: &Leg) -> Step {
    let Some(Routed::Elsewhere(route, missing)) = &leg.route else { return replies_step() };
    let (who, _) = appliance::name(estate, subnet, &route.next_hop);
    let detail = format!(
        "the endpoint answers {} directly, not through {who}, unless that translates addresses: not observed",
        leg.senders
    );
    let missing = leg.guard.as_ref().and_then(Guard::missing).unwrap_or(missing);
    let step = Step { detail, ..Step::unknown(Stage::Return, missing.clone()) };
    step.read(&route.resource, &route.pointer)
}

/// Azure's own route decides; that it leads nowhere follows from the join of the networks.
fn own_step(estate: &Estate, subnet: &ResourceId, own: Own, destination: impl Display) -> Step {
    let pass = |detail: String| Step::pass(Stage::Route, Some(subnet), detail);
    let lost = |detail: String| {
        let step = Step::drop(Stage::Route, Some(subnet), detail);
        Step { is_consequence: true, ..step }
    };
    let step = match own {
        Own::On(hop, caught) => {
            let step = pass(format!("Azure's own route decides: {hop} {caught}"));
            decided_by_azure(hop, caught, step)
        }
        Own::Untold => pass(estate.words(|| format!("Azure's own route to {destination} decides"))),
        Own::Dropped(Some(range)) => {
            let step = lost(format!(
                "Azure's own route None {range} drops packets to {destination}: no peering brings a longer one"
            ));
            decided_by_azure("None", range, step)
        }
        Own::Dropped(None) => lost(format!("no peering brings a route to {destination}")),
        Own::ByUser(route) => {
            let (name, prefix) = (&route.name, &route.prefix);
            let step = lost(format!(
                "route `{name}` ({prefix}) loses packets to {destination}: no peering brings a longer one"
            ));
            decided_by(&route, step)
        }
        Own::Kept(range) => {
            let step = lost(format!(
                "Azure's own route VnetLocal {range} keeps packets to {destination} in network `{}`",
                subnet.name_at(0)
            ));
            decided_by_azure("VnetLocal", range, step)
        }
    };
    let Some(facts) = estate.find::<Subnet>(subnet) else { return step };
    match facts.route_table.to() {
        Some(table) => step
            .read(subnet, estate.locate(subnet, "", "routeTable"))
            .read(table, estate.locate(table, "", "routes")),
        None => step.read(subnet, facts.fields),
    }
}

/// Where a route of a user leads that does not hand packets to an appliance.
fn leads(next_hop: &NextHop) -> &'static str {
    match next_hop {
        NextHop::Internet => "to the internet",
        NextHop::Local => "on in the network",
        NextHop::Gateway => "to the gateway",
        NextHop::Drop | NextHop::Appliance(_) | NextHop::Other(_) => "on",
    }
}

/// The next hop of a route, and what is wrong with it.
pub(crate) fn appliance_words(route: &UserRoute, appliance: &Appliance) -> String {
    let what = what_stands(appliance);
    match route.next_hop.appliance() {
        Some(address) => format!("{address}, {what}"),
        None => what,
    }
}

fn what_stands(appliance: &Appliance) -> String {
    match appliance {
        Appliance::Forwards(nic) => format!("interface `{}`", nic.name()),
        Appliance::Stands(nic) => format!("interface `{}`, which does not forward", nic.name()),
        Appliance::Down(who, subnet) => {
            format!("`{}` in subnet `{}`, which is stopped", who.name(), subnet.name())
        }
        Appliance::Absent(subnet) => {
            format!("an address in subnet `{}` that nobody has", subnet.name())
        }
        Appliance::NoSubnet(vnet) => {
            format!("an address of network `{}` that is in none of its subnets", vnet.name())
        }
        Appliance::NoNetwork(vnet) => {
            format!("an address that no network has which `{}` is joined with", vnet.name())
        }
        Appliance::OutOfReach(id) if id.is_type("microsoft.network/virtualnetworks/subnets") => {
            format!(
                "an address in subnet `{}`, whose network is not joined with this one",
                id.name()
            )
        }
        Appliance::OutOfReach(nic) => {
            format!("interface `{}`, whose network is not joined with this one", nic.name())
        }
        Appliance::Opaque(_) => "an appliance".to_owned(),
    }
}

/// Where a gateway leads; without a connection that tells it, it may have learned the way.
pub(crate) fn where_to(line: Option<&Line>) -> String {
    let known = |line: &Line| format!("leads to {}", line.prefix);
    line.map_or_else(|| "may have learned a route to the address".to_owned(), known)
}

/// The way to an address beyond the gateways.
pub(super) fn outward_step(
    estate: &Estate,
    vnet: &ResourceId,
    outward: &Outward,
    address: Ipv4Addr,
) -> Step {
    let with_space = |step: Step| step.read(vnet, estate.locate(vnet, "", "addressSpace"));
    match outward {
        Outward::Through(line) => {
            let place = estate.locate(&line.local, "", "localNetworkAddressSpace");
            let step = match &line.trouble {
                None => {
                    let detail =
                        format!("gateway `{}` leads to {}", line.gateway.name(), line.prefix);
                    let step = Step::pass(Stage::Route, Some(&line.gateway), detail);
                    decided_by_azure("VirtualNetworkGateway", line.prefix, step)
                }
                Some(status) => Step::unknown(
                    Stage::Route,
                    Missing::other(
                        format!(
                            "whether connection `{}` is up: its state was {status}",
                            line.connection.name()
                        ),
                        format!(
                            "capture it again: `az network vpn-connection show --ids {}`",
                            quoted(line.connection.as_str())
                        ),
                    ),
                ),
            };
            step.read(&line.connection, "").read(&line.local, place)
        }
        Outward::NotLent { gateway, line, half, pointer, .. } => {
            let detail = format!(
                "gateway `{}` {}, and peering `{}` does not let it be used",
                gateway.name(),
                where_to(line.as_ref()),
                half.name()
            );
            Step::drop(Stage::Route, Some(half), detail).read(half, pointer)
        }
        Outward::Severed { vnet: lender, .. } => {
            let detail = format!(
                "the peering with network `{}`, whose gateway leads there, carries nothing",
                lender.name()
            );
            Step::drop(Stage::Route, Some(vnet), detail)
        }
        Outward::KeptOut { line, gateway, table, pointer } => {
            let (table_name, gateway) = (table.name(), gateway.name());
            let detail = match line {
                Some(line) => format!(
                    "table `{table_name}` keeps the route of gateway `{gateway}` to {} out",
                    line.prefix
                ),
                None => {
                    format!("table `{table_name}` keeps out what gateway `{gateway}` has learned")
                }
            };
            Step::drop(Stage::Route, Some(table), detail).read(table, pointer)
        }
        Outward::Claimed { line, vnet } => {
            let detail = format!(
                "network `{}` claims {address}, which lies beyond gateway `{}`: packets stay in Azure",
                vnet.name(),
                line.gateway.name()
            );
            with_space(Step::drop(Stage::Route, Some(vnet), detail))
        }
        Outward::Perhaps(missing) | Outward::Learned(_, missing) => {
            Step::unknown(Stage::Route, missing.clone())
        }
        Outward::Nowhere => {
            let detail = match place::claim(estate, vnet, address) {
                Some(Place::Claimed(owner)) => {
                    format!(
                        "network `{}` claims {address}, and no subnet of it holds it",
                        owner.name()
                    )
                }
                _ => format!(
                    "no route leads to {address}: Azure drops packets to private addresses that no network uses"
                ),
            };
            with_space(Step::drop(Stage::Route, Some(vnet), detail))
        }
    }
}
