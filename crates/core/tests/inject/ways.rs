//! Injectors of faults in routes and peerings.

use serde_json::json;

use crate::chance::Chance;
use crate::healthy::hub;
use crate::world::{Kind, World};

/// A route that drops: of the endpoint's own address, or of the source's whole network.
pub(crate) fn drop(world: &mut World, _: &mut Chance) {
    let prefix = match world.kind {
        Kind::Injected => world.to_prefix.clone(),
        _ => format!("{}/32", world.host.as_ref().unwrap_or(&world.address)),
    };
    let subnet = world.roles.from_subnet.clone();
    world.route(&subnet, "drop", &prefix, json!({ "nextHopType": "None" }));
}

/// A route through an interface that forwards nothing.
pub(crate) fn dead_appliance(world: &mut World, _: &mut Chance) {
    let hub = hub(world);
    let id = format!("{}/Microsoft.Network/networkInterfaces/firewall", world.roles.spare);
    world.put(
        &id,
        json!({ "properties": { "enableIPForwarding": false, "ipConfigurations": [{
        "name": "ip", "properties": { "privateIPAddress": "10.250.1.9",
        "subnet": { "id": format!("{hub}/subnets/core") } } }] } }),
    );
    let (subnet, prefix) = (world.roles.from_subnet.clone(), world.to.whole());
    let hop = json!({ "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.250.1.9" });
    world.route(&subnet, "firewall", &prefix, hop);
}

pub(crate) fn drop_answers(world: &mut World, _: &mut Chance) {
    let (subnet, prefix) = (world.roles.to_subnet.clone(), world.from.whole());
    world.route(&subnet, "drop-back", &prefix, json!({ "nextHopType": "None" }));
}

pub(crate) fn no_way_out(world: &mut World, _: &mut Chance) {
    let spare = world.roles.spare.clone();
    world.remove(&format!("{spare}/Microsoft.Network/connections/line"));
}

pub(crate) fn keep_gateway_out(world: &mut World, _: &mut Chance) {
    let subnet = world.roles.from_subnet.clone();
    let table = world.table(&subnet);
    world.set(&table, "disableBgpRoutePropagation", json!(true));
}

pub(crate) fn no_transit(world: &mut World, _: &mut Chance) {
    let hub = hub(world);
    let half = format!("{hub}/virtualNetworkPeerings/spoke");
    world.set(&half, "allowGatewayTransit", json!(false));
}

pub(crate) fn no_remote_gateway(world: &mut World, _: &mut Chance) {
    let half = format!("{}/virtualNetworkPeerings/hub", world.roles.from_net);
    world.set(&half, "useRemoteGateways", json!(false));
}

/// The hub, whose gateway the copier's network asks for, has no half of their peering.
fn no_half_of_hub(world: &mut World, state: &str) {
    let hub = hub(world);
    world.remove(&format!("{hub}/virtualNetworkPeerings/spoke"));
    let half = format!("{}/virtualNetworkPeerings/hub", world.roles.from_net);
    world.set(&half, "peeringState", json!(state));
}

pub(crate) fn hub_waits(world: &mut World, _: &mut Chance) {
    no_half_of_hub(world, "Initiated");
}

pub(crate) fn hub_lost(world: &mut World, _: &mut Chance) {
    no_half_of_hub(world, "Disconnected");
}

pub(crate) fn claim_office(world: &mut World, _: &mut Chance) {
    let (net, own) = (world.roles.from_net.clone(), world.from.whole());
    world.set(&net, "addressSpace", json!({ "addressPrefixes": [own, "10.230.7.0/24"] }));
}

fn halves(world: &World) -> (String, String) {
    (world.roles.forth.clone(), world.roles.back.clone())
}

pub(crate) fn no_peering(world: &mut World, _: &mut Chance) {
    let (forth, back) = halves(world);
    world.remove(&forth);
    world.remove(&back);
}

pub(crate) fn one_half(world: &mut World, chance: &mut Chance) {
    let (forth, back) = halves(world);
    world.remove(if chance.hits(50) { &forth } else { &back });
}

pub(crate) fn initiated(world: &mut World, chance: &mut Chance) {
    let (forth, back) = halves(world);
    let (gone, left) = if chance.hits(50) { (forth, back) } else { (back, forth) };
    world.remove(&gone);
    world.set(&left, "peeringState", json!("Initiated"));
}

pub(crate) fn disconnected(world: &mut World, chance: &mut Chance) {
    let (forth, back) = halves(world);
    let (gone, left) = if chance.hits(50) { (forth, back) } else { (back, forth) };
    world.remove(&gone);
    world.set(&left, "peeringState", json!("Disconnected"));
}

pub(crate) fn no_access(world: &mut World, _: &mut Chance) {
    let (forth, back) = halves(world);
    world.set(&forth, "allowVirtualNetworkAccess", json!(false));
    world.set(&back, "allowVirtualNetworkAccess", json!(false));
}

/// Both networks are peered with a hub, and not with each other.
pub(crate) fn by_hub(world: &mut World, chance: &mut Chance) {
    no_peering(world, chance);
    let hub = hub(world);
    let (net, space) = (world.roles.to_net.clone(), world.to.whole());
    world.half(&format!("{net}/virtualNetworkPeerings/hub"), &hub, "10.250.0.0/16");
    world.half(&format!("{hub}/virtualNetworkPeerings/old-spoke"), &net, &space);
}

/// The copier's half knows another range of the source's network than it has.
pub(crate) fn out_of_sync(world: &mut World, _: &mut Chance) {
    let (forth, _) = halves(world);
    world.set(&forth, "remoteAddressSpace", json!({ "addressPrefixes": ["10.241.0.0/16"] }));
    world.set(&forth, "peeringSyncLevel", json!("RemoteNotInSync"));
}

/// The source's network has a range that the copier's has too: the two cannot be peered.
pub(crate) fn overlap(world: &mut World, chance: &mut Chance) {
    no_peering(world, chance);
    let (net, own) = (world.roles.to_net.clone(), world.to.whole());
    let part = format!("{}/24", world.from.at(14, 0));
    world.set(&net, "addressSpace", json!({ "addressPrefixes": [own, part] }));
}

/// Only other subnets take part in the peering.
pub(crate) fn other_subnets(world: &mut World, _: &mut Chance) {
    let (forth, _) = halves(world);
    world.set(&forth, "peerCompleteVnets", json!(false));
    world.set(&forth, "localSubnetNames", json!(["apps"]));
    world.set(&forth, "remoteSubnetNames", json!(["data"]));
}

/// The machine stands behind a Basic balancer in another region.
pub(crate) fn basic_balancer(world: &mut World, _: &mut Chance) {
    let far = if world.region == "westeurope" { "northeurope" } else { "westeurope" };
    let roles = world.roles.clone();
    world.body(&roles.to_net)["location"] = json!(far);
    world.remove(&roles.interface);
    let id = format!("{}/Microsoft.Network/loadBalancers/front", roles.spare);
    let address = world.address.clone();
    world.put(
        &id,
        json!({ "location": far, "sku": { "name": "Basic" }, "properties": {
        "frontendIPConfigurations": [{ "properties": { "privateIPAddress": address,
        "subnet": { "id": roles.to_subnet } } }] } }),
    );
}
