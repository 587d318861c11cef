//! Changes of private DNS: links, zone groups and records.

use std::net::Ipv4Addr;

use serde_json::json;

use super::{
    Change, DNS_API, Edit, NETWORK_API, RESOLVER_API, Request, Safety, az_rest, free_name,
    in_subscription, place, quoted,
};
use crate::estate::Estate;
use crate::estate::dns::Record;
use crate::estate::forwarder::RulesetLink;
use crate::estate::server::Server;
use crate::id::ResourceId;
use crate::trace::endpoint;
use crate::trace::resolve::{self, Published};

/// Creates a private DNS zone.
pub fn create_zone(zone: &ResourceId) -> Change {
    let body = json!({ "location": "global", "properties": {} });
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
        edits: vec![Edit::Put(zone.clone(), body)],
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
    let request = Request::put(&link, DNS_API, body.clone());
    body["properties"]["virtualNetworkLinkState"] = json!("Completed");
    let affected = shadowed_names(estate, zone, vnet, source);
    Change {
        kind: "link-zone",
        title: format!("link zone `{}` to network `{}`", zone.name(), vnet.name()),
        request,
        az: in_subscription(
            zone,
            format!(
                "az network private-dns link vnet create {} --zone-name {} --name {} --virtual-network {} \
             --registration-enabled false",
                place(zone),
                quoted(zone.name()),
                quoted(&name),
                quoted(vnet.as_str())
            ),
        ),
        inverse: Some(Request::delete(&link, DNS_API)),
        downtime: "none",
        safety: if affected.is_empty() { Safety::Safe } else { Safety::Review },
        exposure: Vec::new(),
        affected,
        edits: vec![Edit::PutInZone(link.clone(), body)],
        resource: link,
    }
}

/// Lets names that a linked zone lacks be asked for publicly.
pub fn redirect_missing_names(link: &ResourceId) -> Change {
    let zone = link.name_at(0);
    let body = |policy: &str| json!({ "properties": { "resolutionPolicy": policy } });
    let patch = |policy: &str| Request {
        method: "PATCH",
        path: format!("{link}?api-version={DNS_API}"),
        body: body(policy),
    };
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
    let patch = |state: &str| Request {
        method: "PATCH",
        path: format!("{rule}?api-version={RESOLVER_API}"),
        body: json!({ "properties": { "forwardingRuleState": state } }),
    };
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

/// Servers of the estate that resolve from the network today and would not once the zone answers.
fn shadowed_names(
    estate: &Estate,
    zone: &ResourceId,
    vnet: &ResourceId,
    source: &ResourceId,
) -> Vec<String> {
    let mut names = Vec::new();
    for (id, server) in estate.all::<Server>().filter(|(id, _)| *id != source) {
        let Some(name) = &server.fqdn else { continue };
        let has_endpoint = !endpoint::of_server(estate, id, server).is_empty();
        let published = if has_endpoint { Published::PrivateLinkAlias } else { Published::Address };
        let asked = match published {
            Published::PrivateLinkAlias => {
                resolve::private_link_name(name).unwrap_or_else(|| name.clone())
            }
            Published::Address | Published::PrivateOnly => name.clone(),
        };
        let zone_name = zone.name().to_ascii_lowercase();
        if server.delegated_subnet.is_none()
            && resolve::holds(&zone_name, &asked)
            && resolve::find_record(estate, zone, &asked).is_none()
        {
            names.push(format!(
                "`{}` has no record in zone `{}`: its name stops resolving in network `{}`",
                id.name(),
                zone.name(),
                vnet.name()
            ));
        }
    }
    names
}

/// Attaches a zone to a private endpoint by a zone group, which writes and keeps the record.
pub fn attach_zone(
    estate: &Estate,
    endpoint: &ResourceId,
    zone: &ResourceId,
    label: &str,
    address: Ipv4Addr,
) -> Change {
    let name = free_name(estate, endpoint, "privateDnsZoneGroups", "default");
    let group = endpoint.child("privateDnsZoneGroups", &name);
    let config = zone.name().replace('.', "-");
    let body = json!({ "properties": { "privateDnsZoneConfigs": [
        { "name": config, "properties": { "privateDnsZoneId": zone.as_str() } } ] } });
    let record = zone.child("A", label);
    // The group takes the record over: what stood there is gone, also when the group is deleted again.
    let old = estate.get::<Record>(&record).ok().and_then(|record| record.addresses.clone());
    let is_taken_over = old.as_ref().is_some_and(|old| !old.is_empty() && *old != [address]);
    Change {
        kind: "attach-zone",
        title: format!(
            "attach zone `{}` to private endpoint `{}`, which writes the record of the server",
            zone.name(),
            endpoint.name()
        ),
        request: Request::put(&group, NETWORK_API, body.clone()),
        az: in_subscription(
            endpoint,
            format!(
                "az network private-endpoint dns-zone-group create {} --endpoint-name {} --name {} \
             --private-dns-zone {} --zone-name {}",
                place(endpoint),
                quoted(endpoint.name()),
                quoted(&name),
                quoted(zone.as_str()),
                quoted(&config)
            ),
        ),
        inverse: (!is_taken_over).then(|| Request::delete(&group, NETWORK_API)),
        downtime: "none",
        safety: if is_taken_over { Safety::Review } else { Safety::Safe },
        exposure: Vec::new(),
        affected: is_taken_over.then(|| taken_over(&record, old.as_deref())).into_iter().collect(),
        edits: vec![Edit::Put(group.clone(), body), Edit::PutInZone(record, record_body(address))],
        resource: group,
    }
}

fn taken_over(record: &ResourceId, old: Option<&[Ipv4Addr]>) -> String {
    let old: Vec<String> = old.into_iter().flatten().map(ToString::to_string).collect();
    format!(
        "A record `{}` holds {} now: every network linked to zone `{}` is led to the new address instead",
        record.name(),
        old.join(", "),
        record.name_at(0)
    )
}

fn record_body(address: Ipv4Addr) -> serde_json::Value {
    json!({ "properties": { "ttl": 300, "aRecords": [ { "ipv4Address": address.to_string() } ] } })
}

/// Makes an A record set hold exactly one address.
pub fn set_record(estate: &Estate, zone: &ResourceId, label: &str, address: Ipv4Addr) -> Change {
    let record = zone.child("A", label);
    let old = estate.get::<Record>(&record).ok();
    let body = record_body(address);
    let base = format!(
        "{} --zone-name {} --record-set-name {}",
        place(zone),
        quoted(zone.name()),
        quoted(label)
    );
    let add =
        format!("az network private-dns record-set a add-record {base} --ipv4-address {address}");
    let mut az = in_subscription(zone, add);
    let mut old_addresses = Vec::new();
    for stale in
        old.iter().flat_map(|record| &record.addresses).flatten().filter(|one| **one != address)
    {
        az.push(format!(
            "az network private-dns record-set a remove-record {base} --ipv4-address {stale}"
        ));
        old_addresses.push(json!({ "ipv4Address": stale.to_string() }));
    }
    let inverse = match old {
        Some(_) => {
            let body = json!({ "properties": { "ttl": 300, "aRecords": old_addresses } });
            Request::put(&record, DNS_API, body)
        }
        None => Request::delete(&record, DNS_API),
    };
    Change {
        kind: "set-record",
        title: format!("let A record `{label}` of zone `{}` hold {address}", zone.name()),
        request: Request::put(&record, DNS_API, body.clone()),
        az,
        inverse: Some(inverse),
        downtime: "none; resolvers keep the old answer until its TTL ends",
        safety: Safety::Safe,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![Edit::PutInZone(record.clone(), body)],
        resource: record,
    }
}
