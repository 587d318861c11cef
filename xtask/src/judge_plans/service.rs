//! What Azure does of itself and the server does not: children listed in their parents, and
//! reactions to requests.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

/// Lists in a parent's properties that are resources of their own: type of the parent, and name of
/// the list, which is also the children's type.
const NESTED: [(&str, &str); 6] = [
    ("microsoft.network/virtualnetworks", "subnets"),
    ("microsoft.network/virtualnetworks", "virtualNetworkPeerings"),
    ("microsoft.network/networksecuritygroups", "securityRules"),
    ("microsoft.network/routetables", "routes"),
    ("microsoft.dbforpostgresql/servers", "privateEndpointConnections"),
    ("microsoft.dbforpostgresql/flexibleservers", "privateEndpointConnections"),
];

/// Addresses at the start of a subnet that Azure keeps for itself.
const RESERVED_FIRST: u32 = 4;

/// Addresses of a subnet that are tried: the examples' subnets hold fewer.
const ADDRESSES_TRIED: u32 = 256;

/// A request that changed something.
pub(super) struct Request {
    method: String,
    /// Path in lower case, without the query.
    key: String,
    query: String,
    /// 201 for something new.
    code: u64,
}

impl Request {
    /// A line of the server's log; `None` for one that only read, or failed.
    pub(super) fn of_log(line: &Value) -> Option<Request> {
        let method = line.get("m")?.as_str()?.to_owned();
        let code = line.get("code")?.as_u64()?;
        let is_change = ["PUT", "PATCH", "DELETE"].contains(&method.as_str()) && code < 300;
        let path = line.get("p")?.as_str()?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        is_change.then(|| Request {
            method,
            key: path.trim_end_matches('/').to_ascii_lowercase(),
            query: query.to_ascii_lowercase(),
            code,
        })
    }
}

/// An estate as the server holds it: children are resources of their own there.
pub(super) struct World {
    pub(super) resources: Vec<Value>,
    /// Children that were taken out of a parent's list: parent, list, child.
    taken: Vec<(String, &'static str, String)>,
}

fn key(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_default().to_ascii_lowercase()
}

fn kind(resource: &Value) -> String {
    resource["type"].as_str().unwrap_or_default().to_ascii_lowercase()
}

impl World {
    /// Azure answers for a rule, a route or a connection at its own id too.
    pub(super) fn of(estate: &[Value]) -> World {
        let mut world = World { resources: estate.to_vec(), taken: Vec::new() };
        for parent in estate {
            let lists = NESTED.iter().filter(|(owner, _)| *owner == kind(parent));
            for (_, list) in lists {
                for child in parent["properties"][list].as_array().into_iter().flatten() {
                    let name = child["name"].as_str().unwrap_or_default();
                    let own =
                        format!("{}/{list}/{name}", parent["id"].as_str().unwrap_or_default());
                    let id = child["id"].as_str().unwrap_or(&own).to_owned();
                    let mut whole = child.clone();
                    whole["id"] = json!(id);
                    whole["name"] = json!(id.rsplit('/').next());
                    let kind = parent["type"].as_str().unwrap_or_default();
                    whole["type"] = json!(format!("{kind}/{list}"));
                    world.taken.push((key(parent), list, id.to_ascii_lowercase()));
                    if !estate.iter().any(|other| key(other) == id.to_ascii_lowercase()) {
                        world.resources.push(whole);
                    }
                }
            }
        }
        world
    }

    /// The estate as Azure would tell it after the requests.
    pub(super) fn back(&self, left: Vec<Value>, requests: &[Request]) -> Vec<Value> {
        let mut all: BTreeMap<String, Value> =
            left.into_iter().map(|one| (key(&one), one)).collect();
        for (index, request) in requests.iter().enumerate() {
            let later = &requests[index + 1..];
            match all.contains_key(&request.key) {
                true => react(&mut all, request),
                false => self.part(&mut all, request, later),
            }
        }
        // Children go back to where they were found.
        let mut lists: BTreeMap<(&str, &str), Vec<Value>> = BTreeMap::new();
        for (parent, list, child) in &self.taken {
            lists.entry((parent, list)).or_default().extend(all.remove(child));
        }
        for ((parent, list), children) in lists {
            if let Some(parent) = all.get_mut(parent) {
                parent["properties"][list] = Value::Array(children);
            }
        }
        all.into_values().collect()
    }

    /// A zone counts a deleted link no longer. A deleted half of a peering leaves the other one Disconnected; one that was made later is
    /// another one.
    fn part(&self, all: &mut BTreeMap<String, Value>, request: &Request, later: &[Request]) {
        let gone = self.resources.iter().find(|one| key(one) == request.key);
        if gone.is_some_and(|one| kind(one) == LINK) {
            count_link(all, &request.key, -1);
        }
        let Some(gone) = gone.filter(|one| kind(one).ends_with("/virtualnetworkpeerings")) else {
            return;
        };
        let is_older = |key: &String| later.iter().all(|one| one.key != *key || one.code != 201);
        for half in
            halves_back(all, &request.key, &remote_of(gone)).iter().filter(|key| is_older(key))
        {
            set(all, half, "peeringState", json!("Disconnected"));
        }
    }
}

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
/// - a VNet rule becomes Ready.
fn react(all: &mut BTreeMap<String, Value>, request: &Request) {
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
        "microsoft.dbforpostgresql/servers/virtualnetworkrules" => {
            set(all, &request.key, "state", json!("Ready"));
        }
        _ => {}
    }
}

const LINK: &str = "microsoft.network/privatednszones/virtualnetworklinks";

fn set(all: &mut BTreeMap<String, Value>, key: &str, field: &str, value: Value) {
    if let Some(resource) = all.get_mut(key) {
        resource["properties"][field] = value;
    }
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

fn count_link(all: &mut BTreeMap<String, Value>, link: &str, by: i64) {
    if let Some(zone) = all.get_mut(&parent_of(link))
        && let Some(count) = zone["properties"]["numberOfVirtualNetworkLinks"].as_i64()
    {
        zone["properties"]["numberOfVirtualNetworkLinks"] = json!((count + by).max(0));
    }
}

/// The network at the other end of a half.
fn remote_of(half: &Value) -> String {
    let id = half["properties"]["remoteVirtualNetwork"]["id"].as_str();
    id.unwrap_or_default().to_ascii_lowercase()
}

/// Halves that other networks hold towards this one's network.
fn halves_back(all: &BTreeMap<String, Value>, key: &str, remote: &str) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";

    fn request(method: &str, path: &str, code: u64) -> Request {
        let line =
            json!({ "m": method, "p": format!("{NETWORK}{path}?api-version=1"), "code": code });
        Request::of_log(&line).expect("a change")
    }

    fn half(network: &str, remote: &str) -> Value {
        json!({ "id": format!("{NETWORK}/virtualNetworks/{network}/virtualNetworkPeerings/p"),
            "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings", "name": "p",
            "properties": { "remoteVirtualNetwork": { "id": format!("{NETWORK}/virtualNetworks/{remote}") } } })
    }

    fn state(estate: &[Value], index: usize) -> &str {
        estate[index]["properties"]["peeringState"].as_str().unwrap_or("none")
    }

    #[test]
    fn an_untouched_estate_comes_back_as_it_was() {
        let group = json!({ "id": format!("{NETWORK}/networkSecurityGroups/g"),
            "type": "Microsoft.Network/networkSecurityGroups", "name": "g",
            "properties": { "securityRules": [{ "name": "r", "properties": { "priority": 100 } }] } });
        let world = World::of(std::slice::from_ref(&group));
        assert_eq!(world.resources.len(), 2);
        let back = world.back(world.resources.clone(), &[]);
        assert_eq!(back.len(), 1);
        let rules = &back[0]["properties"]["securityRules"];
        assert_eq!(rules[0]["properties"], group["properties"]["securityRules"][0]["properties"]);
        let left = vec![group];
        let back = world.back(left, &[]);
        assert_eq!(back[0]["properties"]["securityRules"], json!([]), "a deleted rule is gone");
    }

    #[test]
    fn halves_are_joined_by_the_second_and_parted_by_a_deletion() {
        let world = World::of(&[half("a", "b"), half("b", "a")]);
        let made = |name: &str| {
            request("PUT", &format!("/virtualNetworks/{name}/virtualNetworkPeerings/p"), 201)
        };
        let one = world.back(vec![half("a", "b")], &[made("a")]);
        assert_eq!(state(&one, 0), "Initiated");
        let both = world.back(vec![half("a", "b"), half("b", "a")], &[made("a"), made("b")]);
        assert_eq!((state(&both, 0), state(&both, 1)), ("Connected", "Connected"));
        let gone = request("DELETE", "/virtualNetworks/a/virtualNetworkPeerings/p", 200);
        let parted = world.back(vec![half("b", "a")], &[gone]);
        assert_eq!(state(&parted, 0), "Disconnected");
        let gone = request("DELETE", "/virtualNetworks/a/virtualNetworkPeerings/p", 200);
        let again = world.back(vec![half("b", "a")], &[gone, made("b")]);
        assert_eq!(state(&again, 0), "Initiated", "a half made later is another one");
    }

    #[test]
    fn requests_that_only_read_or_failed_change_nothing() {
        let line = |method: &str, code: u64| json!({ "m": method, "p": "/x", "code": code });
        assert!(Request::of_log(&line("GET", 200)).is_none());
        assert!(Request::of_log(&line("PUT", 404)).is_none());
        assert!(Request::of_log(&json!({ "msi": "/msi/token" })).is_none());
    }
}
