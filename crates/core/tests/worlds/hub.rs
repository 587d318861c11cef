//! Networks that are joined by a hub, whose firewall of Azure gets what goes between them: its rules, its addresses, and the way back.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::generate::{Case, GROUP, TARGET, case, id, network, nullable, subnet, zone_id};
use crate::hub_rules::give_rules;

pub(crate) const SEAT: &str = "AzureFirewallSubnet";

/// Worlds that are looked at until one has its source in a network.
const TRIES_MAX: u64 = 40;

/// Where a firewall stands: its network, the prefix of its subnet, and its address.
pub(crate) type Place = (&'static str, &'static str, &'static str);

pub(crate) const HUB: Place = ("hub", "10.0.1.0/26", "10.0.1.4");
const AT_TARGET: Place = ("target", "10.2.8.0/26", "10.2.8.4");
const AT_SOURCE: Place = ("source", "10.1.8.0/26", "10.1.8.4");

pub(crate) fn resource(kind: &str, name: &str) -> String {
    format!("{GROUP}/Microsoft.Network/{kind}/{name}")
}

/// The world with that number, in which a firewall stands between the copier and the source.
pub(crate) fn through_hub(seed: u64) -> Case {
    // Another stream than that of the world itself.
    let mut chance = Chance::new(!seed);
    let is_any = chance.hits(20);
    let mut seeds = (0..TRIES_MAX).map(|index| case(seed * TRIES_MAX + index));
    let fits = |case: &Case| is_any || home(case).is_some();
    let mut case = seeds.find(fits).unwrap_or_else(|| case(seed));
    give_name(&mut case, &mut chance);
    let place = chance.mostly(HUB, 15, &[AT_TARGET, AT_SOURCE]);
    put_firewall(&mut case, &mut chance, place, "firewall");
    if chance.hits(6) {
        let other = chance.pick(&[AT_TARGET, AT_SOURCE]);
        if other.0 != place.0 {
            put_firewall(&mut case, &mut chance, other, "second");
        }
    }
    if place == HUB {
        put_peerings(&mut case, &mut chance);
    }
    put_routes(&mut case, &mut chance, place);
    if chance.hits(25) {
        let index = chance.below(case.resources.len());
        case.resources.remove(index);
    }
    case
}

/// The source's own subnet.
fn home(case: &Case) -> Option<String> {
    let body = case.resources.iter().find(|body| body["id"] == case.source.as_str())?;
    let home = body["properties"]["network"]["delegatedSubnetResourceId"].as_str();
    home.filter(|_| case.resources.iter().any(|body| body["id"] == TARGET)).map(str::to_owned)
}

/// The source's own zone mostly has a record, or does not tell that it has none.
fn give_name(case: &mut Case, chance: &mut Chance) {
    let Some(home) = home(case) else { return };
    let own = zone_id("g", "old.private.postgres.database.azure.com");
    let address = if home == subnet("target", "other") { "10.2.3.4" } else { "10.1.2.4" };
    let has_record = chance.hits(60);
    let count = if has_record { json!(2) } else { Value::Null };
    if chance.hits(8) {
        return;
    }
    if let Some(zone) = find(case, &own) {
        zone["properties"]["numberOfRecordSets"] = count;
    }
    if has_record {
        let record = json!({ "ttl": 10, "aRecords": [{ "ipv4Address": address }] });
        put(case, &format!("{own}/A/a1b2c3"), record);
    }
}

pub(crate) fn find<'c>(case: &'c mut Case, key: &str) -> Option<&'c mut Value> {
    let is_it = |body: &&mut Value| body["id"].as_str().is_some_and(|text| id(text) == id(key));
    case.resources.iter_mut().find(is_it)
}

/// Puts a resource into a world, in the place of one that it has.
pub(crate) fn put(case: &mut Case, key: &str, properties: Value) {
    remove(case, key);
    case.resources.push(json!({ "id": key, "properties": properties }));
}

fn remove(case: &mut Case, key: &str) {
    case.resources.retain(|body| body["id"].as_str().is_none_or(|text| id(text) != id(key)));
}

pub(crate) fn put_firewall(case: &mut Case, chance: &mut Chance, place: Place, name: &str) {
    let (of, prefix, address) = place;
    let seat = subnet(of, SEAT);
    put(case, &seat, json!({ "addressPrefix": prefix }));
    let own = json!({ "name": "first", "properties": { "privateIPAddress": address,
        "subnet": { "id": seat }, "publicIPAddress": { "id": resource("publicIPAddresses", name) } } });
    let mut properties = json!({ "ipConfigurations": [own] });
    let public = json!({ "ipAddress": chance.pick(&["20.50.7.7", "40.0.0.1"]) });
    put(case, &resource("publicIPAddresses", name), public);
    give_rules(case, chance, name, &mut properties);
    put(case, &resource("azureFirewalls", name), properties);
}

/// Peers both networks with the hub, and mostly not with each other.
pub(crate) fn put_peerings(case: &mut Case, chance: &mut Chance) {
    let space = json!({ "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] } });
    put(case, &network("hub"), space);
    if !chance.hits(15) {
        for (near, far) in [("target", "source"), ("source", "target")] {
            remove(case, &half_id(near, far));
        }
    }
    for (spoke, space) in [("target", "10.2.0.0/16"), ("source", "10.1.0.0/16")] {
        let takes_none = chance.hits(6);
        let mut flag = || match takes_none {
            true => Some(false),
            false => chance.mostly(Some(true), 8, &[Some(false), None]),
        };
        let flags = [flag(), flag()];
        let halves = [(spoke, "hub", "10.0.0.0/16"), ("hub", spoke, space)];
        for ((near, far, space), forwards) in halves.into_iter().zip(flags) {
            if chance.hits(2) {
                continue;
            }
            let state = chance.mostly("Connected", 4, &["Initiated", "Disconnected", ""]);
            let access = chance.mostly(Some(true), 3, &[Some(false), None]);
            let space = chance.mostly(space, 3, &["10.7.0.0/16"]);
            let half = json!({ "remoteVirtualNetwork": { "id": network(far) },
                "peeringState": nullable(state), "allowVirtualNetworkAccess": access,
                "allowForwardedTraffic": forwards,
                "remoteAddressSpace": { "addressPrefixes": [space] } });
            put(case, &half_id(near, far), half);
        }
    }
}

pub(crate) fn half_id(near: &str, far: &str) -> String {
    format!("{}/virtualNetworkPeerings/{far}", network(near))
}

/// Routes to the firewall and back, and sometimes others.
fn put_routes(case: &mut Case, chance: &mut Chance, (of, _, address): Place) {
    let home = home(case);
    let is_near = home.as_deref() == Some(&*subnet("target", "other"));
    let wide = chance.pick(&["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16"]);
    let there = if is_near { "10.2.3.0/28" } else { wide };
    if !chance.hits(8) {
        let hop = chance.mostly(address, 4, &["10.0.1.9", "10.1.8.4", "10.2.8.4"]);
        let led = table(there, "VirtualAppliance", hop);
        give_table(case, &subnet("target", "postgres"), "led", led);
    }
    let all = ["10.2.0.0/16", "10.2.1.0/28", "10.0.0.0/8", "0.0.0.0/0", "10.2.1.0/29"];
    let wide = chance.pick(&all);
    let back = if is_near { chance.pick(&["10.2.1.0/29", "10.2.1.0/28"]) } else { wide };
    let back = match chance.below(100) {
        0..72 => table(back, "VirtualAppliance", address),
        72..78 => table(back, "None", ""),
        78..82 => table(back, "VnetLocal", ""),
        82..90 => {
            let others = ["10.0.1.9", "10.1.8.4", "10.2.8.4", "10.1.1.9"];
            table(back, "VirtualAppliance", chance.pick(&others))
        }
        _ => Value::Null,
    };
    let home = home.unwrap_or_else(|| subnet("source", "endpoints"));
    give_table(case, &home, "answers", back);
    if chance.hits(12) {
        let hop = chance.pick(&["Internet", "None", "VirtualAppliance", "VnetLocal"]);
        let prefix = chance.pick(&["0.0.0.0/0", "10.1.0.0/16", "10.2.0.0/16", "10.1.2.4/32"]);
        give_table(case, &subnet(of, SEAT), "seat", table(prefix, hop, address));
    }
}

pub(crate) fn table(prefix: &str, hop: &str, address: &str) -> Value {
    let address = (hop == "VirtualAppliance").then_some(address);
    let route = json!({ "addressPrefix": prefix, "nextHopType": hop, "nextHopIpAddress": address });
    let routes = json!([{ "name": "route", "properties": route }]);
    json!({ "routes": routes, "disableBgpRoutePropagation": false })
}

/// Gives a subnet that table, or none.
pub(crate) fn give_table(case: &mut Case, of: &str, name: &str, table: Value) {
    let key = resource("routeTables", name);
    let refer = (!table.is_null()).then(|| json!({ "id": key }));
    let Some(body) = find(case, of) else { return };
    body["properties"]["routeTable"] = json!(refer);
    if refer.is_some() {
        put(case, &key, table);
    }
}
