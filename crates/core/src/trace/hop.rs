//! Whether two networks are joined: both halves of their peering, and what each says.

use crate::address::AddressSet;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::trace::breaks::{Break, BreakKind, breaks_of_both};
use crate::trace::mesh::{self, Mesh};
use crate::trace::outward;
use crate::trace::route;
use crate::trace::virtual_hub;

/// One of two ends whose networks may be joined.
#[derive(Debug, Clone, Copy)]
pub struct Shore<'e> {
    /// The network.
    pub vnet: &'e ResourceId,
    /// The subnet.
    pub subnet: &'e ResourceId,
    /// Addresses there that count; `None` for all of the subnet.
    pub addresses: Option<&'e AddressSet>,
}

impl<'e> Shore<'e> {
    /// A whole subnet.
    pub fn of(vnet: &'e ResourceId, subnet: &'e ResourceId) -> Shore<'e> {
        Shore { vnet, subnet, addresses: None }
    }
}

/// How two networks stand to each other.
#[derive(Debug, Clone)]
pub enum Joined {
    /// They are the same network.
    Same,
    /// A peering carries traffic between the two subnets.
    Peered {
        /// The half in the first network.
        near: ResourceId,
        /// The half in the second network.
        far: ResourceId,
    },
    /// There is a peering, and it does not carry this traffic, for these reasons: one at least. With what was not observed of it.
    Broken(Vec<Break>, Option<Missing>),
    /// There is no half of a peering on one side or on both.
    Apart {
        /// The half in the first network, if it is there.
        near: Option<ResourceId>,
        /// The half in the second network, if it is there.
        far: Option<ResourceId>,
        /// What is wrong with the half that is there, and would be once the other one is there too.
        breaks: Vec<Break>,
        /// Another way that this model does not follow: gateways, or a virtual hub.
        other_way: Option<Missing>,
        /// A mesh that both networks are members of.
        mesh: Option<Mesh>,
        /// A network that both are peered with: peering does not carry on through it.
        between: Option<ResourceId>,
        /// Addresses that make a peering impossible.
        overlap: Option<Overlap>,
    },
    /// The second network was not observed.
    Unknown(Missing),
}

impl Joined {
    /// What is wrong with the halves that are there.
    pub fn breaks(&self) -> &[Break] {
        match self {
            Joined::Apart { breaks, .. } | Joined::Broken(breaks, _) => breaks,
            Joined::Same | Joined::Peered { .. } | Joined::Unknown(_) => &[],
        }
    }

    /// The mesh that was to join two networks without a peering, and surely does not.
    pub fn ended_mesh(&self) -> Option<&Mesh> {
        match self {
            Joined::Apart { near: None, far: None, mesh: Some(mesh), overlap: None, .. } => {
                Some(mesh).filter(|mesh| mesh.reaches == Some(false))
            }
            _ => None,
        }
    }

    /// Whether something is known to lead neither there nor back: rules alone decide where a half does not let the other network in.
    pub fn is_cut(&self) -> bool {
        match self {
            Joined::Apart { other_way, .. } => other_way.is_none(),
            Joined::Broken(breaks, _) => {
                breaks.iter().any(|one| one.kind != BreakKind::AccessOff && one.lost_part.is_none())
            }
            Joined::Same | Joined::Peered { .. } | Joined::Unknown(_) => false,
        }
    }

    /// Whether no packet crosses.
    pub fn is_apart(&self) -> bool {
        match self {
            Joined::Apart { .. } => true,
            Joined::Broken(breaks, _) => breaks.iter().any(|one| one.lost_part.is_none()),
            Joined::Same | Joined::Peered { .. } | Joined::Unknown(_) => false,
        }
    }
}

/// Addresses that one of two networks has and that the other one has too, or is peered with already.
#[derive(Debug, Clone)]
pub struct Overlap {
    /// The addresses.
    pub addresses: AddressSet,
    /// The network that has them as a peer, and that peer; `None` where both have them themselves.
    pub peer: Option<(ResourceId, ResourceId)>,
}

/// Looks at both halves of the peering between two networks for traffic between two subnets.
pub fn join(estate: &Estate, near: Shore, far: Shore) -> Joined {
    let (near_vnet, far_vnet) = (near.vnet, far.vnet);
    let (here, there) = (near, far);
    if near_vnet == far_vnet {
        return Joined::Same;
    }
    let near = half(estate, near_vnet, far_vnet);
    let far = half(estate, far_vnet, near_vnet);
    let (Some((near_id, _)), Some((far_id, _))) = (near, far) else {
        // The network's own body lists its halves, so without it their absence proves nothing. That of one of them is enough.
        let lacking = [(far, far_vnet), (near, near_vnet)].into_iter();
        let lacking = lacking.filter(|(half, _)| half.is_none());
        let unread = lacking
            .map(|(_, vnet)| estate.get::<Vnet>(vnet).err().or_else(|| unread_half(estate, vnet)));
        let unread: Option<Vec<Missing>> = unread.collect();
        if let Some(missing) = unread.and_then(|all| all.into_iter().next()) {
            return Joined::Unknown(missing);
        }
        let (mesh, unmeshed) = mesh::of(estate, near_vnet, far_vnet);
        let other_way = unmeshed.or_else(|| gateway_way(estate, here, there));
        let (mut breaks, _) = breaks_of_both(estate, (near, here), (far, there));
        let is_of_state =
            |one: &Break| matches!(one.kind, BreakKind::Initiated | BreakKind::Disconnected);
        breaks.retain(|one| other_way.is_none() && !is_of_state(one));
        return Joined::Apart {
            near: near.map(|(id, _)| id.clone()),
            far: far.map(|(id, _)| id.clone()),
            breaks,
            other_way,
            mesh,
            between: between(estate, near_vnet, far_vnet),
            overlap: overlap(estate, near_vnet, far_vnet),
        };
    };
    let (mut breaks, unread) = breaks_of_both(estate, (near, here), (far, there));
    // A half that does not count the other one has it made anew with itself, whatever else is wrong with either.
    if breaks.iter().any(|one: &Break| one.kind == BreakKind::Initiated) {
        breaks.retain(|one| matches!(one.kind, BreakKind::Initiated | BreakKind::Disconnected));
    }
    match (breaks.is_empty(), unread) {
        (true, None) => Joined::Peered { near: near_id.clone(), far: far_id.clone() },
        (true, Some(missing)) => Joined::Unknown(missing),
        (false, unread) => Joined::Broken(breaks, unread),
    }
}

/// The half of a peering that one network holds towards another.
pub fn half<'e>(
    estate: &'e Estate,
    vnet: &ResourceId,
    remote: &ResourceId,
) -> Option<(&'e ResourceId, &'e Peering)> {
    estate.list::<Peering>(Key::PeeringsBetween(vnet.clone(), remote.clone())).next()
}

/// Whether a half of a network may be connected. One that does not tell its state is not before the other network has a half.
pub(super) fn may_be_up(estate: &Estate, vnet: &ResourceId, facts: &Peering) -> bool {
    let is_alone = || {
        estate.find::<Vnet>(&facts.remote).is_some() && half(estate, &facts.remote, vnet).is_none()
    };
    !facts.is_down() && (facts.state.is_some() || !is_alone())
}

/// Whether the peering of two networks surely carries nothing: a half is not connected, or not there.
pub fn is_severed(estate: &Estate, near: &ResourceId, far: &ResourceId) -> bool {
    [(near, far), (far, near)].into_iter().any(|(vnet, remote)| match half(estate, vnet, remote) {
        Some((_, half)) => half.is_down(),
        None => estate.find::<Vnet>(vnet).is_some() && unread_half(estate, vnet).is_none(),
    })
}

/// A half of which it is not known where it leads: it may be the one that is looked for.
pub(super) fn unread_half(estate: &Estate, vnet: &ResourceId) -> Option<Missing> {
    let is_half =
        |id: &&ResourceId| id.is_type("microsoft.network/virtualnetworks/virtualnetworkpeerings");
    let unread = estate.unread_below(vnet).find(is_half)?;
    Some(Missing::field(unread, "remoteVirtualNetwork.id"))
}

/// A network that both networks are peered with, and that is no virtual hub's.
fn between(estate: &Estate, near: &ResourceId, far: &ResourceId) -> Option<ResourceId> {
    let remotes = estate.children::<Peering>(near).map(|(_, half)| &half.remote);
    let joins_both =
        |hub: &&ResourceId| !virtual_hub::is_of_hub(hub) && half(estate, far, hub).is_some();
    remotes.filter(joins_both).min().cloned()
}

/// Why Azure refuses to peer two networks: it knows one network at most behind each address.
fn overlap(estate: &Estate, near: &ResourceId, far: &ResourceId) -> Option<Overlap> {
    let space = |vnet: &ResourceId| {
        estate.get::<Vnet>(vnet).map(|vnet| AddressSet::of(&vnet.space)).unwrap_or_default()
    };
    let found = |addresses: AddressSet, peer| {
        (!addresses.is_empty()).then_some(Overlap { addresses, peer })
    };
    let of_peers = |vnet: &ResourceId, other: &ResourceId| {
        let claimed = space(other);
        // Between subnets only those have to differ.
        let mut halves = estate
            .children::<Peering>(vnet)
            .filter(|(_, half)| half.remote != *other && half.subnets_only.is_none());
        halves.find_map(|(_, half)| {
            let shared = AddressSet::of(&half.remote_space).intersection(&claimed);
            found(shared, Some((vnet.clone(), half.remote.clone())))
        })
    };
    found(space(near).intersection(&space(far)), None)
        .or_else(|| of_peers(near, far))
        .or_else(|| of_peers(far, near))
}

/// Gateways in both networks can join them; whether they do is not followed here. Not where one is known to lead elsewhere alone, nor
/// where a subnet sends nothing to them, as it takes none of their routes.
fn gateway_way(estate: &Estate, here: Shore, there: Shore) -> Option<Missing> {
    let (near, far) = (here.vnet, there.vnet);
    let is_cut_off =
        || [here, there].iter().any(|shore| route::uses_no_gateway(estate, shore.subnet));
    if let (Some(hub), Some(_)) =
        (virtual_hub::hub_of(estate, near), virtual_hub::hub_of(estate, far))
    {
        return (!is_cut_off()).then(|| virtual_hub::routes_of_hub(&hub));
    }
    let has_gateway =
        |vnet: &ResourceId| estate.find::<Subnet>(&outward::gateway_subnet(vnet)).is_some();
    let may_join = has_gateway(near)
        && has_gateway(far)
        && !outward::leads_elsewhere(estate, near, far)
        && !outward::leads_elsewhere(estate, far, near)
        && !is_cut_off();
    may_join.then(|| {
        Missing::other(
            format!(
                "whether the gateways of `{}` and `{}` join the two networks",
                near.name(),
                far.name()
            ),
            "probe the path from the target: `flexway probe`",
        )
    })
}
