//! The copier's network has DNS servers of its own: what they answer is not in the estate.

use std::net::Ipv4Addr;

use crate::estate::network::Vnet;
use crate::finding::{Finding, Fix};
use crate::trace::dns_servers::{dns_owner, dns_owner_words};
use crate::trace::resolve::Answer;
use crate::trace::{Leads, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let (start, name) = (path.start.as_ref()?, path.name.as_ref()?);
    // Where a rule forwards to a public resolver: dns/forwarding-rule-wrong.
    let outside = name.outside.filter(|_| name.wrong_rule.is_none());
    let is_open = !name.custom_servers.is_empty() && matches!(name.answer, Answer::Unknown(_));
    let leads_astray = matches!(path.would_lead, Leads::Nowhere | Leads::Fallback);
    if !is_open && (outside.is_none() || !leads_astray) {
        return None;
    }
    let servers: Vec<String> = name.custom_servers.iter().map(Ipv4Addr::to_string).collect();
    let asker = dns_owner_words(path.estate, start);
    let message = match outside {
        Some(server) => {
            format!("{asker} asks {server}, a public resolver, which knows no private zone")
        }
        None if servers.len() == 1 => {
            format!("{asker} asks a DNS server of its own: {}", servers.concat())
        }
        None => format!("{asker} asks DNS servers of its own: {}", servers.join(", ")),
    };
    let why = "with servers of its own a network does not look into linked zones: the answer is right only if they \
               forward the public name to 168.63.129.16 from a network that is linked to the zone";
    let owner = dns_owner(path.estate, start);
    let pointer = match *owner == start.vnet {
        true => path.estate.find::<Vnet>(owner)?.dns_pointer.clone(),
        false => path.estate.locate(owner, "", "dnsSettings"),
    };
    let finding = Finding::blocks(message, why).at(owner, pointer);
    Some(match outside {
        Some(_) => finding.fix(Fix::advice(format!(
            "let {asker} ask Azure's own resolver, in place of the public one: an empty list of DNS servers"
        ))),
        None => finding.possible().fix(Fix::advice(format!(
            "forward `postgres.database.azure.com` on those servers to 168.63.129.16, or resolve {} there and compare the \
             answer with the private endpoint's address",
            path.server_name()
        ))),
    })
}
