//! Things around a flow that must not matter: rules about others, foreign networks and zones, kinds that nobody reads.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::world::World;

/// Adds what does not matter.
pub(crate) fn around(world: &mut World, chance: &mut Chance) {
    let (outbound, inbound) = (world.roles.out_group.clone(), world.roles.in_group.clone());
    rules(world, &outbound, chance);
    if world.has(&inbound) {
        rules(world, &inbound, chance);
    }
    for number in 0..chance.below(4) {
        stranger(world, number, chance);
    }
    if chance.hits(60) {
        let apps = format!("{}/subnets/apps", world.roles.from_net);
        let prefix = format!("{}/24", world.from.at(9, 0));
        world.put(&apps, json!({ "properties": { "addressPrefix": prefix } }));
    }
}

/// Rules that say nothing of PostgreSQL between the two ends. Numbers from 1000: injectors use those before.
fn rules(world: &mut World, group: &str, chance: &mut Chance) {
    let elsewhere = format!("{}/26", world.from.at(12, 0));
    let pool: [Value; 9] = [
        json!({ "direction": "Outbound", "access": "Allow", "protocol": "Tcp",
            "destinationAddressPrefix": "Storage", "destinationPortRange": "443" }),
        json!({ "direction": "Outbound", "access": "Deny", "protocol": "*",
            "destinationPortRange": "22" }),
        json!({ "direction": "Outbound", "access": "Deny", "protocol": "Udp",
            "destinationPortRange": "5432" }),
        json!({ "direction": "Outbound", "access": "Deny", "protocol": "*",
            "sourceAddressPrefix": elsewhere }),
        json!({ "direction": "Inbound", "access": "Deny", "protocol": "tcp",
            "sourceAddressPrefix": "Internet", "destinationPortRange": "3389" }),
        json!({ "direction": "Inbound", "access": "Deny", "protocol": "*",
            "sourceAddressPrefix": "10.200.0.0/16" }),
        json!({ "direction": "Inbound", "access": "Deny", "protocol": "Icmp" }),
        json!({ "direction": "Outbound", "access": "Deny", "protocol": "Tcp",
            "destinationPortRanges": ["1-1024", "8000-8999"], "destinationPortRange": null }),
        json!({ "direction": "Outbound", "access": "Deny", "protocol": "*",
            "destinationAddressPrefixes": ["10.200.0.0/16", "10.201.0.0/17"] }),
    ];
    for number in 0..chance.below(5) {
        let rule = pool[chance.below(pool.len())].clone();
        world.rule(group, &format!("r{number}"), 1000 + 37 * number, rule);
    }
}

/// A network, a group, a zone, a disk of somebody else.
fn stranger(world: &mut World, number: usize, chance: &mut Chance) {
    let spare = world.roles.spare.clone();
    let id = format!("{spare}/Microsoft.Network/virtualNetworks/other-{number}");
    match chance.below(5) {
        0 => {
            let space = format!("10.{}.0.0/16", 200 + number);
            world.net(&id, &space, "a", &format!("10.{}.1.0/24", 200 + number));
            let net = world.roles.from_net.clone();
            let whole = world.from.whole();
            world.half(&format!("{net}/virtualNetworkPeerings/other-{number}"), &id, &space);
            world.half(&format!("{id}/virtualNetworkPeerings/back"), &net, &whole);
        }
        1 => {
            let id = format!("{spare}/Microsoft.Network/networkSecurityGroups/other-{number}");
            world.put(&id, json!({ "properties": { "securityRules": [] } }));
            world.rule(
                &id,
                "no",
                100,
                json!({ "direction": "Outbound", "access": "Deny", "protocol": "*" }),
            );
        }
        2 => {
            let id = format!("{spare}/Microsoft.Network/privateDnsZones/corp{number}.example");
            world.put(&id, json!({ "properties": {} }));
            let net = world.roles.from_net.clone();
            world.link(&format!("{id}/virtualNetworkLinks/l"), &net);
        }
        3 => {
            let id = format!("{spare}/Microsoft.Compute/disks/disk{number}");
            world.put(&id, json!({ "properties": { "diskSizeGB": 128 } }));
        }
        _ => {
            let id = format!("{spare}/Microsoft.Network/routeTables/other-{number}");
            world.put(
                &id,
                json!({ "properties": { "routes": [{ "name": "x", "properties": {
                "addressPrefix": "0.0.0.0/0", "nextHopType": "None" } }] } }),
            );
        }
    }
}
