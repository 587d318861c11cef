//! What a network's resolver answers when the copier asks for a server's name.

use std::net::Ipv4Addr;

use crate::estate::dns::{Link, Record};
use crate::estate::endpoint::ZoneGroup;
use crate::estate::server::Server;
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::trace::dns_servers::{custom_servers, unread_server};
use crate::trace::following::{Followed, follow_rule, own_zone_or_rule};
use crate::trace::forwarder::{self, Forwarder, WrongRule};
use crate::trace::public_dns;
use crate::trace::start::Start;
use crate::trace::unproven::{longer_zone, perhaps_linked, twin_zone, unread_records};

/// Azure's own resolver, as seen from inside every network.
pub(super) const AZURE_DNS: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Aliases followed before giving up: Azure's chains have two or three.
pub(super) const ALIASES_MAX: usize = 8;

/// What the resolver answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Addresses out of a private zone.
    Addresses(Vec<Ipv4Addr>),
    /// The public address of the service.
    Public,
    /// A linked zone owns the name and has no record of it.
    NoSuchName,
    /// The private address of an injected server, kept in its zone by the service. No input tells its record's name.
    Injected,
    /// The address of a private endpoint that tells none, kept in the zone by its zone group.
    Kept,
    /// No answer comes: the question goes astray.
    NoAnswer,
    /// Configuration does not tell.
    Unknown(Missing),
}

/// The answer and how it came about.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// What the resolver answers.
    pub answer: Answer,
    /// Names asked for, in order: the server's own, then aliases.
    pub names: Vec<String>,
    /// The private zone that answered, with the link that made it answer.
    pub zone: Option<(ResourceId, ResourceId)>,
    /// The record set that answered.
    pub record: Option<ResourceId>,
    /// The link is there but not ready.
    pub is_link_pending: bool,
    /// Why a public answer is not proven: a zone that may be linked too.
    pub unproven: Option<Missing>,
    /// The network's own DNS servers, when it does not use Azure's.
    pub custom_servers: Vec<Ipv4Addr>,
    /// The network whose links decide: the one that asks, or that of the last forwarder.
    pub place: ResourceId,
    /// Forwarders that the question passes, in order.
    pub forwarders: Vec<Forwarder>,
    /// The public resolver that answers: it stands outside of Azure, and knows no private zone.
    pub outside: Option<Ipv4Addr>,
    /// The forwarding rule that leads the question astray, or out of Azure.
    pub wrong_rule: Option<WrongRule>,
}

impl Resolution {
    /// Whether the question does not arrive where a rule rightly sends it.
    pub(super) fn is_lost(&self) -> bool {
        self.wrong_rule.as_ref().is_some_and(|rule| rule.lost.is_some())
    }

    /// The zone that took the server's own name, before any alias of the service was read, with its link: the public suffix, a part
    /// of it, or the very name.
    pub fn taker(&self) -> Option<(&ResourceId, &ResourceId)> {
        let (zone, link) = self.zone.as_ref()?;
        holds(zone.name(), self.names.first()?).then_some((zone, link))
    }
}

/// What public DNS holds about a server's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// A public address.
    Address,
    /// An alias into `privatelink`, since the server has a private endpoint.
    PrivateLinkAlias,
    /// An alias into the server's own private zone: nothing is public.
    PrivateOnly,
}

/// A question for a name.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Who asks.
    pub start: &'q Start,
    /// The DNS server that it asks; `None` for Azure's own resolver.
    pub server: Option<Ipv4Addr>,
    /// The name.
    pub name: &'q str,
    /// Links and forwarding rules that are taken as gone.
    pub without: &'q [ResourceId],
}

/// Asks for a name from a network.
///
/// # Errors
/// [`Missing`] when the network was not observed.
pub fn resolve(
    estate: &Estate,
    question: Question,
    published: Published,
    to: Option<&Server>,
) -> Result<Resolution, Missing> {
    let mut unanswered = Vec::new();
    let mut result = ask(estate, question, published, to, &mut unanswered)?;
    // The zone that answers in the end would say the same if it were linked where the name was asked first.
    let zone = result.zone.as_ref().map(|(zone, _)| zone);
    let doubt = unanswered.iter().find_map(|asked| perhaps_linked(estate, asked, zone));
    result.unproven = doubt.or(result.unproven);
    Ok(result)
}

/// The same, but for the doubt about names that no linked zone answered: they are taken down.
fn ask(
    estate: &Estate,
    question: Question,
    published: Published,
    to: Option<&Server>,
    unanswered: &mut Vec<String>,
) -> Result<Resolution, Missing> {
    let Question { start, server, name, without } = question;
    let vnet_id = &start.vnet;
    let mut result = Resolution {
        answer: Answer::Public,
        names: vec![name.to_owned()],
        zone: None,
        record: None,
        is_link_pending: false,
        unproven: None,
        custom_servers: custom_servers(estate, start)?,
        place: vnet_id.clone(),
        forwarders: Vec::new(),
        outside: None,
        wrong_rule: None,
    };
    if let Some(server) = server {
        match forwarder::at(estate, vnet_id, server) {
            Some(forwarder) if forwarder.kind.asks_azure() => {
                result.place = forwarder.vnet.clone();
                result.forwarders.push(forwarder);
            }
            None if public_dns::answers(server, name) => {
                result.outside = Some(server);
                result.answer = published.outside();
                return Ok(result);
            }
            known => {
                result.forwarders.extend(known);
                result.answer =
                    Answer::Unknown(unread_server(estate, &result.custom_servers, start, name));
                return Ok(result);
            }
        }
    }
    for _ in 0..ALIASES_MAX {
        let asked = result.names.last().cloned().unwrap_or_default();
        let place = result.place.clone();
        if let Some((zone, link_id, link)) = linked_zone(estate, &place, &asked, without) {
            result.is_link_pending |= is_pending(link);
            result.unproven = result
                .unproven
                .or_else(|| longer_zone(estate, &zone, &asked))
                .or_else(|| twin_zone(estate, &place, &zone, &asked, without))
                .or_else(|| unread_state(&link_id, link));
            result.zone = Some((zone.clone(), link_id));
            if let Some(alias) = in_zone(estate, (&zone, link.redirects), &asked, &mut result) {
                result.names.push(alias);
                continue;
            }
            return Ok(result);
        }
        unanswered.push(asked.clone());
        result.unproven =
            result.unproven.or_else(|| forwarder::perhaps_forwarded(estate, &place, &asked));
        match follow_rule(estate, question, (published, to), &asked, &mut result) {
            Followed::NoRule => {}
            Followed::On => continue,
            Followed::ToTheEnd => return Ok(result),
        }
        // A record led away from the names that Azure publishes.
        if asked != name && Some(&asked) != private_link_name(name).as_ref() {
            let help = format!("resolve {asked} on the target with `flexway probe`");
            let what = format!("what public DNS answers for {asked}, which a record leads to");
            result.answer = Answer::Unknown(Missing::other(what, help));
            return Ok(result);
        }
        match published {
            Published::PrivateLinkAlias if asked == name => match private_link_name(name) {
                Some(alias) => result.names.push(alias),
                None => return Ok(result),
            },
            Published::PrivateOnly => match own_zone_or_rule(estate, question, to, &mut result) {
                Followed::On => break,
                Followed::NoRule | Followed::ToTheEnd => return Ok(result),
            },
            Published::Address | Published::PrivateLinkAlias => return Ok(result),
        }
    }
    let what = format!("the end of the chain of aliases of {name}");
    result.answer =
        Answer::Unknown(Missing::other(what, "look at the CNAME records: they may form a loop"));
    Ok(result)
}

/// Takes down what a zone answers for a name, or gives the alias that it leads on to.
pub(super) fn in_zone(
    estate: &Estate,
    (zone, redirects): (&ResourceId, bool),
    asked: &str,
    result: &mut Resolution,
) -> Option<String> {
    result.answer = match find_record(estate, zone, asked) {
        Some((id, record)) => {
            result.record = Some(id.clone());
            match (&record.alias, &record.addresses) {
                (Some(alias), _) => return Some(alias.clone()),
                (None, Some(list)) if list.is_empty() => Answer::NoSuchName,
                (None, Some(list)) => Answer::Addresses(list.clone()),
                (None, None) => Answer::Unknown(Missing::field(&id, "aRecords")),
            }
        }
        None if let Some(missing) = written_record(estate, zone, asked) => Answer::Unknown(missing),
        // Azure offers the redirect for zones of private endpoints only.
        None if redirects && is_private_link(zone.name()) => {
            result.unproven = result.unproven.take().or_else(|| unread_records(estate, zone));
            Answer::Public
        }
        None => Answer::NoSuchName,
    };
    None
}

/// A link that does not tell whether it is finished, or may be on its way out.
pub fn unread_state(id: &ResourceId, link: &Link) -> Option<Missing> {
    let untold = || link.state.is_none().then(|| Missing::field(id, "virtualNetworkLinkState"));
    link.unsettled.map(|state| state.missing(id)).or_else(untold)
}

pub(super) fn is_pending(link: &Link) -> bool {
    link.state.as_deref().is_some_and(|state| !state.eq_ignore_ascii_case("completed"))
}

/// Links of a zone.
pub fn links_of<'e>(
    estate: &'e Estate,
    zone: &ResourceId,
) -> impl Iterator<Item = (&'e ResourceId, &'e Link)> {
    estate.children::<Link>(zone)
}

/// The zone of the longest matching name among those linked to the network.
pub(super) fn linked_zone<'e>(
    estate: &'e Estate,
    vnet_id: &ResourceId,
    name: &str,
    without: &[ResourceId],
) -> Option<(ResourceId, ResourceId, &'e Link)> {
    let mut best: Option<((usize, bool), ResourceId, ResourceId, &Link)> = None;
    for (link_id, link) in estate.list::<Link>(Key::LinksOf(vnet_id.clone())) {
        let Some(zone) = link_id.parent().filter(|_| !without.contains(link_id)) else { continue };
        let rank = (zone.name().len(), !is_pending(link));
        if holds(zone.name(), name) && best.as_ref().is_none_or(|(known, ..)| rank > *known) {
            best = Some((rank, zone, link_id.clone(), link));
        }
    }
    best.map(|(_, zone, link_id, link)| (zone, link_id, link))
}

/// Whether a name lies in a zone, in whatever case either is written.
pub fn holds(zone: &str, name: &str) -> bool {
    let Some((rest, end)) =
        name.len().checked_sub(zone.len()).and_then(|start| name.split_at_checked(start))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(zone) && (rest.is_empty() || rest.ends_with('.'))
}

/// The record set that answers for a name: the exact one, or the wildcard, which does not stand for the zone's own name.
pub fn find_record<'e>(
    estate: &'e Estate,
    zone: &ResourceId,
    name: &str,
) -> Option<(ResourceId, &'e Record)> {
    let label = record_label(zone.name(), name)?;
    let wildcard = (label != "@").then_some("*");
    [label.as_str()].into_iter().chain(wildcard).find_map(|label| {
        ["A", "CNAME"].iter().find_map(|kind| {
            let id = zone.child(kind, label);
            let record = estate.find::<Record>(&id)?;
            Some((id, record))
        })
    })
}

/// A record set of a zone that a zone group says it wrote, and that nobody captured: it may hold something else by now. Nothing where
/// the zone's own count proves it gone.
pub fn written_record(estate: &Estate, zone: &ResourceId, name: &str) -> Option<Missing> {
    let id = zone.child("A", &record_label(zone.name(), name)?);
    let is_captured = estate.find::<Record>(&id).is_some();
    estate.list::<ZoneGroup>(Key::WritersOf(id)).next().filter(|_| !is_captured)?;
    unread_records(estate, zone)
}

/// The name of a record set inside its zone: `@` for the zone itself.
pub fn record_label(zone: &str, name: &str) -> Option<String> {
    let (zone, name) = (zone.to_ascii_lowercase(), name.to_ascii_lowercase());
    if zone == name {
        return Some("@".to_owned());
    }
    let label = name.strip_suffix(&zone)?.strip_suffix('.')?;
    Some(label.to_owned())
}

/// Whether a zone is one of those for private endpoints.
pub(super) fn is_private_link(zone: &str) -> bool {
    zone.to_ascii_lowercase().starts_with("privatelink.")
}

/// `s.postgres.database.azure.com` gives `s.privatelink.postgres.database.azure.com`; in any of Azure's clouds.
pub fn private_link_name(name: &str) -> Option<String> {
    let (server, suffix) = name.split_once('.')?;
    suffix.starts_with("postgres.").then(|| format!("{server}.privatelink.{suffix}"))
}
