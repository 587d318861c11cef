//! The private DNS zones of an estate, and which of them a network is linked to.

use serde_json::Value;

use super::endpoint::{admitted, endpoints};
use super::name::name_of;
use super::world::{World, at, is_settled, last_name, list, reference, text};

/// Whether a zone is linked to a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Linked {
    Yes,
    No,
    /// No link was captured, or one that is not complete, and no count proves that there is none.
    Unproven,
    /// The link or the zone is referred to, and what decides was not captured.
    Unknown,
}

/// A private DNS zone, as a network sees it.
pub(super) struct Zone {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) linked: Linked,
    pub(super) redirects: bool,
    /// Whether anything of the zone was captured, or it is only referred to.
    pub(super) observed: bool,
}

const ZONES: &str = "/providers/microsoft.network/privatednszones/";

/// Every zone of which something is known.
pub(super) fn zones(world: &World, network: &str, server: &str) -> Vec<Zone> {
    let mut keys: Vec<String> = zone_keys(world).collect();
    keys.extend(referred_zones(world, server));
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(|key| zone(world, network, key)).collect()
}

/// The zones of which something was captured, some of them more than once.
fn zone_keys(world: &World) -> impl Iterator<Item = String> {
    let kinds = ["", "/virtualnetworklinks", "/a", "/cname"].into_iter();
    let types = kinds.map(|kind| format!("microsoft.network/privatednszones{kind}"));
    types.flat_map(|of| world.all(&of).map(|(key, _)| zone_of(key)).collect::<Vec<_>>())
}

/// Whether a server may have private endpoints of which nothing tells: Azure leaves the empty list of a flexible server out, and
/// templates every list, so that an absent one is doubted only beside a zone for their aliases.
pub(super) fn may_have_unlisted(world: &World, server: &str) -> bool {
    let zone = name_of(world, server).map(|name| alias_of(&name).1);
    let has_zone = |zone: String| zone_keys(world).any(|key| last_name(&key) == zone);
    // One that is there and is no list tells nothing.
    let body = world.body(server);
    let list = body.and_then(|body| at(body, &["properties", "privateEndpointConnections"]));
    !admitted(world, server).observed && (list.is_some() || zone.is_none_or(has_zone))
}

/// The zone that a key is of, or below.
fn zone_of(key: &str) -> String {
    let end = key.find(ZONES).map_or(0, |start| start + ZONES.len());
    let len = key[end..].find('/').unwrap_or(key.len() - end);
    key[..end + len].to_owned()
}

/// Zones that the server, or one of its private endpoints, names.
pub(super) fn referred_zones(world: &World, server: &str) -> Vec<String> {
    let own = world.body(server).and_then(own_zone);
    let mut found: Vec<String> = own.into_iter().collect();
    for (key, body) in world.all("microsoft.network/privateendpoints/privatednszonegroups") {
        let endpoint = key.split("/privatednszonegroups/").next().unwrap_or("");
        let listed = admitted(world, server);
        let leads_here =
            endpoints(world, server).iter().any(|one| one.key == endpoint && one.leads_here)
                || listed.entries.iter().any(|(of, _)| of.as_deref() == Some(endpoint));
        if leads_here {
            for config in list(body, &["properties", "privateDnsZoneConfigs"]).unwrap_or(&[]) {
                found.extend(reference(config, &["properties", "privateDnsZoneId"]));
            }
        }
    }
    found
}

/// A private endpoint of the server whose zone group writes records into a zone that no input tells of.
pub(super) fn keeper(world: &World, server: &str, zone: &str) -> Option<String> {
    let hides = |config: &Value| {
        let into = reference(config, &["properties", "privateDnsZoneId"]);
        let untold = at(config, &["properties", "recordSets", "$unresolved"]);
        into.as_deref() == Some(zone) && untold.is_some()
    };
    let configs = |body| list(body, &["properties", "privateDnsZoneConfigs"]).unwrap_or(&[]);
    let writes = |key: &str| {
        let mut groups = world.children(key, "privatednszonegroups");
        groups.any(|(_, body)| configs(body).iter().any(hides))
    };
    let mut all = endpoints(world, server).into_iter();
    all.find(|one| one.leads_here && writes(&one.key)).map(|one| one.key)
}

/// Whether a zone group says that it wrote a record set.
pub(super) fn is_written(world: &World, zone: &str, label: &str) -> bool {
    let is_it = |set: &Value| {
        text(set, &["recordSetName"]).is_some_and(|name| name.eq_ignore_ascii_case(label))
    };
    let writes = |config: &Value| {
        reference(config, &["properties", "privateDnsZoneId"]).as_deref() == Some(zone)
            && list(config, &["properties", "recordSets"]).unwrap_or(&[]).iter().any(is_it)
    };
    let configs = |body| list(body, &["properties", "privateDnsZoneConfigs"]).unwrap_or(&[]);
    let mut groups = world.all("microsoft.network/privateendpoints/privatednszonegroups");
    groups.any(|(_, body)| configs(body).iter().any(writes))
}

pub(super) fn own_zone(body: &Value) -> Option<String> {
    let old = ["properties", "privateDnsZoneArguments", "privateDnsZoneArmResourceId"];
    reference(body, &["properties", "network", "privateDnsZoneArmResourceId"])
        .or_else(|| reference(body, &old))
}

fn zone(world: &World, network: &str, key: String) -> Zone {
    let (mut linked, mut redirects, mut count) = (None, false, 0);
    for (_, link) in world.children(&key, "virtualnetworklinks") {
        count += 1;
        let of = reference(link, &["properties", "virtualNetwork", "id"]);
        if of.is_none() {
            linked = linked.or(Some(Linked::Unknown));
        }
        if of.as_deref() != Some(network) {
            continue;
        }
        redirects = text(link, &["properties", "resolutionPolicy"])
            .is_some_and(|word| word.eq_ignore_ascii_case("NxDomainRedirect"));
        linked = Some(match text(link, &["properties", "virtualNetworkLinkState"]) {
            Some(word) if word.eq_ignore_ascii_case("Completed") => match is_settled(link) {
                true => Linked::Yes,
                false => Linked::Unknown,
            },
            Some(_) => Linked::Unproven,
            None => Linked::Unknown,
        });
    }
    let links = world
        .body(&key)
        .map(|body| at(body, &["properties", "numberOfVirtualNetworkLinks"])?.as_u64());
    let observed = links.is_some()
        || ["virtualnetworklinks", "a", "cname"]
            .iter()
            .any(|kind| world.children(&key, kind).next().is_some());
    let otherwise = match links {
        Some(Some(number)) if number <= count => Linked::No,
        Some(Some(_)) => Linked::Unknown,
        Some(None) => Linked::Unproven,
        None if observed => Linked::Unproven,
        None => Linked::Unknown,
    };
    let name = last_name(&key).to_owned();
    Zone { key, name, linked: linked.unwrap_or(otherwise), redirects, observed }
}

/// The record sets that a zone counts, and those that were captured; without its own start of authority, which is rarely
/// captured.
pub(super) fn record_sets(world: &World, zone: &str) -> (Option<u64>, u64) {
    let count = |body| at(body, &["properties", "numberOfRecordSets"])?.as_u64();
    let counted = world.body(zone).and_then(count).map(|sets| sets.saturating_sub(1));
    let captured = |kind| world.children(zone, kind).count() as u64;
    let kinds = ["a", "cname", "aaaa", "mx", "ptr", "srv", "txt"];
    (counted, kinds.into_iter().map(captured).sum())
}

/// The label and the zone of the alias that a server with private endpoints gets.
pub(super) fn alias_of(name: &str) -> (&str, String) {
    let (label, suffix) = name.split_once('.').unwrap_or((name, ""));
    (label, format!("privatelink.{suffix}"))
}

pub(super) fn covers(zone: &str, name: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
