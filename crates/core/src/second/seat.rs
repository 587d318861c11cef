//! Who has an address of a network: a machine, a load balancer, a resolver, or nobody that was captured.

use serde_json::Value;

use super::address::address_of;
use super::balancer::{self, Balanced};
use super::firewall::{self, Asks};
use super::peering::halves;
use super::sender::runs;
use super::verdict::Gate;
use super::world::{
    World, interface_addresses, list, network_of, reference, subnet_prefixes, text,
};

/// An address, and who has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) to: u32,
    pub(super) seat: Option<Seat>,
}

impl Spot {
    /// Looks from a network for who has an address.
    pub(super) fn of(world: &World, near: &str, to: u32) -> Spot {
        Spot { to, seat: seat(world, near, to) }
    }

    /// The network that a resolver asks from, where the address is one of its inbound endpoints.
    pub(super) fn resolver(&self) -> Option<&str> {
        self.seat.as_ref().filter(|seat| seat.is_resolver).map(|seat| network_of(&seat.subnet))
    }
}

/// Where an address sits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seat {
    pub(super) subnet: String,
    /// The security group of its own interface.
    pub(super) group: Option<String>,
    /// Application security groups that it is a member of.
    pub(super) groups: Vec<String>,
    pub(super) balancer: Option<String>,
    is_resolver: bool,
    /// Whether its machine runs.
    pub(super) runs: Gate,
}

impl Seat {
    fn in_subnet(subnet: String) -> Seat {
        let (groups, runs) = (Vec::new(), Gate::Pass);
        Seat { subnet, group: None, groups, balancer: None, is_resolver: false, runs }
    }

    /// That of an address in the body of its holder.
    fn read(world: &World, body: &Value, inner: &Value, subnet: String) -> Seat {
        let members = list(inner, &["applicationSecurityGroups"]).unwrap_or(&[]);
        Seat {
            group: reference(body, &["properties", "networkSecurityGroup", "id"]),
            groups: members.iter().filter_map(|one| reference(one, &["id"])).collect(),
            runs: runs(world, body),
            ..Seat::in_subnet(subnet)
        }
    }
}

/// Who has an address: seen from a network, something in it or in a peered one; or the only thing that has it at all.
fn seat(world: &World, near: &str, to: u32) -> Option<Seat> {
    let networks: Vec<String> = std::iter::once(near.to_owned())
        .chain(halves(world, near).iter().filter_map(|half| half.remote()))
        .collect();
    let is_near = |seat: &Seat| networks.iter().any(|one| network_of(&seat.subnet) == one);
    let mut all = seats(world, to);
    if let Some(index) = all.iter().position(is_near) {
        return Some(all.swap_remove(index));
    }
    let holds = |body: &Value| subnet_prefixes(body).iter().any(|one| one.contains(to));
    for network in &networks {
        let mut subnets = world.children(network, "subnets");
        if let Some((name, _)) = subnets.find(|(_, body)| holds(body)) {
            return Some(Seat::in_subnet(format!("{network}/subnets/{name}")));
        }
    }
    if all.len() == 1 { all.pop() } else { None }
}

fn seats(world: &World, to: u32) -> Vec<Seat> {
    let mut all = Vec::new();
    let kinds = [
        ("microsoft.network/networkinterfaces", "ipConfigurations"),
        ("microsoft.network/loadbalancers", "frontendIPConfigurations"),
        ("microsoft.network/dnsresolvers/inboundendpoints", "ipConfigurations"),
        ("microsoft.network/azurefirewalls", "ipConfigurations"),
    ];
    for (kind, field) in kinds {
        for (key, body) in world.all(kind) {
            let parts = list(body, &["properties", field]).unwrap_or(&[]);
            let Some(part) = parts.iter().find(|part| address(part) == Some(to)) else { continue };
            let inner = part.get("properties").unwrap_or(part);
            let Some(subnet) = reference(inner, &["subnet", "id"]) else { continue };
            let own = Seat::read(world, body, inner, subnet);
            let asks =
                kind.ends_with("azurefirewalls").then(|| firewall::asks(world, body)).flatten();
            all.push(Seat {
                balancer: kind.ends_with("balancers").then(|| key.to_owned()),
                is_resolver: kind.ends_with("inboundendpoints") || asks == Some(Asks::Azure),
                runs: match asks {
                    Some(Asks::Nobody) => Gate::drop("name", key, Some("enableProxy")),
                    _ => own.runs.clone(),
                },
                ..own
            });
        }
    }
    all
}

pub(super) fn address(part: &Value) -> Option<u32> {
    let inner = part.get("properties").unwrap_or(part);
    let word = text(inner, &["privateIPAddress"]).or_else(|| text(inner, &["privateIpAddress"]));
    address_of(word?)
}

/// What stands behind a frontend's port: machines that sit alike, their addresses and their port. `None` where that is not known.
pub(super) fn behind(
    world: &World,
    balancer: &str,
    to: u32,
    port: u16,
) -> Option<Option<(Seat, Vec<u32>, u16)>> {
    let Balanced::To(bodies, port, floating) = balancer::balanced(world, balancer, to, port)?
    else {
        return Some(None);
    };
    let mut seats = bodies.iter().map(|body| {
        let inner = list(body, &["properties", "ipConfigurations"])?.first()?;
        let inner = inner.get("properties").unwrap_or(inner);
        Some(Seat::read(world, body, inner, reference(inner, &["subnet", "id"])?))
    });
    let first = seats.next()??;
    let are_alike = seats.all(|one| {
        one.is_some_and(|one| {
            (one.subnet, one.group, one.groups)
                == (first.subnet.clone(), first.group.clone(), first.groups.clone())
        })
    });
    let own = bodies.iter().flat_map(|body| interface_addresses(body));
    let addresses = match floating {
        Some(false) => own.collect(),
        Some(true) => vec![to],
        None => own.chain([to]).collect(),
    };
    are_alike.then_some(Some((first, addresses, port)))
}
