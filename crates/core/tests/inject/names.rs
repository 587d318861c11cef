//! Injectors of faults in what the source's name leads to.

use serde_json::json;

use crate::chance::Chance;
use crate::healthy::hub;
use crate::world::World;

pub(crate) fn unlink(world: &mut World, _: &mut Chance) {
    let link = world.roles.link.clone();
    world.remove(&link);
}

pub(crate) fn in_progress(world: &mut World, _: &mut Chance) {
    let link = world.roles.link.clone();
    world.set(&link, "virtualNetworkLinkState", json!("InProgress"));
}

pub(crate) fn drop_record(world: &mut World, _: &mut Chance) {
    let record = world.roles.record.clone();
    world.remove(&record);
}

pub(crate) fn drop_record_and_group(world: &mut World, _: &mut Chance) {
    let (record, group) = (world.roles.record.clone(), world.roles.zone_group.clone());
    world.remove(&record);
    world.remove(&group);
}

pub(crate) fn empty_record(world: &mut World, _: &mut Chance) {
    let record = world.roles.record.clone();
    world.set(&record, "aRecords", json!([]));
}

/// An address of the endpoint's subnet that nobody has.
fn unused(world: &World) -> String {
    let head = world.to_prefix.rsplit_once('.').expect("a prefix").0;
    format!("{head}.13")
}

pub(crate) fn stale(world: &mut World, _: &mut Chance) {
    let (record, address) = (world.roles.record.clone(), unused(world));
    world.set(&record, "aRecords", json!([{ "ipv4Address": address }]));
}

/// A second endpoint of the source in a network that is joined with nothing wrote the record.
pub(crate) fn overwrite(world: &mut World, _: &mut Chance) {
    let roles = world.roles.clone();
    let far = format!("{}/Microsoft.Network/virtualNetworks/far", roles.spare);
    world.net(&far, "10.240.0.0/16", "pe", "10.240.1.0/24");
    let endpoint = format!("{}/Microsoft.Network/privateEndpoints/far", roles.spare);
    let state = json!({ "status": "Approved" });
    world.put(
        &endpoint,
        json!({ "properties": { "subnet": { "id": format!("{far}/subnets/pe") },
        "customDnsConfigs": [{ "ipAddresses": ["10.240.1.4"] }],
        "privateLinkServiceConnections": [{ "properties": { "groupIds": ["postgresqlServer"],
        "privateLinkServiceId": roles.source, "privateLinkServiceConnectionState": state } }] } }),
    );
    let list = &mut world.body(&roles.source)["properties"]["privateEndpointConnections"];
    list.as_array_mut().expect("a list").push(json!({ "properties": {
        "privateEndpoint": { "id": endpoint }, "privateLinkServiceConnectionState": state } }));
    world.set(&roles.record, "aRecords", json!([{ "ipv4Address": "10.240.1.4" }]));
}

/// An empty zone of the same name is linked instead.
pub(crate) fn other_zone(world: &mut World, chance: &mut Chance) {
    unlink(world, chance);
    let name = world.roles.zone.rsplit('/').next().expect("a name");
    let zone = format!("{}/Microsoft.Network/privateDnsZones/{name}", world.roles.spare);
    world.put(&zone, json!({ "location": "global", "properties": {} }));
    let net = world.roles.from_net.clone();
    world.link(&format!("{zone}/virtualNetworkLinks/own"), &net);
}

/// An inbound endpoint of a resolver in a hub.
fn resolver(world: &mut World, hub: &str, address: &str) {
    let id = format!("{}/Microsoft.Network/dnsResolvers/r/inboundEndpoints/in", world.roles.spare);
    world.put(
        &id,
        json!({ "properties": { "ipConfigurations": [{
        "subnet": { "id": format!("{hub}/subnets/core") }, "privateIpAddress": address }] } }),
    );
    let net = world.roles.from_net.clone();
    world.set(&net, "dhcpOptions", json!({ "dnsServers": [address] }));
}

pub(crate) fn hub_asks(world: &mut World, _: &mut Chance) {
    let hub = hub(world);
    resolver(world, &hub, "10.250.1.4");
}

/// The DNS server stands in a network that is joined with nothing.
pub(crate) fn far_server(world: &mut World, _: &mut Chance) {
    let hub = format!("{}/Microsoft.Network/virtualNetworks/far-dns", world.roles.spare);
    world.net(&hub, "10.251.0.0/16", "core", "10.251.1.0/24");
    resolver(world, &hub, "10.251.1.4");
    let zone = world.roles.zone.clone();
    if world.has(&zone) {
        world.link(&format!("{zone}/virtualNetworkLinks/far-dns"), &hub);
    }
}

/// A rule of a ruleset leads the name to Azure's own address, which no rule may.
pub(crate) fn ruleset(world: &mut World, _: &mut Chance) {
    let set = format!("{}/Microsoft.Network/dnsForwardingRulesets/set", world.roles.spare);
    let net = world.roles.from_net.clone();
    world.put(
        &format!("{set}/virtualNetworkLinks/copier"),
        json!({ "properties": { "virtualNetwork": { "id": net } } }),
    );
    world.put(
        &format!("{set}/forwardingRules/pg"),
        json!({ "properties": { "domainName": "postgres.database.azure.com.",
        "forwardingRuleState": "Enabled",
        "targetDnsServers": [{ "ipAddress": "168.63.129.16", "port": 53 }] } }),
    );
}

fn zone_of(world: &mut World, name: &str) {
    let zone = format!("{}/Microsoft.Network/privateDnsZones/{name}", world.roles.spare);
    world.put(&zone, json!({ "properties": { "numberOfVirtualNetworkLinks": 1 } }));
    let net = world.roles.from_net.clone();
    world.link(&format!("{zone}/virtualNetworkLinks/l"), &net);
}

pub(crate) fn suffix_zone(world: &mut World, _: &mut Chance) {
    zone_of(world, "postgres.database.azure.com");
}

pub(crate) fn like_server(world: &mut World, _: &mut Chance) {
    let name = format!("{}.postgres.database.azure.com", world.name);
    zone_of(world, &name);
}

/// The source has an endpoint elsewhere, and the zone that is linked here lacks its record.
pub(crate) fn shadow(world: &mut World, _: &mut Chance) {
    let roles = world.roles.clone();
    let far = format!("{}/Microsoft.Network/virtualNetworks/far", roles.spare);
    world.net(&far, "10.240.0.0/16", "pe", "10.240.1.0/24");
    let endpoint = format!("{}/Microsoft.Network/privateEndpoints/far", roles.spare);
    let state = json!({ "status": "Approved" });
    world.put(
        &endpoint,
        json!({ "properties": { "subnet": { "id": format!("{far}/subnets/pe") },
        "customDnsConfigs": [{ "ipAddresses": ["10.240.1.4"] }],
        "privateLinkServiceConnections": [{ "properties": { "groupIds": ["postgresqlServer"],
        "privateLinkServiceId": roles.source, "privateLinkServiceConnectionState": state } }] } }),
    );
    let connections = json!([{ "properties": { "privateEndpoint": { "id": endpoint },
        "privateLinkServiceConnectionState": state } }]);
    world.set(&roles.source, "privateEndpointConnections", connections);
    let zone = roles.zone.clone();
    world.put(&zone, json!({ "properties": { "numberOfRecordSets": 1 } }));
    world.link(&roles.link, &roles.from_net);
}

pub(crate) fn deny_resolver(world: &mut World, chance: &mut Chance) {
    let group = world.roles.out_group.clone();
    let rule = json!({ "direction": "Outbound", "access": "Deny", "protocol": "*",
        "destinationAddressPrefix": "AzurePlatformDNS" });
    world.rule(&group, "no-dns", 700 + chance.below(90), rule);
}

/// The zone group writes into a zone of another name; the right one is not there.
pub(crate) fn wrong_zone(world: &mut World, _: &mut Chance) {
    let roles = world.roles.clone();
    world.remove_all(&roles.zone);
    let zone = roles.zone.replace("postgres.database", "postgresql");
    world.put(&zone, json!({ "location": "global", "properties": {} }));
    world.set(
        &roles.zone_group,
        "privateDnsZoneConfigs",
        json!([{ "name": "pg", "properties": { "privateDnsZoneId": zone } }]),
    );
}
