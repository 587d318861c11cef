//! Meshes of network managers, which join their members without a peering: whether one is deployed, ARM does not tell.

use serde_json::Value;

use super::verdict::Gate;
use super::world::{World, address_space, flag, list, reference, region, text};

const CONFIGURATION: &str = "microsoft.network/networkmanagers/connectivityconfigurations";

/// What is not known of a mesh that joins two networks, or may.
pub(super) fn between(world: &World, near: &str, far: &str) -> Option<Gate> {
    let place = |network| world.body(network).and_then(region);
    let are_apart = place(near).zip(place(far)).is_some_and(|(near, far)| near != far);
    for (key, body) in world.all(CONFIGURATION) {
        for (group, is_global) in meshed_groups(body) {
            if are_apart && !is_global {
                continue;
            }
            let members = members(world, &group);
            if members.is_empty() {
                return Some(Gate::unknown("the members of network group", &group));
            }
            if [near, far].iter().all(|one| members.iter().any(|member| member == one)) {
                return Some(Gate::unknown("the deployment of mesh", key));
            }
        }
    }
    None
}

/// The same for a network and whichever one has an address.
pub(super) fn towards(world: &World, near: &str, address: u32) -> Option<Gate> {
    let networks = world.all("microsoft.network/virtualnetworks");
    let holds = |network: &str| {
        address_space(world, network).0.iter().any(|prefix| prefix.contains(address))
    };
    let mut holders = networks.map(|(key, _)| key).filter(|key| *key != near && holds(key));
    holders.find_map(|far| between(world, near, far))
}

/// Groups whose members a configuration joins to each other, and whether it does so across regions.
fn meshed_groups(configuration: &Value) -> Vec<(String, bool)> {
    let is = |body: &Value, path: &[&str], word: &str| {
        text(body, path).is_some_and(|text| text.eq_ignore_ascii_case(word))
    };
    let is_mesh = is(configuration, &["properties", "connectivityTopology"], "Mesh");
    let groups = list(configuration, &["properties", "appliesToGroups"]).unwrap_or(&[]);
    let joined = groups
        .iter()
        .filter(|group| is_mesh || is(group, &["groupConnectivity"], "DirectlyConnected"));
    let is_set =
        |body: &Value, path: &[&str]| flag(body, path).unwrap_or_else(|| is(body, path, "True"));
    let everywhere = is_set(configuration, &["properties", "isGlobal"]);
    joined
        .filter_map(|group| {
            let is_global = everywhere || is_set(group, &["isGlobal"]);
            Some((reference(group, &["networkGroupId"])?, is_global))
        })
        .collect()
}

/// The networks that were captured as members of a group.
fn members(world: &World, group: &str) -> Vec<String> {
    let members = world.children(group, "staticmembers");
    members.filter_map(|(_, body)| reference(body, &["properties", "resourceId"])).collect()
}
