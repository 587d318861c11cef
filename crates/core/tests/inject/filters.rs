//! Injectors of faults in security groups. Their rules have numbers from 200, before every harmless one.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::world::World;

/// What a denying rule says of the other end: everything, or what holds it.
fn far_end(world: &World, chance: &mut Chance) -> Value {
    let public = !world.has(&world.roles.to_subnet) && world.host.is_none();
    if public {
        return json!(chance.pick(&["*", "Internet", "0.0.0.0/0"]));
    }
    match (&world.host, chance.below(2)) {
        (None, 0) => json!(world.to_prefix),
        (Some(host), 0) => json!(format!("{host}/32")),
        _ => json!("*"),
    }
}

fn deny(world: &mut World, group: &str, mut rule: Value, chance: &mut Chance) {
    rule["access"] = json!("Deny");
    rule["protocol"] = json!(chance.pick(&["*", "Tcp", "TCP"]));
    match chance.below(3) {
        0 => rule["destinationPortRange"] = json!("5000-7000"),
        1 => rule["destinationPortRanges"] = json!(["80", format!("{}", world.port)]),
        _ => {}
    }
    world.rule(group, "no", 200 + chance.below(300), rule);
}

/// A rule denies the whole copier's subnet on the way out.
pub(crate) fn deny_out(world: &mut World, chance: &mut Chance) {
    let to = far_end(world, chance);
    let mut rule = json!({ "direction": "Outbound", "destinationAddressPrefix": to });
    if chance.hits(40) {
        rule["sourceAddressPrefix"] = json!(world.from_prefix);
    }
    let group = world.roles.out_group.clone();
    deny(world, &group, rule, chance);
}

/// A rule denies the upper half of the copier's subnet.
pub(crate) fn deny_half(world: &mut World, chance: &mut Chance) {
    let (head, tail) = world.from_prefix.rsplit_once('.').expect("a prefix");
    let length: u8 = tail.rsplit('/').next().and_then(|text| text.parse().ok()).expect("a length");
    let upper = format!("{head}.{}/{}", 1_u16 << (31 - length), length + 1);
    let to = far_end(world, chance);
    let rule = json!({ "direction": "Outbound", "sourceAddressPrefix": upper,
        "destinationAddressPrefix": to });
    let group = world.roles.out_group.clone();
    deny(world, &group, rule, chance);
}

pub(crate) fn deny_in(world: &mut World, chance: &mut Chance) {
    let from = if chance.hits(50) { world.from_prefix.clone() } else { "*".to_owned() };
    let rule = json!({ "direction": "Inbound", "sourceAddressPrefix": from });
    let group = world.roles.in_group.clone();
    deny(world, &group, rule, chance);
}

pub(crate) fn deny_endpoint(world: &mut World, chance: &mut Chance) {
    let policy = chance.pick(&["Enabled", "NetworkSecurityGroupEnabled"]);
    let subnet = world.roles.to_subnet.clone();
    world.set(&subnet, "privateEndpointNetworkPolicies", json!(policy));
    deny_in(world, chance);
}

/// An allowing rule that misses the flow, and a last one that denies the rest.
fn near_miss(world: &mut World, group: &str, way: &str, mut rule: Value) {
    rule["direction"] = json!(way);
    rule["access"] = json!("Allow");
    rule["protocol"] = json!("Tcp");
    world.rule(group, "almost", 300, rule);
    world.rule(group, "rest", 4000, json!({ "direction": way, "access": "Deny", "protocol": "*" }));
}

pub(crate) fn other_tag(world: &mut World, _: &mut Chance) {
    let tag = if world.region == "eastus2" { "Sql.WestUS" } else { "Sql.EastUS2" };
    let rule = json!({ "destinationAddressPrefix": tag, "destinationPortRange": format!("{}", world.port) });
    let group = world.roles.out_group.clone();
    near_miss(world, &group, "Outbound", rule);
}

pub(crate) fn other_port(world: &mut World, chance: &mut Chance) {
    let (from, to) = (world.from_prefix.clone(), world.to_prefix.clone());
    let port = chance.pick(&["6435", "5439", "1433"]);
    let rule = json!({ "sourceAddressPrefix": from, "destinationAddressPrefix": to,
        "destinationPortRange": port });
    let group = world.roles.out_group.clone();
    near_miss(world, &group, "Outbound", rule);
}

pub(crate) fn group_as_sender(world: &mut World, _: &mut Chance) {
    let id = format!("{}/Microsoft.Network/applicationSecurityGroups/a", world.roles.spare);
    let rule = json!({ "sourceApplicationSecurityGroups": [{ "id": id }],
        "destinationPortRange": format!("{}", world.port) });
    let group = world.roles.in_group.clone();
    near_miss(world, &group, "Inbound", rule);
}

/// The machine's interface has a group of its own, which denies.
pub(crate) fn interface_denies(world: &mut World, chance: &mut Chance) {
    let id = format!("{}/Microsoft.Network/networkSecurityGroups/of-machine", world.roles.spare);
    world.put(&id, json!({ "properties": { "securityRules": [] } }));
    deny(world, &id, json!({ "direction": "Inbound" }), chance);
    let interface = world.roles.interface.clone();
    world.set(&interface, "networkSecurityGroup", json!({ "id": id }));
}
