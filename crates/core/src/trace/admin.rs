//! Security admin rules of network managers, which are read before security groups.

use crate::estate::filter::{AdminRule, Direction, NetworkManager, Protocol};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::filter::covers;

/// A security admin rule of a network manager that may deny the flow. Which networks it acts on is not in the estate.
pub fn admin_denier(estate: &Estate, direction: Direction, port: u16) -> Option<ResourceId> {
    let speaks = |rule: &AdminRule| {
        rule.denies
            && rule.direction.is_none_or(|one| one == direction)
            && matches!(rule.protocol, Protocol::Tcp | Protocol::Any)
            && covers(&rule.to_ports, port)
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
