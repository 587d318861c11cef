//! Whom a network asks for names: its own list of DNS servers, or a relay host's.

use std::net::Ipv4Addr;

use crate::estate::endpoint::Interface;
use crate::estate::network::Vnet;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::public_dns;
use crate::trace::resolve::AZURE_DNS;
use crate::trace::start::Start;

/// The DNS servers that are asked before Azure; none where Azure is asked first. They are tried in their order, and the next one is
/// asked only when one does not answer.
///
/// # Errors
/// [`Missing`] when the list was not observed.
pub fn custom_servers(estate: &Estate, start: &Start) -> Result<Vec<Ipv4Addr>, Missing> {
    let servers = dns_servers(estate, start)?.iter().copied();
    Ok(servers.take_while(|server| *server != AZURE_DNS).collect())
}

/// Whether all DNS servers of the network are public resolvers, for a name that Azure publishes.
pub(super) fn are_public(estate: &Estate, start: &Start, name: &str) -> bool {
    let all = dns_servers(estate, start);
    all.is_ok_and(|all| all.iter().all(|one| public_dns::answers(*one, name)))
}

/// Whether the network has one DNS server alone.
pub(super) fn is_alone(estate: &Estate, start: &Start) -> bool {
    dns_servers(estate, start).is_ok_and(|all| all.len() == 1)
}

/// Whether Azure is asked at last, when none of the other DNS servers answers.
pub(super) fn falls_back_on_azure(estate: &Estate, start: &Start) -> bool {
    dns_servers(estate, start).is_ok_and(|all| all.contains(&AZURE_DNS))
}

fn dns_servers<'e>(estate: &'e Estate, start: &Start) -> Result<&'e [Ipv4Addr], Missing> {
    let owner = dns_owner(estate, start);
    let servers = match start.relay(estate).filter(|_| *owner != start.vnet) {
        Some(relay) => relay.dns_servers.as_deref(),
        None => estate.get::<Vnet>(&start.vnet)?.dns_servers.as_deref(),
    };
    servers.ok_or_else(|| Missing::field(owner, "dnsServers"))
}

/// Who lists the DNS servers: the relay host's interface where it has servers of its own, else the network.
pub fn dns_owner<'s>(estate: &Estate, start: &'s Start) -> &'s ResourceId {
    let has_own = |one: &Interface| one.dns_servers.as_ref().is_none_or(|list| !list.is_empty());
    match &start.interface {
        Some(id) if start.relay(estate).is_some_and(has_own) => id,
        Some(_) | None => &start.vnet,
    }
}

/// The same in words.
pub fn dns_owner_words(estate: &Estate, start: &Start) -> String {
    let owner = dns_owner(estate, start);
    let kind = if *owner == start.vnet { "network" } else { "interface" };
    format!("{kind} `{}`", owner.name())
}

pub(super) fn unread_server(
    estate: &Estate,
    servers: &[Ipv4Addr],
    start: &Start,
    name: &str,
) -> Missing {
    let servers: Vec<String> = servers.iter().map(Ipv4Addr::to_string).collect();
    let owner = dns_owner_words(estate, start);
    Missing::other(
        match servers.as_slice() {
            [server] => format!("what DNS server {server} of {owner} answers for {name}"),
            many => {
                format!("what the DNS servers {} of {owner} answer for {name}", many.join(", "))
            }
        },
        format!(
            "resolve {name} on a machine that asks them, or on the target with `flexway probe`"
        ),
    )
}
