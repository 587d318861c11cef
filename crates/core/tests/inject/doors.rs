//! Injectors of faults in endpoints, in servers and in who they let in.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::world::World;

/// The target has public access: packets leave with a public address.
pub(crate) fn public_target(world: &mut World, _: &mut Chance) {
    let target = world.roles.target.clone();
    world.set(&target, "network", json!({ "publicNetworkAccess": "Enabled" }));
}

/// The target is behind an endpoint: its copier stands in no network.
pub(crate) fn endpoint_target(world: &mut World, _: &mut Chance) {
    let target = world.roles.target.clone();
    let endpoint = format!("{}/Microsoft.Network/privateEndpoints/new", world.roles.spare);
    world.set(&target, "network", json!({ "publicNetworkAccess": "Disabled" }));
    world.set(
        &target,
        "privateEndpointConnections",
        json!([{ "properties": { "privateEndpoint": { "id": endpoint },
        "privateLinkServiceConnectionState": { "status": "Approved" } } }]),
    );
}

/// Both ends of an endpoint tell its state.
fn state(world: &mut World, status: &str) {
    let (source, endpoint) = (world.roles.source.clone(), world.roles.endpoint.clone());
    let place = "/properties/privateEndpointConnections/0/properties/privateLinkServiceConnectionState/status";
    *world.body(&source).pointer_mut(place).expect("a state") = json!(status);
    let place = "/properties/privateLinkServiceConnections/0/properties/privateLinkServiceConnectionState/status";
    *world.body(&endpoint).pointer_mut(place).expect("a state") = json!(status);
}

pub(crate) fn pending(world: &mut World, _: &mut Chance) {
    state(world, "Pending");
}

pub(crate) fn rejected(world: &mut World, _: &mut Chance) {
    state(world, "Rejected");
}

/// The server lists the endpoint no more, or as disconnected.
pub(crate) fn unlisted(world: &mut World, chance: &mut Chance) {
    let source = world.roles.source.clone();
    if chance.hits(50) {
        world.set(&source, "privateEndpointConnections", json!([]));
    } else {
        state(world, "Disconnected");
    }
}

/// The record leads to the endpoint of another server.
pub(crate) fn other_server(world: &mut World, _: &mut Chance) {
    let roles = world.roles.clone();
    let head = world.to_prefix.rsplit_once('.').expect("a prefix").0.to_owned();
    let address = format!("{head}.14");
    let endpoint = format!("{}/Microsoft.Network/privateEndpoints/of-other", roles.spare);
    let other = format!("{}x", roles.source);
    world.put(
        &endpoint,
        json!({ "properties": { "subnet": { "id": roles.to_subnet },
        "customDnsConfigs": [{ "ipAddresses": [address] }],
        "privateLinkServiceConnections": [{ "properties": { "groupIds": ["postgresqlServer"],
        "privateLinkServiceId": other,
        "privateLinkServiceConnectionState": { "status": "Approved" } } }] } }),
    );
    world.set(&roles.record, "aRecords", json!([{ "ipv4Address": address }]));
}

/// The endpoint was made for another server.
pub(crate) fn endpoint_of_other(world: &mut World, _: &mut Chance) {
    let (endpoint, other) = (world.roles.endpoint.clone(), format!("{}x", world.roles.source));
    let connection = &mut world.body(&endpoint)["properties"]["privateLinkServiceConnections"][0];
    connection["properties"]["privateLinkServiceId"] = json!(other);
}

/// No endpoint at all, and nothing of it left.
pub(crate) fn no_endpoint(world: &mut World, _: &mut Chance) {
    let roles = world.roles.clone();
    world.set(&roles.source, "privateEndpointConnections", json!([]));
    for id in [&roles.endpoint, &roles.zone_group, &roles.interface, &roles.record] {
        world.remove(id);
    }
}

pub(crate) fn no_rule(world: &mut World, _: &mut Chance) {
    let source = world.roles.source.clone();
    world.remove(&format!("{source}/firewallRules/azure"));
}

fn vnet_rule(world: &World) -> String {
    format!("{}/virtualNetworkRules/copier", world.roles.source)
}

pub(crate) fn no_vnet_rule(world: &mut World, _: &mut Chance) {
    let rule = vnet_rule(world);
    world.remove(&rule);
}

pub(crate) fn rule_going(world: &mut World, _: &mut Chance) {
    let rule = vnet_rule(world);
    world.set(&rule, "state", json!("Deleting"));
}

pub(crate) fn rule_coming(world: &mut World, _: &mut Chance) {
    let rule = vnet_rule(world);
    world.set(&rule, "state", json!("InProgress"));
}

pub(crate) fn no_service_endpoint(world: &mut World, _: &mut Chance) {
    let subnet = world.roles.from_subnet.clone();
    world.set(&subnet, "serviceEndpoints", Value::Array(Vec::new()));
}

/// The copier's network stands in another region than the source.
pub(crate) fn other_region(world: &mut World, _: &mut Chance) {
    let far = if world.region == "westeurope" { "northeurope" } else { "westeurope" };
    let (net, target) = (world.roles.from_net.clone(), world.roles.target.clone());
    world.body(&net)["location"] = json!(far);
    world.body(&target)["location"] = json!(far);
}

pub(crate) fn public_off(world: &mut World, _: &mut Chance) {
    let source = world.roles.source.clone();
    world.set(&source, "publicNetworkAccess", json!("Disabled"));
}

pub(crate) fn source_stopped(world: &mut World, chance: &mut Chance) {
    let source = world.roles.source.clone();
    let is_single = source.contains("/servers/");
    let state = chance.pick(&["Stopped", "Starting", "Updating"]);
    if is_single {
        world.set(&source, "userVisibleState", json!(chance.pick(&["Disabled", "Dropping"])));
    } else {
        world.set(&source, "state", json!(state));
    }
}

pub(crate) fn target_stopped(world: &mut World, chance: &mut Chance) {
    let target = world.roles.target.clone();
    world.set(&target, "state", json!(chance.pick(&["Stopped", "Starting", "Updating"])));
}

pub(crate) fn pooler_off(world: &mut World, _: &mut Chance) {
    let id = format!("{}/configurations/pgbouncer.enabled", world.roles.source);
    world.put(&id, json!({ "properties": { "value": "false" } }));
    world.port = 6432;
}

pub(crate) fn other_port(world: &mut World, chance: &mut Chance) {
    world.port = chance.pick(&[6432, 5433]);
}
