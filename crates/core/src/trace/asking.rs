//! Asks for the server's name from the copier's network: whom it asks, whether that one can be reached, and what it answers.

use std::net::Ipv4Addr;

use super::dns_proxy;
use super::dns_servers;
use super::filter::Service;
use super::forwarder::{self, WrongRule};
use super::hop::Joined;
use super::leg::{Leg, Walker};
use super::naming::name_step;
use super::outward::Outward;
use super::own_zone;
use super::place::{self, Place};
use super::platform_dns;
use super::resolve::{self, Answer, Published, Resolution};
use super::start::Start;
use super::step::{Outcome, Stage, Step, Verdict};
use super::{Access, Leads, Path};
use crate::address::AddressSet;
use crate::estate::forwarder::DNS_PORT;
use crate::estate::server::Server;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// Answers that lead astray looked behind: estates have one or two.
const ASTRAY_MAX: usize = 8;

/// Whom a network asks.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    /// Azure's own resolver.
    Azure,
    /// A DNS server of the network's own; with what is not known of the way to it.
    Server(Ipv4Addr, Option<Missing>),
    /// None of its DNS servers can be reached.
    Nobody,
}

impl Path<'_> {
    /// Asks for the server's name. What stands in the way of an answer is taken down, and what the answer would be without it.
    pub(super) fn ask_name(&mut self, start: &Start) {
        let (server, unseen) = match self.whom(start) {
            Ok(Asked::Nobody) => return self.ask_beyond(start),
            Ok(Asked::Azure) => (None, None),
            Ok(Asked::Server(server, unseen)) => (Some(server), unseen),
            Err(missing) => {
                self.opening.push(Step::unknown(Stage::Name, missing.clone()));
                self.leads = Leads::Unknown(missing);
                return;
            }
        };
        let is_denied = server.is_none() && self.is_kept_from_azure(start);
        self.would_lead = self.follow(start, server, unseen.as_ref(), is_denied);
        self.leads = match is_denied || !self.astray.is_empty() {
            true => Leads::Nowhere,
            false => self.would_lead.clone(),
        };
    }

    /// Takes down what the DNS server would answer that cannot be reached, where that is known.
    fn ask_beyond(&mut self, start: &Start) {
        let Some((server, _)) = self.dns_server else { return };
        let forwarder = forwarder::at(self.estate, &start.vnet, server);
        let is_known = match forwarder {
            Some(one) => one.kind.asks_azure(),
            None => dns_servers::are_public(self.estate, start, &self.server_name()),
        };
        if is_known {
            self.would_lead = self.follow(start, Some(server), None, true);
        }
    }

    /// Asks until the answer does not lead astray any more. `unseen` is what is not known of the way to the DNS server.
    fn follow(
        &mut self,
        start: &Start,
        server: Option<Ipv4Addr>,
        unseen: Option<&Missing>,
        is_denied: bool,
    ) -> Leads {
        let name = self.server_name();
        let published = match (&self.to.delegated_subnet, self.endpoints.is_empty()) {
            (Some(_), _) => Published::PrivateOnly,
            (None, true) => Published::Address,
            (None, false) => Published::PrivateLinkAlias,
        };
        let door = self.fallback.as_ref().map(Leg::verdict);
        let mut without = Vec::new();
        loop {
            let question = resolve::Question { start, server, name: &name, without: &without };
            let ask = |question: resolve::Question| {
                resolve::resolve(self.estate, question, published, Some(&self.to))
            };
            let mut resolution = match ask(question) {
                Ok(resolution) => self.with_kept(resolution),
                Err(missing) => {
                    self.opening.push(Step::unknown(Stage::Name, missing.clone()));
                    return Leads::Unknown(missing);
                }
            };
            let ask_without = |link: &ResourceId| {
                let gone = [without.as_slice(), std::slice::from_ref(link)].concat();
                let answer = ask(resolve::Question { without: &gone, ..question });
                answer.ok().map(|one| self.with_kept(one))
            };
            let judged = match self.judge_name(&resolution, door) {
                Leads::Nowhere | Leads::Unknown(_)
                    if self.is_good_without(&resolution, door, ask_without) =>
                {
                    Leads::Intended
                }
                Leads::Nowhere => self
                    .doubt_of_bad(&resolution, door, ask_without)
                    .map_or(Leads::Nowhere, Leads::Unknown),
                leads => leads,
            };
            let doubtful = self.unread_alias(question, &resolution);
            let leads = match doubtful.or_else(|| self.lasting_alias(question, door, &judged)) {
                Some(missing) => Leads::Unknown(missing),
                None => match (judged, unseen) {
                    // What a server answers counts only where it is surely reached; another one may answer in its place.
                    (Leads::Intended | Leads::Fallback, Some(missing)) => {
                        Leads::Unknown(missing.clone())
                    }
                    (Leads::Nowhere, Some(missing))
                        if resolution.outside.is_some()
                            && !dns_servers::is_alone(self.estate, start) =>
                    {
                        Leads::Unknown(missing.clone())
                    }
                    (leads, _) => leads,
                },
            };
            let mut step = name_step(self.estate, start, &resolution, &leads);
            if let (Answer::Injected, Outcome::Pass, Some(subnet)) =
                (&resolution.answer, step.outcome, &self.to.delegated_subnet)
                && !self.estate.is_brief()
                && let Some(own) = own_zone::own_address(self.estate, &self.to, subnet)
            {
                step.detail.push_str(&format!(", {own}"));
            }
            // Where no zone answered, the links of the one that should have were read.
            if resolution.zone.is_none()
                && !self.endpoints.is_empty()
                && !self.estate.is_brief()
                && let Some(zone) = self.zone_meant().filter(|zone| self.estate.has_zone(zone))
            {
                step = step.read(&zone, "");
            }
            // The link through which a question goes round is at fault, unless it arrives without the rule alone.
            if let Some(WrongRule { rule, round: Some(round), .. }) = &mut resolution.wrong_rule {
                let arrives_without = |one: &ResourceId| {
                    let answer = ask_without(one).map(|one| self.judge_name(&one, door));
                    answer == Some(Leads::Intended)
                };
                round.is_at_fault = arrives_without(&round.link) || !arrives_without(rule);
            }
            match culprit(&resolution, &leads).filter(|_| self.astray.len() < ASTRAY_MAX) {
                Some(culprit) => {
                    self.opening.push(step);
                    self.astray.push(resolution);
                    without.push(culprit);
                }
                None => {
                    let is_real = self.astray.is_empty() && !is_denied;
                    self.opening.extend(is_real.then_some(step));
                    self.name = Some(resolution);
                    return leads;
                }
            }
        }
    }

    /// Whether the server has private endpoints was not observed, and a zone that would answer if it has is linked, or may be.
    fn unread_alias(&self, question: resolve::Question, plain: &Resolution) -> Option<Missing> {
        if !self.tells_no_endpoints() || plain.answer != Answer::Public {
            return None;
        }
        let alias = Published::PrivateLinkAlias;
        let other = resolve::resolve(self.estate, question, alias, None).ok()?;
        let is_doubtful =
            other.zone.is_some() || other.unproven.is_some() && self.may_have_unlisted();
        is_doubtful.then(|| Missing::field(&self.to_id, "privateEndpointConnections"))
    }

    /// Whether public DNS still has the alias of a server that lists no endpoint any more, where the answer without it leads elsewhere.
    fn lasting_alias(
        &self,
        question: resolve::Question,
        door: Option<Verdict>,
        judged: &Leads,
    ) -> Option<Missing> {
        if !matches!(judged, Leads::Intended | Leads::Nowhere)
            || door == Some(Verdict::Unreachable)
            || self.to_access != Ok(Access::PublicWithEndpoint)
            || !self.lists_no_endpoint()
        {
            return None;
        }
        let plain = resolve::resolve(self.estate, question, Published::Address, None).ok()?;
        (plain.answer == Answer::Public).then(|| {
            Missing::other(
                format!("whether public DNS still has the alias of `{}`", self.to_id.name()),
                "no document tells whether it outlives the endpoint's connection: resolve the name on the target, or delete the endpoint",
            )
        })
    }

    /// Whether a rule keeps every sender from Azure's resolver; takes down one that keeps some from it.
    pub(super) fn is_kept_from_azure(&mut self, start: &Start) -> bool {
        let denial = self.estate.aside(|| match &start.interface {
            Some(_) => platform_dns::of_relay(self.estate, start),
            None => self.estate.remember_alone(
                "rule that denies DNS",
                &start.subnet,
                platform_dns::of_subnet,
            ),
        });
        let denial = match denial {
            Ok(Some(denial)) => denial,
            Ok(None) => return false,
            Err(missing) => {
                self.opening.push(Step::unknown(Stage::Name, missing));
                return false;
            }
        };
        let (rule, is_whole) = (&denial.rule, denial.is_whole);
        let who = if is_whole { "the subnet" } else { "a part of the subnet" };
        let detail = format!("rule `{}` denies {who} Azure's resolver", rule.name);
        let mut step = Step::drop(Stage::Name, Some(&rule.resource), detail);
        step.dropped_part = (!is_whole).then(|| denial.denied.clone());
        self.opening.push(step.read(&rule.resource, rule.place.pointer()));
        self.dns_denial = Some(denial);
        is_whole
    }

    /// Finds out whom the network asks: the first of its servers that answers. Says so where nobody does.
    ///
    /// # Errors
    /// [`Missing`] when the network or its list of DNS servers was not observed.
    pub(super) fn whom(&mut self, start: &Start) -> Result<Asked, Missing> {
        let servers = dns_servers::custom_servers(self.estate, start)?;
        let (mut first, mut unseen, mut apart) = (None, None, None);
        let mut may_stand_here = false;
        for server in servers {
            let leg = way_to_resolver(self.estate, start, (&self.to_id, &self.to), server);
            // A part of the subnet gets no answer, and has nobody else to ask.
            if leg.verdict() == Verdict::Partial && dns_servers::is_alone(self.estate, start) {
                self.take_unanswered(start, server, leg);
                return Ok(Asked::Server(server, None));
            }
            if leg.verdict() != Verdict::Unreachable {
                if let Some(missing) = apart {
                    return Err(missing);
                }
                return Ok(unseen.unwrap_or_else(|| {
                    let is_open = leg.verdict() == Verdict::Reachable;
                    let missing = leg.steps().find_map(|step| step.missing.clone());
                    let missing = missing.or_else(|| Some(unseen_way(server)));
                    Asked::Server(server, missing.filter(|_| !is_open))
                }));
            }
            // One that no captured subnet holds may be reached by a way that was not captured: the next one's answer proves nothing.
            let is_claimed =
                matches!(place::of(self.estate, &start.vnet, server), Place::Claimed(_));
            if leg.outward.is_some() && !is_kept_back(&leg, is_claimed) {
                may_stand_here |= is_claimed;
                unseen = unseen.or(Some(Asked::Server(server, Some(unseen_way(server)))));
            }
            // That the next one is asked would be good news, and what was not captured proves none.
            if matches!(leg.joined, Some(Joined::Apart { .. })) {
                apart = apart.or_else(|| Some(unseen_join(server)));
            }
            first = first.or(Some((server, leg)));
        }
        let Some((server, leg)) = first else { return Ok(Asked::Azure) };
        let falls_back = dns_servers::falls_back_on_azure(self.estate, start);
        if let Some(unseen) = unseen.filter(|_| falls_back || may_stand_here) {
            return Ok(unseen);
        }
        if falls_back {
            return apart.map_or(Ok(Asked::Azure), Err);
        }
        self.leads = Leads::Nowhere;
        self.take_unanswered(start, server, leg);
        Ok(Asked::Nobody)
    }

    /// Takes down that a DNS server cannot be reached: from the copier's subnet, or from a part of it.
    fn take_unanswered(&mut self, start: &Start, server: Ipv4Addr, leg: Leg) {
        let owner = dns_servers::dns_owner_words(self.estate, start);
        let parts = leg.steps().filter_map(|step| step.dropped_part.as_ref());
        let dropped = parts.fold(AddressSet::default(), |all, part| all.union(part));
        let is_partial = leg.verdict() == Verdict::Partial;
        let by = if is_partial { format!(" from {dropped}") } else { String::new() };
        let detail = format!("DNS server {server} of {owner} cannot be reached{by}");
        let owner = dns_servers::dns_owner(self.estate, start);
        let mut step = Step::drop(Stage::Name, Some(owner), detail);
        step.dropped_part = is_partial.then_some(dropped);
        let closed = leg.steps().find(|step| step.closes());
        step.facts.extend(closed.into_iter().flat_map(|step| step.facts.clone()));
        self.opening.push(step);
        self.dns_server = Some((server, leg));
    }
}

/// The way of questions to a DNS server.
pub(super) fn way_to_resolver(
    estate: &Estate,
    start: &Start,
    (server_id, server): (&ResourceId, &Server),
    address: Ipv4Addr,
) -> Leg {
    let walker =
        Walker { estate, start, server_id, server, service: Service::udp(DNS_PORT), part: None };
    match place::of(estate, &start.vnet, address) {
        Place::Here(machine) => {
            let mut leg = walker.machine(&machine);
            leg.forward.extend(dns_proxy::silence(estate, &machine.subnet, address));
            leg
        }
        Place::Claimed(_) | Place::Beyond => walker.beyond(address),
    }
}

/// Whether rules keep every question from the gateway that leads to a DNS server, or may, or from the network that claims its address:
/// what their tags hold depends on nothing that was not captured then.
fn is_kept_back(leg: &Leg, is_claimed: bool) -> bool {
    let leads =
        is_claimed || matches!(leg.outward, Some(Outward::Through(_) | Outward::Learned(..)));
    let closes = |step: &Step| {
        step.stage == Stage::FilterOut
            && step.outcome == Outcome::Drop
            && step.dropped_part.is_none()
    };
    leads && leg.forward.iter().any(closes)
}

fn unseen_way(server: Ipv4Addr) -> Missing {
    let what = format!("the way to DNS server {server}");
    Missing::other(what, "capture the network that it stands in")
}

fn unseen_join(server: Ipv4Addr) -> Missing {
    let what =
        format!("whether DNS server {server} answers: its network is not known to be peered");
    Missing::other(
        what,
        "capture both networks with their peerings, or resolve the name from there",
    )
}

/// What leads a question astray: a forwarding rule, the link of its ruleset, or that of a zone that takes the server's own name.
fn culprit(resolution: &Resolution, leads: &Leads) -> Option<ResourceId> {
    if *leads != Leads::Nowhere {
        return None;
    }
    let rule = resolution.wrong_rule.as_ref();
    let rule = rule.map(|one| one.link_at_fault().map_or(&one.rule, |round| &round.link));
    rule.or(resolution.taker().map(|(_, link)| link)).cloned()
}
