//! Private endpoints: approval, the address they ask for, and the connection on the server's side.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::super::address::usable;
use super::super::endpoint::endpoints;
use super::super::world::{
    World, interface_addresses, items_mut, last_name, list, reference, set_field, subnet_prefixes,
    text,
};
use super::{INTERFACE, Put};

const LISTS: [&str; 2] = ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"];

/// The server that an endpoint leads to.
pub(super) fn server_of(endpoint: &Value) -> Option<String> {
    let all = LISTS.iter().flat_map(|field| list(endpoint, &["properties", field]).unwrap_or(&[]));
    { all }.find_map(|one| reference(one, &["properties", "privateLinkServiceId"]))
}

impl World {
    /// A new endpoint is approved, since plans ask for it as one who may. Which address it gets is
    /// not known where it asks for none.
    pub(super) fn endpoint_made(&mut self, key: &str) {
        let Some(server) = self.body(key).and_then(server_of) else { return };
        let approved = json!({ "status": "Approved" });
        self.edit(key, |body| set_state(body, &server, &approved));
        let connection = format!("{server}/privateendpointconnections/{}", last_name(key));
        let body = json!({ "id": connection, "properties": {
            "privateEndpoint": { "id": key }, "privateLinkServiceConnectionState": approved } });
        self.edit(&server, |server| {
            if let Some(all) = items_mut(server, "privateEndpointConnections") {
                all.push(body.clone());
            }
        });
        let kind = match server.contains("/flexibleservers/") {
            true => "microsoft.dbforpostgresql/flexibleservers/privateendpointconnections",
            false => "microsoft.dbforpostgresql/servers/privateendpointconnections",
        };
        self.put(&connection, kind, body);
    }

    /// Azure gives an endpoint the address that it asks for, or refuses it.
    pub(super) fn refuses_address(&self, asking: &Put<'_>) -> Option<String> {
        let subnet = reference(asking.body, &["properties", "subnet", "id"])?;
        let prefixes = subnet_prefixes(self.body(&subnet)?);
        let endpoints = endpoints(self, "").into_iter().filter(|one| one.key != asking.key);
        let interfaces = self.all(INTERFACE).flat_map(|(_, body)| interface_addresses(body));
        let taken: Vec<u32> = endpoints.flat_map(|one| one.addresses).chain(interfaces).collect();
        let is_free = |address: &u32| {
            let mut spans = prefixes.iter().filter_map(|prefix| usable(*prefix));
            spans.any(|(first, last)| (first..=last).contains(address)) && !taken.contains(address)
        };
        let lost = interface_addresses(asking.body).into_iter().find(|one| !is_free(one))?;
        Some(format!("{subnet} has no free address {}", Ipv4Addr::from(lost)))
    }

    /// The interface of an endpoint goes with it, and its connection on the server's side.
    pub(super) fn endpoint_gone(&mut self, key: &str) {
        let own = |body: &Value| {
            reference(body, &["properties", "privateEndpoint", "id"]).as_deref() == Some(key)
        };
        let listed =
            self.body(key).and_then(|body| list(body, &["properties", "networkInterfaces"]));
        let mut gone: Vec<String> =
            listed.unwrap_or(&[]).iter().filter_map(|one| reference(one, &["id"])).collect();
        for kind in [
            INTERFACE,
            "microsoft.dbforpostgresql/servers/privateendpointconnections",
            "microsoft.dbforpostgresql/flexibleservers/privateendpointconnections",
        ] {
            let mine = self.all(kind).filter(|(_, body)| own(body));
            gone.extend(mine.map(|(key, _)| key.to_owned()));
        }
        gone.iter().for_each(|key| self.remove(key));
        if let Some(server) = self.body(key).and_then(server_of) {
            self.edit(&server, |server| {
                if let Some(all) = items_mut(server, "privateEndpointConnections") {
                    all.retain(|one| !own(one));
                }
            });
        }
    }

    /// The server's word on a connection is told by all three: connection, server and endpoint.
    pub(super) fn connection_put(&mut self, put: &Put<'_>) {
        const STATE: &str = "privateLinkServiceConnectionState";
        let state = put.body["properties"][STATE].clone();
        let mut endpoint = self
            .body(put.key)
            .and_then(|body| reference(body, &["properties", "privateEndpoint", "id"]));
        let is_it = |one: &Value| {
            reference(one, &["id"]).as_deref() == Some(put.key)
                || text(one, &["name"])
                    .is_some_and(|name| name.eq_ignore_ascii_case(last_name(put.key)))
        };
        self.edit(put.parent, |server| {
            let all = items_mut(server, "privateEndpointConnections");
            for one in all.into_iter().flatten().filter(|one| is_it(one)) {
                set_field(one, STATE, state.clone());
                let own = reference(one, &["properties", "privateEndpoint", "id"]);
                endpoint = endpoint.take().or(own);
            }
        });
        let Some(endpoint) = endpoint else { return };
        self.edit(put.key, |body| {
            set_field(body, "privateEndpoint", json!({ "id": endpoint }));
        });
        self.edit(&endpoint, |body| set_state(body, put.parent, &state));
    }
}

/// What an endpoint tells of its connection to a server.
fn set_state(endpoint: &mut Value, server: &str, state: &Value) {
    for field in LISTS {
        let all = items_mut(endpoint, field);
        for one in all.into_iter().flatten() {
            let of = reference(one, &["properties", "privateLinkServiceId"]);
            if of.as_deref() == Some(server) {
                set_field(one, "privateLinkServiceConnectionState", state.clone());
            }
        }
    }
}
