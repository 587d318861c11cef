//! Resolvers outside of Azure, which anybody may ask and which see no private zone.

use std::net::Ipv4Addr;

use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::forwarder::{self, Forwarded};
use crate::trace::resolve::{Answer, Published, Question, linked_zone, private_link_name};

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
pub(super) fn answers(server: Ipv4Addr, name: &str) -> bool {
    PUBLIC.contains(&server.octets()) && name.to_ascii_lowercase().contains(".postgres.")
}

impl Published {
    /// What a resolver outside of Azure answers.
    pub(super) fn outside(self) -> Answer {
        match self {
            Published::Address | Published::PrivateLinkAlias => Answer::Public,
            Published::PrivateOnly => Answer::NoSuchName,
        }
    }
}

/// Whether something in a network catches the alias that a public resolver answers with.
pub(super) fn may_ask_anew(
    estate: &Estate,
    Question { name, without, .. }: Question,
    place: &ResourceId,
    published: Published,
    to: Option<&Server>,
) -> bool {
    let alias: Option<String> = match published {
        Published::Address => None,
        Published::PrivateLinkAlias => private_link_name(name),
        Published::PrivateOnly => {
            to.and_then(|server| Some(server.private_zone.as_ref()?.name().to_owned()))
        }
    };
    alias.is_some_and(|alias| {
        linked_zone(estate, place, &alias, without).is_some()
            || matches!(
                forwarder::rule_for(estate, place, &alias, without),
                Some(Forwarded::To(..) | Forwarded::Unknown(..))
            )
    })
}

pub(super) fn asking_anew(server: Ipv4Addr) -> Missing {
    Missing::other(
        format!(
            "whether Azure asks its own zones anew for the alias that public resolver {server} answers with"
        ),
        "resolve the name on the target with `flexway probe`, or correct the forwarding rule",
    )
}
