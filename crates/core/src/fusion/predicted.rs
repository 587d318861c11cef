//! What the configuration says that a probe would see.

use std::net::{IpAddr, Ipv4Addr};

use crate::address::{AddressSet, private};
use crate::diagnose::{Copier, Question, Source};
use crate::estate::Estate;
use crate::estate::server::Server;
use crate::id::ResourceId;
use crate::trace::resolve::Answer;
use crate::trace::{self, Path};

/// What the name should give at the copier's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Predicted {
    /// One of these addresses.
    Addresses(Vec<Ipv4Addr>),
    /// A private address.
    Private,
    /// A public address.
    Public,
    /// No address.
    Nothing,
    /// Configuration does not tell.
    Unknown,
}

impl Predicted {
    pub(super) fn of(estate: &Estate, question: &Question) -> Predicted {
        path(estate, question).map_or(Predicted::Unknown, |path| Predicted::of_path(&path))
    }

    fn of_path(path: &Path<'_>) -> Predicted {
        let Some(resolution) = &path.name else { return Predicted::Unknown };
        if resolution.unproven.is_some() || resolution.is_link_pending {
            return Predicted::Unknown;
        }
        match &resolution.answer {
            Answer::Addresses(list) => Predicted::Addresses(list.clone()),
            // Whoever owns a name that is none of Azure's publishes what he likes.
            Answer::Public if path.to_id.is_outside() => Predicted::Unknown,
            Answer::Public => Predicted::Public,
            Answer::NoSuchName | Answer::NoAnswer => Predicted::Nothing,
            Answer::Injected | Answer::Kept => Predicted::Private,
            Answer::Unknown(_) => Predicted::Unknown,
        }
    }

    /// Whether addresses that were seen contradict it. None seen contradicts nothing.
    pub(super) fn is_contradicted_by(&self, seen: &[IpAddr]) -> bool {
        if seen.is_empty() {
            return false;
        }
        match self {
            Predicted::Addresses(list) => {
                !seen.iter().any(|one| list.iter().any(|known| IpAddr::V4(*known) == *one))
            }
            Predicted::Private => !seen.iter().any(is_private),
            Predicted::Public => seen.iter().all(is_private),
            Predicted::Nothing => true,
            Predicted::Unknown => false,
        }
    }

    /// Whether every address should be a private one.
    pub(super) fn is_private(&self) -> bool {
        match self {
            Predicted::Addresses(list) => list.iter().all(|one| is_private(&IpAddr::V4(*one))),
            Predicted::Private => true,
            Predicted::Public | Predicted::Nothing | Predicted::Unknown => false,
        }
    }

    /// In words, after "the name should give".
    pub(super) fn words(&self) -> String {
        match self {
            Predicted::Addresses(list) => {
                list.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(", ")
            }
            Predicted::Private => "a private address".to_owned(),
            Predicted::Public => "a public address".to_owned(),
            Predicted::Nothing => "no address".to_owned(),
            Predicted::Unknown => "what the estate does not tell".to_owned(),
        }
    }
}

/// Whether an address is of no public network.
pub(super) fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => private().contains(*four) || four.is_loopback(),
        IpAddr::V6(six) => six.is_unique_local() || six.is_loopback(),
    }
}

/// Addresses from which the copier may send, as it was judged.
pub(super) fn senders(estate: &Estate, question: &Question) -> AddressSet {
    path(estate, question).map(|path| path.senders()).unwrap_or_default()
}

fn path<'e>(estate: &'e Estate, question: &Question) -> Option<Box<Path<'e>>> {
    if question.copier == Copier::Relay {
        return None;
    }
    let copier = &question.copier_id();
    match &question.source {
        Source::Server(id) => trace::path(estate, copier, id, question.port).ok(),
        Source::Host(host) => trace::path_to_host(estate, copier, host, question.port).ok(),
    }
}

/// The name under which a server is dialled, in lower case.
pub fn server_name(estate: &Estate, id: &ResourceId) -> String {
    let known = estate.find::<Server>(id).and_then(|server| server.fqdn.clone());
    known.unwrap_or_else(|| trace::default_name(id))
}

/// The name under which the source is dialled, in lower case.
pub fn dialled_name(estate: &Estate, question: &Question) -> String {
    match &question.source {
        Source::Server(id) => server_name(estate, id),
        Source::Host(host) => host.to_ascii_lowercase(),
    }
}
