//! Finds the servers that users name.

use std::net::Ipv4Addr;

use super::endpoint::{Endpoint, Interface};
use super::server::Server;
use super::{Estate, Key};
use crate::id::ResourceId;

impl Estate {
    /// The id that a user named: an ARM id, or the name of a server when only one server has it.
    ///
    /// # Errors
    /// A sentence saying that nothing, or more than one thing, has that name; with the servers there are.
    pub fn find_server(&self, text: &str) -> Result<ResourceId, String> {
        if let Some(id) = ResourceId::parse(text) {
            let as_captured =
                self.list::<Server>(Key::ServersNamed(id.name().to_ascii_lowercase()));
            let mut same = as_captured.filter(|(known, _)| **known == id);
            let known = same.next().map(|(known, _)| known.clone());
            return known.ok_or_else(|| format!("no server with that id; {}", self.servers()));
        }
        let named = self.list::<Server>(Key::ServersNamed(text.to_ascii_lowercase()));
        let mut named = named.filter(|(id, _)| id.name().eq_ignore_ascii_case(text));
        match (named.next(), named.count()) {
            (Some((one, _)), 0) => Ok(one.clone()),
            (None, _) => Err(format!("no server of that name; {}", self.servers())),
            (Some(_), more) => Err(format!(
                "{} servers have that name: give the whole id; {}",
                more + 1,
                self.servers()
            )),
        }
    }

    /// The same, or the server that has a fully qualified name.
    ///
    /// # Errors
    /// As above.
    pub fn find_server_by_any_name(&self, text: &str) -> Result<ResourceId, String> {
        self.find_server(text).or_else(|why| self.server_at(text).ok_or(why))
    }

    /// The network interface of a machine that a user named: by the id or name of either.
    ///
    /// # Errors
    /// A sentence saying that no machine, or more than one interface, has that name.
    pub fn find_host(&self, text: &str) -> Result<ResourceId, String> {
        let wanted = ResourceId::parse(text);
        let is_it = |id: &ResourceId| match &wanted {
            Some(wanted) => id == wanted,
            None => id.name().eq_ignore_ascii_case(text),
        };
        let is_meant = |(id, one): &(&ResourceId, &Interface)| {
            let is_named = is_it(id) || one.machine.as_ref().is_some_and(is_it);
            is_named && one.endpoint.is_none()
        };
        let mut found: Vec<(&ResourceId, &Interface)> = self.all().filter(is_meant).collect();
        let is_of = |one: &Endpoint, id: &ResourceId| one.interfaces.contains(id);
        found.retain(|(id, _)| !self.all::<Endpoint>().any(|(_, one)| is_of(one, id)));
        if found.iter().any(|(_, one)| one.is_primary == Some(true)) {
            found.retain(|(_, one)| one.is_primary == Some(true));
        }
        match found[..] {
            [(id, _)] => Ok(id.clone()),
            [] if self.all::<Interface>().all(|(_, one)| one.endpoint.is_some()) => {
                Err("the estate holds no network interface of a machine".to_owned())
            }
            [] => Err("no network interface of a machine has that name, and none belongs to a machine of it \
                       (`az network nic list` captures them)"
                .to_owned()),
            _ => Err("several network interfaces fit: give the id of one".to_owned()),
        }
    }

    /// The first server with a fully qualified name, in any case.
    pub fn server_at(&self, fqdn: &str) -> Option<ResourceId> {
        let mut named = self.list::<Server>(Key::ServersNamed(fqdn.to_ascii_lowercase()));
        let is_it = |own: &str| own.eq_ignore_ascii_case(fqdn);
        named.find(|(_, one)| one.fqdn.as_deref().is_some_and(is_it)).map(|(id, _)| id.clone())
    }

    /// The server that an address leads to by a private endpoint, with that endpoint; `None` where several endpoints have it.
    pub fn server_behind(&self, address: Ipv4Addr) -> Option<(ResourceId, ResourceId)> {
        if !self.is_held(address) {
            return None;
        }
        let has_it = |(id, one): &(&ResourceId, &Endpoint)| {
            let has_address = |nic: &Interface| nic.addresses.contains(&address);
            let named = one.interfaces.iter().filter_map(|nic| self.get::<Interface>(nic).ok());
            let mut owned = self
                .list::<Interface>(Key::InterfacesOf((*id).clone()))
                .map(|(_, nic)| nic)
                .chain(named);
            one.addresses.contains(&address) || owned.any(has_address)
        };
        let mut endpoints = self.all::<Endpoint>().filter(has_it);
        let (Some((id, endpoint)), None) = (endpoints.next(), endpoints.next()) else {
            return None;
        };
        let mut services = endpoint.connections.iter().filter_map(|one| one.service.as_ref());
        let server = services.find(|service| self.get::<Server>(service).is_ok())?;
        Some((server.clone(), id.clone()))
    }

    /// The servers there are, for an error.
    fn servers(&self) -> String {
        let servers = self.all::<Server>().take(SERVERS_LISTED_MAX);
        let names: Vec<&str> = servers.map(|(id, _)| id.as_str()).collect();
        match names.is_empty() {
            true => "the estate holds no server".to_owned(),
            false => format!("servers in the estate:\n    {}", names.join("\n    ")),
        }
    }
}

/// Servers named in an error: enough to choose from, short enough to read.
const SERVERS_LISTED_MAX: usize = 20;
