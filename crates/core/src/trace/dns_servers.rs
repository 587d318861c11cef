//! Whom a network asks for names: its own list of DNS servers, or a relay host's.

use std::net::Ipv4Addr;

use crate::estate::endpoint::Interface;
use crate::estate::network::Vnet;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::resolve::AZURE_DNS;
use crate::trace::start::Start;

/// Resolvers that anybody may ask, as their operators publish them: Cloudflare, Google, Quad9, OpenDNS, Level 3, Verisign, AdGuard.
const PUBLIC: [[u8; 4]; 22] = [
    [1, 1, 1, 1],
    [1, 0, 0, 1],
    [1, 1, 1, 2],
    [1, 0, 0, 2],
    [1, 1, 1, 3],
    [1, 0, 0, 3],
    [8, 8, 8, 8],
    [8, 8, 4, 4],
    [9, 9, 9, 9],
    [9, 9, 9, 10],
    [149, 112, 112, 112],
    [149, 112, 112, 10],
    [208, 67, 222, 222],
    [208, 67, 220, 220],
    [4, 2, 2, 1],
    [4, 2, 2, 2],
    [209, 244, 0, 3],
    [209, 244, 0, 4],
    [64, 6, 64, 6],
    [64, 6, 65, 6],
    [94, 140, 14, 14],
    [94, 140, 15, 15],
];

/// Whether a DNS server is a public resolver, which stands outside of Azure and knows no private zone, and the name is one of those
/// that Azure gives to servers.
pub(super) fn answers_publicly(server: Ipv4Addr, name: &str) -> bool {
    PUBLIC.contains(&server.octets()) && name.to_ascii_lowercase().contains(".postgres.")
}

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
    all.is_ok_and(|all| all.iter().all(|one| answers_publicly(*one, name)))
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
        format!("what the DNS servers {} of {owner} answer for {name}", servers.join(", ")),
        format!(
            "resolve {name} on a machine that asks them, or on the target with `flexway probe`"
        ),
    )
}
