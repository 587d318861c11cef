//! Questions that a resolver sends on: by the forwarding rules of the network that asks.

use super::forwarder::{self, Forwarded, Forwarder, ForwarderKind};
use super::resolve::{ALIASES_MAX, Answer, Published, Question, Resolution};
use super::{own_zone, public_dns};
use crate::estate::Estate;
use crate::estate::server::Server;
use crate::id::ResourceId;

/// Where a forwarding rule leads.
pub(super) enum Followed {
    /// There is none for the name.
    NoRule,
    /// To another network's resolver, which is asked next.
    On,
    /// To an answer, or to none.
    ToTheEnd,
}

/// Sends a question on where a rule of the network that is asked says so.
pub(super) fn follow_rule(
    estate: &Estate,
    question: Question,
    (published, to): (Published, Option<&Server>),
    asked: &str,
    result: &mut Resolution,
) -> Followed {
    let place = result.place.clone();
    match forwarder::rule_for(estate, &place, asked, question.without) {
        None => return Followed::NoRule,
        Some(Forwarded::To(next, missing)) => {
            result.unproven = result.unproven.take().or(missing);
            result.place = next.vnet.clone();
            result.forwarders.push(next);
            return Followed::On;
        }
        Some(Forwarded::Unknown(rule, missing)) => {
            let kind = ForwarderKind::Rule;
            result.forwarders.push(Forwarder { kind, vnet: place, holder: rule });
            result.answer = Answer::Unknown(missing);
        }
        Some(Forwarded::Outside(server, _))
            if public_dns::may_ask_anew(estate, question, &place, published, to) =>
        {
            result.answer = Answer::Unknown(public_dns::asking_anew(server));
        }
        Some(Forwarded::Outside(server, rule)) => {
            result.outside = Some(server);
            result.answer = published.outside();
            result.wrong_rule = Some(rule);
        }
        Some(Forwarded::Wrong(rule)) => {
            result.answer = Answer::NoAnswer;
            result.wrong_rule = Some(rule);
        }
    }
    Followed::ToTheEnd
}

/// Asks for the alias of an injected server in its own zone; where that is not linked, the alias is asked on as any other name.
pub(super) fn own_zone_or_rule(
    estate: &Estate,
    question: Question,
    to: Option<&Server>,
    result: &mut Resolution,
) -> Followed {
    for _ in 0..ALIASES_MAX {
        let place = result.place.clone();
        result.answer = own_zone::ask(estate, &place, to, result, question.without);
        let is_told = result.zone.is_some() || result.answer != Answer::NoSuchName;
        let zone = to.and_then(|server| server.private_zone.as_ref()).filter(|_| !is_told);
        let Some(alias) = zone.map(ResourceId::name) else { return Followed::ToTheEnd };
        let unproven = result.unproven.take();
        result.unproven = unproven.or_else(|| forwarder::perhaps_forwarded(estate, &place, alias));
        match follow_rule(estate, question, (Published::PrivateOnly, to), alias, result) {
            Followed::On => {}
            ended => return ended,
        }
    }
    Followed::On
}
