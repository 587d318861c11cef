//! The machine that a route hands packets to: whether it surely does not send them on.

use serde_json::Value;

use super::address::address_of;
use super::mesh;
use super::peering::{halves, has_hub};
use super::world::{
    World, flag, interface_addresses, list, network_of, reference, subnet_prefixes, text,
};

const INTERFACE: &str = "microsoft.network/networkinterfaces";

/// Whether what has the address of a route's next hop is known, and does not forward, is not there, or cannot be reached.
pub(super) fn is_dead(world: &World, network: &str, address: u32) -> bool {
    let holders: Vec<(&Value, String)> = world
        .all(INTERFACE)
        .filter(|(_, body)| interface_addresses(body).contains(&address))
        .filter_map(|(_, body)| Some((body, network_of(&seat(body)?).to_owned())))
        .collect();
    let near = neighbours(world, network);
    if let Some((body, home)) = holders.iter().find(|(_, home)| near.contains(home)) {
        let stands = flag(body, &["properties", "enableIPForwarding"]) == Some(false);
        return stands || home != network && is_broken(world, network, home);
    }
    let holds = |body: &Value| subnet_prefixes(body).iter().any(|one| one.contains(address));
    let mut places = near.iter().flat_map(|one| world.children(one, "subnets"));
    if let Some((_, subnet)) = places.find(|(_, body)| holds(body)) {
        return is_empty(world, subnet, address);
    }
    let far = holders.first();
    far.is_some_and(|(body, home)| {
        flag(body, &["properties", "enableIPForwarding"]) == Some(false)
            || is_apart(world, network, home)
    })
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

/// Whether the peering of two networks carries nothing: one half says so, or the other is not there.
fn is_broken(world: &World, near: &str, far: &str) -> bool {
    [(near, far), (far, near)].into_iter().any(|(one, other)| {
        if world.body(one).is_none() {
            return false;
        }
        let found = halves(world, one);
        if found.iter().any(|half| half.remote().is_none()) {
            return false;
        }
        let half = found.iter().find(|half| half.remote().as_deref() == Some(other));
        match half {
            None => mesh::between(world, near, far).is_none() && !is_hubbed(world, near, far),
            Some(half) => half.state().is_some_and(|state| state != "connected"),
        }
    })
}

/// Whether nothing joins two networks, as far as both were captured.
fn is_apart(world: &World, near: &str, far: &str) -> bool {
    let is_known = [near, far].iter().all(|one| world.body(one).is_some());
    let gateway = |one: &str| world.body(&format!("{one}/subnets/gatewaysubnet")).is_some();
    is_known && is_broken(world, near, far) && !(gateway(near) && gateway(far))
}

fn is_hubbed(world: &World, near: &str, far: &str) -> bool {
    has_hub(world, near) && has_hub(world, far)
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
