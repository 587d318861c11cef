//! Security admin rules of network managers, which are read before security groups.

use crate::address::AddressSet;
use crate::estate::filter::{AdminRule, Direction, NetworkManager, Prefix, Protocol};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::filter::{Receiver, Service, covers};

/// Packets that admin rules may speak of.
#[derive(Clone, Copy)]
pub(super) struct Packets<'p> {
    pub(super) direction: Direction,
    pub(super) senders: &'p AddressSet,
    pub(super) receiver: &'p Receiver,
    pub(super) service: Service,
}

impl Packets<'_> {
    /// A security admin rule of a network manager that may deny them. Which networks it acts on is not in the estate.
    pub(super) fn denier(&self, estate: &Estate) -> Option<ResourceId> {
        self.find(estate, |rule| rule.denies)
    }

    /// A security admin rule of a network manager that may let them pass whatever security groups say.
    pub(super) fn opener(&self, estate: &Estate) -> Option<ResourceId> {
        self.find(estate, |rule| rule.always_allows)
    }

    fn find(&self, estate: &Estate, wanted: impl Fn(&AdminRule) -> bool) -> Option<ResourceId> {
        let speaks = |rule: &AdminRule| wanted(rule) && self.may_meet(rule);
        estate.all::<AdminRule>().find(|(_, rule)| speaks(rule)).map(|(id, _)| id.clone())
    }

    fn may_meet(&self, rule: &AdminRule) -> bool {
        let receives = |prefix: &Prefix| match (self.receiver, prefix) {
            (Receiver::Addresses(set, _), _) => may_hold(prefix, set),
            (Receiver::Gateway(..), Prefix::Network(net)) => !AddressSet::of([net]).is_private(),
            (Receiver::Gateway(..), _) => *prefix != Prefix::Ipv6,
        };
        rule.direction.is_none_or(|one| one == self.direction)
            && (rule.protocol == Protocol::Any || rule.protocol == self.service.protocol)
            && covers(&rule.to_ports, self.service.port)
            && rule.from.iter().any(|prefix| may_hold(prefix, self.senders))
            && rule.to.iter().any(receives)
    }
}

/// Whether a prefix may stand for one of some addresses. Tags other than `VirtualNetwork` hold public addresses only.
fn may_hold(prefix: &Prefix, set: &AddressSet) -> bool {
    match prefix {
        Prefix::Any | Prefix::ApplicationGroup(_) => true,
        Prefix::Network(network) => set.meets(network),
        Prefix::Tag(tag) => tag.eq_ignore_ascii_case("VirtualNetwork") || !set.is_private(),
        Prefix::Ipv6 => false,
    }
}

/// A network manager that may hold security admin rules, none of which was captured.
pub fn unread_admin_rules(estate: &Estate) -> Option<Missing> {
    let is_unread = |id: &ResourceId| estate.children::<AdminRule>(id).next().is_none();
    let (id, _) = estate
        .all::<NetworkManager>()
        .find(|(id, manager)| manager.has_admin_rules && is_unread(id))?;
    Some(Missing {
        what: format!("security admin rules of network manager `{}`", id.name()),
        resource: Some(id.clone()),
        help: "capture its securityAdminConfigurations with their rule collections and rules"
            .to_owned(),
    })
}

/// What is not known of a rule that may act on the flow: the networks that it acts on.
pub(super) fn unplaced(rule: &ResourceId) -> Missing {
    Missing {
        what: format!("whether security admin rule `{}` acts on these networks", rule.name()),
        resource: Some(rule.clone()),
        help: "look at the effective security admin rules of both networks".to_owned(),
    }
}
