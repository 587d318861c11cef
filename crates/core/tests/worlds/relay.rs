//! A relay host in a random world: a machine with an interface, and whatever gives it a way into the internet.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::generate::{Case, GROUP, TARGET, case, id, network, subnet, zone_id};

pub(crate) const INTERFACE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/relay";

const POOL: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/relays/backendAddressPools/all";

const MEMBERS: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationSecurityGroups/relays";

/// The world with that number, and a relay host in it.
pub(crate) fn relayed(seed: u64) -> Case {
    let mut case = case(seed);
    // Another stream than that of the world itself.
    let mut chance = Chance::new(!seed);
    let (of, name, address) = chance.pick(&[
        ("target", "postgres", "10.2.1.4"),
        ("target", "postgres", "10.2.1.5"),
        ("target", "apps", "10.2.2.9"),
        ("source", "endpoints", "10.1.1.9"),
    ]);
    let place = subnet(of, name);
    give_target_a_zone(&mut case, &mut chance);
    let mut configuration = json!({ "primary": true, "privateIPAddress": address,
        "subnet": { "id": place } });
    let mut properties = json!({});
    if chance.hits(40) {
        configuration["applicationSecurityGroups"] = json!([{ "id": MEMBERS }]);
    }
    let public = format!("{GROUP}/Microsoft.Network/publicIPAddresses/relay");
    if chance.hits(50) {
        configuration["publicIPAddress"] = json!({ "id": public });
        put_address(&mut case, &mut chance, &public);
    }
    if chance.hits(50) {
        let group = format!("{GROUP}/Microsoft.Network/networkSecurityGroups/relay");
        properties["networkSecurityGroup"] = json!({ "id": group });
        let rules: Vec<Value> =
            (0..chance.below(3)).map(|index| rule(&mut chance, index)).collect();
        let body = json!({ "id": group, "properties": { "securityRules": rules } });
        case.resources.push(body);
    }
    if chance.hits(8) {
        let server = chance.pick(&["168.63.129.16", "10.2.9.9"]);
        properties["dnsSettings"] = json!({ "dnsServers": [server] });
    }
    if chance.hits(20) {
        put_balancer(&mut case, &mut chance);
        configuration["loadBalancerBackendAddressPools"] = json!([{ "id": POOL }]);
    }
    let second = json!({ "primary": false, "privateIPAddress": "10.2.1.6",
        "subnet": { "id": place } });
    let list =
        if chance.hits(10) { json!([second, configuration]) } else { json!([configuration]) };
    let named = list.as_array().into_iter().flatten().enumerate();
    properties["ipConfigurations"] =
        named.map(|(index, one)| json!({ "name": index.to_string(), "properties": one })).collect();
    case.resources.push(json!({ "id": INTERFACE, "properties": properties }));
    if chance.hits(25) {
        let nat = format!("{GROUP}/Microsoft.Network/natGateways/nat");
        let public = format!("{GROUP}/Microsoft.Network/publicIPAddresses/nat");
        put_address(&mut case, &mut chance, &public);
        let mut given = json!({ "publicIpAddresses": [{ "id": public }] });
        if chance.hits(30) {
            let prefix = format!("{GROUP}/Microsoft.Network/publicIPPrefixes/nat");
            let body = json!({ "id": prefix, "properties": { "ipPrefix": "20.50.7.6/31" } });
            given = json!({ "publicIpAddresses": [], "publicIpPrefixes": [{ "id": prefix }] });
            case.resources.push(body);
        }
        case.resources.push(json!({ "id": nat, "properties": given }));
        with_subnet(&mut case, &place, "natGateway", json!({ "id": nat }));
    }
    if chance.hits(40) {
        let lent = chance.pick(&[true, false, false]);
        with_subnet(&mut case, &place, "defaultOutboundAccess", json!(lent));
    }
    case.copier = Some(INTERFACE.to_owned());
    case
}

/// A load balancer whose rules may take the members of its pool into the internet.
fn put_balancer(case: &mut Case, chance: &mut Chance) {
    let (balancer, _) = POOL.split_once("/backendAddressPools/").expect("a pool's id");
    let (front, public) = (
        format!("{balancer}/frontendIPConfigurations/f"),
        format!("{GROUP}/Microsoft.Network/publicIPAddresses/balancer"),
    );
    put_address(case, chance, &public);
    let used = json!({ "backendAddressPool": { "id": POOL }, "frontendIPConfiguration": { "id": front },
        "frontendIPConfigurations": [{ "id": front }], "disableOutboundSnat": chance.hits(50) });
    let [outbound, balanced] =
        [(); 2].map(|()| if chance.hits(50) { json!([{ "properties": used }]) } else { json!([]) });
    let door = json!({ "id": front, "properties": { "publicIPAddress": { "id": public } } });
    let mut properties =
        json!({ "frontendIPConfigurations": [door], "loadBalancingRules": balanced });
    if !chance.hits(10) {
        properties["outboundRules"] = outbound;
    }
    case.resources.push(json!({ "id": balancer, "properties": properties }));
}

/// The zone in which the target's own name is found, linked to the networks.
fn give_target_a_zone(case: &mut Case, chance: &mut Chance) {
    let zone = zone_id("g", "new-db.private.postgres.database.azure.com");
    for body in &mut case.resources {
        if body["id"] == TARGET && body["properties"]["network"]["publicNetworkAccess"].is_null() {
            body["properties"]["network"]["privateDnsZoneArmResourceId"] = json!(zone);
        }
    }
    for near in ["target", "source"].into_iter().filter(|_| !chance.hits(4)) {
        let properties = json!({ "virtualNetwork": { "id": network(near) },
            "virtualNetworkLinkState": "Completed", "registrationEnabled": false });
        let link = format!("{zone}/virtualNetworkLinks/{near}");
        case.resources.push(json!({ "id": link, "properties": properties }));
    }
    case.resources.push(json!({ "id": zone, "properties": {} }));
}

/// Rules of the doors hold some of these addresses.
fn put_address(case: &mut Case, chance: &mut Chance, id: &str) {
    let address = chance.pick(&["20.50.7.7", "20.50.7.8", "40.0.0.1"]);
    let body = json!({ "id": id, "properties": { "ipAddress": address } });
    if !chance.hits(10) {
        case.resources.push(body);
    }
}

fn with_subnet(case: &mut Case, wanted: &str, field: &str, value: Value) {
    for body in &mut case.resources {
        if body["id"].as_str().is_some_and(|text| id(text) == id(wanted)) {
            body["properties"][field] = value.clone();
        }
    }
}

fn rule(chance: &mut Chance, index: usize) -> Value {
    let access = chance.pick(&["Allow", "Deny"]);
    let port = chance.pick(&["*", "5432", "53"]);
    let to = chance.pick(&["*", "10.1.0.0/16", "VirtualNetwork", "Internet", "AzurePlatformDNS"]);
    let mut properties = json!({ "priority": 100 + index, "direction": "Outbound",
        "access": access, "protocol": "*", "sourcePortRange": "*", "destinationPortRange": port,
        "destinationAddressPrefix": to });
    match chance.below(3) {
        0 => properties["sourceApplicationSecurityGroups"] = json!([{ "id": MEMBERS }]),
        1 => properties["sourceAddressPrefix"] = json!("*"),
        _ => properties["sourceAddressPrefix"] = json!("10.2.1.4"),
    }
    json!({ "name": format!("r{index}"), "properties": properties })
}
