//! Changes of records: by the zone group of an endpoint, or by themselves.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{
    Change, DNS_API, Edit, NETWORK_API, Request, Safety, free_name, in_subscription, place, quoted,
    whole_body,
};
use crate::estate::Estate;
use crate::estate::dns::Record;
use crate::estate::endpoint::ZoneGroup;
use crate::id::ResourceId;

/// Seconds for which resolvers keep a record, as az writes it.
const TTL: u64 = 300;

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
    // The group takes the record over, and what stood there goes with the group and with its endpoint.
    let replaced = replaced(estate, &record, address);
    let inverse = Request::delete(&group, NETWORK_API);
    let inverse = Request { then: as_it_is(estate, &record).map(Box::new), ..inverse };
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
        inverse: Some(inverse),
        downtime: "none",
        safety: if replaced.is_some() { Safety::Review } else { Safety::Safe },
        exposure: Vec::new(),
        affected: replaced.into_iter().collect(),
        edits: vec![
            Edit::Put(group.clone(), body),
            Edit::PutForEndpoint(endpoint.clone(), record, record_body(address)),
        ],
        resource: group,
    }
}

/// Whether Azure would not take an edit: the zone that an endpoint is attached to is not there, and no other group tells of it.
pub(super) fn is_refused(estate: &Estate, edit: &Edit) -> bool {
    let Edit::Put(group, body) = edit else { return false };
    let configs = body["properties"]["privateDnsZoneConfigs"].as_array().into_iter().flatten();
    let mut zones = configs.filter_map(|one| {
        one["properties"]["privateDnsZoneId"].as_str().and_then(ResourceId::parse)
    });
    let is_group = group.is_type("microsoft.network/privateendpoints/privatednszonegroups");
    let is_told = |zone: &ResourceId| {
        estate.all::<ZoneGroup>().any(|(_, one)| one.zones.iter().any(|known| known == zone))
    };
    is_group && zones.any(|zone| !estate.has_zone(&zone) && !is_told(&zone))
}

/// What a record set held until it holds one address alone, and whom that leads elsewhere; `None` where nothing else stands there.
fn replaced(estate: &Estate, record: &ResourceId, address: Ipv4Addr) -> Option<String> {
    let old = estate.find::<Record>(record)?.addresses.as_ref()?;
    let others: Vec<String> = old.iter().map(ToString::to_string).collect();
    (!old.is_empty() && *old != [address]).then(|| {
        format!(
            "A record `{}` holds {} now: every network linked to zone `{}` is led to the new address instead",
            record.name(),
            others.join(", "),
            record.name_at(0)
        )
    })
}

/// The request that writes a record set as it is; `None` where there is none.
fn as_it_is(estate: &Estate, record: &ResourceId) -> Option<Request> {
    estate.find::<Record>(record)?.addresses.as_ref()?;
    let mut body = whole_body(estate, record, json!({}));
    if let Some(properties) = body["properties"].as_object_mut() {
        properties.retain(|name, _| ["ttl", "aRecords", "metadata"].contains(&name.as_str()));
    }
    Some(Request::put(record, DNS_API, json!({ "properties": body["properties"] })))
}

pub(super) fn record_body(address: Ipv4Addr) -> Value {
    json!({ "properties": { "ttl": TTL, "aRecords": [ { "ipv4Address": address.to_string() } ] } })
}

/// Makes an A record set hold exactly one address.
pub fn set_record(estate: &Estate, zone: &ResourceId, label: &str, address: Ipv4Addr) -> Change {
    let record = zone.child("A", label);
    let old = estate.find::<Record>(&record);
    let inverse = as_it_is(estate, &record);
    let mut body = record_body(address);
    // What is there keeps its time to live and its metadata, as az and Terraform leave them.
    let kept = inverse.iter().flat_map(|one| one.body["properties"].as_object()).flatten();
    for (name, value) in kept.filter(|(name, _)| *name != "aRecords") {
        body["properties"][name] = value.clone();
    }
    let replaced = replaced(estate, &record, address);
    let base = format!(
        "{} --zone-name {} --record-set-name {}",
        place(zone),
        quoted(zone.name()),
        quoted(label)
    );
    let add =
        format!("az network private-dns record-set a add-record {base} --ipv4-address {address}");
    let mut az = in_subscription(zone, add);
    for stale in
        old.iter().flat_map(|record| &record.addresses).flatten().filter(|one| **one != address)
    {
        az.push(format!(
            "az network private-dns record-set a remove-record {base} --ipv4-address {stale}"
        ));
    }
    let inverse = inverse.unwrap_or_else(|| Request::delete(&record, DNS_API));
    Change {
        kind: "set-record",
        title: format!("let A record `{label}` of zone `{}` hold {address}", zone.name()),
        request: Request::put(&record, DNS_API, body.clone()),
        az,
        inverse: Some(inverse),
        downtime: "none; resolvers keep the old answer until its TTL ends",
        safety: if replaced.is_some() { Safety::Review } else { Safety::Safe },
        exposure: Vec::new(),
        affected: replaced.into_iter().collect(),
        edits: vec![Edit::PutInZone(record.clone(), body)],
        resource: record,
    }
}
