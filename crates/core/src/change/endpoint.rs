//! Changes of private endpoints: approve one, or create one.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::exposure::{self, End, Exposure, Flows, MANY, POSTGRES};
use super::{
    Change, Edit, FLEXIBLE_API, Listed, NETWORK_API, Request, SINGLE_ENDPOINT_API, Safety, az_rest,
    in_subscription, place, quoted,
};
use crate::address::AddressSet;
use crate::estate::Estate;
use crate::estate::endpoint::Endpoint;
use crate::id::ResourceId;

/// What an approver writes beside the approval.
const APPROVAL: &str = "Approved for the migration";

/// The sub-resource of a server that speaks PostgreSQL, and its only member.
const GROUP: &str = "postgresqlServer";

/// Approves a connection that waits on the server's side.
pub fn approve(estate: &Estate, connection: &ResourceId, endpoint: &ResourceId) -> Change {
    let is_single = connection.key().contains("/providers/microsoft.dbforpostgresql/servers/");
    let api = if is_single { SINGLE_ENDPOINT_API } else { FLEXIBLE_API };
    let state = json!({ "status": "Approved", "description": APPROVAL });
    let body = json!({ "properties": { "privateLinkServiceConnectionState": state } });
    let simulated = json!({ "properties": {
        "privateEndpoint": { "id": endpoint.as_str() }, "privateLinkServiceConnectionState": state } });
    let mut edits = vec![Edit::Put(connection.clone(), simulated)];
    if let Some(server) = connection.parent() {
        // Both ends tell the state: the server's list and the endpoint's own body follow the connection.
        edits.push(told_by_server(&server, connection, &state));
        edits.extend(told_by_endpoint(estate, endpoint, &server, &state));
    }
    Change {
        kind: "approve-endpoint",
        resource: connection.clone(),
        title: format!("approve private endpoint `{}` on the server", endpoint.name()),
        request: Request::put(connection, api, body),
        az: in_subscription(
            connection,
            format!(
                "az network private-endpoint-connection approve --id {} --description {}",
                quoted(connection.as_str()),
                quoted(APPROVAL)
            ),
        ),
        // Azure refuses to reject what is approved: only the connection as a whole can be deleted.
        inverse: None,
        downtime: "none",
        safety: Safety::Safe,
        exposure: vec![Exposure::new(
            format!("whoever reaches private endpoint `{}` -> the server", endpoint.name()),
            vec![Flows::new(around(estate, endpoint), addresses(estate, endpoint), POSTGRES)],
        )],
        affected: Vec::new(),
        edits,
    }
}

/// The addresses of an endpoint.
fn addresses(estate: &Estate, endpoint: &ResourceId) -> End {
    let told = estate.find::<Endpoint>(endpoint).map(|one| &one.addresses);
    let networks = told.into_iter().flatten().copied().map(Ipv4Net::from).collect::<Vec<_>>();
    if networks.is_empty() { End::named(endpoint.key(), 1) } else { End::of(&networks) }
}

/// Addresses around the network that an endpoint is in.
fn around(estate: &Estate, endpoint: &ResourceId) -> End {
    let facts = estate.find::<Endpoint>(endpoint);
    let vnet = facts.and_then(|one| one.subnet.as_ref()?.parent());
    let unknown = || End::named(format!("around {}", endpoint.key()), MANY);
    vnet.map_or_else(unknown, |vnet| exposure::around(estate, &vnet))
}

/// The server's word on the state of a connection, where its body lists connections.
fn told_by_server(server: &ResourceId, connection: &ResourceId, state: &Value) -> Edit {
    Edit::Listed(Listed {
        holder: server.clone(),
        list: "privateEndpointConnections",
        element: connection.to_string(),
        fields: Some(json!({ "privateLinkServiceConnectionState": state })),
    })
}

/// The endpoint's own word on the state of its connection to a server.
fn told_by_endpoint(
    estate: &Estate,
    endpoint: &ResourceId,
    server: &ResourceId,
    state: &Value,
) -> Option<Edit> {
    let body = estate.body(endpoint)?;
    let mut fields = serde_json::Map::new();
    for list in ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"] {
        let Some(mut connections) = body.pointer(&estate.locate(endpoint, "", list)).cloned()
        else {
            continue;
        };
        for one in connections.as_array_mut().into_iter().flatten() {
            let properties =
                if one.get("properties").is_some() { &mut one["properties"] } else { one };
            let service = properties.get("privateLinkServiceId").and_then(Value::as_str);
            if service.and_then(ResourceId::parse).as_ref() == Some(server) {
                properties["privateLinkServiceConnectionState"] = state.clone();
            }
        }
        if connections.is_array() {
            fields.insert(list.to_owned(), connections);
        }
    }
    Some(Edit::Patch(endpoint.clone(), Value::Object(fields)))
}

/// What a new private endpoint needs to know.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Its id.
    pub id: ResourceId,
    /// Region of its network.
    pub location: String,
    /// The subnet it gets an address in.
    pub subnet: ResourceId,
    /// The server it connects to.
    pub server: ResourceId,
    /// The address that it asks for: what follows may name it.
    pub address: Ipv4Addr,
    /// Whether the server has no other one, in whatever state: any one makes its public name an alias.
    pub is_first: bool,
    /// Whoever reaches its network.
    pub around: End,
}

/// Creates a private endpoint of a server.
pub fn create(new: &NewEndpoint) -> Change {
    let connection_name = format!("{}-connection", new.id.name());
    let connection = json!({ "name": connection_name, "properties": {
        "privateLinkServiceId": new.server.as_str(), "groupIds": [GROUP] } });
    let alias = "the server's public name becomes an alias into privatelink: networks linked to such a zone without a \
                 record stop resolving it";
    let configuration_name = format!("{}-address", new.id.name());
    let configuration = json!({ "name": configuration_name, "properties": {
        "groupId": GROUP, "memberName": GROUP, "privateIPAddress": new.address.to_string() } });
    let body = json!({ "location": new.location, "properties": {
        "subnet": { "id": new.subnet.as_str() }, "privateLinkServiceConnections": [connection],
        "ipConfigurations": [configuration] } });
    let mut simulated = body.clone();
    let approved = json!({ "status": "Approved" });
    simulated["properties"]["privateLinkServiceConnections"][0]["properties"]["privateLinkServiceConnectionState"] =
        approved.clone();
    let theirs = new.server.child("privateEndpointConnections", &format!("{}-1", new.id.name()));
    let their_body = json!({ "properties": {
        "privateEndpoint": { "id": new.id.as_str() }, "privateLinkServiceConnectionState": approved } });
    Change {
        kind: "create-endpoint",
        resource: new.id.clone(),
        title: format!(
            "create private endpoint `{}` with address {} in subnet `{}`",
            new.id.name(),
            new.address,
            new.subnet.name()
        ),
        request: Request::put(&new.id, NETWORK_API, body),
        az: in_subscription(
            &new.id,
            format!(
                "az network private-endpoint create {} --name {} --location {} --subnet {} \
             --private-connection-resource-id {} --group-id {GROUP} --connection-name {} \
             --ip-config name={} group-id={GROUP} member-name={GROUP} private-ip-address={}",
                place(&new.id),
                quoted(new.id.name()),
                quoted(&new.location),
                quoted(new.subnet.as_str()),
                quoted(new.server.as_str()),
                quoted(&connection_name),
                quoted(&configuration_name),
                new.address
            ),
        ),
        inverse: Some(Request::delete(&new.id, NETWORK_API)),
        downtime: "none",
        safety: Safety::Review,
        exposure: vec![Exposure::new(
            format!("whoever reaches subnet `{}` -> the server", new.subnet.name()),
            vec![Flows::new(new.around.clone(), AddressSet::one(new.address).into(), POSTGRES)],
        )],
        affected: new.is_first.then(|| alias.to_owned()).into_iter().collect(),
        edits: vec![Edit::Put(new.id.clone(), simulated), Edit::Put(theirs, their_body)],
    }
}

/// The endpoint that a change creates, and the address that it asks for.
pub fn made(change: &Change) -> Option<(&ResourceId, Ipv4Addr)> {
    let asked = "/properties/ipConfigurations/0/properties/privateIPAddress";
    let address = change.request.body.pointer(asked).and_then(Value::as_str)?;
    (change.kind == "create-endpoint").then_some((&change.resource, address.parse().ok()?))
}

/// Deletes a private endpoint that carries nothing any more.
pub fn delete(endpoint: &ResourceId) -> Change {
    let request = Request::delete(endpoint, NETWORK_API);
    Change {
        kind: "delete-endpoint",
        resource: endpoint.clone(),
        title: format!(
            "delete private endpoint `{}`, which carries nothing any more",
            endpoint.name()
        ),
        az: vec![az_rest(&request)],
        request,
        inverse: None,
        downtime: "none",
        safety: Safety::Review,
        exposure: Vec::new(),
        affected: vec![format!(
            "records that the zone group of `{}` kept are deleted",
            endpoint.name()
        )],
        edits: vec![Edit::Remove(endpoint.clone())],
    }
}

/// Creates a subnet for private endpoints.
pub fn create_subnet(subnet: &ResourceId, prefix: Ipv4Net) -> Change {
    let body = json!({ "properties": {
        "addressPrefix": prefix.to_string(), "privateEndpointNetworkPolicies": "Disabled" } });
    Change {
        kind: "create-subnet",
        resource: subnet.clone(),
        title: format!(
            "create subnet `{}` ({prefix}) in network `{}`",
            subnet.name(),
            subnet.name_at(0)
        ),
        request: Request::put(subnet, NETWORK_API, body.clone()),
        az: in_subscription(
            subnet,
            format!(
                "az network vnet subnet create {} --vnet-name {} --name {} --address-prefixes {prefix}",
                place(subnet),
                quoted(subnet.name_at(0)),
                quoted(subnet.name())
            ),
        ),
        inverse: Some(Request::delete(subnet, NETWORK_API)),
        downtime: "none",
        safety: Safety::Safe,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![Edit::Put(subnet.clone(), body)],
    }
}
