//! How a network reaches addresses beyond its gateways: what is connected there, and which flags let it be used.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::estate::gateway::Gateway;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::lines::{own, prefixes, unread_gateway_of};
use crate::trace::route;
use crate::trace::virtual_hub::hub_of;

/// The subnet in which the gateways of a network stand, and whose routes what comes out of them obeys.
pub fn gateway_subnet(vnet: &ResourceId) -> ResourceId {
    vnet.child("subnets", "GatewaySubnet")
}

/// The way out of a network to one address.
#[derive(Debug, Clone)]
pub enum Outward {
    /// A gateway has a connection to the network that holds the address.
    Through(Line),
    /// A peered network has such a gateway, and this flag does not let it be used.
    NotLent {
        /// The gateway.
        gateway: ResourceId,
        /// The connection; `None` where the gateway may have learned such a route from its neighbours.
        line: Option<Line>,
        /// The half of the peering.
        half: ResourceId,
        /// Pointer of the flag that is false.
        pointer: String,
    },
    /// A network has such a gateway, and the peering with it carries nothing.
    Severed {
        /// What would lead on from there.
        beyond: Box<Outward>,
        /// The gateway's network.
        vnet: ResourceId,
    },
    /// Routes of gateways are kept out of the subnet.
    KeptOut {
        /// The connection; `None` where the gateway may have learned such a route from its neighbours.
        line: Option<Line>,
        /// The gateway.
        gateway: ResourceId,
        /// The route table.
        table: ResourceId,
        /// Pointer of the flag.
        pointer: String,
    },
    /// The address lies beyond a gateway, and a network here claims it: Azure's own route wins, and nobody is there.
    Claimed {
        /// The connection.
        line: Line,
        /// The network.
        vnet: ResourceId,
    },
    /// A gateway learns routes, and no resource tells which.
    Learned(ResourceId, Missing),
    /// Something that was not observed may lead there.
    Perhaps(Missing),
    /// No gateway of the network, or of one peered with it, is known to lead there.
    Nowhere,
}

impl Outward {
    /// Whether a peering carries nothing, beyond which a way is known, or a gateway that may have learned one.
    pub fn is_surely_severed(&self) -> bool {
        let leads = |way: &Outward| {
            matches!(way, Outward::Through(_) | Outward::Learned(..) | Outward::NotLent { .. })
        };
        matches!(self, Outward::Severed { beyond, .. } if leads(beyond))
    }

    /// The same where the table of a subnet keeps the routes of gateways out.
    pub(super) fn unless_kept_out(
        self,
        estate: &Estate,
        subnet: (&ResourceId, &Subnet),
    ) -> Outward {
        let (gateway, line) = match &self {
            Outward::Through(line) => (line.gateway.clone(), Some(line.clone())),
            Outward::Learned(gateway, _) => (gateway.clone(), None),
            _ => return self,
        };
        match route::table_of(estate, subnet) {
            Ok(Some((table, facts))) if facts.keeps_gateway_routes_out => {
                let (table, pointer) = (table.clone(), facts.propagation_pointer.clone());
                Outward::KeptOut { line, gateway, table, pointer }
            }
            _ => self,
        }
    }

    /// The way past whatever keeps its peering from carrying anything.
    pub fn past_the_cut(&self) -> &Outward {
        match self {
            Outward::Severed { beyond, .. } => beyond,
            way => way,
        }
    }

    /// A way beyond a peering that carries nothing, and would not be used if it did: this network's half does not ask for it.
    fn behind_flag(
        self,
        estate: &Estate,
        (vnet, half, facts): (&ResourceId, &ResourceId, &Peering),
    ) -> Outward {
        let is_free = facts.uses_remote_gateway == Some(false) && !uses_another(estate, vnet, half);
        let (Outward::Severed { beyond, vnet }, true) = (&self, is_free) else { return self };
        let (gateway, line) = match &**beyond {
            Outward::Through(line) => (line.gateway.clone(), Some(line.clone())),
            Outward::Learned(gateway, _) => (gateway.clone(), None),
            _ => return self,
        };
        let pointer = format!("{}/useRemoteGateways", facts.fields);
        let beyond = Outward::NotLent { gateway, line, half: half.clone(), pointer };
        Outward::Severed { beyond: Box::new(beyond), vnet: vnet.clone() }
    }
}

/// A connection to a network beyond a gateway.
#[derive(Debug, Clone)]
pub struct Line {
    /// The gateway.
    pub gateway: ResourceId,
    /// The gateway's network.
    pub vnet: ResourceId,
    /// The connection.
    pub connection: ResourceId,
    /// The local network gateway that tells the prefix.
    pub local: ResourceId,
    /// The prefix that holds the address.
    pub prefix: Ipv4Net,
    /// `connectionStatus`, where it was observed to be another than `Connected`.
    pub trouble: Option<String>,
}

/// Finds the way out of a network to an address.
pub fn outward(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Outward {
    // A network that was not captured may hold the address itself.
    if let Err(missing) = estate.get::<Vnet>(vnet) {
        return Outward::Perhaps(missing);
    }
    let mut perhaps = hop::unread_half(estate, vnet);
    let (mut learned, mut not_lent, mut severed) = (None, None, None);
    match own(estate, vnet, address) {
        Outward::Nowhere => {}
        Outward::Perhaps(missing) => perhaps = Some(missing),
        Outward::Learned(gateway, missing) => learned = Some((gateway, missing)),
        found => return found,
    }
    for (half, facts) in estate.children::<Peering>(vnet) {
        if let Some(missing) = unread_neighbour(estate, facts, address) {
            perhaps = Some(missing);
            continue;
        }
        if hop::is_severed(estate, vnet, &facts.remote) {
            let cut = beyond_a_cut(estate, &facts.remote, address);
            severed =
                severed.or_else(|| cut.map(|cut| cut.behind_flag(estate, (vnet, half, facts))));
            continue;
        }
        let Some((other, back)) = hop::half(estate, &facts.remote, vnet) else { continue };
        let may = |flag: Option<bool>| flag != Some(false);
        let may_use = may(facts.uses_remote_gateway) && may(back.lends_gateway);
        let (gateway, line) = match own(estate, &facts.remote, address) {
            Outward::Through(line) => (line.gateway.clone(), Some(line)),
            // Azure lets no network use a gateway that is not there.
            Outward::Nowhere if facts.uses_remote_gateway == Some(true) => {
                let mut known = estate.list::<Gateway>(Key::GatewaysOf(facts.remote.clone()));
                if known.next().is_none() {
                    perhaps = Some(unread_gateway_of(&facts.remote));
                }
                continue;
            }
            Outward::Perhaps(missing) if may_use => {
                perhaps = Some(missing);
                continue;
            }
            Outward::Learned(gateway, missing) if may_use => {
                learned = Some((gateway, missing));
                continue;
            }
            Outward::Learned(gateway, _) => (gateway, None),
            _ => continue,
        };
        // A network uses one gateway: that of another peering, or its own, leaves no flag to set.
        if facts.uses_remote_gateway != Some(true) && uses_another(estate, vnet, half) {
            continue;
        }
        let flags = [
            (facts.uses_remote_gateway, half, facts.fields, "useRemoteGateways"),
            (back.lends_gateway, other, back.fields, "allowGatewayTransit"),
        ];
        if let Some((_, half, fields, name)) = flags.iter().find(|(flag, ..)| *flag == Some(false))
        {
            let pointer = format!("{fields}/{name}");
            let is_known = line.is_some();
            let found = Outward::NotLent { gateway, line, half: (*half).clone(), pointer };
            if is_known {
                return found;
            }
            not_lent = not_lent.or(Some(found));
            continue;
        }
        let Some(line) = line else { continue };
        if let Some((_, half, _, name)) = flags.iter().find(|(flag, ..)| flag.is_none()) {
            return Outward::Perhaps(Missing::field(half, name));
        }
        let is_unsettled = |(id, one): (&ResourceId, &Peering)| Some(one.unsettled?.missing(id));
        let unsettled = [(half, facts), (other, back)].into_iter().find_map(is_unsettled);
        return unsettled.map_or(Outward::Through(line), Outward::Perhaps);
    }
    match (perhaps, learned) {
        (Some(missing), _) => Outward::Perhaps(missing),
        (None, Some((gateway, missing))) => Outward::Learned(gateway, missing),
        (None, None) => {
            let towards = not_lent.or(severed).or_else(|| one_sided(estate, vnet, address));
            towards.unwrap_or(Outward::Nowhere)
        }
    }
}

/// The gateway that a network is to use and does not get, where none is known to lead to an address: whoever lets one lead there meets
/// this next. It asks for that gateway, and its peering carries nothing or does not lend it; or it is lent the only one, and does not
/// ask.
pub(super) fn unused(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Option<Outward> {
    let has_others = !could_lend(estate, vnet, address).is_empty();
    estate.children::<Peering>(vnet).find_map(|(half, facts)| {
        let (gateway, _) = estate.list::<Gateway>(Key::GatewaysOf(facts.remote.clone())).next()?;
        let back = hop::half(estate, &facts.remote, vnet);
        let lends = back.and_then(|(_, back)| back.lends_gateway);
        let not_lent = |half: &ResourceId, fields: &str, flag: &str| Outward::NotLent {
            gateway: gateway.clone(),
            line: None,
            half: half.clone(),
            pointer: format!("{fields}/{flag}"),
        };
        match (facts.uses_remote_gateway, lends) {
            (Some(true), _) if hop::is_severed(estate, vnet, &facts.remote) => {
                let beyond = Box::new(Outward::Nowhere);
                Some(Outward::Severed { beyond, vnet: facts.remote.clone() })
            }
            (Some(true), Some(false)) => {
                back.map(|(id, back)| not_lent(id, back.fields, "allowGatewayTransit"))
            }
            (Some(false), Some(true)) if !has_others && !uses_another(estate, vnet, half) => {
                Some(not_lent(half, facts.fields, "useRemoteGateways"))
            }
            _ => None,
        }
    })
}

/// Whether a network has a gateway of its own, or uses that of another peering.
fn uses_another(estate: &Estate, vnet: &ResourceId, half: &ResourceId) -> bool {
    let mut halves = estate.children::<Peering>(vnet);
    estate.list::<Gateway>(Key::GatewaysOf(vnet.clone())).next().is_some()
        || halves.any(|(id, other)| id != half && other.uses_remote_gateway == Some(true))
}

/// The way out through the gateways of a network to which the peering carries nothing.
fn beyond_a_cut(estate: &Estate, remote: &ResourceId, address: Ipv4Addr) -> Option<Outward> {
    let beyond = own(estate, remote, address);
    let leads = !matches!(beyond, Outward::Nowhere);
    leads.then(|| Outward::Severed { beyond: Box::new(beyond), vnet: remote.clone() })
}

/// The same for networks that hold a half towards this one, which holds none towards them.
fn one_sided(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Option<Outward> {
    let lenders = estate.all::<Gateway>().flat_map(|(_, gateway)| gateway.vnets());
    let is_one_sided = |lender: &ResourceId| {
        hop::half(estate, lender, vnet).is_some() && hop::half(estate, vnet, lender).is_none()
    };
    lenders.filter(is_one_sided).find_map(|lender| beyond_a_cut(estate, &lender, address))
}

/// Networks whose gateways lead to an address, and that a network could be peered with to use them: it has no gateway yet.
pub fn could_lend(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Vec<ResourceId> {
    let mut halves = estate.children::<Peering>(vnet);
    let has_one = estate.list::<Gateway>(Key::GatewaysOf(vnet.clone())).next().is_some()
        || halves.any(|(_, half)| half.uses_remote_gateway == Some(true));
    let leads = |lender: &ResourceId| {
        let near = Shore::of(vnet, vnet);
        let joined = hop::join(estate, near, Shore::of(lender, lender));
        let is_free = matches!(joined, Joined::Apart { near: None, far: None, overlap: None, .. });
        is_free && matches!(own(estate, lender, address), Outward::Through(_))
    };
    let lenders = estate.all::<Gateway>().flat_map(|(_, gateway)| gateway.vnets());
    let mut found: Vec<ResourceId> = lenders.filter(|one| !has_one && leads(one)).collect();
    found.sort();
    found.dedup();
    found
}

/// A peered network that was not captured, and that may hold an address or lend the gateway that leads to it.
fn unread_neighbour(estate: &Estate, half: &Peering, address: Ipv4Addr) -> Option<Missing> {
    if estate.find::<Vnet>(&half.remote).is_some() || half.is_down() {
        return None;
    }
    let space = &half.remote_space;
    let may_hold = space.is_empty() || space.iter().any(|net| net.contains(&address));
    let may_lend = half.uses_remote_gateway != Some(false);
    (may_hold || may_lend).then(|| Missing::resource("virtual network", &half.remote))
}

/// Whether no gateway takes packets of a network to an address.
pub fn has_no_way(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> bool {
    match outward(estate, vnet, address) {
        Outward::Nowhere | Outward::Severed { .. } | Outward::NotLent { .. } => true,
        Outward::Through(_)
        | Outward::KeptOut { .. }
        | Outward::Claimed { .. }
        | Outward::Learned(..)
        | Outward::Perhaps(_) => false,
    }
}

/// Whether the network, or one that is peered with it, has a gateway.
pub fn has_gateway(estate: &Estate, vnet: &ResourceId) -> bool {
    let peered = estate.children::<Peering>(vnet).map(|(_, facts)| &facts.remote);
    let mut vnets = std::iter::once(vnet).chain(peered);
    vnets.any(|vnet| {
        estate.list::<Gateway>(Key::GatewaysOf(vnet.clone())).next().is_some()
            || hub_of(estate, vnet).is_some()
    })
}

/// Whether packets of a network may come to a gateway: its own, or that of a peered network which it uses.
pub fn may_use_gateway(estate: &Estate, vnet: &ResourceId) -> bool {
    let Some(facts) = estate.find::<Vnet>(vnet) else { return true };
    let place = gateway_subnet(vnet);
    let mut listed = facts.subnets.iter().flatten();
    let mut halves = estate.children::<Peering>(vnet);
    let may_lend = |lender: &ResourceId| match hop::half(estate, lender, vnet) {
        Some((_, back)) => back.lends_gateway != Some(false) && !back.is_down(),
        None => estate.find::<Vnet>(lender).is_none(),
    };
    estate.find::<Subnet>(&place).is_some()
        || listed.any(|name| name.eq_ignore_ascii_case(place.name()))
        || estate.list::<Gateway>(Key::GatewaysOf(vnet.clone())).next().is_some()
        || hub_of(estate, vnet).is_some()
        || hop::unread_half(estate, vnet).is_some()
        || halves.any(|(_, half)| half.uses_remote_gateway != Some(false) && may_lend(&half.remote))
}

/// Whether a network surely has no gateway and uses none: its body lists its subnets, and there is no place for one.
pub fn lacks_gateway(estate: &Estate, vnet: &ResourceId) -> bool {
    let is_told = estate.find::<Vnet>(vnet).is_some_and(|facts| facts.subnets.is_some());
    is_told && !may_use_gateway(estate, vnet)
}

/// Whether the gateways of a network have connections, all of them to prefixes outside of another network.
pub fn leads_elsewhere(estate: &Estate, vnet: &ResourceId, other: &ResourceId) -> bool {
    let (known, has_more) = prefixes(estate, vnet);
    let is_apart = |other: &Vnet| {
        let space = AddressSet::of(&other.space);
        !space.is_empty() && !space.overlaps(&AddressSet::of(&known))
    };
    !has_more && !known.is_empty() && estate.find::<Vnet>(other).is_some_and(is_apart)
}
