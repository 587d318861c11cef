//! Names: what public DNS says of the servers, and the private zones that a network's resolver knows before.
//!
//! Every zone that a resolver serves is cut out of those above it, so that a chain of aliases that leads into it is followed there,
//! by the DNS server itself.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use flexway_core::estate::Key;
use flexway_core::estate::dns::{Link, Record, Zone};
use flexway_core::estate::endpoint::Endpoint;
use flexway_core::estate::network::Subnet;
use flexway_core::estate::server::Server;
use flexway_core::id::ResourceId;

use super::Draft;
use crate::twin::blueprint::ZoneData;

/// Suffix of servers whose full name was not observed.
const SUFFIX: &str = "postgres.database.azure.com";

/// Start of the names of zones for private endpoints: only these may ask publicly for what they lack.
const PRIVATE_LINK: &str = "privatelink.";

/// The zones that a network's resolver serves; those of the public for `None`.
pub(super) fn view(draft: &Draft, network: Option<usize>) -> Vec<ZoneData> {
    let public = published(draft);
    let mut zones: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let vnet = network.map(|index| &draft.networks[index].id);
    for (link_id, link) in
        vnet.into_iter().flat_map(|id| draft.estate.list::<Link>(Key::LinksOf(id.clone())))
    {
        // Azure always tells the state; where a capture does not, the link is taken for finished.
        let is_complete =
            link.state.as_deref().is_none_or(|state| state.eq_ignore_ascii_case("completed"));
        let Some(zone) = link_id.parent().filter(|_| is_complete) else { continue };
        let name = zone.name().to_ascii_lowercase();
        if zones.contains_key(&name) {
            continue;
        }
        let mut records = private_records(draft, &zone, &name);
        if link.redirects && name.starts_with(PRIVATE_LINK) {
            let lacks = |record: &&(String, String)| {
                record.0.ends_with(&format!(".{name}"))
                    && !records.iter().any(|line| line.starts_with(&format!("{}. ", record.0)))
            };
            let more: Vec<String> = public.iter().filter(lacks).map(absolute).collect();
            records.extend(more);
        }
        zones.insert(name, records);
    }
    // Public zones that aliases lead into: each is one of its own, so that it can be taken over.
    for (name, _) in &public {
        let zone = name.split_once('.').map_or("", |(_, zone)| zone);
        if zone.starts_with(PRIVATE_LINK) && !zones.contains_key(zone) {
            let inside = public.iter().filter(|(name, _)| in_zone(name, zone));
            let records = inside.map(absolute).collect();
            zones.insert(zone.to_owned(), records);
        }
    }
    let served: Vec<String> = zones.keys().cloned().collect();
    let outside = |name: &str| served.iter().all(|zone| !in_zone(name, zone));
    let root = public.iter().filter(|(name, _)| outside(name)).map(absolute).collect();
    let mut all = vec![ZoneData { name: String::new(), records: root }];
    all.extend(zones.into_iter().map(|(name, records)| ZoneData { name, records }));
    for zone in &mut all {
        let below = served.iter().filter(|one| **one != zone.name && in_zone(one, &zone.name));
        let cuts = below.map(|one| format!("{one}. IN NS cut.{one}."));
        let cuts: Vec<String> = cuts.collect();
        zone.records.extend(cuts);
    }
    all
}

fn in_zone(name: &str, zone: &str) -> bool {
    zone.is_empty() || name == zone || name.ends_with(&format!(".{zone}"))
}

fn absolute((name, data): &(String, String)) -> String {
    format!("{name}. 0 IN {data}")
}

/// Record sets of a private zone. The service keeps those of injected servers, captured or not; a zone that counts its SOA alone lost
/// them.
fn private_records(draft: &Draft, zone: &ResourceId, name: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (id, record) in draft.estate.children::<Record>(zone) {
        let owner = match id.name() {
            "@" => format!("{name}."),
            label => format!("{}.{name}.", label.to_ascii_lowercase()),
        };
        if let Some(alias) = &record.alias {
            lines.push(format!("{owner} 0 IN CNAME {alias}."));
        }
        for address in record.addresses.iter().flatten() {
            lines.push(format!("{owner} 0 IN A {address}"));
        }
        // An empty set is a name without an address.
        if record.addresses.as_ref().is_some_and(Vec::is_empty) {
            lines.push(format!("{owner} 0 IN TXT empty"));
        }
    }
    let counts_none = draft.estate.get::<Zone>(zone).is_ok_and(|zone| zone.record_count == Some(1));
    if counts_none && lines.is_empty() {
        return lines;
    }
    for (id, server) in draft.estate.all::<Server>() {
        let (Some(own), Some(address)) = (&server.private_zone, injected(draft, id)) else {
            continue;
        };
        let owner = format!("{}.", alias_of_injected(draft, (id, server), own));
        if own == zone && !lines.iter().any(|line| line.starts_with(&format!("{owner} "))) {
            lines.push(format!("{owner} 0 IN A {address}"));
        }
    }
    lines
}

fn injected(draft: &Draft, id: &ResourceId) -> Option<Ipv4Addr> {
    let place = draft.result.places.iter().find(|place| place.resource == *id)?;
    let is_own = |leg: &&super::Leg| leg.end == (place.namespace.clone(), "own".to_owned());
    draft.legs.iter().find(is_own).map(|leg| leg.address)
}

/// The name inside its own zone that an injected server's name leads to. The service makes the label up: that of the only record which
/// leads into the server's subnet, or, where all were captured and none does, that of one which leads astray.
fn alias_of_injected(
    draft: &Draft,
    (id, server): (&ResourceId, &Server),
    zone: &ResourceId,
) -> String {
    let estate = draft.estate;
    let home = server.delegated_subnet.as_ref().and_then(|id| estate.get::<Subnet>(id).ok());
    let is_home =
        |one: &Ipv4Addr| home.is_some_and(|home| home.prefixes.iter().any(|net| net.contains(one)));
    let all: Vec<_> = estate.children::<Record>(zone).collect();
    let leads_home =
        |record: &Record| record.addresses.as_ref().is_some_and(|all| all.iter().any(is_home));
    let mut inside = all.iter().filter(|(_, record)| leads_home(record));
    let counted = estate.get::<Zone>(zone).ok().and_then(|zone| zone.record_count);
    let is_whole = counted.is_some_and(|count| count <= all.len() as u64 + 1);
    let label = match (inside.next(), inside.next()) {
        (Some((own, _)), None) => own.name(),
        (None, _) if is_whole && home.is_some() => {
            all.first().map_or(id.name(), |(one, _)| one.name())
        }
        _ => id.name(),
    };
    format!("{}.{}", label.to_ascii_lowercase(), zone.name().to_ascii_lowercase())
}

/// The name that a server is dialled by.
pub(super) fn host_of(id: &ResourceId, server: &Server) -> String {
    let own = || format!("{}.{SUFFIX}", id.name().to_ascii_lowercase());
    server.fqdn.clone().unwrap_or_else(own)
}

/// What public DNS holds: a server's address, or, for one with private endpoints, an alias into the zone for these, with the
/// address there.
fn published(draft: &Draft) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (id, server) in draft.estate.all::<Server>() {
        let name = host_of(id, server);
        if server.delegated_subnet.is_some() {
            if let Some(zone) = &server.private_zone {
                let alias = alias_of_injected(draft, (id, server), zone);
                all.push((name, format!("CNAME {alias}.")));
            }
            continue;
        }
        let door = draft.doors.iter().find(|door| door.server == *id);
        let Some(address) = door.map(|door| door.address) else { continue };
        let has_endpoint = server.connections.as_ref().is_some_and(|list| !list.is_empty())
            || draft.estate.list::<Endpoint>(Key::EndpointsOf(id.clone())).next().is_some();
        match name.split_once('.').filter(|_| has_endpoint) {
            Some((label, suffix)) => {
                let alias = format!("{label}.{PRIVATE_LINK}{suffix}");
                all.push((name, format!("CNAME {alias}.")));
                all.push((alias, format!("A {address}")));
            }
            None => all.push((name, format!("A {address}"))),
        }
    }
    all
}
