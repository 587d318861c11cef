//! Service tags: which addresses a word in a rule stands for, seen from one subnet.

use super::address::is_private;
use super::filter::End;
use super::gateway;
use super::mesh;
use super::peering::{Half, halves};
use super::route::{own_routes, propagates};
use super::verdict::Tri;
use super::world::{World, address_space, network_of};

/// Whether an end is in a tag. Tags other than these hold addresses of services that are no part
/// of the flow.
pub(super) fn contains(world: &World, subnet: &str, tag: &str, end: End<'_>) -> Tri {
    match (tag, end) {
        ("virtualnetwork", End::Address(address)) => virtual_network(world, subnet, address),
        ("virtualnetwork", End::Front { .. } | End::Internet) => routes_in_tag(world, subnet, None),
        ("internet", End::Address(address)) if is_private(address) => Tri::No,
        ("internet", End::Address(address)) => match virtual_network(world, subnet, address) {
            Tri::Yes => Tri::No,
            Tri::No => Tri::Yes,
            Tri::Maybe => Tri::Maybe,
        },
        ("internet", End::Front { .. } | End::Internet) => Tri::Yes,
        ("azureloadbalancer", End::Internet) => Tri::No,
        (_, End::Front { single, region }) => service(tag, single, region),
        (_, End::Somewhere | End::Internet) => Tri::Maybe,
        (_, End::Address(_)) => Tri::No,
    }
}

/// The same of a tag in a firewall's rule, where nobody tells what others than these two hold.
pub(super) fn front_in_tag(tag: &str, single: bool, region: Option<&str>) -> Tri {
    match tag.split('.').next() {
        Some("sql" | "azurecloud") => service(tag, single, region),
        _ => Tri::Maybe,
    }
}

/// `Sql` names the gateways of Single Server; whether it holds flexible servers is not documented.
fn service(tag: &str, single: bool, region: Option<&str>) -> Tri {
    let (name, place) = tag.split_once('.').unwrap_or((tag, ""));
    let here = match region {
        _ if place.is_empty() => Tri::Yes,
        Some(region) => Tri::of(region == place),
        None => Tri::Maybe,
    };
    match name {
        "azurecloud" => here,
        "sql" if single => here,
        "sql" => here.and(Tri::Maybe),
        _ => Tri::No,
    }
}

/// Own space, the remote spaces of connected peerings that grant access, gateways' prefixes, and
/// prefixes of the subnet's own routes.
fn virtual_network(world: &World, subnet: &str, address: u32) -> Tri {
    let network = network_of(subnet);
    if address == 0xa83f_8110 {
        return Tri::Yes;
    }
    let (own, is_whole) = address_space(world, network);
    let mut sum = holds(&own, address);
    match (sum, is_whole) {
        (Tri::Yes, _) => return Tri::Yes,
        (_, false) => return Tri::Maybe,
        (_, true) => {}
    }
    let all = halves(world, network);
    for half in &all {
        // Networks that one network is peered with have no address in common.
        let is_elsewhere = all.iter().any(|other| {
            other.key() != half.key()
                && other.remote() != half.remote()
                && (other.space().is_some_and(|all| holds(&all, address) == Tri::Yes)
                    || other.remote().is_some_and(|remote| {
                        holds(&address_space(world, &remote).0, address) == Tri::Yes
                    }))
        });
        if half.space().is_some() || !is_elsewhere {
            sum = sum.or(half_in_tag(half, address));
        }
    }
    if mesh::towards(world, network, address).is_some() {
        sum = sum.or(Tri::Maybe);
    }
    sum.or(routes_in_tag(world, subnet, Some(address)))
}

fn half_in_tag(half: &Half<'_>, address: u32) -> Tri {
    let state = half.state().map_or(Tri::Maybe, |is| Tri::of(is == "connected"));
    let access = half.access().map_or(Tri::Maybe, Tri::of);
    let space = half.space().map_or(Tri::Maybe, |all| holds(&all, address));
    state.and(access).and(space)
}

fn holds(all: &[super::address::Prefix], address: u32) -> Tri {
    Tri::of(all.iter().any(|prefix| prefix.contains(address)))
}

/// A route for everything may make the tag mean everything. Whether a gateway has learned one nobody knows, and it is not counted on.
fn routes_in_tag(world: &World, subnet: &str, address: Option<u32>) -> Tri {
    let Some(routes) = own_routes(world, subnet) else { return Tri::Maybe };
    let network = network_of(subnet);
    let led = match address {
        Some(address) => gateway::leads(world, network, address),
        None => Tri::No,
    };
    let start = if propagates(world, subnet) { led } else { Tri::No };
    routes.iter().fold(start, |sum, route| {
        sum.or(match (route.prefix, address) {
            (Some(prefix), _) if prefix.len == 0 => Tri::Maybe,
            (Some(prefix), Some(address)) => Tri::of(prefix.contains(address)),
            (Some(prefix), None) if is_private(prefix.first()) => Tri::No,
            (Some(_), None) => Tri::Maybe,
            (None, _) => Tri::No,
        })
    })
}
