//! The machine that a route hands packets to: whether it surely does not send them on.

use serde_json::Value;

use super::address::{Prefix, address_of, usable};
use super::peering::{Half, Shore, cross, halves};
use super::route::may_have_gateway;
use super::verdict::Fate;
use super::world::{
    World, address_space, flag, interface_addresses, list, network_of, reference, subnet_prefixes,
    text,
};

const INTERFACE: &str = "microsoft.network/networkinterfaces";

/// Whether what has the address of a route's next hop is known, and does not forward, is not there, or cannot be reached from a subnet.
pub(super) fn is_dead(world: &World, subnet: &str, address: u32) -> bool {
    let holders: Vec<(&Value, String)> = world
        .all(INTERFACE)
        .filter(|(_, body)| interface_addresses(body).contains(&address))
        .filter_map(|(_, body)| Some((body, seat(body)?)))
        .collect();
    let near = neighbours(world, network_of(subnet));
    let is_near = |home: &str| near.iter().any(|one| one == network_of(home));
    let stands = |body| flag(body, &["properties", "enableIPForwarding"]) == Some(false);
    if let Some((body, home)) = holders.iter().find(|(_, home)| is_near(home)) {
        return stands(body) || is_cut(world, subnet, home, address);
    }
    let holds = |body: &Value| subnet_prefixes(body).iter().any(|one| one.contains(address));
    let mut places = near
        .iter()
        .flat_map(|one| world.children(one, "subnets").map(move |(name, body)| (one, name, body)));
    if let Some((one, name, body)) = places.find(|(.., body)| holds(body)) {
        let home = format!("{one}/subnets/{name}");
        return is_cut(world, subnet, &home, address) || is_empty(world, body, address);
    }
    match holders.first() {
        Some((body, home)) => stands(body) || is_cut(world, subnet, home, address),
        None => elsewhere(world, network_of(subnet), address)
            .is_some_and(|home| is_cut(world, subnet, home, address)),
    }
}

/// The only subnet at all that holds an address to which a network has no route, not even an unknown one.
fn elsewhere<'w>(world: &'w World, network: &str, address: u32) -> Option<&'w str> {
    let holds = |all: &[Prefix]| all.iter().any(|one| one.contains(address));
    let (own, is_whole) = address_space(world, network);
    let may_lead = |half: &Half<'_>| half.space().is_none_or(|all| holds(&all));
    if !is_whole
        || holds(&own)
        || may_have_gateway(world, network)
        || halves(world, network).iter().any(may_lead)
    {
        return None;
    }
    let subnets = world.all("microsoft.network/virtualnetworks/subnets");
    let mut holding = subnets.filter(|(_, body)| holds(&subnet_prefixes(body)));
    let (only, _) = holding.next()?;
    holding.next().is_none().then_some(only)
}

/// The subnet of an interface.
fn seat(interface: &Value) -> Option<String> {
    let all = list(interface, &["properties", "ipConfigurations"])?;
    all.iter().find_map(|one| reference(one, &["properties", "subnet", "id"]))
}

/// A network, and those that it holds a half of a peering towards.
fn neighbours(world: &World, network: &str) -> Vec<String> {
    let remotes = halves(world, network).into_iter().filter_map(|half| half.remote());
    std::iter::once(network.to_owned()).chain(remotes).collect()
}

/// Whether nothing of a subnet crosses to an address in another network, or nothing comes back.
fn is_cut(world: &World, subnet: &str, home: &str, address: u32) -> bool {
    let (near, far) = (network_of(subnet), network_of(home));
    if near == far {
        return false;
    }
    let holds_half = |one: &str, other: &str| {
        halves(world, one).iter().any(|half| half.remote().as_deref() == Some(other))
    };
    let gateway = |one: &str| world.body(&format!("{one}/subnets/gatewaysubnet")).is_some();
    let is_whole = holds_half(near, far) && holds_half(far, near);
    if !is_whole && gateway(near) && gateway(far) {
        return false;
    }
    // Rules speak of the two ends, not of what stands between them.
    let shore = |network, subnet, address| Shore { network, subnet, address, filtered: true };
    let ends = world.body(subnet).map_or(Vec::new(), subnet_prefixes);
    let ends: Vec<u32> =
        ends.into_iter().filter_map(usable).flat_map(|(first, last)| [first, last]).collect();
    let is_lost = |from: &u32| {
        let here = shore(near, subnet, Some(*from));
        Fate::of(&cross(world, here, shore(far, home, Some(address)))) == Fate::Dropped
    };
    !ends.is_empty() && ends.iter().all(is_lost)
}

/// Whether a subnet lists who is in it, all of them were captured, and none has the address.
fn is_empty(world: &World, subnet: &Value, address: u32) -> bool {
    let Some(listed) = list(subnet, &["properties", "ipConfigurations"]) else { return false };
    let is_known = |one: &Value| {
        let owner = reference(one, &["id"]);
        let owner = owner.as_deref().and_then(|id| id.split("/ipconfigurations/").next());
        owner.is_some_and(|owner| {
            owner.contains("/networkinterfaces/") && world.body(owner).is_some()
        })
    };
    let fronts = world.all("microsoft.network/loadbalancers").flat_map(|(_, body)| {
        list(body, &["properties", "frontendIPConfigurations"]).unwrap_or(&[])
    });
    let mut addresses =
        fronts.filter_map(|one| address_of(text(one, &["properties", "privateIPAddress"])?));
    listed.iter().all(is_known) && !addresses.any(|one| one == address)
}
