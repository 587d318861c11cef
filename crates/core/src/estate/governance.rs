//! What stands above networks: configurations of network managers, locks, and providers of subscriptions.

use super::body::Node;
use super::problem::Problems;
use super::shapes::whole_list;
use super::{Estate, Key};
use crate::id::ResourceId;

/// A connectivity configuration of a network manager.
#[derive(Debug, Clone)]
pub struct Connectivity {
    /// Groups whose members are joined to each other, with whether that holds across regions.
    pub meshed_groups: Vec<(ResourceId, bool)>,
}

/// A group whose members a configuration joins to each other.
#[derive(Debug, Clone)]
pub struct MeshedGroup {
    /// The configuration.
    pub configuration: ResourceId,
    /// The group.
    pub group: ResourceId,
    /// Whether that holds across regions.
    pub is_global: bool,
}

/// The connectivity configurations that are in force on a network, as Azure lists them. Child of the network.
#[derive(Debug, Clone)]
pub struct EffectiveConnectivity {
    /// Groups of which the network is a member; `None` when not all of them can be read.
    pub meshed_groups: Option<Vec<MeshedGroup>>,
}

/// A network as member of a network group.
#[derive(Debug, Clone)]
pub struct GroupMember {
    /// The network.
    pub vnet: ResourceId,
}

/// A management lock. Its scope is what its id stands below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// `ReadOnly` or `CanNotDelete`, as written.
    pub level: Option<String>,
}

impl Lock {
    /// Whether nothing below the lock may be changed; `None` where its level was not observed.
    pub fn forbids_changes(&self) -> Option<bool> {
        self.level.as_deref().map(|level| level.eq_ignore_ascii_case("ReadOnly"))
    }
}

/// Whether a subscription has a resource provider registered; named as a resource of the subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// `Registered`, `NotRegistered` and so on, as written.
    pub state: Option<String>,
}

impl Registration {
    /// Whether nothing of the provider can be made in the subscription.
    pub fn is_lacking(&self) -> bool {
        let is =
            |word: &str| self.state.as_deref().is_some_and(|one| one.eq_ignore_ascii_case(word));
        is("NotRegistered") || is("Unregistered")
    }
}

/// The id by which the registration of a provider is kept; `None` for what is no id of one in a subscription, which Azure writes
/// `/subscriptions/S/providers/Microsoft.Network`.
pub(super) fn registration_id(text: &str) -> Option<ResourceId> {
    let parts: Vec<&str> = text.trim().trim_matches('/').split('/').collect();
    let [subscriptions, subscription, providers, namespace] = parts.as_slice() else { return None };
    let is_one = subscriptions.eq_ignore_ascii_case("subscriptions")
        && providers.eq_ignore_ascii_case("providers");
    is_one.then(|| registration_of(subscription, namespace)).flatten()
}

/// The id by which a subscription's registration of a provider is kept.
pub fn registration_of(subscription: &str, namespace: &str) -> Option<ResourceId> {
    ResourceId::parse(&format!(
        "/subscriptions/{subscription}/providers/Microsoft.Resources/registrations/{namespace}"
    ))
}

/// Locks that act on a resource, the nearest first.
pub fn locks_on<'e>(
    estate: &'e Estate,
    id: &ResourceId,
) -> impl Iterator<Item = (&'e ResourceId, &'e Lock)> {
    id.scopes().into_iter().flat_map(|scope| estate.list::<Lock>(Key::LocksOn(scope)))
}

pub(crate) fn connectivity(node: &Node, problems: &mut Problems) -> Connectivity {
    let is_true = |text: Option<String>| text.is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let topology = node.text("connectivityTopology", problems).unwrap_or_default();
    let is_mesh = topology.eq_ignore_ascii_case("mesh");
    let everywhere = is_true(node.word("isGlobal", problems));
    let mut meshed_groups = Vec::new();
    for one in node.array("appliesToGroups", problems).unwrap_or_default() {
        let joined = one.text("groupConnectivity", problems).unwrap_or_default();
        let is_global = everywhere || is_true(one.word("isGlobal", problems));
        if (is_mesh || joined.eq_ignore_ascii_case("directlyconnected"))
            && let Some(group) = one.id("networkGroupId", problems)
        {
            meshed_groups.push((group, is_global));
        }
    }
    Connectivity { meshed_groups }
}

pub(crate) fn effective_connectivity(
    node: &Node,
    problems: &mut Problems,
) -> EffectiveConnectivity {
    let listed = whole_list(node, "skipToken", problems);
    let of_one = |one: &Node| {
        let id = one.id("id", problems)?;
        let own = one.array("configurationGroups", problems)?;
        let own: Option<Vec<_>> = own.iter().map(|group| group.id("id", problems)).collect();
        let (own, meshed) = (own?, connectivity(one, problems).meshed_groups);
        if own.is_empty() && !meshed.is_empty() {
            // In force by a group that the answer does not name.
            return None;
        }
        let mine = meshed.into_iter().filter(|(group, _)| own.contains(group));
        let configuration =
            |(group, is_global)| MeshedGroup { configuration: id.clone(), group, is_global };
        Some(mine.map(configuration).collect::<Vec<_>>())
    };
    let groups: Option<Vec<_>> = listed.and_then(|all| all.iter().map(of_one).collect());
    EffectiveConnectivity { meshed_groups: groups.map(|all| all.concat()) }
}

pub(crate) fn group_member(node: &Node, problems: &mut Problems) -> Option<GroupMember> {
    let Some(vnet) = node.id("resourceId", problems) else {
        problems.add("", "group member without resourceId; it is left out");
        return None;
    };
    Some(GroupMember { vnet })
}

pub(crate) fn registration(node: &Node, problems: &mut Problems) -> Registration {
    Registration { state: node.text("registrationState", problems) }
}

pub(crate) fn lock(node: &Node, problems: &mut Problems) -> Lock {
    Lock { level: node.text("level", problems) }
}
