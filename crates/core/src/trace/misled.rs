//! Endpoints of other services that a server's record leads to.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::endpoint::{self, Status, View};
use super::place;
use super::{Access, Path};
use crate::estate::Key;
use crate::estate::endpoint::{Endpoint, Interface};
use crate::estate::server::ServerKind;
use crate::id::ResourceId;

impl Path<'_> {
    /// Takes the endpoint of another service for that of a private server without one, where the server's record leads to it: it was
    /// made for this server, so that what else is closed on the way there is closed to the one that takes its place.
    pub(super) fn adopt_misled(&mut self) {
        let has_none = self.endpoints.is_empty()
            && self.to_access == Ok(Access::Private)
            && self.to.delegated_subnet.is_none()
            && self.to.kind != ServerKind::Host;
        let meant = if has_none { self.record_meant() } else { None };
        let Some((id, _)) = meant.and_then(|(_, addresses)| self.other_owner(&addresses)) else {
            return;
        };
        // What it says of its connection is said to the other service.
        let view = endpoint::view(self.estate, &self.to_id, &self.to, &[], id);
        self.endpoints.push(Arc::new(View { status: Status::Approved, ..view }));
    }

    /// The private endpoint of another service that holds an address of the record, with that service.
    pub fn other_owner(&self, addresses: &[Ipv4Addr]) -> Option<(ResourceId, ResourceId)> {
        let by_body = |one: &Ipv4Addr| self.estate.list::<Endpoint>(Key::Holders(*one));
        let by_interface = |one: &Ipv4Addr| {
            let interfaces = self.estate.list::<Interface>(Key::Holders(*one));
            let ids = interfaces.filter_map(|(_, interface)| interface.endpoint.as_ref());
            ids.filter_map(|id| Some((id, self.estate.find::<Endpoint>(id)?)))
        };
        // Networks that are not joined may use the same addresses: a network near the copier's that claims it is meant.
        let vnet = &self.start.as_ref()?.vnet;
        let is_meant = |one: &Ipv4Addr, endpoint: &Endpoint| {
            let subnet = endpoint.subnet.as_ref();
            subnet.is_some_and(|subnet| place::is_near(self.estate, vnet, subnet))
                || place::claim(self.estate, vnet, *one).is_none()
        };
        let mut holders = addresses.iter().flat_map(|one| {
            let all = by_body(one).chain(by_interface(one));
            all.filter(|(_, endpoint)| is_meant(one, endpoint))
        });
        holders.find_map(|(id, endpoint)| {
            let services: Vec<_> =
                endpoint.connections.iter().filter_map(|one| one.service.clone()).collect();
            let is_other = !services.is_empty() && !services.contains(&self.to_id);
            is_other.then(|| (id.clone(), services[0].clone()))
        })
    }
}
