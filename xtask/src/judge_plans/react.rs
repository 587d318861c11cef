//! What Azure does of itself when a request succeeds.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::service::{Request, kind};

/// Addresses at the start of a subnet that Azure keeps for itself.
const RESERVED_FIRST: u32 = 4;

/// Addresses of a subnet that are tried: the examples' subnets hold fewer.
const ADDRESSES_TRIED: u32 = 256;

/// What Azure does of itself when a request of this type succeeds, and nothing else:
///
/// - a link of a zone becomes Completed, and the zone counts it, until it is deleted (`World::part`);
/// - a half of a peering learns the other network's space when it is made or synchronised, as one that
///   was only declared did; two halves, none of them disconnected, become Connected; a deleted half
///   leaves the other one Disconnected (`World::part`);
/// - a private endpoint gets the address it asks for, or one of its subnet, and a network interface,
///   and is approved, since who makes it owns the server too: both ends say so;
/// - an approval shows at both ends;
/// - a zone group writes the record of the server, where its zone exists;
/// - a VNet rule becomes Ready;
/// - a firewall has the first free address of its subnet;
/// - a route table lists its routes, where it has none, too.
pub(super) fn react(all: &mut BTreeMap<String, Value>, request: &Request) {
    if request.method == "DELETE" {
        return;
    }
    let resource = all[&request.key].clone();
    match kind(&resource).as_str() {
        LINK => complete_link(all, request),
        "microsoft.network/virtualnetworks/virtualnetworkpeerings" => join(all, request),
        "microsoft.network/privateendpoints" => connect(all, &request.key),
        "microsoft.dbforpostgresql/servers/privateendpointconnections"
        | "microsoft.dbforpostgresql/flexibleservers/privateendpointconnections" => {
            tell_both_ends(all, &request.key);
        }
        "microsoft.network/privateendpoints/privatednszonegroups" => {
            write_record(all, &request.key)
        }
        "microsoft.network/azurefirewalls" => settle(all, &request.key),
        "microsoft.network/routetables" if resource["properties"]["routes"].is_null() => {
            set(all, &request.key, "routes", json!([]));
        }
        "microsoft.dbforpostgresql/servers/virtualnetworkrules" => {
            set(all, &request.key, "state", json!("Ready"));
        }
        _ => {}
    }
}

pub(super) const LINK: &str = "microsoft.network/privatednszones/virtualnetworklinks";

pub(super) fn set(all: &mut BTreeMap<String, Value>, key: &str, field: &str, value: Value) {
    if let Some(resource) = all.get_mut(key) {
        resource["properties"][field] = value;
    }
}

/// Gives a firewall the address that it has: nobody else is in its subnet.
fn settle(all: &mut BTreeMap<String, Value>, key: &str) {
    let mut firewall = all[key].clone();
    let places = firewall["properties"]["ipConfigurations"].as_array_mut();
    for place in places.into_iter().flatten() {
        let subnet = place["properties"]["subnet"]["id"].as_str().unwrap_or_default();
        let prefix = all.get(&subnet.to_ascii_lowercase());
        let prefix = prefix.and_then(|one| one["properties"]["addressPrefix"].as_str());
        let first = prefix.and_then(|text| text.split('/').next()?.parse::<Ipv4Addr>().ok());
        if let Some(first) = first {
            let address = Ipv4Addr::from(u32::from(first) + RESERVED_FIRST);
            place["properties"]["privateIPAddress"] = json!(address.to_string());
        }
    }
    all.insert(key.to_owned(), firewall);
}

fn parent_of(key: &str) -> String {
    key.rsplitn(3, '/').nth(2).unwrap_or_default().to_owned()
}

fn complete_link(all: &mut BTreeMap<String, Value>, request: &Request) {
    set(all, &request.key, "virtualNetworkLinkState", json!("Completed"));
    if request.code == 201 {
        count_link(all, &request.key, 1);
    }
}

pub(super) fn count_link(all: &mut BTreeMap<String, Value>, link: &str, by: i64) {
    if let Some(zone) = all.get_mut(&parent_of(link))
        && let Some(count) = zone["properties"]["numberOfVirtualNetworkLinks"].as_i64()
    {
        zone["properties"]["numberOfVirtualNetworkLinks"] = json!((count + by).max(0));
    }
}

/// The network at the other end of a half.
pub(super) fn remote_of(half: &Value) -> String {
    let id = half["properties"]["remoteVirtualNetwork"]["id"].as_str();
    id.unwrap_or_default().to_ascii_lowercase()
}

/// Halves that other networks hold towards this one's network.
pub(super) fn halves_back(all: &BTreeMap<String, Value>, key: &str, remote: &str) -> Vec<String> {
    let own = parent_of(key);
    let is_back = |(other, half): &(&String, &Value)| {
        parent_of(other) == remote
            && kind(half).ends_with("/virtualnetworkpeerings")
            && remote_of(half) == own
    };
    all.iter().filter(is_back).map(|(other, _)| other.clone()).collect()
}

fn join(all: &mut BTreeMap<String, Value>, request: &Request) {
    let half = all[&request.key].clone();
    let remote = remote_of(&half);
    if (request.code == 201 || request.query.contains("syncremoteaddressspace=true"))
        && let Some(network) = all.get(&remote)
    {
        let space = network["properties"]["addressSpace"].clone();
        set(all, &request.key, "remoteAddressSpace", space.clone());
        set(all, &request.key, "remoteVirtualNetworkAddressSpace", space);
        set(all, &request.key, "peeringSyncLevel", json!("FullyInSync"));
    }
    let is_apart = |all: &BTreeMap<String, Value>, key: &str| {
        all[key]["properties"]["peeringState"].as_str() == Some("Disconnected")
    };
    let back = halves_back(all, &request.key, &remote);
    let joined =
        back.iter().find(|other| !is_apart(all, other)).filter(|_| !is_apart(all, &request.key));
    match joined.cloned() {
        Some(other) => {
            for key in [&request.key, &other] {
                set(all, key, "peeringState", json!("Connected"));
            }
            let own = all
                .get(&parent_of(&request.key))
                .map(|one| one["properties"]["addressSpace"].clone());
            if let (true, Some(space)) =
                (all[&other]["properties"]["remoteAddressSpace"].is_null(), own)
            {
                set(all, &other, "remoteAddressSpace", space);
            }
        }
        None if !is_apart(all, &request.key) => {
            set(all, &request.key, "peeringState", json!("Initiated"));
        }
        None => {}
    }
}

/// Gives a private endpoint an address and its approval, once.
fn connect(all: &mut BTreeMap<String, Value>, endpoint: &str) {
    let body = all[endpoint].clone();
    let id = body["id"].as_str().unwrap_or_default().to_owned();
    let subnet = body["properties"]["subnet"]["id"].as_str().unwrap_or_default().to_owned();
    let asked = &body["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"];
    let address = match asked.as_str() {
        Some(asked) => Some(asked.to_owned()),
        None => free_address(all, &subnet.to_ascii_lowercase()).map(|free| free.to_string()),
    };
    let Some(address) = address else { return };
    let interface = id.replacen("/privateEndpoints/", "/networkInterfaces/", 1) + ".nic";
    let configuration = json!({ "name": "ip", "properties": {
        "privateIPAddress": address, "subnet": { "id": subnet } } });
    let nic = json!({ "id": interface, "type": "Microsoft.Network/networkInterfaces",
        "name": interface.rsplit('/').next(),
        "properties": { "ipConfigurations": [configuration], "privateEndpoint": { "id": id } } });
    all.insert(interface.to_ascii_lowercase(), nic);
    set(all, endpoint, "networkInterfaces", json!([{ "id": interface }]));
    let approved = json!({ "status": "Approved", "description": "Auto-approved" });
    let connections = body["properties"]["privateLinkServiceConnections"].clone();
    for (index, connection) in connections.as_array().into_iter().flatten().enumerate() {
        let server = connection["properties"]["privateLinkServiceId"].as_str().unwrap_or_default();
        if let Some(own) = all.get_mut(endpoint) {
            let own = &mut own["properties"]["privateLinkServiceConnections"][index];
            own["properties"]["privateLinkServiceConnectionState"] = approved.clone();
        }
        let theirs = format!(
            "{server}/privateEndpointConnections/{}-1",
            id.rsplit('/').next().unwrap_or("")
        );
        let kind = kind(all.get(&server.to_ascii_lowercase()).unwrap_or(&Value::Null));
        let their_body = json!({ "id": theirs, "type": format!("{kind}/privateEndpointConnections"),
            "properties": { "privateEndpoint": { "id": id }, "privateLinkServiceConnectionState": approved } });
        all.insert(theirs.to_ascii_lowercase(), their_body);
    }
}

/// The first address of a subnet that nothing speaks of.
fn free_address(all: &BTreeMap<String, Value>, subnet: &str) -> Option<Ipv4Addr> {
    let properties = &all.get(subnet)?["properties"];
    let prefix =
        properties["addressPrefix"].as_str().or(properties["addressPrefixes"][0].as_str())?;
    let base: Ipv4Addr = prefix.split('/').next()?.parse().ok()?;
    let text: String = all.values().map(Value::to_string).collect();
    (RESERVED_FIRST..ADDRESSES_TRIED)
        .map(|offset| Ipv4Addr::from(u32::from(base) + offset))
        .find(|address| !text.contains(&format!("\"{address}\"")))
}

fn tell_both_ends(all: &mut BTreeMap<String, Value>, connection: &str) {
    let body = all[connection].clone();
    let state = body["properties"]["privateLinkServiceConnectionState"].clone();
    let server = parent_of(connection);
    let endpoint = body["properties"]["privateEndpoint"]["id"].as_str().unwrap_or_default();
    let Some(endpoint) = all.get_mut(&endpoint.to_ascii_lowercase()) else { return };
    for list in ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"] {
        for one in endpoint["properties"][list].as_array_mut().into_iter().flatten() {
            let service = one["properties"]["privateLinkServiceId"].as_str().unwrap_or_default();
            if service.eq_ignore_ascii_case(&server) {
                one["properties"]["privateLinkServiceConnectionState"] = state.clone();
            }
        }
    }
}

/// Writes the record that a zone group keeps: the server's name with the endpoint's address.
fn write_record(all: &mut BTreeMap<String, Value>, group: &str) {
    let endpoint = all.get(&parent_of(group)).cloned().unwrap_or_default();
    let id = endpoint["id"].as_str().unwrap_or_default();
    let owned = |nic: &&Value| {
        let owner = nic["properties"]["privateEndpoint"]["id"].as_str();
        kind(nic) == "microsoft.network/networkinterfaces"
            && owner.is_some_and(|owner| owner.eq_ignore_ascii_case(id))
    };
    let nic = all.values().find(owned);
    let address = nic.map(|nic| {
        nic["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"].clone()
    });
    let connections = ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"];
    let server = connections.iter().find_map(|list| {
        let service = &endpoint["properties"][list][0]["properties"]["privateLinkServiceId"];
        service.as_str()?.rsplit('/').next()
    });
    let (Some(address), Some(server)) = (address, server) else { return };
    let configs = all[group]["properties"]["privateDnsZoneConfigs"].clone();
    for config in configs.as_array().into_iter().flatten() {
        let zone = config["properties"]["privateDnsZoneId"].as_str().unwrap_or_default();
        if !all.contains_key(&zone.to_ascii_lowercase()) {
            continue;
        }
        let record = format!("{zone}/A/{server}");
        let body = json!({ "id": record, "name": server, "type": "Microsoft.Network/privateDnsZones/A",
            "properties": { "ttl": 10, "aRecords": [{ "ipv4Address": address }] } });
        all.insert(record.to_ascii_lowercase(), body);
    }
}
