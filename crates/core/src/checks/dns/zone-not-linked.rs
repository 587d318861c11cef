//! The zone that holds the source's private address is not linked to the copier's network.

use crate::change::{dns, record};
use crate::checks::{fixes, separate_zone};
use crate::estate::server::ServerKind;
use crate::finding::{Certainty, Finding, Fix};
use crate::text::some_of;
use crate::trace::resolve::{self, Answer};
use crate::trace::{Leads, Path};

/// Linked networks that are named: enough to see which ones are meant.
const LINKS_SHOWN_MAX: usize = 5;

pub(super) fn find(path: &Path) -> Option<Finding> {
    if path.to.kind == ServerKind::Host {
        return of_machine(path);
    }
    let start = path.start.as_ref()?;
    let name = path.name.as_ref()?;
    // A link that sends missing names on to public DNS is a link all the same.
    if path.endpoints.is_empty()
        || name.answer != Answer::Public
        || name.zone.is_some()
        || name.outside.is_some()
        || name.place != start.vnet
    {
        return None;
    }
    let zone_name = path.zone_name_meant()?;
    let attached = path.endpoints.iter().filter_map(|view| view.zone_group.as_ref()).flatten();
    let is_right = |zone: &&crate::id::ResourceId| zone.name().eq_ignore_ascii_case(&zone_name);
    let mut attached = attached.into_iter().peekable();
    if attached.peek().is_some() && !attached.any(|zone| is_right(&zone)) {
        return None; // dns/zone-name-wrong
    }
    let zone = path.zone_meant();
    if zone.is_none() && super::zone_name_wrong::misnamed_zone(path).is_some() {
        return None; // dns/zone-name-wrong
    }
    let why = format!(
        "`{}` is an alias into {zone_name}; a network that is not linked to that zone gets the public address",
        path.server_name()
    );
    let finding = match &zone {
        Some(zone) => {
            let links: Vec<&str> =
                resolve::links_of(path.estate, zone).map(|(_, link)| link.vnet.name()).collect();
            let linked = match (links.is_empty(), path.estate.has_zone(zone)) {
                (true, true) => " (linked: none)".to_owned(),
                // A link nobody captured may be there: the zone was not captured either.
                (true, false) => String::new(),
                (false, _) => format!(" (linked: {})", some_of(&links, LINKS_SHOWN_MAX)),
            };
            let message = format!(
                "private DNS zone `{}` is not linked to network `{}`{linked}",
                zone.name(),
                start.vnet.name()
            );
            let fix = Fix::of(vec![dns::link_zone(path.estate, zone, &start.vnet, &path.to_id)]);
            let mut finding = Finding::blocks(message, why).at(zone, "").fix(fix);
            finding.fixes.extend(separate_zone::instead(path));
            finding
        }
        None => {
            let endpoint = path.endpoint().map(|view| view.id.clone())?;
            let zone = endpoint.sibling("Microsoft.Network/privateDnsZones", &zone_name);
            let message = format!(
                "no private DNS zone `{zone_name}` is linked to network `{}`",
                start.vnet.name()
            );
            let finding = Finding::blocks(message, why).at(&endpoint, "");
            if matches!(path.leads, Leads::Unknown(_)) {
                let advice = format!(
                    "link the zone `{zone_name}` that endpoint `{}` writes to, or may write to; a second one of that name hides it",
                    endpoint.name()
                );
                return Some(finding.possible().fix(Fix::advice(advice)));
            }
            let mut changes = vec![
                dns::create_zone(&zone),
                dns::link_zone(path.estate, &zone, &start.vnet, &path.to_id),
            ];
            // A linked zone without the record would deny the name.
            if let (Some(view), Some(label)) = (path.endpoint(), path.record_label())
                && let (Ok([address, ..]), None) = (view.addresses.as_deref(), &view.zone_group)
            {
                changes.push(record::attach_zone(path.estate, &endpoint, &zone, &label, *address));
            }
            finding.fix(Fix::of(changes))
        }
    };
    let mut finding =
        if matches!(path.would_lead, Leads::Unknown(_)) { finding.possible() } else { finding };
    finding.fixes.extend(fixes::linked_ruleset(path));
    if path.are_links_incomplete() {
        finding.certainty = Certainty::Possible;
    }
    Some(finding)
}

/// A zone knows the name of a machine, and the network that asks does not see it. Whether public DNS knows the name too, nobody asked.
fn of_machine(path: &Path) -> Option<Finding> {
    let (start, name) = (path.start.as_ref()?, path.name.as_ref()?);
    let is_answered =
        name.answer != Answer::Public || name.zone.is_some() || name.outside.is_some();
    if is_answered || name.place != start.vnet {
        return None;
    }
    let zone = path.zone_of_machine()?;
    let message = format!(
        "private DNS zone `{}`, which knows {}, is not linked to network `{}`",
        zone.name(),
        path.server_name(),
        start.vnet.name()
    );
    let why = "a network sees the zones that are linked to it, and asks public DNS for all else";
    let fix = Fix::of(vec![dns::link_zone(path.estate, &zone, &start.vnet, &path.to_id)]);
    Some(Finding::blocks(message, why).possible().at(&zone, "").fix(fix))
}
