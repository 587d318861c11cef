//! Forwarders on the way of a name: resolvers, machines, and the rules of forwarding rulesets.

use std::net::Ipv4Addr;

use crate::change::{RESOLVER_API, whole_place};
use crate::estate::firewall::Proxy;
use crate::estate::forwarder::{
    DNS_PORT, ForwardingRule, InboundEndpoint, LinkedRuleset, LinkedRulesets, Ruleset, RulesetLink,
};
use crate::estate::network::{Vnet, region_key};
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::shell::{in_double_quotes, quoted};
use crate::trace::dns_proxy;
use crate::trace::forwarded::{self, Sent};
use crate::trace::place;
use crate::trace::public_dns;
use crate::trace::resolve::{AZURE_DNS, holds, linked_zone};
use crate::trace::start::Start;

/// Something that asks on behalf of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarder {
    /// What it is.
    pub kind: ForwarderKind,
    /// The network that it stands in.
    pub vnet: ResourceId,
    /// The resource that holds its address, or the rule.
    pub holder: ResourceId,
}

/// What a forwarder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwarderKind {
    /// The inbound endpoint of a DNS private resolver: asks Azure from its own network.
    Resolver,
    /// An Azure Firewall whose DNS proxy asks Azure from its own network.
    Proxy,
    /// A machine; what it does with questions is not in the estate.
    Machine,
    /// A rule that forwards to a server which is not in the estate.
    Rule,
}

impl ForwarderKind {
    /// Whether it asks Azure from its own network.
    pub fn asks_azure(self) -> bool {
        matches!(self, ForwarderKind::Resolver | ForwarderKind::Proxy)
    }
}

/// A forwarding rule that leads questions astray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongRule {
    /// The rule.
    pub rule: ResourceId,
    /// Pointer of its servers.
    pub pointer: String,
    /// What is wrong, as a sentence's end.
    pub why: String,
    /// Where the question goes round: the link of the ruleset to the network that it is asked from again.
    pub round: Option<Round>,
    /// Where the question comes from and which server it does not reach, if nothing but the way to that one is wrong.
    pub lost: Option<(Start, Ipv4Addr)>,
}

/// The link of a ruleset through which questions go round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The link.
    pub link: ResourceId,
    /// Its network.
    pub vnet: ResourceId,
    /// Whether the link is at fault, and not the rule: the question arrives without it, or not without the rule either.
    pub is_at_fault: bool,
}

impl WrongRule {
    /// Where the question goes round, if that is at fault and not the rule.
    pub fn link_at_fault(&self) -> Option<&Round> {
        self.round.as_ref().filter(|round| round.is_at_fault)
    }
}

/// What a ruleset does with a name.
#[derive(Debug, Clone)]
pub enum Forwarded {
    /// A resolver asks on; with what is not known of the way to it.
    To(Forwarder, Option<Missing>),
    /// A public resolver, outside of Azure.
    Outside(Ipv4Addr, WrongRule),
    /// A server that is not in the estate; with the rule.
    Unknown(ResourceId, Missing),
    /// Nothing useful.
    Wrong(WrongRule),
}

/// The forwarder that holds an address, as seen from a network.
pub fn at(estate: &Estate, vnet: &ResourceId, server: Ipv4Addr) -> Option<Forwarder> {
    let machine = place::holder(estate, vnet, server)?;
    let vnet = machine.subnet.parent()?;
    let Some(holder) = machine.holder else {
        let (firewall, proxy) = dns_proxy::at(estate, &machine.subnet, server)?;
        let kind = match proxy {
            Some(Proxy::AsksAzure) => ForwarderKind::Proxy,
            Some(Proxy::AsksOthers(Some(next)))
                if dns_proxy::is_resolver_beside(estate, &machine.subnet, next) =>
            {
                ForwarderKind::Proxy
            }
            _ => ForwarderKind::Machine,
        };
        return Some(Forwarder { kind, vnet, holder: firewall.clone() });
    };
    let kind = match estate.get::<InboundEndpoint>(&holder) {
        Ok(_) => ForwarderKind::Resolver,
        Err(_) => ForwarderKind::Machine,
    };
    Some(Forwarder { kind, vnet, holder })
}

/// What the rulesets linked to a network do with a name: the rule of the longest domain decides. Rules and links of `without` are
/// taken as gone.
pub fn rule_for(
    estate: &Estate,
    vnet: &ResourceId,
    name: &str,
    without: &[ResourceId],
) -> Option<Forwarded> {
    let rulesets = linked(estate, vnet, without);
    let rules = rulesets.iter().flat_map(|set| estate.children::<ForwardingRule>(set));
    if let Some(unread) = unread(estate, vnet, &rulesets, |rule| rule.catches(name)) {
        return Some(unread);
    }
    let mut catching: Vec<_> = rules.filter(|(_, rule)| rule.catches(name)).collect();
    catching.sort_by_key(|(_, rule)| std::cmp::Reverse(rule.domain.len()));
    catching.into_iter().find_map(|one| sent_by(estate, vnet, (name, one), without))
}

/// What one rule does with a name that it catches; `None` for one that is taken as gone.
fn sent_by(
    estate: &Estate,
    vnet: &ResourceId,
    (name, (id, rule)): (&str, (&ResourceId, &ForwardingRule)),
    without: &[ResourceId],
) -> Option<Forwarded> {
    let set = id.parent()?;
    let is_gone = without.contains(id);
    let astray = |why: String| {
        let pointer = rule.servers_pointer.clone();
        WrongRule { rule: id.clone(), pointer, why, round: None, lost: None }
    };
    let wrong = |why: String| (!is_gone).then(|| Forwarded::Wrong(astray(why)));
    let unknown = |missing| (!is_gone).then(|| Forwarded::Unknown(id.clone(), missing));
    if rule.is_enabled.is_none() {
        return unknown(Missing::field(id, "forwardingRuleState"));
    }
    let Some(servers) = &rule.servers else {
        return unknown(Missing::field(id, "targetDnsServers"));
    };
    let Some(server) = servers.first() else { return wrong("to no server".to_owned()) };
    let (server, port) = (*server.ip(), server.port());
    if server == AZURE_DNS {
        return wrong(format!("to {AZURE_DNS}, which Azure does not allow as a destination"));
    }
    let from = forwarded::network(estate, &set);
    let next = at(estate, from.as_ref().unwrap_or(vnet), server);
    let untold = || {
        let what = format!(
            "what DNS server {server} of forwarding rule `{}` answers for {name}",
            id.name()
        );
        let help =
            format!("resolve {name} through that server, or on the target with `flexway probe`");
        unknown(Missing::other(what, help))
    };
    if port != DNS_PORT {
        return match next {
            Some(next) if next.kind.asks_azure() => {
                wrong(format!("to port {port} of {server}, which answers at port {DNS_PORT}"))
            }
            _ => untold(),
        };
    }
    let is_public = next.is_none() && public_dns::answers(server, name);
    let sent = if is_public { Sent::Arrives } else { forwarded::sent(estate, &set, server) };
    // What keeps the questions of a good rule from a server that is known may go, and the rule stays.
    let is_kept_off = next.is_some() && matches!(sent, Sent::Lost(..));
    if is_gone && !is_kept_off {
        return None;
    }
    let missing = match sent {
        Sent::Lost(why, start) if !is_gone => {
            let lost = Some((start, server));
            return Some(Forwarded::Wrong(WrongRule { lost, ..astray(why) }));
        }
        Sent::Perhaps(missing) => Some(missing),
        Sent::Arrives | Sent::Lost(..) => None,
    };
    match next {
        Some(next) if next.kind.asks_azure() => {
            if !goes_round(estate, &set, &next, name, without) {
                return Some(Forwarded::To(next, missing));
            }
            if is_gone {
                return None;
            }
            let why =
                "to a resolver in a network that the ruleset is linked to: the question goes round";
            let link = link_of(estate, &set, &next.vnet);
            let round = link.map(|link| Round { link, vnet: next.vnet, is_at_fault: false });
            Some(Forwarded::Wrong(WrongRule { round, ..astray(why.to_owned()) }))
        }
        None if is_public => {
            let why = format!("to public resolver {server}, which knows no private zone");
            Some(Forwarded::Outside(server, astray(why)))
        }
        Some(_) | None => untold(),
    }
}

/// Rulesets that were not captured in full: linked ones without a rule or with one that could not be read, and ones with a rule for the
/// name and no link at all.
fn unread(
    estate: &Estate,
    vnet: &ResourceId,
    linked: &[ResourceId],
    catches: impl Fn(&ForwardingRule) -> bool,
) -> Option<Forwarded> {
    let has_rule = |set: &ResourceId| estate.children::<ForwardingRule>(set).next().is_some();
    if let Some(set) = linked.iter().find(|set| !has_rule(set)) {
        let missing = Missing {
            what: format!("the rules of DNS forwarding ruleset `{}`", set.name()),
            resource: Some(set.clone()),
            help: format!(
                "add the output of `az dns-resolver forwarding-rule list {} --ruleset-name {}`",
                whole_place(set),
                quoted(set.name())
            ),
        };
        return Some(Forwarded::Unknown(set.clone(), missing));
    }
    if let Some(rule) = linked.iter().find_map(|set| unread_rule(estate, set)) {
        return Some(Forwarded::Unknown(rule.clone(), Missing::field(rule, "domainName")));
    }
    if listed(estate, vnet).is_some() {
        return None;
    }
    // None of its links was captured, so one may be to this network.
    let is_loose = |set: &ResourceId| estate.children::<RulesetLink>(set).next().is_none();
    let set = catching(estate, catches).find(is_loose)?;
    let missing = unread_links(&set, vnet);
    Some(Forwarded::Unknown(set, missing))
}

/// A rule of a ruleset that could not be read.
fn unread_rule<'e>(estate: &'e Estate, set: &ResourceId) -> Option<&'e ResourceId> {
    estate.unread_below(set).find(|id| id.resource_type().ends_with("/forwardingrules"))
}

/// The rulesets that are linked to a network, as far as is known. Links of `without` are taken as gone.
fn linked(estate: &Estate, vnet: &ResourceId, without: &[ResourceId]) -> Vec<ResourceId> {
    let links = links_to(estate, vnet).filter(|(_, link)| match link {
        Some(link) => !without.contains(link),
        None => true,
    });
    let mut all = Vec::new();
    for (set, _) in links {
        if !all.contains(&set) {
            all.push(set);
        }
    }
    all
}

/// What links rulesets to a network: each with its link, where that is told.
fn links_to<'e>(
    estate: &'e Estate,
    vnet: &ResourceId,
) -> impl Iterator<Item = (ResourceId, Option<ResourceId>)> + use<'e> {
    let links = estate.list::<RulesetLink>(Key::RulesetsOf(vnet.clone()));
    let captured = links.filter_map(|(link, _)| Some((link.parent()?, Some(link.clone()))));
    let listed = listed(estate, vnet).into_iter().flatten();
    captured.chain(listed.map(|one| (one.ruleset.clone(), one.link.clone())))
}

/// The link of a ruleset to a network.
fn link_of(estate: &Estate, set: &ResourceId, vnet: &ResourceId) -> Option<ResourceId> {
    links_to(estate, vnet).find_map(|(one, link)| link.filter(|_| one == *set))
}

/// Azure's own list of the rulesets that are linked to a network, where all of it was captured.
fn listed<'e>(estate: &'e Estate, vnet: &ResourceId) -> Option<&'e [LinkedRuleset]> {
    let (_, list) = estate.only_below::<LinkedRulesets>(vnet)?;
    list.rulesets.as_deref()
}

/// A ruleset that would catch a name and is not known to be linked to a network: nothing counts its links, so that no link is missing
/// is proved by the network's own list alone.
pub(super) fn perhaps_forwarded(estate: &Estate, vnet: &ResourceId, name: &str) -> Option<Missing> {
    if listed(estate, vnet).is_some() {
        return None;
    }
    // Nothing counts the rules of a ruleset either: one of which none was captured may have any.
    let is_bare = |set: &&ResourceId| {
        estate.children::<ForwardingRule>(set).next().is_none()
            || unread_rule(estate, set).is_some()
    };
    let bare = estate.all::<Ruleset>().map(|(set, _)| set).filter(is_bare).cloned();
    let mut sets = catching(estate, |rule| rule.catches(name)).chain(bare).peekable();
    sets.peek()?;
    let linked = linked(estate, vnet, &[]);
    let set = sets.find(|set| !linked.contains(set))?;
    Some(unread_links(&set, vnet))
}

/// A ruleset that would lead a name to a resolver of Azure, and that may be linked to a network: one that is linked to no ruleset, in the
/// ruleset's region, and not to the resolver's own, where questions would go round.
pub fn linkable(estate: &Estate, vnet: &ResourceId, name: &str) -> Option<ResourceId> {
    if !linked(estate, vnet, &[]).is_empty() {
        return None;
    }
    let region = estate.find::<Vnet>(vnet)?.location.as_deref().map(region_key);
    let leads = |set: &ResourceId| {
        let body = estate.body(set);
        let place = body.as_ref().and_then(|body| body.get("location")?.as_str().map(region_key));
        let rules = estate.children::<ForwardingRule>(set).filter(|(_, rule)| rule.catches(name));
        let rule = rules.max_by_key(|(_, rule)| rule.domain.len());
        let server = rule.and_then(|(_, rule)| rule.resolver());
        let arrives =
            |server: &Ipv4Addr| !matches!(forwarded::sent(estate, set, *server), Sent::Lost(..));
        let next = server.filter(arrives).and_then(|server| at(estate, vnet, server));
        let is_near = place.is_none() || region.is_none() || place == region;
        let is_resolver = |next: &Forwarder| next.kind.asks_azure();
        let is_other =
            |next: &Forwarder| next.vnet != *vnet && !goes_round(estate, set, next, name, &[]);
        is_near && next.is_some_and(|next| is_resolver(&next) && is_other(&next))
    };
    catching(estate, |rule| rule.catches(name)).find(leads)
}

/// Whether a resolver asks the ruleset again that sent the question: it is linked to its network, and no zone there answers first.
fn goes_round(
    estate: &Estate,
    set: &ResourceId,
    next: &Forwarder,
    name: &str,
    without: &[ResourceId],
) -> bool {
    linked(estate, &next.vnet, without).contains(set)
        && linked_zone(estate, &next.vnet, name, &[]).is_none()
}

/// The rulesets that have a rule of some sort.
fn catching<'e>(
    estate: &'e Estate,
    catches: impl Fn(&ForwardingRule) -> bool + 'e,
) -> impl Iterator<Item = ResourceId> + 'e {
    let rules = estate.all::<ForwardingRule>().filter(move |(_, rule)| catches(rule));
    rules.filter_map(|(id, _)| id.parent())
}

fn unread_links(set: &ResourceId, vnet: &ResourceId) -> Missing {
    let (set_name, vnet_name) = (set.name(), vnet.name());
    Missing {
        what: format!("whether DNS forwarding ruleset `{set_name}` is linked to `{vnet_name}`"),
        resource: Some(set.clone()),
        help: listing(vnet),
    }
}

/// How to ask Azure for all rulesets of a network.
fn listing(vnet: &ResourceId) -> String {
    let list = in_double_quotes(&format!("{vnet}/listDnsForwardingRulesets"));
    format!(
        "add the output of `az rest --method post --body '{{}}' --url \"{list}?api-version={RESOLVER_API}\" --query \"{{id: \
         '{list}/current', properties: @}}\"`"
    )
}

impl ForwardingRule {
    /// A rule for every name does not act on the names that Azure keeps for itself.
    pub fn catches(&self, name: &str) -> bool {
        self.is_enabled != Some(false) && !self.domain.is_empty() && holds(&self.domain, name)
    }

    /// Where a resolver of Azure may stand that the rule surely sends to.
    fn resolver(&self) -> Option<Ipv4Addr> {
        let first = self.servers.as_ref()?.first()?;
        (self.is_enabled? && first.port() == DNS_PORT).then_some(*first.ip())
    }
}
