//! Meshes of network managers, which join their members without a peering: whether one is deployed, ARM does not tell.

use serde_json::Value;

use super::verdict::Gate;
use super::world::{World, address_space, flag, list, reference, region, text};

const CONFIGURATION: &str = "microsoft.network/networkmanagers/connectivityconfigurations";

/// What is not known of a mesh that joins two networks, or may.
pub(super) fn between(world: &World, near: &str, far: &str) -> Option<Gate> {
    let place = |network| world.body(network).and_then(region);
    let are_apart = place(near).zip(place(far)).is_some_and(|(near, far)| near != far);
    let (here, there) = (in_force(world, near), in_force(world, far));
    if let (Some(here), Some(there)) = (&here, &there) {
        let mut both = here.iter().filter(|(group, _)| there.iter().any(|(one, _)| one == group));
        let may_reach = both.any(|(_, is_global)| *is_global || !are_apart);
        return may_reach.then(|| Gate::unknown("which subnets a mesh leaves out of", near));
    }
    if [&here, &there].into_iter().flatten().any(|groups| groups.is_empty()) {
        return None;
    }
    // One list of two says of whom the one network is a neighbour, and not who else is.
    for (network, groups) in [(near, here), (far, there)] {
        let may_reach = match groups {
            Some(groups) => groups.iter().any(|(_, is_global)| *is_global || !are_apart),
            None => lists(world, network).next().is_some(),
        };
        if may_reach {
            return Some(Gate::unknown("all members of the meshes in force on", network));
        }
    }
    for (key, body) in world.all(CONFIGURATION) {
        for (group, is_global) in meshed_groups(&body["properties"]) {
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

/// Whether a mesh may join a network with some other one, whichever that is.
pub(super) fn may_join(world: &World, network: &str) -> bool {
    if lists(world, network).next().is_some() {
        return in_force(world, network).is_none_or(|groups| !groups.is_empty());
    }
    let mut groups =
        world.all(CONFIGURATION).flat_map(|(_, body)| meshed_groups(&body["properties"]));
    groups.any(|(group, _)| {
        let members = members(world, &group);
        members.is_empty() || members.iter().any(|one| one == network)
    })
}

fn lists<'w>(world: &'w World, network: &'w str) -> impl Iterator<Item = (&'w str, &'w Value)> {
    world.children(network, "listnetworkmanagereffectiveconnectivityconfigurations")
}

/// The meshed groups that Azure says are in force on a network; `None` where it was not asked, or not all of its answer was captured.
fn in_force(world: &World, network: &str) -> Option<Vec<(String, bool)>> {
    let (_, body) = lists(world, network).next()?;
    if text(body, &["properties", "skipToken"]).is_some_and(|more| !more.is_empty()) {
        return None;
    }
    let mut groups = Vec::new();
    for one in list(body, &["properties", "value"])? {
        let own = list(one, &["configurationGroups"])
            .or_else(|| list(one, &["properties", "configurationGroups"]))?;
        let own: Option<Vec<String>> = own.iter().map(|group| reference(group, &["id"])).collect();
        let own = own?;
        let inner = one.get("properties").unwrap_or(one);
        let meshed = meshed_groups(inner);
        if own.is_empty() && !meshed.is_empty() {
            return None;
        }
        groups.extend(meshed.into_iter().filter(|(group, _)| own.contains(group)));
    }
    Some(groups)
}

/// Groups whose members a configuration, by its properties, joins to each other, and whether it does so across regions.
fn meshed_groups(configuration: &Value) -> Vec<(String, bool)> {
    let is = |body: &Value, path: &[&str], word: &str| {
        text(body, path).is_some_and(|text| text.eq_ignore_ascii_case(word))
    };
    let is_mesh = is(configuration, &["connectivityTopology"], "Mesh");
    let groups = list(configuration, &["appliesToGroups"]).unwrap_or(&[]);
    let joined = groups
        .iter()
        .filter(|group| is_mesh || is(group, &["groupConnectivity"], "DirectlyConnected"));
    let is_set =
        |body: &Value, path: &[&str]| flag(body, path).unwrap_or_else(|| is(body, path, "True"));
    let everywhere = is_set(configuration, &["isGlobal"]);
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
