//! The way through a private endpoint that is not there yet.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::Path;
use super::endpoint::{Status, View};
use super::filter::Service;
use super::leg::Walker;
use super::step::Verdict;
use crate::id::ResourceId;

impl Path<'_> {
    /// Whether packets of the copier would get to a new private endpoint of the server with an address in a subnet, whatever the name
    /// leads to.
    pub fn reaches_new_endpoint(&self, subnet: &ResourceId, address: Ipv4Addr) -> bool {
        let Some(start) = &self.start else { return false };
        let id = subnet.child("privateEndpoints", "new");
        let view = View {
            status: Status::Approved,
            status_from: (id.clone(), String::new()),
            connection: None,
            subnet: Ok(subnet.clone()),
            addresses: Ok(vec![address]),
            zone_group: None,
            wrong_end: None,
            id,
        };
        let walker = Walker {
            estate: self.estate,
            start,
            server_id: &self.to_id,
            server: &self.to,
            service: Service::tcp(self.port),
            part: None,
        };
        self.estate.aside(|| walker.endpoint(&Arc::new(view)).verdict() == Verdict::Reachable)
    }
}
