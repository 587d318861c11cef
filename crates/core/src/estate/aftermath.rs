//! What Azure does by itself when a resource appears or goes: counts, lists, records and states that follow.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::dns::Record;
use super::endpoint::{Endpoint, Interface, ZoneGroup};
use super::nested::{self, Nested};
use super::network::{Peering, Subnet, Vnet};
use super::server::{Server, ServerConnection};
use super::unresolved::unresolved;
use super::{Estate, Key, Problem};
use crate::id::ResourceId;

const ZONE: &str = "microsoft.network/privatednszones/";
const LINK: &str = "microsoft.network/privatednszones/virtualnetworklinks";
const ENDPOINT: &str = "microsoft.network/privateendpoints";
const ZONE_GROUP: &str = "microsoft.network/privateendpoints/privatednszonegroups";
const VNET_RULE: &str = "microsoft.dbforpostgresql/servers/virtualnetworkrules";
const SINGLE: &str = "microsoft.dbforpostgresql/servers";
const FLEXIBLE: &str = "microsoft.dbforpostgresql/flexibleservers";
const PEERING: &str = "microsoft.network/virtualnetworks/virtualnetworkpeerings";

/// A resource was put into the estate.
pub(super) fn of_putting(
    estate: &mut Estate,
    id: &ResourceId,
    is_new: bool,
    problems: &mut Vec<Problem>,
) {
    if is_new {
        count_in_zone(estate, id, 1, problems);
    }
    if let Some(body) = estate.body(id).map(Cow::into_owned) {
        reflect(estate, id, Nested::Is(&body), problems);
    }
}

/// A resource goes before another one of its name is made. Azure gives an endpoint a new address then, and does not connect the
/// endpoints of a server with its successor.
pub(super) fn of_replacement(estate: &mut Estate, id: &ResourceId, problems: &mut Vec<Problem>) {
    match id.resource_type().as_str() {
        ENDPOINT => of_removal(estate, id, problems),
        SINGLE | FLEXIBLE => {
            let endpoints = estate.list::<Endpoint>(Key::EndpointsOf(id.clone()));
            let endpoints: Vec<ResourceId> = endpoints.map(|(id, _)| id.clone()).collect();
            for endpoint in endpoints {
                edit_connections(estate, &endpoint, problems, |connection, _| {
                    if service_of(connection).as_ref() == Some(id) {
                        *state_of(connection) = json!({ "status": "Disconnected" });
                    }
                });
            }
            forget_address(estate, id, problems);
            of_removal(estate, id, problems);
        }
        _ => {}
    }
}

/// What the zone of an injected server says of its address holds no longer for its successor.
fn forget_address(estate: &mut Estate, server: &ResourceId, problems: &mut Vec<Problem>) {
    let Some(facts) = estate.find::<Server>(server) else { return };
    let (Some(zone), Some(subnet)) = (&facts.private_zone, &facts.delegated_subnet) else { return };
    let Some(home) = estate.find::<Subnet>(subnet) else { return };
    let is_home = |one: &Ipv4Addr| home.prefixes.iter().any(|prefix| prefix.contains(one));
    let records = estate.children::<Record>(zone).filter(|(_, record)| {
        record.addresses.as_deref().is_some_and(|all| all.iter().any(is_home))
    });
    let records: Vec<ResourceId> = records.map(|(id, _)| id.clone()).collect();
    for record in records {
        let place = estate.locate(&record, "", "aRecords");
        edit(estate, &record, problems, |body| {
            if let Some(list) = body.pointer_mut(&place) {
                *list = unresolved("the server is made anew, and gets another address");
            }
        });
    }
}

/// Takes a resource out, with its children and what Azure removes or changes along with it.
pub(super) fn of_removal(estate: &mut Estate, id: &ResourceId, problems: &mut Vec<Problem>) {
    let start = format!("{}/", id.key());
    let children: Vec<ResourceId> =
        estate.ids().filter(|other| other.key().starts_with(&start)).cloned().collect();
    for child in &children {
        if child.resource_type() == PEERING {
            disconnect(estate, child, problems);
        }
        if child.resource_type() == ZONE_GROUP {
            forget_records(estate, child, problems);
        }
    }
    match id.resource_type().as_str() {
        PEERING => disconnect(estate, id, problems),
        ZONE_GROUP => forget_records(estate, id, problems),
        ENDPOINT => forget_endpoint(estate, id, problems),
        _ => {}
    }
    if estate.resource(id).is_some() {
        count_in_zone(estate, id, -1, problems);
    }
    reflect(estate, id, Nested::Gone, problems);
    estate.remove(id);
    for child in children {
        estate.remove(&child);
    }
}

/// Lets the list inside the parent say the same.
fn reflect(estate: &mut Estate, id: &ResourceId, child: Nested, problems: &mut Vec<Problem>) {
    let Some(parent) = id.parent() else { return };
    edit(estate, &parent, problems, |body| nested::reflect(body, id, child));
}

/// Changes a body that is there.
fn edit(
    estate: &mut Estate,
    id: &ResourceId,
    problems: &mut Vec<Problem>,
    change: impl FnOnce(&mut Value),
) {
    let Some(resource) = estate.resource(id) else { return };
    let (mut body, origin) = (resource.body.value().into_owned(), resource.origin.clone());
    change(&mut body);
    if body != *resource.body.value() {
        // What was wrong with the rest of the body was said when it was read.
        let count = problems.len();
        estate.put(id, body, origin, problems);
        problems.truncate(count);
    }
}

/// The zone's own counts of its links and of its record sets.
fn count_in_zone(estate: &mut Estate, child: &ResourceId, by: i64, problems: &mut Vec<Problem>) {
    let Some(zone) = child.parent() else { return };
    let field = match child.resource_type().as_str() {
        LINK => "numberOfVirtualNetworkLinks",
        kind if kind.starts_with(ZONE) => "numberOfRecordSets",
        _ => return,
    };
    let place = estate.locate(&zone, "", field);
    edit(estate, &zone, problems, |body| {
        let count = body.pointer_mut(&place).filter(|count| count.is_number());
        if let Some(count) = count {
            *count = json!(count.as_i64().unwrap_or(0).saturating_add(by).max(0));
        }
    });
}

/// Servers, links of zones and VNet rules that a plan makes: it is not over before Azure has completed them.
pub(super) fn of_new_children(
    estate: &mut Estate,
    made: &[ResourceId],
    problems: &mut Vec<Problem>,
) {
    for id in made {
        let (field, state) = match id.resource_type().as_str() {
            LINK => ("virtualNetworkLinkState", "Completed"),
            VNET_RULE | FLEXIBLE => ("state", "Ready"),
            SINGLE => ("userVisibleState", "Ready"),
            _ => continue,
        };
        edit(estate, id, problems, |body| {
            if let Some(fields) = body["properties"].as_object_mut() {
                fields.entry(field).or_insert_with(|| json!(state));
            }
        });
    }
}

/// Halves of peerings that a plan makes: Azure connects two of which neither lost another partner before.
pub(super) fn of_new_halves(estate: &mut Estate, made: &[ResourceId], problems: &mut Vec<Problem>) {
    for half in made.iter().filter(|id| id.resource_type() == PEERING) {
        let (Some(near), Ok(facts)) = (half.parent(), estate.get::<Peering>(half)) else {
            continue;
        };
        let far = facts.remote.clone();
        let knows_space = !facts.remote_space.is_empty();
        let other = estate.children::<Peering>(&far).find(|(_, other)| other.remote == near);
        let other = other.map(|(id, other)| (id.clone(), other.state.clone()));
        if !knows_space {
            set_space(estate, half, &far, problems);
        }
        let Some((other, state)) = other else {
            set_state(estate, half, "Initiated", problems);
            continue;
        };
        let is_whole = match state {
            Some(state) => !state.eq_ignore_ascii_case("disconnected"),
            None => made.contains(&other),
        };
        if is_whole {
            set_state(estate, half, "Connected", problems);
            set_state(estate, &other, "Connected", problems);
        }
    }
}

/// A half learns the other network's address space when it is made.
fn set_space(
    estate: &mut Estate,
    half: &ResourceId,
    far: &ResourceId,
    problems: &mut Vec<Problem>,
) {
    let Some(vnet) = estate.find::<Vnet>(far) else { return };
    let space: Vec<String> = vnet.space.iter().map(ToString::to_string).collect();
    edit(estate, half, problems, |body| {
        body["properties"]["remoteAddressSpace"] = json!({ "addressPrefixes": space });
    });
}

fn set_state(estate: &mut Estate, half: &ResourceId, state: &str, problems: &mut Vec<Problem>) {
    let place = estate.locate(half, "", "peeringState");
    edit(estate, half, problems, |body| match body.pointer_mut(&place) {
        Some(known) if known.is_string() => *known = json!(state),
        _ => body["properties"]["peeringState"] = json!(state),
    });
}

/// The other half of a peering whose one half goes.
fn disconnect(estate: &mut Estate, half: &ResourceId, problems: &mut Vec<Problem>) {
    let (Some(near), Ok(facts)) = (half.parent(), estate.get::<Peering>(half)) else { return };
    let far = facts.remote.clone();
    let other = estate.children::<Peering>(&far).find(|(_, other)| other.remote == near);
    let Some(other) = other.map(|(id, _)| id.clone()) else { return };
    let place = estate.locate(&other, "", "peeringState");
    edit(estate, &other, problems, |body| {
        if let Some(state) = body.pointer_mut(&place).filter(|state| state.is_string()) {
            *state = json!("Disconnected");
        }
    });
}

/// Records that a zone group wrote go with it: those that it tells, and those of the names of what its endpoint leads to. Others of
/// the same addresses were written by hand.
fn forget_records(estate: &mut Estate, group_id: &ResourceId, problems: &mut Vec<Problem>) {
    let (Some(endpoint), Ok(group)) = (group_id.parent(), estate.get::<ZoneGroup>(group_id)) else {
        return;
    };
    let zones = group.zones.clone();
    let addresses: Vec<_> =
        addresses_of(estate, &endpoint).chain(group.addresses.clone()).collect();
    let is_its = |record: &Record| {
        let own = record.addresses.as_deref().unwrap_or(&[]);
        !own.is_empty() && own.iter().all(|address| addresses.contains(address))
    };
    let endpoint = estate.find::<Endpoint>(&endpoint);
    let services = endpoint.into_iter().flat_map(|one| &one.connections);
    let servers = services.filter_map(|one| estate.find::<Server>(one.service.as_ref()?));
    let labels: Vec<&str> =
        servers.filter_map(|one| one.fqdn.as_deref()?.split('.').next()).collect();
    let is_named = |id: &ResourceId| {
        group.records.contains(id) || labels.iter().any(|one| one.eq_ignore_ascii_case(id.name()))
    };
    let mut gone = Vec::new();
    for zone in &zones {
        let records = estate.children::<Record>(zone);
        let records = records.filter(|(id, record)| is_its(record) && is_named(id));
        gone.extend(records.map(|(id, _)| id.clone()));
    }
    for id in gone {
        count_in_zone(estate, &id, -1, problems);
        estate.remove(&id);
    }
}

fn addresses_of(estate: &Estate, endpoint: &ResourceId) -> impl Iterator<Item = Ipv4Addr> + use<> {
    let facts = estate.find::<Endpoint>(endpoint);
    let mut addresses = facts.map(|facts| facts.addresses.clone()).unwrap_or_default();
    for (id, interface) in estate.all::<Interface>() {
        let is_listed = facts.is_some_and(|facts| facts.interfaces.contains(id));
        if is_listed || interface.endpoint.as_ref() == Some(endpoint) {
            addresses.extend(&interface.addresses);
        }
    }
    addresses.into_iter()
}

/// What an endpoint asks services for: the list, and the state of its connections once the endpoint is there. One that asks by hand
/// waits; of another Azure makes nothing where its maker may not approve it.
const REQUESTS: [(&str, &str); 2] = [
    ("privateLinkServiceConnections", "Approved"),
    ("manualPrivateLinkServiceConnections", "Pending"),
];

/// Both sides of an endpoint that a plan makes.
pub(super) fn of_new_endpoint(
    estate: &mut Estate,
    endpoint: &ResourceId,
    problems: &mut Vec<Problem>,
) {
    let mut asked = Vec::new();
    edit_connections(estate, endpoint, problems, |connection, state| {
        let service = service_of(connection);
        let known = state_of(connection);
        if known.is_null() || known.get("status").is_some_and(Value::is_null) {
            *known = json!({ "status": state });
        }
        asked.push((service, known.clone()));
    });
    for (server, state) in asked {
        let Some(server) = server else { continue };
        let place = estate.locate(&server, "", "privateEndpointConnections");
        edit(estate, &server, problems, |body| {
            let Some(list) = body.pointer_mut(&place).and_then(Value::as_array_mut) else { return };
            if !list.iter().any(|one| endpoint_of(one).as_ref() == Some(endpoint)) {
                list.push(json!({ "properties": { "privateEndpoint": { "id": endpoint.as_str() },
                    "privateLinkServiceConnectionState": state } }));
            }
        });
    }
}

/// Changes the connections that an endpoint asks for; with the state that Azure gives such.
fn edit_connections(
    estate: &mut Estate,
    endpoint: &ResourceId,
    problems: &mut Vec<Problem>,
    mut change: impl FnMut(&mut Value, &str),
) {
    for (field, state) in REQUESTS {
        let place = estate.locate(endpoint, "", field);
        edit(estate, endpoint, problems, |body| {
            let list = body.pointer_mut(&place).and_then(Value::as_array_mut);
            for connection in list.into_iter().flatten().filter(|one| one.is_object()) {
                change(connection, state);
            }
        });
    }
}

/// The state of a connection that an endpoint asks for; null where it does not tell it.
fn state_of(connection: &mut Value) -> &mut Value {
    let is_nested = connection.get("properties").is_some_and(Value::is_object);
    let fields = if is_nested { &mut connection["properties"] } else { connection };
    &mut fields["privateLinkServiceConnectionState"]
}

fn service_of(connection: &Value) -> Option<ResourceId> {
    let nested = connection.pointer("/properties/privateLinkServiceId");
    ResourceId::parse(nested.or_else(|| connection.get("privateLinkServiceId"))?.as_str()?)
}

/// The interface of an endpoint goes with it, and its connection on the server's side.
fn forget_endpoint(estate: &mut Estate, endpoint: &ResourceId, problems: &mut Vec<Problem>) {
    let listed = estate.get::<Endpoint>(endpoint).map(|facts| facts.interfaces.clone());
    let mut gone: Vec<ResourceId> = listed.unwrap_or_default();
    let interfaces = estate.all::<Interface>();
    let own = interfaces.filter(|(_, interface)| interface.endpoint.as_ref() == Some(endpoint));
    gone.extend(own.map(|(id, _)| id.clone()));
    let connections = estate.all::<ServerConnection>();
    let own = connections.filter(|(_, one)| one.endpoint.as_ref() == Some(endpoint));
    gone.extend(own.map(|(id, _)| id.clone()));
    let servers: Vec<ResourceId> = estate.all::<Server>().map(|(id, _)| id.clone()).collect();
    gone.iter().for_each(|id| estate.remove(id));
    for server in servers {
        let place = estate.locate(&server, "", "privateEndpointConnections");
        edit(estate, &server, problems, |body| {
            if let Some(list) = body.pointer_mut(&place).and_then(Value::as_array_mut) {
                list.retain(|one| endpoint_of(one).as_ref() != Some(endpoint));
            }
        });
    }
}

fn endpoint_of(connection: &Value) -> Option<ResourceId> {
    let nested = connection.pointer("/properties/privateEndpoint/id");
    ResourceId::parse(nested.or_else(|| connection.pointer("/privateEndpoint/id"))?.as_str()?)
}
