//! Meshes of network managers, which join their members without a peering: whether one is deployed, ARM does not tell.

use serde_json::Value;

use super::verdict::Gate;
use super::world::{World, address_space, list, reference, text};

const CONFIGURATION: &str = "microsoft.network/networkmanagers/connectivityconfigurations";

/// What is not known of a mesh that joins two networks, or may.
pub(super) fn between(world: &World, near: &str, far: &str) -> Option<Gate> {
    for (key, body) in world.all(CONFIGURATION) {
        for group in meshed_groups(body) {
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

/// Groups whose members a configuration joins to each other.
fn meshed_groups(configuration: &Value) -> Vec<String> {
    let is = |body: &Value, path: &[&str], word: &str| {
        text(body, path).is_some_and(|text| text.eq_ignore_ascii_case(word))
    };
    let is_mesh = is(configuration, &["properties", "connectivityTopology"], "Mesh");
    let groups = list(configuration, &["properties", "appliesToGroups"]).unwrap_or(&[]);
    let joined = groups
        .iter()
        .filter(|group| is_mesh || is(group, &["groupConnectivity"], "DirectlyConnected"));
    joined.filter_map(|group| reference(group, &["networkGroupId"])).collect()
}

/// The networks that were captured as members of a group.
fn members(world: &World, group: &str) -> Vec<String> {
    let members = world.children(group, "staticmembers");
    members.filter_map(|(_, body)| reference(body, &["properties", "resourceId"])).collect()
}
