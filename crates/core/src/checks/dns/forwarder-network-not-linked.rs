//! Another network asks for the name on the copier's behalf, and the zone is not linked to that one.

use crate::change::dns;
use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::forwarder::ForwarderKind;
use crate::trace::own_zone;
use crate::trace::resolve::{self, Answer};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (start, name) = (path.start.as_ref()?, path.name.as_ref()?);
    let forwarder = name.forwarders.last()?;
    let zone = match &path.to.private_zone {
        Some(zone) if path.to.delegated_subnet.is_some() => zone.clone(),
        _ if path.to.kind == ServerKind::Host => path.zone_of_machine()?,
        _ => path.zone_meant().filter(|_| !path.endpoints.is_empty())?,
    };
    let is_known = path.estate.has_zone(&zone)
        && own_zone::rival(path.estate, &zone, &forwarder.vnet).is_none();
    let is_linked =
        resolve::links_of(path.estate, &zone).any(|(_, link)| link.vnet == forwarder.vnet);
    let (is_sure, who) = match forwarder.kind {
        // Whether public DNS knows a machine's name too, nobody asked.
        ForwarderKind::Resolver => (path.to.kind != ServerKind::Host, "resolver endpoint"),
        ForwarderKind::Proxy => (path.to.kind != ServerKind::Host, "the DNS proxy of firewall"),
        ForwarderKind::Machine => (false, "DNS server"),
        ForwarderKind::Rule => return None,
    };
    let is_astray = matches!(name.answer, Answer::Public | Answer::NoSuchName | Answer::Unknown(_));
    if !is_known || is_linked || name.zone.is_some() || name.outside.is_some() || !is_astray {
        return None;
    }
    let message = format!(
        "zone `{}` is not linked to network `{}`, from which {who} `{}` asks for network `{}`",
        zone.name(),
        forwarder.vnet.name(),
        forwarder.holder.name(),
        start.vnet.name()
    );
    let why = "Azure answers with the zones that are linked to the network a question comes from, and that is the forwarder's";
    let fix = Fix::of(vec![dns::link_zone(path.estate, &zone, &forwarder.vnet, &path.to_id)]);
    let finding = Finding::blocks(message, why).at(&zone, "").fix(fix);
    Some(if is_sure { finding } else { finding.possible() })
}
