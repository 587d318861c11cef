//! Gates put into words: each outcome as a step of the path, with the facts it read.

use std::fmt::Display;
use std::net::Ipv4Addr;

use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::appliance::Appliance;
use crate::trace::breaks::Break;
use crate::trace::endpoint::{Status, View};
use crate::trace::hop::Joined;
use crate::trace::outward::{Line, Outward};
use crate::trace::place::{self, Place};
use crate::trace::route::Routed;
use crate::trace::step::{Stage, Step};

pub(super) fn admit_step(estate: &Estate, view: &View) -> Step {
    let (resource, pointer) = &view.status_from;
    let what = match (&view.status, &view.wrong_end) {
        (_, Some(end)) => format!("leads to {}", end.words()),
        (Status::Approved, None) => "is approved".to_owned(),
        (Status::Pending, None) => "waits for approval".to_owned(),
        (Status::Rejected, None) => "was rejected".to_owned(),
        (Status::Disconnected, None) => "was removed on the server's side".to_owned(),
        (Status::Unknown(missing), None) => return Step::unknown(Stage::Admit, missing.clone()),
    };
    let detail = estate.words(|| format!("private endpoint `{}` {what}", view.id.name()));
    let is_open = view.status == Status::Approved && view.wrong_end.is_none();
    let step = if is_open { Step::pass } else { Step::drop };
    step(Stage::Admit, Some(&view.id), detail).read(resource, pointer)
}

pub(super) fn route_step(
    estate: &Estate,
    subnet: &ResourceId,
    routed: &Routed,
    destination: impl Display,
) -> Step {
    match routed {
        Routed::Directly => {
            let detail = estate.words(|| {
                format!("no user-defined route matches {destination}: Azure's own route decides")
            });
            Step::pass(Stage::Route, Some(subnet), detail)
        }
        Routed::ByUser(route) => {
            let detail =
                estate.words(|| format!("route `{}` ({}) leads on", route.name, route.prefix));
            Step::pass(Stage::Route, Some(&route.table), detail)
                .read(&route.resource, &route.pointer)
        }
        Routed::Dropped(route) => {
            let detail =
                format!("route `{}` ({}) drops packets to {destination}", route.name, route.prefix);
            Step::drop(Stage::Route, Some(&route.table), detail)
                .read(&route.resource, &route.pointer)
        }
        Routed::Elsewhere(route, missing) | Routed::Doubtful(route, missing) => {
            let mut step = Step::unknown(Stage::Route, missing.clone());
            step.resource = Some(route.table.clone());
            step.detail = format!("route `{}` ({}): {}", route.name, route.prefix, step.detail);
            step.read(&route.resource, &route.pointer)
        }
        Routed::Dead(route, appliance) => {
            let detail = format!(
                "route `{}` ({}) hands packets to {}",
                route.name,
                route.prefix,
                appliance_words(appliance)
            );
            Step::drop(Stage::Route, Some(&route.table), detail)
                .read(&route.resource, &route.pointer)
        }
        Routed::Unknown(missing) => Step::unknown(Stage::Route, missing.clone()),
    }
}

/// The appliance and what is wrong with it.
pub(crate) fn appliance_words(appliance: &Appliance) -> String {
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
                None => Step::pass(
                    Stage::Route,
                    Some(&line.gateway),
                    format!("gateway `{}` leads to {}", line.gateway.name(), line.prefix),
                ),
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

/// The way back where nothing stands in it.
pub(super) fn replies_step() -> Step {
    Step::pass(Stage::Return, None, "replies pass: security groups are stateful")
}

/// The steps of a join: one, or one for each reason why a peering does not carry the traffic, in their order.
pub(super) fn hop_steps(
    estate: &Estate,
    joined: &Joined,
    near: &ResourceId,
    far: &ResourceId,
) -> Vec<Step> {
    let (near_name, far_name) = (near.name(), far.name());
    let step = match joined {
        Joined::Same => {
            let detail = estate.words(|| format!("both ends are in network `{near_name}`"));
            Step::pass(Stage::Hop, Some(near), detail)
        }
        Joined::Peered { near, far } => {
            let detail = estate
                .words(|| format!("networks `{near_name}` and `{far_name}` are peered both ways"));
            Step::pass(Stage::Hop, Some(near), detail).read(near, "").read(far, "")
        }
        Joined::Broken(breaks, unread) => {
            let unread = unread.iter().map(|missing| Step::unknown(Stage::Hop, missing.clone()));
            return breaks.iter().map(break_step).chain(unread).collect();
        }
        Joined::Apart { other_way: Some(missing), .. } => {
            Step::unknown(Stage::Hop, missing.clone())
        }
        Joined::Apart { near: near_half, far: far_half, other_way: None, breaks, .. } => {
            let detail = estate.words(|| match (near_half, far_half) {
                (None, None) => format!("networks `{near_name}` and `{far_name}` are not peered"),
                (Some(half), None) => {
                    format!("`{far_name}` has no half of peering `{}`", half.name())
                }
                (_, Some(half)) => {
                    format!("`{near_name}` has no half of peering `{}`", half.name())
                }
            });
            let lacking = [near, far]
                .into_iter()
                .fold(Step::drop(Stage::Hop, Some(near), detail), |step, vnet| {
                    step.read(vnet, estate.locate(vnet, "", "virtualNetworkPeerings"))
                });
            let lacking = [near_half, far_half]
                .into_iter()
                .flatten()
                .fold(lacking, |step, half| step.read(half, ""));
            return std::iter::once(lacking).chain(breaks.iter().map(break_step)).collect();
        }
        Joined::Unknown(missing) => Step::unknown(Stage::Hop, missing.clone()),
    };
    vec![step]
}

fn break_step(broken: &Break) -> Step {
    let detail = format!("peering `{}` {}", broken.half.name(), broken.words());
    let step = Step::drop(Stage::Hop, Some(&broken.half), detail);
    // Answers to some senders are lost.
    let dropped_part = broken.lost_part.clone().filter(|_| !broken.is_near);
    Step { dropped_part, ..step }.read(&broken.half, &broken.pointer)
}

/// What becomes of packets where a half does not allow virtual network access: rules decide, where some act on its side.
pub(super) fn access_step(broken: &Break, is_filtered: bool) -> Step {
    let detail = format!(
        "peering `{}` does not allow virtual network access: the tag VirtualNetwork leaves the other network out",
        broken.half.name()
    );
    let step = match is_filtered {
        true => Step::pass(Stage::Hop, Some(&broken.half), detail),
        false => {
            let missing = Missing::other(
                format!(
                    "whether packets pass peering `{}` without virtual network access",
                    broken.half.name()
                ),
                "documents disagree where no security group acts: allow virtual network access, or probe",
            );
            Step { detail, ..Step::unknown(Stage::Hop, missing) }
        }
    };
    step.read(&broken.half, &broken.pointer)
}
