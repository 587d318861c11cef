//! Finds the servers that users name.

use std::net::Ipv4Addr;

use super::endpoint::{Endpoint, Interface};
use super::server::Server;
use super::{Estate, Key};
use crate::id::ResourceId;
use crate::probes::is_azure;

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
            (None, _) => Err(self.unknown(text)),
            (Some((one, _)), _) => {
                let all = self.all::<Server>().map(|(id, _)| id);
                let same = all.filter(|id| id.name().eq_ignore_ascii_case(one.name()));
                let ids: Vec<&str> = same.map(ResourceId::as_str).collect();
                let (count, list) = (ids.len(), ids.join("\n    "));
                Err(format!("{count} servers have that name: give the whole id;\n    {list}"))
            }
        }
    }

    /// The same, or the server that has a fully qualified name, be it the public one or that of its private link.
    ///
    /// # Errors
    /// As above.
    pub fn find_server_by_any_name(&self, text: &str) -> Result<ResourceId, String> {
        let why = match self.find_server(text) {
            Ok(id) => return Ok(id),
            Err(why) => why,
        };
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let public = name.replacen(".privatelink.", ".", 1);
        let label = name.split_once('.').filter(|_| is_azure(&name)).map(|(label, _)| label);
        let known = self.server_at(&name).or_else(|| self.server_at(&public));
        match (known.or_else(|| self.nameless(label?)), label) {
            (Some(id), _) => Ok(id),
            (None, None) => Err(why),
            (None, Some(label)) => {
                let meant = self.meant(label);
                Err(format!(
                    "no server of the estate has the name `{name}`{meant}{}",
                    self.servers()
                ))
            }
        }
    }

    /// The only server of a name that is not captured with its fully qualified one.
    fn nameless(&self, label: &str) -> Option<ResourceId> {
        let named = self.list::<Server>(Key::ServersNamed(label.to_owned()));
        let mut named = named.filter(|(id, _)| id.name().eq_ignore_ascii_case(label));
        match (named.next(), named.next()) {
            (Some((id, one)), None) if one.fqdn.is_none() => Some(id.clone()),
            _ => None,
        }
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
            let named = one.interfaces.iter().filter_map(|nic| self.find::<Interface>(nic));
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
        let server = services.find(|service| self.find::<Server>(service).is_some())?;
        Some((server.clone(), id.clone()))
    }

    /// Why no server has a name: another thing has it, or a server has one much like it; with the servers there are.
    fn unknown(&self, text: &str) -> String {
        let is_it = |id: &&ResourceId| id.name().eq_ignore_ascii_case(text);
        if let Some(other) = self.ids().find(is_it) {
            let kind = other.resource_type();
            return format!("`{}` is of type {kind}, no server; {}", other.name(), self.servers());
        }
        format!("no server of that name{}{}", self.meant(text), self.servers())
    }

    /// The server whose name is much like another one, as a question; before a list, and with the mark between the two.
    fn meant(&self, name: &str) -> String {
        let away = |id: &ResourceId| edits(&id.name().to_lowercase(), &name.to_lowercase());
        let near = self.all::<Server>().map(|(id, _)| (away(id), id.name())).min();
        match near.filter(|(away, _)| *away <= (name.chars().count() / 5).max(2)) {
            Some((_, name)) => format!(": did you mean `{name}`?\n    "),
            None => "; ".to_owned(),
        }
    }

    /// The servers there are, for an error.
    fn servers(&self) -> String {
        let mut names: Vec<&str> = self.all::<Server>().map(|(id, _)| id.as_str()).collect();
        if names.is_empty() {
            return "the estate holds no server".to_owned();
        }
        let more = names.len().saturating_sub(SERVERS_LISTED_MAX);
        names.truncate(SERVERS_LISTED_MAX);
        let more = if more > 0 { format!("\n    and {more} more") } else { String::new() };
        format!("servers in the estate:\n    {}{more}", names.join("\n    "))
    }
}

/// Letters that have to be put in, taken out or exchanged to make one text of the other.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], line + 1);
        for (index, against) in other.iter().enumerate() {
            let exchanged = corner + usize::from(letter != *against);
            corner = row[index + 1];
            row[index + 1] = exchanged.min(corner + 1).min(row[index] + 1);
        }
    }
    row[other.len()]
}

/// Servers named in an error: enough to choose from, short enough to read.
const SERVERS_LISTED_MAX: usize = 20;
