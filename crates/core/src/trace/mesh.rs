//! Meshes of network managers: they join their members without a peering, and stand in no network's list of peerings.

use crate::change::whole_place;
use crate::estate::governance::{Connectivity, EffectiveConnectivity, GroupMember, MeshedGroup};
use crate::estate::network::{Vnet, region_key};
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::shell::{in_double_quotes, quoted};

/// A connected group of a network manager.
#[derive(Debug, Clone)]
pub struct Mesh {
    /// The configuration that makes it.
    pub configuration: ResourceId,
    /// Whether it joins the two networks where it is deployed: one that is not global ends at its region's border. `None` where a
    /// region was not observed.
    pub reaches: Option<bool>,
    /// Whether Azure lists it as in force on both.
    pub is_in_force: bool,
}

/// A mesh of which two networks are members, and what is not known of the way through one.
pub(super) fn of(
    estate: &Estate,
    near: &ResourceId,
    far: &ResourceId,
) -> (Option<Mesh>, Option<Missing>) {
    let is_near = are_in_one_region(estate, near, far);
    let reaches = |is_global: bool| if is_global { Some(true) } else { is_near };
    let configured = configured(estate, near, far);
    let configured = configured.map(|(configuration, is_global)| Mesh {
        configuration,
        reaches: reaches(is_global),
        is_in_force: false,
    });
    if let Some(common) = in_force(estate, near, far) {
        let best = common.into_iter().max_by_key(|one| one.is_global);
        let mesh = best.map(|one| Mesh {
            configuration: one.configuration.clone(),
            reaches: reaches(one.is_global),
            is_in_force: true,
        });
        // What is not in force joins nobody; that it would not either is worth a word.
        let mesh = mesh.or_else(|| configured.filter(|mesh| mesh.reaches == Some(false)));
        let missing = mesh.as_ref().and_then(|mesh| unproven(mesh, near, far));
        return (mesh, missing);
    }
    let missing = configured.as_ref().and_then(|mesh| unproven(mesh, near, far));
    let missing = missing
        .or_else(|| half_told(estate, near, far, is_near))
        .or_else(|| half_told(estate, far, near, is_near))
        .or_else(|| unread_group(estate, near, far, is_near));
    (configured, missing)
}

/// A list of what is in force on one network that was not captured in full, or that has a mesh of which the other one may be a member.
fn half_told(
    estate: &Estate,
    own: &ResourceId,
    other: &ResourceId,
    is_near: Option<bool>,
) -> Option<Missing> {
    let (list, facts) = estate.only_below::<EffectiveConnectivity>(own)?;
    let (what, resource, asked) = match &facts.meshed_groups {
        None => (format!("the end of the list of meshes of `{}`", own.name()), list, own),
        Some(groups) => {
            let mut groups = groups.iter();
            let mesh = groups.find(|one| one.is_global || is_near != Some(false))?;
            let name = mesh.configuration.name();
            let what = format!("whether mesh `{name}` is in force on `{}`, too", other.name());
            (what, &mesh.configuration, other)
        }
    };
    let help = format!("add {}", listing([asked]));
    Some(Missing { what, resource: Some(resource.clone()), help })
}

/// What is not known of a mesh that may join two networks.
fn unproven(mesh: &Mesh, near: &ResourceId, far: &ResourceId) -> Option<Missing> {
    let name = mesh.configuration.name();
    let (what, help) = match (mesh.reaches, mesh.is_in_force) {
        (Some(false), _) => return None,
        (Some(true), true) => (
            format!(
                "whether mesh `{name}` carries packets between these subnets: it leaves out those whose addresses another \
                 member has too"
            ),
            "probe the path from the target: `flexway probe`".to_owned(),
        ),
        (None, true) => (
            format!("whether mesh `{name}` ends at a region's border between the two networks"),
            "capture both networks again: `location` tells their regions".to_owned(),
        ),
        (_, false) => (
            format!("whether connectivity configuration `{name}` is deployed"),
            format!("add {}", listing([near, far])),
        ),
    };
    Some(Missing { what, resource: Some(mesh.configuration.clone()), help })
}

/// The commands that tell what network managers make of networks.
fn listing<const N: usize>(vnets: [&ResourceId; N]) -> String {
    let command = |vnet: &ResourceId| {
        let list = format!("{vnet}/listNetworkManagerEffectiveConnectivityConfigurations");
        let list = in_double_quotes(&list);
        format!(
            "the output of `az rest --method post --body '{{}}' --url \"{list}?api-version=2023-11-01\" --query \"{{id: \
             '{list}/current', properties: @}}\"`"
        )
    };
    vnets.map(command).join(" and ")
}

/// Groups in force on both networks, where Azure's lists tell; `None` where they do not.
fn in_force<'e>(
    estate: &'e Estate,
    near: &ResourceId,
    far: &ResourceId,
) -> Option<Vec<&'e MeshedGroup>> {
    match (listed(estate, near), listed(estate, far)) {
        (Some(near), Some(far)) => {
            let is_common = |one: &&MeshedGroup| far.iter().any(|other| other.group == one.group);
            Some(near.iter().filter(is_common).collect())
        }
        (Some([]), None) | (None, Some([])) => Some(Vec::new()),
        _ => None,
    }
}

/// The meshed groups in force on a network, where all of Azure's list was captured.
fn listed<'e>(estate: &'e Estate, vnet: &ResourceId) -> Option<&'e [MeshedGroup]> {
    let (_, list) = estate.only_below::<EffectiveConnectivity>(vnet)?;
    list.meshed_groups.as_deref()
}

/// The configuration that meshes two networks, by the members that were captured, and whether it does so across regions.
fn configured(estate: &Estate, near: &ResourceId, far: &ResourceId) -> Option<(ResourceId, bool)> {
    let theirs: Vec<ResourceId> = groups_of(estate, far).collect();
    let both: Vec<ResourceId> =
        groups_of(estate, near).filter(|group| theirs.contains(group)).collect();
    if both.is_empty() {
        return None;
    }
    let meshes = estate.all::<Connectivity>().filter_map(|(id, one)| {
        let groups = one.meshed_groups.iter().filter(|(group, _)| both.contains(group));
        Some((id.clone(), groups.map(|(_, is_global)| *is_global).max()?))
    });
    meshes.max_by_key(|(_, is_global)| *is_global)
}

/// The network groups that a network is known to be a member of.
fn groups_of(estate: &Estate, vnet: &ResourceId) -> impl Iterator<Item = ResourceId> {
    let members = estate.list::<GroupMember>(Key::GroupsOf(vnet.clone()));
    members.filter_map(|(id, _)| id.parent())
}

/// Whether a mesh may join a network with others, be they captured or not.
pub(super) fn may_join(estate: &Estate, vnet: &ResourceId) -> bool {
    if let Some((_, list)) = estate.only_below::<EffectiveConnectivity>(vnet) {
        return list.meshed_groups.as_ref().is_none_or(|groups| !groups.is_empty());
    }
    let own: Vec<ResourceId> = groups_of(estate, vnet).collect();
    let mut meshed = estate.all::<Connectivity>().flat_map(|(_, one)| &one.meshed_groups);
    meshed.any(|(group, _)| {
        own.contains(group) || estate.children::<GroupMember>(group).next().is_none()
    })
}

fn are_in_one_region(estate: &Estate, near: &ResourceId, far: &ResourceId) -> Option<bool> {
    let region = |vnet: &ResourceId| {
        estate.find::<Vnet>(vnet).and_then(|vnet| vnet.location.as_deref().map(region_key))
    };
    Some(region(near)? == region(far)?)
}

/// A mesh whose members were not captured, or follow from a policy: both networks may be among them.
fn unread_group(
    estate: &Estate,
    near: &ResourceId,
    far: &ResourceId,
    is_near: Option<bool>,
) -> Option<Missing> {
    let mut groups = estate.all::<Connectivity>().flat_map(|(_, one)| &one.meshed_groups);
    let is_unread = |(group, is_global): &&(ResourceId, bool)| {
        (*is_global || is_near != Some(false))
            && estate.children::<GroupMember>(group).next().is_none()
    };
    groups.find(is_unread).map(|(group, _)| Missing {
        what: format!(
            "the members of network group `{}`, which a mesh joins to each other",
            group.name()
        ),
        resource: Some(group.clone()),
        help: format!(
            "add the output of `az network manager group static-member list {} --network-manager-name {} \
             --network-group-name {}`, or {}",
            whole_place(group),
            quoted(group.name_at(0)),
            quoted(group.name()),
            listing([near, far])
        ),
    })
}
