//! What is wrong with the halves of a peering.

use crate::address::AddressSet;
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::hop::Shore;

/// Why a peering does not carry traffic.
#[derive(Debug, Clone)]
pub struct Break {
    /// What is wrong.
    pub kind: BreakKind,
    /// The half that says so.
    pub half: ResourceId,
    /// Pointer in that half's body.
    pub pointer: String,
    /// The value there, for messages.
    pub value: String,
    /// Addresses of the other network that it does not route, where it routes others.
    pub lost_part: Option<AddressSet>,
    /// Whether it is the half in the first network.
    pub is_near: bool,
}

impl Break {
    /// What the half does, in words that follow its name.
    pub fn words(&self) -> String {
        match self.kind {
            BreakKind::Initiated => {
                "is Initiated: it does not count the half of the other network".to_owned()
            }
            BreakKind::Disconnected => {
                "is Disconnected: its other half was deleted at some time".to_owned()
            }
            BreakKind::AccessOff => "does not allow virtual network access".to_owned(),
            BreakKind::OutOfSync => format!("routes only {}", self.value),
            BreakKind::SubnetExcluded => "joins other subnets only".to_owned(),
            BreakKind::Ipv6Only => "joins IPv6 ranges only".to_owned(),
        }
    }
}

/// What can be wrong with a peering of two halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakKind {
    /// `Initiated`: Azure does not count the other half.
    Initiated,
    /// `Disconnected`: the other half was deleted at some time.
    Disconnected,
    /// `allowVirtualNetworkAccess` is false.
    AccessOff,
    /// The half does not route a prefix of the other network.
    OutOfSync,
    /// Only some subnets are peered, and not these.
    SubnetExcluded,
    /// Only IPv6 is peered.
    Ipv6Only,
}

/// What is wrong with the halves that are there, and what was not observed of them.
pub(super) fn breaks_of_both(
    estate: &Estate,
    (near, here): (Option<(&ResourceId, &Peering)>, Shore),
    (far, there): (Option<(&ResourceId, &Peering)>, Shore),
) -> (Vec<Break>, Option<Missing>) {
    let (mut breaks, mut unread) = (Vec::new(), None);
    for (half, other, own, is_near) in [(near, there, here, true), (far, here, there, false)] {
        let Some((id, facts)) = half else { continue };
        let found = breaks_of(estate, (id, facts), other, own);
        let of = |(kind, field, value): (BreakKind, &str, String)| Break {
            kind,
            half: id.clone(),
            pointer: format!("{}/{field}", facts.fields),
            value,
            lost_part: found.lost_part.clone().filter(|_| kind == BreakKind::OutOfSync),
            is_near,
        };
        breaks.extend(found.breaks.into_iter().map(of));
        unread = unread.or(found.unread);
    }
    (breaks, unread)
}

/// What is wrong with one half of a peering.
struct Flaws {
    /// With the field that says so, and its value.
    breaks: Vec<(BreakKind, &'static str, String)>,
    /// Addresses of the other subnet that it does not route, where it routes others.
    lost_part: Option<AddressSet>,
    unread: Option<Missing>,
}

/// What is wrong with one half for traffic between two subnets.
fn breaks_of(
    estate: &Estate,
    (id, facts): (&ResourceId, &Peering),
    other: Shore,
    own: Shore,
) -> Flaws {
    let (mut breaks, mut lost_part) = (Vec::new(), None);
    let mut unread = facts.unsettled.map(|state| state.missing(id));
    let mut see = |kind, field, value: &str| breaks.push((kind, field, value.to_owned()));
    let mut miss = |field| unread = unread.take().or(Some(Missing::field(id, field)));
    match facts.state.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("connected") => {}
        Some("initiated") => see(BreakKind::Initiated, "peeringState", "Initiated"),
        // It has to be made anew, whatever else is wrong with it.
        Some("disconnected") => {
            see(BreakKind::Disconnected, "peeringState", "Disconnected");
            return Flaws { breaks, lost_part, unread };
        }
        Some(_) | None => miss("peeringState"),
    }
    match facts.allows_access {
        Some(true) => {}
        Some(false) => see(BreakKind::AccessOff, "allowVirtualNetworkAccess", "false"),
        None => miss("allowVirtualNetworkAccess"),
    }
    let is_excluded = facts.subnets_only.as_ref().is_some_and(|(own_names, other_names)| {
        !(has_name(own_names, own.subnet) && has_name(other_names, other.subnet))
    });
    if is_excluded {
        see(BreakKind::SubnetExcluded, "peerCompleteVnets", "false");
    }
    if facts.is_ipv6_only {
        see(BreakKind::Ipv6Only, "enableOnlyIPv6Peering", "true");
    }
    let routed = AddressSet::of(&facts.remote_space);
    let subnet = estate.get::<Subnet>(other.subnet);
    let all = subnet
        .map(|subnet| other.addresses.cloned().unwrap_or_else(|| AddressSet::of(&subnet.prefixes)));
    let claimed = all.as_ref().ok().and_then(|all| claimed(estate, (own.vnet, other.vnet), all));
    match all {
        // Between subnets only the listed ones are routed: that this one is not among them is told already.
        Ok(_) if is_excluded => {}
        Ok(_) if routed.is_empty() => miss("remoteAddressSpace"),
        Ok(all) if !all.is_within(&routed) => {
            see(BreakKind::OutOfSync, "remoteAddressSpace", &routed.to_string());
            lost_part = Some(all.difference(&routed)).filter(|lost| *lost != all);
        }
        Ok(_) | Err(_) => {}
    }
    Flaws { breaks, lost_part, unread: unread.or(claimed) }
}

/// What is not known where a network claims addresses of another one: Azure peers no such networks with each other or with a third one,
/// and keeps what a network claims inside of it.
pub(super) fn claimed(
    estate: &Estate,
    (own, other): (&ResourceId, &ResourceId),
    addresses: &AddressSet,
) -> Option<Missing> {
    let space = &estate.find::<Vnet>(own).filter(|_| own != other)?.space;
    if !space.iter().any(|net| addresses.meets(net)) {
        return None;
    }
    let what = format!(
        "where network `{}` sends packets to addresses that it claims itself and network `{}` has: Azure peers no networks whose \
         spaces overlap",
        own.name(),
        other.name()
    );
    Some(Missing { what, ..Missing::field(own, "addressSpace") })
}

fn has_name(names: &[String], subnet: &ResourceId) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(subnet.name()))
}
