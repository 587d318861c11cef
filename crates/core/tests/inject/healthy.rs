//! Healthy worlds: random names, regions, groups and addresses around a flow that passes every gate.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::harmless;
use crate::world::{Kind, Roles, Space, World};

/// The kinds of worlds, the common ones more often.
pub(crate) const KINDS: [Kind; 10] = [
    Kind::PrivateSingle,
    Kind::PrivateSingle,
    Kind::PublicSingle,
    Kind::PublicSingle,
    Kind::Injected,
    Kind::Injected,
    Kind::PrivateFlexible,
    Kind::PublicFlexible,
    Kind::Machine,
    Kind::Office,
];

const REGIONS: [&str; 4] = ["westeurope", "northeurope", "eastus2", "germanywestcentral"];

/// The range of one side: the two never meet, and neither meets 10.200.0.0/13, which is for others.
fn space(chance: &mut Chance, side: u8) -> Space {
    let number = 2 * chance.below(50) as u8 + side;
    match chance.below(3) {
        0 => Space { head: (172, 16 + number % 16), third: 0, length: 16 },
        1 => Space { head: (192, 168), third: 16 * (number % 16), length: 20 },
        _ => Space { head: (10, number), third: 0, length: 16 },
    }
}

fn group(chance: &mut Chance, word: &str) -> String {
    let subscription = format!("{:08x}-0000-4000-8000-{:012x}", chance.below(1 << 30), 77);
    let name = chance.pick(&["rg", "RG-prod", "lz"]);
    format!("/subscriptions/{subscription}/resourceGroups/{name}-{word}/providers")
}

fn roles(kind: Kind, chance: &mut Chance) -> Roles {
    let (source, target) = (group(chance, "source"), group(chance, "target"));
    let (dns, spare) = (group(chance, "dns"), group(chance, "spare"));
    let number = chance.below(90);
    let (from, to) = chance.pick(&[
        ("spoke-new", "spoke-old"),
        ("vnet-tgt", "vnet-src"),
        ("hub", "spoke"),
        ("Net.Data_1", "net.data_0"),
        ("net", "net"),
    ]);
    let net = |group: &str, name: &str| format!("{group}/Microsoft.Network/virtualNetworks/{name}");
    let (from_net, to_net) = (net(&target, from), net(&source, to));
    let noun = match kind {
        Kind::PrivateSingle | Kind::PublicSingle | Kind::Machine | Kind::Office => "servers",
        Kind::Injected | Kind::PrivateFlexible | Kind::PublicFlexible => "flexibleServers",
    };
    let name = format!("old{number}");
    let zone_name = match kind {
        Kind::Injected => chance.pick(&[
            "$.private.postgres.database.azure.com",
            "team.private.postgres.database.azure.com",
            "pg.corp.private.postgres.database.azure.com",
        ]),
        _ => "privatelink.postgres.database.azure.com",
    };
    let zone = format!("{dns}/Microsoft.Network/privateDnsZones/{}", zone_name.replace('$', &name));
    let of = |what: &str| format!("{source}/Microsoft.Network/{what}");
    Roles {
        source: format!("{source}/Microsoft.DBforPostgreSQL/{noun}/{name}"),
        target: format!("{target}/Microsoft.DBforPostgreSQL/flexibleServers/new{number}"),
        from_subnet: format!("{from_net}/subnets/postgres"),
        to_subnet: format!("{to_net}/subnets/data"),
        out_group: format!("{target}/Microsoft.Network/networkSecurityGroups/nsg-{number}"),
        in_group: of(&format!("networkSecurityGroups/nsg-{number}")),
        endpoint: of(&format!("privateEndpoints/pe-{name}")),
        zone_group: of(&format!("privateEndpoints/pe-{name}/privateDnsZoneGroups/default")),
        interface: of(&format!("networkInterfaces/pe-{name}.nic.1")),
        link: format!("{zone}/virtualNetworkLinks/{from}-link"),
        own_link: format!("{zone}/virtualNetworkLinks/own-{to}"),
        record: format!("{zone}/A/{name}"),
        forth: format!("{from_net}/virtualNetworkPeerings/to-{to}"),
        back: format!("{to_net}/virtualNetworkPeerings/to-{from}"),
        zone,
        from_net,
        to_net,
        spare,
    }
}

/// A healthy world, with things around it that do not matter.
pub(crate) fn healthy(kind: Kind, chance: &mut Chance) -> World {
    let roles = roles(kind, chance);
    let (from, to) = (space(chance, 0), space(chance, 1));
    let length = chance.pick(&[28, 27, 24]);
    let name = roles.source.rsplit('/').next().expect("a name").to_owned();
    let mut world = World {
        kind,
        resources: Vec::new(),
        from_prefix: format!("{}/{length}", from.at(1 + chance.below(6) as u8, 0)),
        to_prefix: format!("{}/{length}", to.at(1 + chance.below(6) as u8, 0)),
        address: String::new(),
        host: None,
        port: 5432,
        region: chance.pick(&REGIONS),
        roles,
        from,
        to,
        name,
    };
    let head = world.to_prefix.rsplit_once('.').expect("a prefix").0.to_owned();
    world.address = format!("{head}.{}", 4 + chance.below(8));
    target(&mut world, chance);
    match kind {
        Kind::PrivateSingle | Kind::PrivateFlexible => private(&mut world, chance),
        Kind::PublicSingle => public_single(&mut world, chance),
        Kind::PublicFlexible => public_flexible(&mut world),
        Kind::Injected => injected(&mut world),
        Kind::Machine => machine(&mut world),
        Kind::Office => office(&mut world),
    }
    harmless::around(&mut world, chance);
    world
}

fn delegated() -> Value {
    json!([{ "name": "pg", "properties": {
        "serviceName": "Microsoft.DBforPostgreSQL/flexibleServers" } }])
}

fn target(world: &mut World, chance: &mut Chance) {
    let roles = world.roles.clone();
    let (space, prefix) = (world.from.whole(), world.from_prefix.clone());
    world.net(&roles.from_net, &space, "postgres", &prefix);
    let group = roles.out_group.clone();
    world.set(&roles.from_subnet, "delegations", delegated());
    world.set(&roles.from_subnet, "networkSecurityGroup", json!({ "id": group }));
    let region = world.region;
    let rules = json!({ "location": region, "properties": { "securityRules": [] } });
    world.put(&group, rules);
    let name = roles.target.rsplit('/').next().expect("a name");
    let zone = format!(
        "{}/Microsoft.Network/privateDnsZones/{name}.private.postgres.database.azure.com",
        roles.spare
    );
    let version = chance.pick(&["14", "16", "17"]);
    world.put(
        &roles.target,
        json!({ "location": region, "properties": { "network": {
        "publicNetworkAccess": "Disabled", "delegatedSubnetResourceId": roles.from_subnet,
        "privateDnsZoneArmResourceId": zone }, "version": version, "state": "Ready",
        "fullyQualifiedDomainName": format!("{name}.postgres.database.azure.com") } }),
    );
    world.put(&zone, json!({ "location": "global", "properties": {} }));
    world.link(&format!("{zone}/virtualNetworkLinks/own"), &roles.from_net);
}

fn source_net(world: &mut World) {
    let roles = world.roles.clone();
    let (space, prefix) = (world.to.whole(), world.to_prefix.clone());
    world.net(&roles.to_net, &space, "data", &prefix);
    let region = world.region;
    world
        .put(&roles.in_group, json!({ "location": region, "properties": { "securityRules": [] } }));
    world.set(&roles.to_subnet, "networkSecurityGroup", json!({ "id": roles.in_group }));
    let from = world.from.whole();
    world.half(&roles.forth, &roles.to_net, &space);
    world.half(&roles.back, &roles.from_net, &from);
}

/// A source server.
fn server(world: &mut World, properties: Value) {
    let is_single = world.roles.source.contains("/servers/");
    let mut properties = properties;
    properties["fullyQualifiedDomainName"] =
        json!(format!("{}.postgres.database.azure.com", world.name));
    let state = if is_single { "userVisibleState" } else { "state" };
    properties[state] = json!("Ready");
    let (id, region) = (world.roles.source.clone(), world.region);
    let tier = json!({ "name": "GP_Gen5_4", "tier": "GeneralPurpose" });
    world.put(&id, json!({ "location": region, "sku": tier, "properties": properties }));
}

fn private(world: &mut World, chance: &mut Chance) {
    source_net(world);
    let roles = world.roles.clone();
    let state = json!({ "status": "Approved", "description": "Auto-approved" });
    let connections = json!([{ "id": format!("{}/privateEndpointConnections/one", roles.source),
        "properties": { "privateEndpoint": { "id": roles.endpoint },
        "privateLinkServiceConnectionState": state, "provisioningState": "Ready" } }]);
    let mut properties = json!({ "privateEndpointConnections": connections });
    match world.kind {
        Kind::PrivateSingle => properties["publicNetworkAccess"] = json!("Disabled"),
        _ => properties["network"] = json!({ "publicNetworkAccess": "Disabled" }),
    }
    server(world, properties);
    let address = world.address.clone();
    let mut endpoint = json!({ "subnet": { "id": roles.to_subnet },
        "privateLinkServiceConnections": [{ "name": "one", "properties": {
        "privateLinkServiceId": roles.source, "groupIds": ["postgresqlServer"],
        "privateLinkServiceConnectionState": state } }],
        "networkInterfaces": [{ "id": roles.interface }] });
    if chance.hits(40) {
        let fqdn = format!("{}.postgres.database.azure.com", world.name);
        endpoint["customDnsConfigs"] = json!([{ "fqdn": fqdn, "ipAddresses": [address] }]);
    }
    let region = world.region;
    world.put(&roles.endpoint, json!({ "location": region, "properties": endpoint }));
    world.put(
        &roles.interface,
        json!({ "location": region, "properties": {
        "privateEndpoint": { "id": roles.endpoint }, "ipConfigurations": [{ "name": "ip",
        "properties": { "privateIPAddress": address, "subnet": { "id": roles.to_subnet } } }] } }),
    );
    world.put(
        &roles.zone_group,
        json!({ "properties": { "privateDnsZoneConfigs": [{
        "name": "pg", "properties": { "privateDnsZoneId": roles.zone } }] } }),
    );
    world.put(&roles.zone, json!({ "location": "global", "properties": {} }));
    world.link(&roles.link, &roles.from_net);
    world.link(&roles.own_link, &roles.to_net);
    world.put(
        &roles.record,
        json!({ "properties": { "ttl": 10,
        "aRecords": [{ "ipv4Address": address }] } }),
    );
}

fn public_single(world: &mut World, chance: &mut Chance) {
    server(world, json!({ "privateEndpointConnections": [], "publicNetworkAccess": "Enabled" }));
    let subnet = world.roles.from_subnet.clone();
    world.set(
        &subnet,
        "serviceEndpoints",
        json!([{ "service": "Microsoft.Sql",
        "locations": [world.region], "provisioningState": "Succeeded" }]),
    );
    let rule = format!("{}/virtualNetworkRules/copier", world.roles.source);
    let ignores = chance.hits(50);
    world.put(
        &rule,
        json!({ "properties": { "virtualNetworkSubnetId": subnet,
        "ignoreMissingVnetServiceEndpoint": ignores, "state": "Ready" } }),
    );
}

fn public_flexible(world: &mut World) {
    let network = json!({ "publicNetworkAccess": "Enabled" });
    server(world, json!({ "network": network, "privateEndpointConnections": [] }));
    let rule = format!("{}/firewallRules/azure", world.roles.source);
    world.put(
        &rule,
        json!({ "properties": {
        "startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255" } }),
    );
}

fn injected(world: &mut World) {
    source_net(world);
    let roles = world.roles.clone();
    world.set(&roles.to_subnet, "delegations", delegated());
    server(
        world,
        json!({ "network": { "publicNetworkAccess": "Disabled",
        "delegatedSubnetResourceId": roles.to_subnet,
        "privateDnsZoneArmResourceId": roles.zone } }),
    );
    world.put(&roles.zone, json!({ "location": "global", "properties": {} }));
    world.link(&roles.link, &roles.from_net);
    world.link(&roles.own_link, &roles.to_net);
}

fn machine(world: &mut World) {
    source_net(world);
    let (roles, address) = (world.roles.clone(), world.address.clone());
    world.put(
        &roles.interface,
        json!({ "properties": { "enableIPForwarding": false,
        "ipConfigurations": [{ "name": "ip", "properties": { "privateIPAddress": address,
        "subnet": { "id": roles.to_subnet } } }] } }),
    );
    world.host = Some(address);
}

/// The office's lines end in a hub, whose gateway the copier's network uses.
fn office(world: &mut World) {
    let (roles, region) = (world.roles.clone(), world.region);
    let hub = hub(world);
    let gate = format!("{hub}/subnets/GatewaySubnet");
    world.put(&gate, json!({ "properties": { "addressPrefix": "10.250.0.0/27" } }));
    let of = |what: &str| format!("{}/Microsoft.Network/{what}", roles.spare);
    let (gateway, office) = (of("virtualNetworkGateways/gw"), of("localNetworkGateways/office"));
    world.put(&gateway, json!({ "location": region, "properties": { "gatewayType": "Vpn",
        "enableBgp": false, "ipConfigurations": [{ "properties": { "subnet": { "id": gate } } }] } }));
    world.put(
        &office,
        json!({ "properties": {
        "localNetworkAddressSpace": { "addressPrefixes": ["10.230.0.0/16"] } } }),
    );
    world.put(
        &of("connections/line"),
        json!({ "properties": { "connectionType": "IPsec",
        "enableBgp": false, "connectionStatus": "Connected",
        "virtualNetworkGateway1": { "id": gateway }, "localNetworkGateway2": { "id": office } } }),
    );
    world.set(
        &format!("{}/virtualNetworkPeerings/hub", roles.from_net),
        "useRemoteGateways",
        json!(true),
    );
    world.set(&format!("{hub}/virtualNetworkPeerings/spoke"), "allowGatewayTransit", json!(true));
    world.host = Some("10.230.7.5".to_owned());
}

/// A hub that is peered with the copier's network. Its id; its one subnet is `core`.
pub(crate) fn hub(world: &mut World) -> String {
    let roles = world.roles.clone();
    let hub = format!("{}/Microsoft.Network/virtualNetworks/hub-of-all", roles.spare);
    if world.has(&hub) {
        return hub;
    }
    world.net(&hub, "10.250.0.0/16", "core", "10.250.1.0/24");
    let from = world.from.whole();
    world.half(&format!("{}/virtualNetworkPeerings/hub", roles.from_net), &hub, "10.250.0.0/16");
    world.half(&format!("{hub}/virtualNetworkPeerings/spoke"), &roles.from_net, &from);
    hub
}
