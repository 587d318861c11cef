//! The copier's network has DNS servers of its own: what they answer is not in the estate.

use std::net::Ipv4Addr;

use crate::estate::network::Vnet;
use crate::finding::{Finding, Fix};
use crate::trace::Path;
use crate::trace::dns_servers::{dns_owner, dns_owner_words};
use crate::trace::resolve::{Answer, Resolution};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref()?;
    let is_open = |name: &&Resolution| {
        !name.custom_servers.is_empty() && matches!(name.answer, Answer::Unknown(_))
    };
    let name = path.name.as_ref().filter(is_open)?;
    let servers: Vec<String> = name.custom_servers.iter().map(Ipv4Addr::to_string).collect();
    let message = format!(
        "{} asks DNS servers of its own: {}",
        dns_owner_words(path.estate, start),
        servers.join(", ")
    );
    let why = "with servers of its own a network does not look into linked zones: the answer is right only if they \
               forward the public name to 168.63.129.16 from a network that is linked to the zone";
    let owner = dns_owner(path.estate, start);
    let pointer = match *owner == start.vnet {
        true => path.estate.get::<Vnet>(owner).ok()?.dns_pointer.clone(),
        false => path.estate.locate(owner, "", "dnsSettings"),
    };
    Some(Finding::blocks(message, why).possible().at(owner, pointer).fix(Fix::advice(format!(
        "forward `postgres.database.azure.com` on those servers to 168.63.129.16, or resolve {} there and compare the \
         answer with the private endpoint's address",
        path.server_name()
    ))))
}
