//! Changes of private DNS: zones, their links, and forwarding rules.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Change, DNS_API, Edit, Listed, RESOLVER_API, Request, Safety, az_rest, free_name,
    in_subscription, place, quoted, whole_body,
};
use crate::estate::Estate;
use crate::estate::dns::{Link, Record, Zone};
use crate::estate::endpoint::Endpoint;
use crate::estate::forwarder::{ForwardingRule, LinkedRulesets, RulesetLink};
use crate::estate::server::{Server, ServerConnection};
use crate::id::ResourceId;
use crate::text::some_of;
use crate::trace::{own_zone, resolve};

/// Creates a private DNS zone.
pub fn create_zone(zone: &ResourceId) -> Change {
    let body = json!({ "location": "global", "properties": {} });
    // It holds its own record set. That it has no link yet says nothing of other zones of its name, so the count stays untold.
    let made = json!({ "location": "global", "properties": { "numberOfRecordSets": 1 } });
    Change {
        kind: "create-zone",
        resource: zone.clone(),
        title: format!("create private DNS zone `{}`", zone.name()),
        request: Request::put(zone, DNS_API, body.clone()),
        az: in_subscription(
            zone,
            format!(
                "az network private-dns zone create {} --name {}",
                place(zone),
                quoted(zone.name())
            ),
        ),
        inverse: Some(Request::delete(zone, DNS_API)),
        downtime: "none",
        safety: Safety::Safe,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![Edit::Put(zone.clone(), made)],
    }
}

/// Links a zone to a network, without registration, for the sake of one server.
pub fn link_zone(
    estate: &Estate,
    zone: &ResourceId,
    vnet: &ResourceId,
    source: &ResourceId,
) -> Change {
    let name = free_name(estate, zone, "virtualNetworkLinks", &format!("{}-link", vnet.name()));
    let link = zone.child("virtualNetworkLinks", &name);
    let mut body = json!({ "location": "global", "properties": {
        "virtualNetwork": { "id": vnet.as_str() }, "registrationEnabled": false } });
    let takes_policy = zone.name().to_ascii_lowercase().starts_with("privatelink.");
    let mut affected = shadowed_names(estate, zone, vnet, (source, takes_policy));
    let is_safe = affected.is_empty();
    // Names of other servers that the zone lacks would be denied from now on.
    let redirects = !is_safe && takes_policy;
    if redirects {
        body["properties"]["resolutionPolicy"] = json!(REDIRECT);
    }
    let (titled, flag) = if redirects { (REDIRECTS, REDIRECT_FLAG) } else { ("", "") };
    let request = Request::put(&link, DNS_API, body.clone());
    body["properties"]["virtualNetworkLinkState"] = json!("Completed");
    affected.extend(new_names(estate, zone, vnet, source));
    Change {
        kind: "link-zone",
        title: format!("link zone `{}` to network `{}`{titled}", zone.name(), vnet.name()),
        request,
        az: in_subscription(
            zone,
            format!(
                "az network private-dns link vnet create {} --zone-name {} --name {} --virtual-network {} \
             --registration-enabled false{flag}",
                place(zone),
                quoted(zone.name()),
                quoted(&name),
                quoted(vnet.as_str())
            ),
        ),
        inverse: Some(Request::delete(&link, DNS_API)),
        downtime: "none",
        safety: if is_safe { Safety::Safe } else { Safety::Review },
        exposure: Vec::new(),
        affected,
        edits: vec![Edit::PutInZone(link.clone(), body)],
        resource: link,
    }
}

/// The policy of a link that lets names which its zone lacks be asked for publicly; only zones of private endpoints take it.
pub const REDIRECT: &str = "NxDomainRedirect";
/// The same as a flag of the command that makes the link.
pub const REDIRECT_FLAG: &str = " --resolution-policy NxDomainRedirect";
/// And in words, behind a title.
pub const REDIRECTS: &str = ", with names that it lacks asked for publicly";

/// Names of a zone that are wanted, with what they lead to, in a row.
fn names(estate: &Estate, zone: &ResourceId, is_wanted: impl Fn(&str) -> bool) -> String {
    let records = estate.children::<Record>(zone).filter(|(id, _)| is_wanted(id.name()));
    let word = |(id, record): (&ResourceId, &Record)| {
        let addresses = record.addresses.iter().flatten().map(ToString::to_string);
        let leads: Vec<String> = addresses.chain(record.alias.clone()).collect();
        format!("`{}` ({})", id.name(), leads.join(", "))
    };
    some_of(&records.map(word).collect::<Vec<_>>(), NAMES_SHOWN_MAX)
}

/// Whether a body is a link to a network that is linked to the zone already, in whatever state, or to another one of the same name.
pub(super) fn is_taken(
    estate: &Estate,
    (zone, id): (&ResourceId, &ResourceId),
    body: &Value,
) -> bool {
    let vnet = body.pointer("/properties/virtualNetwork/id").and_then(Value::as_str);
    let Some(vnet) = vnet.and_then(ResourceId::parse) else { return false };
    let mut links = estate.children::<Link>(zone);
    links.any(|(other, link)| other != id && link.vnet == vnet)
        || own_zone::rival(estate, zone, &vnet).is_some()
}

/// Lets a zone count its links or record sets anew when one comes or goes; what is no zone, or tells no number, stays as it is.
pub(super) fn count(estate: &mut Estate, zone: &ResourceId, child: &ResourceId, by: i64) {
    let Some(facts) = estate.find::<Zone>(zone) else { return };
    let (field, count) =
        match child.is_type("microsoft.network/privatednszones/virtualnetworklinks") {
            true => ("numberOfVirtualNetworkLinks", facts.link_count),
            false => ("numberOfRecordSets", facts.record_count),
        };
    if let Some(count) = count {
        let count = count.saturating_add_signed(by);
        Edit::Patch(zone.clone(), json!({ field: count })).apply(estate);
    }
}

/// Takes the link of a zone away.
pub fn unlink_zone(estate: &Estate, link: &ResourceId) -> Change {
    let zone = link.name_at(0);
    let vnet = estate.get::<Link>(link).map(|one| one.vnet.name().to_owned());
    let network =
        vnet.map_or_else(|_| "the linked network".to_owned(), |name| format!("network `{name}`"));
    let parent = link.parent();
    let names = parent.as_ref().map(|zone| names(estate, zone, |_| true)).unwrap_or_default();
    let with_names = (!names.is_empty()).then(|| format!(", {names}"));
    Change {
        kind: "unlink-zone",
        resource: link.clone(),
        title: format!("take link `{}` of zone `{zone}` away", link.name()),
        request: Request::delete(link, DNS_API),
        az: in_subscription(
            link,
            format!(
                "az network private-dns link vnet delete {} --zone-name {} --name {} --yes",
                place(link),
                quoted(zone),
                quoted(link.name())
            ),
        ),
        inverse: Some(Request::put(link, DNS_API, whole_body(estate, link, json!({})))),
        downtime: "none; resolvers keep the old answer until its TTL ends",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: vec![format!(
            "{network} asks public DNS for the names of zone `{zone}`{}",
            with_names.unwrap_or_default()
        )],
        edits: vec![Edit::Remove(link.clone())],
    }
}

/// Lets names that a linked zone lacks be asked for publicly.
pub fn redirect_missing_names(link: &ResourceId) -> Change {
    let zone = link.name_at(0);
    let body = |policy: &str| json!({ "properties": { "resolutionPolicy": policy } });
    let patch = |policy: &str| Request::new("PATCH", link, DNS_API, body(policy));
    Change {
        kind: "redirect-missing-names",
        resource: link.clone(),
        title: format!(
            "let names that zone `{zone}` lacks be asked for publicly over link `{}`",
            link.name()
        ),
        request: patch("NxDomainRedirect"),
        az: in_subscription(
            link,
            format!(
                "az network private-dns link vnet update {} --zone-name {} --name {} --resolution-policy NxDomainRedirect",
                place(link),
                quoted(zone),
                quoted(link.name())
            ),
        ),
        inverse: Some(patch("Default")),
        downtime: "none",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: vec![format!(
            "every name of zone `{zone}` whose record is missing resolves publicly in the linked network"
        )],
        edits: vec![Edit::Patch(link.clone(), json!({ "resolutionPolicy": "NxDomainRedirect" }))],
    }
}

/// Switches a forwarding rule off.
pub fn switch_off_rule(estate: &Estate, rule: &ResourceId) -> Change {
    let body = |state: &str| json!({ "properties": { "forwardingRuleState": state } });
    let patch = |state: &str| Request::new("PATCH", rule, RESOLVER_API, body(state));
    let request = patch("Disabled");
    let set = rule.parent();
    let links = set.iter().flat_map(|set| estate.children::<RulesetLink>(set));
    Change {
        kind: "switch-off-rule",
        resource: rule.clone(),
        title: format!("switch forwarding rule `{}` off", rule.name()),
        az: vec![az_rest(&request)],
        request,
        inverse: Some(patch("Enabled")),
        downtime: "none",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: links
            .map(|(_, link)| {
                format!("network `{}` asks elsewhere for names of this rule", link.vnet.name())
            })
            .collect(),
        edits: vec![Edit::Patch(rule.clone(), json!({ "forwardingRuleState": "Disabled" }))],
    }
}

/// Links a forwarding ruleset to a network.
pub fn link_ruleset(estate: &Estate, ruleset: &ResourceId, vnet: &ResourceId) -> Change {
    let wanted = format!("{}-link", vnet.name());
    let link = ruleset
        .child("virtualNetworkLinks", &free_name(estate, ruleset, "virtualNetworkLinks", &wanted));
    let body = json!({ "properties": { "virtualNetwork": { "id": vnet.as_str() } } });
    let request = Request::put(&link, RESOLVER_API, body.clone());
    let rules = estate
        .children::<ForwardingRule>(ruleset)
        .filter(|(_, rule)| rule.is_enabled != Some(false));
    let domains: Vec<String> = rules.map(|(_, rule)| format!("`{}.`", rule.domain)).collect();
    let shown = some_of(&domains, NAMES_SHOWN_MAX);
    Change {
        kind: "link-ruleset",
        resource: link.clone(),
        title: format!(
            "link DNS forwarding ruleset `{}` to network `{}`",
            ruleset.name(),
            vnet.name()
        ),
        az: vec![az_rest(&request)],
        request,
        inverse: Some(Request::delete(&link, RESOLVER_API)),
        downtime: "none",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: vec![format!(
            "network `{}` asks for names of {shown} where the ruleset sends them, unless a linked zone holds them",
            vnet.name()
        )],
        edits: vec![Edit::Put(link, body)],
    }
}

/// Takes the link of a forwarding ruleset to a network away.
pub fn unlink_ruleset(estate: &Estate, link: &ResourceId, vnet: &ResourceId) -> Change {
    let request = Request::delete(link, RESOLVER_API);
    let to_vnet = json!({ "virtualNetwork": { "id": vnet.as_str() } });
    let mut edits = vec![Edit::Remove(link.clone())];
    // The network's own list names the ruleset no longer.
    let list = estate.only_below::<LinkedRulesets>(vnet).zip(link.parent());
    edits.extend(list.map(|((list, _), ruleset)| {
        Edit::Listed(Listed {
            holder: list.clone(),
            list: "value",
            element: ruleset.to_string(),
            fields: None,
        })
    }));
    Change {
        kind: "unlink-ruleset",
        resource: link.clone(),
        title: format!(
            "take the link of DNS forwarding ruleset `{}` to network `{}` away",
            link.name_at(0),
            vnet.name()
        ),
        az: vec![az_rest(&request)],
        request,
        inverse: Some(Request::put(link, RESOLVER_API, whole_body(estate, link, to_vnet))),
        downtime: "none; resolvers keep the old answer until its TTL ends",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: vec![format!(
            "network `{}` asks elsewhere for every name that the ruleset forwards",
            vnet.name()
        )],
        edits,
    }
}

/// Names of others that a network learns with the link of a zone.
fn new_names(
    estate: &Estate,
    zone: &ResourceId,
    vnet: &ResourceId,
    source: &ResourceId,
) -> Option<String> {
    let fqdn = estate.find::<Server>(source).and_then(|one| one.fqdn.as_deref());
    let full =
        fqdn.into_iter().flat_map(|fqdn| [resolve::private_link_name(fqdn), Some(fqdn.into())]);
    let own: Vec<String> =
        full.flatten().filter_map(|name| resolve::record_label(zone.name(), &name)).collect();
    let is_other =
        |label: &str| label != "@" && !own.iter().any(|one| one.eq_ignore_ascii_case(label));
    let names = names(estate, zone, is_other);
    (!names.is_empty()).then(|| {
        format!(
            "network `{}` resolves these by zone `{}` from then on: {names}",
            vnet.name(),
            zone.name()
        )
    })
}

/// Names that stop resolving in a network that is linked to a zone: the zone would own them, and has no record of them.
fn shadowed_names(
    estate: &Estate,
    zone: &ResourceId,
    vnet: &ResourceId,
    (source, is_redirected): (&ResourceId, bool),
) -> Vec<String> {
    let becomes = match is_redirected {
        true => "keeps its public answer",
        false => "stops resolving",
    };
    let lacking = estate
        .remember("names that a zone lacks", &[zone], |estate| Arc::new(lacking(estate, zone)));
    let others = lacking.iter().filter(|id| *id != source);
    let words = |id: &ResourceId| {
        format!(
            "`{}` has no record in zone `{}`: its name {becomes} in network `{}`",
            id.name(),
            zone.name(),
            vnet.name()
        )
    };
    let mut names: Vec<String> = others.clone().take(NAMES_SHOWN_MAX).map(words).collect();
    let more = others.count() - names.len();
    if more > 0 {
        names.push(format!("{more} more names of zone `{}` in the same way", zone.name()));
    }
    names
}

/// Servers whose name would lie in a zone that has no record of it.
fn lacking(estate: &Estate, zone: &ResourceId) -> Vec<ResourceId> {
    let published = estate
        .remember("names that servers publish", &[], |estate| Arc::new(published_names(estate)));
    let records: HashSet<String> = estate
        .children::<Record>(zone)
        .filter(|(id, _)| id.parent().as_ref() == Some(zone))
        .map(|(id, _)| id.name().to_ascii_lowercase())
        .collect();
    let is_lacking = |name: &str| {
        resolve::record_label(zone.name(), name)
            .is_some_and(|label| !records.contains(&label) && !records.contains("*"))
    };
    published.iter().filter(|(_, name)| is_lacking(name)).map(|(id, _)| id.clone()).collect()
}

/// The name in which the public name of each server ends: that of private endpoints where it has one.
fn published_names(estate: &Estate) -> Vec<(ResourceId, String)> {
    let connecting = estate.all::<Endpoint>().flat_map(|(_, one)| &one.connections);
    let mut with_endpoint: HashSet<ResourceId> =
        connecting.filter_map(|one| one.service.clone()).collect();
    let alone = estate.all::<ServerConnection>().filter(|(_, one)| one.endpoint.is_some());
    with_endpoint.extend(alone.filter_map(|(id, _)| id.parent()));
    let public = estate.all::<Server>().filter(|(_, one)| one.delegated_subnet.is_none());
    let name = |(id, server): (&ResourceId, &Server)| {
        let name = server.fqdn.as_ref()?.to_ascii_lowercase();
        let own = server.connections.iter().flatten().any(|one| one.endpoint.is_some());
        let has_endpoint = own || with_endpoint.contains(id);
        let asked = resolve::private_link_name(&name).filter(|_| has_endpoint).unwrap_or(name);
        Some((id.clone(), asked))
    };
    public.filter_map(name).collect()
}

/// Names listed of those that a change touches.
const NAMES_SHOWN_MAX: usize = 20;
