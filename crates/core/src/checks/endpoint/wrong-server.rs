//! The name leads to a private endpoint that belongs to another service, or the endpoint asks for the wrong sub-resource.

use std::net::Ipv4Addr;

use crate::checks::{fixes, new_endpoint};
use crate::estate::Key;
use crate::estate::endpoint::{Endpoint, Interface};
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::endpoint::WrongEnd;
use crate::trace::place;

const ONE_SERVER: &str =
    "a private endpoint maps to one server only: the copier would talk to another one";

pub(super) fn find(path: &Path) -> Option<Finding> {
    path.start.as_ref()?;
    if let Some(view) = path.endpoint()
        && let Some(end) = &view.wrong_end
    {
        let message = format!("private endpoint `{}` leads to {}", view.id.name(), end.words());
        let why = match end {
            WrongEnd::Group(_) => {
                "PostgreSQL servers answer to the sub-resource postgresqlServer only"
            }
            WrongEnd::Service(_) => ONE_SERVER,
        };
        let advice =
            || Fix::advice("create a private endpoint for the sub-resource postgresqlServer");
        let fix = new_endpoint::again(path, view).unwrap_or_else(advice);
        let pointer = path.estate.locate(&view.id, "", "privateLinkServiceConnections");
        return Some(Finding::blocks(message, why).at(&view.id, pointer).fix(fix));
    }
    let (record, addresses) = path.record_meant()?;
    let (endpoint, service) = owner(path, &addresses)?;
    let message = format!(
        "A record `{}` leads to private endpoint `{}`, which belongs to `{}`",
        record.name(),
        endpoint.name(),
        service.name()
    );
    let pointer = path.estate.locate(&record, "", "aRecords");
    let right = path.endpoint().map(|view| fixes::right_record(path, view));
    let advice = || {
        Fix::advice("create a private endpoint of the server and let the record hold its address")
    };
    let finding = Finding::blocks(message, ONE_SERVER).at(&record, pointer);
    Some(finding.fixes_or(right.unwrap_or_default(), advice))
}

/// The private endpoint of another service that holds an address of the record, with that service.
pub(super) fn owner(path: &Path, addresses: &[Ipv4Addr]) -> Option<(ResourceId, ResourceId)> {
    let by_body = |one: &Ipv4Addr| path.estate.list::<Endpoint>(Key::Holders(*one));
    let by_interface = |one: &Ipv4Addr| {
        let interfaces = path.estate.list::<Interface>(Key::Holders(*one));
        let ids = interfaces.filter_map(|(_, interface)| interface.endpoint.as_ref());
        ids.filter_map(|id| Some((id, path.estate.get::<Endpoint>(id).ok()?)))
    };
    // Networks that are not joined may use the same addresses: a network near the copier's that claims it is meant.
    let vnet = &path.start.as_ref()?.vnet;
    let is_meant = |one: &Ipv4Addr, endpoint: &Endpoint| {
        let subnet = endpoint.subnet.as_ref();
        subnet.is_some_and(|subnet| place::is_near(path.estate, vnet, subnet))
            || place::claim(path.estate, vnet, *one).is_none()
    };
    let mut holders = addresses.iter().flat_map(|one| {
        let all = by_body(one).chain(by_interface(one));
        all.filter(|(_, endpoint)| is_meant(one, endpoint))
    });
    holders.find_map(|(id, endpoint)| {
        let services: Vec<_> =
            endpoint.connections.iter().filter_map(|one| one.service.clone()).collect();
        let is_other = !services.is_empty() && !services.contains(&path.to_id);
        is_other.then(|| (id.clone(), services[0].clone()))
    })
}
