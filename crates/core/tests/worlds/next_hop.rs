//! Routes to addresses of all sorts, on the way there and back: of those that nobody can have both readings have to know.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::generate::{Case, GROUP, case, id, subnet};

/// Addresses of the copier's network, of the source's, and of none.
const HOPS: [&str; 6] =
    ["10.2.8.4", "10.2.2.9", "10.1.8.4", "10.1.1.9", "10.99.0.4", "192.168.0.4"];

/// The world with that number, and routes in it that lead to some machine.
pub(crate) fn handed(seed: u64) -> Case {
    let mut case = case(seed);
    // Another stream than that of the world itself.
    let mut chance = Chance::new(!seed);
    list_subnets(&mut case, &mut chance);
    let ends =
        [(subnet("target", "postgres"), "10.1.0.0/16", 100), (home(&case), "10.2.0.0/16", 30)];
    for (index, (end, prefix, often)) in ends.into_iter().enumerate() {
        let end = id(&end);
        let is_it = |body: &&mut Value| body["id"].as_str().is_some_and(|text| id(text) == end);
        let Some(body) = case.resources.iter_mut().find(is_it) else { continue };
        if !chance.hits(often) {
            continue;
        }
        let table = format!("{GROUP}/Microsoft.Network/routeTables/handed{index}");
        body["properties"]["routeTable"] = json!({ "id": table });
        let route = json!({ "addressPrefix": prefix, "nextHopType": "VirtualAppliance",
            "nextHopIpAddress": chance.pick(&HOPS) });
        let routes = json!([{ "name": "handed", "properties": route }]);
        let properties = json!({ "routes": routes, "disableBgpRoutePropagation": false });
        case.resources.push(json!({ "id": table, "properties": properties }));
    }
    if chance.hits(15) {
        case.resources.push(mesh(&mut chance));
    }
    if chance.hits(60) {
        case.resources.push(machine(&mut chance));
    }
    case
}

/// A machine that some of the routes lead to, with rules of its own or without.
fn machine(chance: &mut Chance) -> Value {
    let [near, far] =
        [("10.2.2.9", subnet("target", "apps")), ("10.1.1.9", subnet("source", "endpoints"))];
    let (address, home) = if chance.hits(70) { near } else { far };
    let group = chance.pick(&["out", "in", ""]);
    let group = (!group.is_empty()).then(
        || json!({ "id": format!("{GROUP}/Microsoft.Network/networkSecurityGroups/{group}") }),
    );
    let place = json!({ "privateIPAddress": address, "subnet": { "id": home } });
    json!({ "id": format!("{GROUP}/Microsoft.Network/networkInterfaces/handing"),
        "properties": { "enableIPForwarding": chance.hits(80), "networkSecurityGroup": group,
            "ipConfigurations": [{ "name": "0", "properties": place }] } })
}

/// The source's own subnet, or that of its endpoint.
fn home(case: &Case) -> String {
    let body = case.resources.iter().find(|body| body["id"] == case.source.as_str());
    let own =
        body.and_then(|body| body["properties"]["network"]["delegatedSubnetResourceId"].as_str());
    own.map_or_else(|| subnet("source", "endpoints"), str::to_owned)
}

/// Networks list their subnets, as Azure tells them, or not.
fn list_subnets(case: &mut Case, chance: &mut Chance) {
    let ids: Vec<String> =
        case.resources.iter().filter_map(|body| body["id"].as_str().map(str::to_owned)).collect();
    for body in &mut case.resources {
        let Some(own) = body["id"].as_str().map(|own| format!("{own}/subnets/")) else { continue };
        if body["properties"].get("addressSpace").is_none() {
            continue;
        }
        let names = ids.iter().filter_map(|id| id.strip_prefix(&own));
        let mut all: Vec<Value> =
            names.map(|name| json!({ "name": name, "id": format!("{own}{name}") })).collect();
        if chance.hits(10) {
            all.push(json!({ "name": "unseen", "id": format!("{own}unseen") }));
        }
        body["properties"]["subnets"] =
            if chance.hits(10) { Value::Null } else { Value::Array(all) };
    }
}

/// A mesh of networks that are not told.
fn mesh(chance: &mut Chance) -> Value {
    let manager = format!("{GROUP}/Microsoft.Network/networkManagers/m");
    let group = json!({ "networkGroupId": format!("{manager}/networkGroups/g"),
        "groupConnectivity": chance.pick(&["DirectlyConnected", "None"]), "isGlobal": "True" });
    json!({ "id": format!("{manager}/connectivityConfigurations/c"),
        "type": "Microsoft.Network/networkManagers/connectivityConfigurations",
        "properties": { "connectivityTopology": chance.pick(&["Mesh", "HubAndSpoke"]),
            "isGlobal": "True", "appliesToGroups": [group] } })
}
