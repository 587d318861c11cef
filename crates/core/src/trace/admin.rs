//! Security admin rules of network managers, which are read before security groups.

use crate::estate::filter::{AdminRule, Direction, NetworkManager, Protocol};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::filter::{Service, covers};

/// A security admin rule of a network manager that may deny the flow. Which networks it acts on is not in the estate.
pub fn admin_denier(estate: &Estate, direction: Direction, service: Service) -> Option<ResourceId> {
    find(estate, direction, service, |rule| rule.denies)
}

/// A security admin rule of a network manager that may let the flow pass whatever security groups say.
pub fn admin_opener(estate: &Estate, direction: Direction, service: Service) -> Option<ResourceId> {
    find(estate, direction, service, |rule| rule.always_allows)
}

fn find(
    estate: &Estate,
    direction: Direction,
    service: Service,
    wanted: impl Fn(&AdminRule) -> bool,
) -> Option<ResourceId> {
    let speaks = |rule: &AdminRule| {
        wanted(rule)
            && rule.direction.is_none_or(|one| one == direction)
            && (rule.protocol == Protocol::Any || rule.protocol == service.protocol)
            && covers(&rule.to_ports, service.port)
    };
    estate.all::<AdminRule>().find(|(_, rule)| speaks(rule)).map(|(id, _)| id.clone())
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
