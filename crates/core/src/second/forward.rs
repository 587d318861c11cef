//! Forwarding rulesets: where a network's questions are sent on, and from which network they are asked again.

use serde_json::Value;

use super::address::address_of;
use super::machine::Asked;
use super::name::{AZURE, Ask};
use super::outside::{is_for_everybody, is_published};
use super::seat::Spot;
use super::sender::Sender;
use super::stretches;
use super::verdict::{Fate, Gate};
use super::world::{World, list, network_of, reference, text};
use super::zone::{Linked, covers, zones};

/// What the forwarding rules of a network do with a name.
pub(super) enum Rule {
    None,
    /// The question is lost.
    Loses(Gate),
    /// A resolver outside of Azure answers.
    Outside,
    /// A resolver asks on from that network, where the question arrives; if that is not known, why.
    Leads(String, Option<Gate>),
    Unknown(Gate),
}

impl Ask<'_> {
    /// A forwarding rule of a ruleset linked to the network comes before public DNS: that of the longest domain.
    pub(super) fn rule(&self, name: &str) -> Rule {
        let linked = linked(self.world, self.network);
        let mut best: Option<(usize, &str, &Value)> = None;
        for ruleset in &linked {
            let mut rules = self.world.children(ruleset, "forwardingrules").peekable();
            if rules.peek().is_none() {
                return Rule::Unknown(Gate::unknown("the rules", ruleset));
            }
            for (_, rule) in rules {
                let Some(domain) = domain(rule) else {
                    return Rule::Unknown(Gate::unknown("the domain of a rule", ruleset));
                };
                if acts_on(rule, name) && best.is_none_or(|(len, ..)| len < domain.len()) {
                    best = Some((domain.len(), ruleset, rule));
                }
            }
        }
        best.map_or(Rule::None, |(_, ruleset, rule)| self.destination(ruleset, rule, name))
    }

    /// A ruleset with a rule for a name whose link to the network was not captured, and nothing proves absent.
    pub(super) fn loose_ruleset(&self, name: &str) -> Option<String> {
        if listed(self.world, self.network).is_some() {
            return None;
        }
        let rules = self.world.all("microsoft.network/dnsforwardingrulesets/forwardingrules");
        let catching = rules.filter(|(_, rule)| acts_on(rule, name));
        let sets = catching.map(|(key, _)| key.split("/forwardingrules/").next().unwrap_or(""));
        // Nothing counts the rules of a ruleset: one of which none was captured may have any.
        let all = self.world.all("microsoft.network/dnsforwardingrulesets").map(|(key, _)| key);
        let is_bare = |key: &&str| {
            let mut rules = self.world.children(key, "forwardingrules").peekable();
            rules.peek().is_none() || rules.any(|(_, rule)| domain(rule).is_none())
        };
        let mut sets = sets.chain(all.filter(is_bare));
        let linked = linked(self.world, self.network);
        sets.find(|set| !linked.iter().any(|one| one == set)).map(str::to_owned)
    }

    /// Where a rule leads: to the first of its servers.
    fn destination(&self, ruleset: &str, rule: &Value, name: &str) -> Rule {
        let unknown = || Rule::Unknown(Gate::unknown("where a forwarding rule leads", ruleset));
        let loses = || Rule::Loses(Gate::drop("name", ruleset, Some("targetDnsServers")));
        let servers = list(rule, &["properties", "targetDnsServers"]);
        let servers = servers.and_then(|all| all.iter().map(server_of).collect::<Option<Vec<_>>>());
        let (Some(true), Some(servers)) = (is_on(rule), servers) else { return unknown() };
        let Some((first, port)) = servers.first().copied() else { return loses() };
        if first == AZURE {
            return loses();
        }
        let outbound = outbound(self.world, ruleset);
        let near = outbound.iter().flatten().next().map(|subnet| network_of(subnet));
        let near = near.unwrap_or(self.network);
        let spot = address_of(first).map(|to| Spot::of(self.world, near, to));
        if port != PORT {
            let next = spot.as_ref().and_then(Spot::resolver);
            return if next.is_some() { loses() } else { unknown() };
        }
        let is_outside = |spot: &Spot| spot.seat.is_none() && is_for_everybody(spot.to);
        if spot.as_ref().is_some_and(is_outside) && is_published(name) {
            return Rule::Outside;
        }
        let arrives = match (&outbound, &spot) {
            (Some(subnets), Some(spot)) => arrives(self.world, subnets, spot),
            _ => Fate::Open,
        };
        if arrives == Fate::Dropped {
            return loses();
        }
        let Some(next) = spot.as_ref().and_then(Spot::resolver) else { return unknown() };
        let unsure = (arrives == Fate::Open)
            .then(|| Gate::unknown("the way from the outbound endpoints", ruleset));
        let goes_round = linked(self.world, next).iter().any(|one| one == ruleset);
        // Zones of the resolver's network answer before its rulesets.
        let is_answered = || {
            let mut zones = zones(self.world, next, self.server).into_iter();
            zones.any(|zone| zone.linked == Linked::Yes && covers(&zone.name, name))
        };
        if goes_round && !is_answered() { loses() } else { Rule::Leads(next.to_owned(), unsure) }
    }
}

/// The subnets that a ruleset's questions come from; `None` where that is not known of all.
fn outbound(world: &World, ruleset: &str) -> Option<Vec<String>> {
    let field = ["properties", "dnsResolverOutboundEndpoints"];
    let all = list(world.body(ruleset)?, &field).filter(|all| !all.is_empty())?;
    let subnet = |one: &Value| {
        let endpoint = world.body(&reference(one, &["id"])?)?;
        reference(endpoint, &["properties", "subnet", "id"])
    };
    all.iter().map(subnet).collect()
}

/// Whether questions from any address of some subnets reach a server.
fn arrives(world: &World, subnets: &[String], spot: &Spot) -> Fate {
    let (asked, sender) = (Asked::Server(spot.clone()), Sender::default());
    let fate = |subnet: &str, from| Fate::of(&asked.gates(world, &sender, subnet, from));
    let fates = subnets.iter().flat_map(|subnet| {
        let all = stretches(world, subnet, 0);
        let known = all.into_iter().map(|(first, _)| fate(subnet, Some(first)));
        let known: Vec<Fate> = known.collect();
        if known.is_empty() { vec![fate(subnet, None).either(Fate::Open)] } else { known }
    });
    fates.reduce(Fate::either).unwrap_or(Fate::Open)
}

/// The rulesets that are known to be linked to a network: by a link, or by the network's own list.
fn linked(world: &World, network: &str) -> Vec<String> {
    let links = world.all("microsoft.network/dnsforwardingrulesets/virtualnetworklinks");
    let own = links.filter(|(_, link)| {
        reference(link, &["properties", "virtualNetwork", "id"]).as_deref() == Some(network)
    });
    let of = |key: &str| key.split("/virtualnetworklinks/").next().unwrap_or("").to_owned();
    let mut all: Vec<String> = own.map(|(key, _)| of(key)).collect();
    all.extend(listed(world, network).unwrap_or_default());
    all.sort();
    all.dedup();
    all
}

/// What Azure answers when it is asked for all rulesets of a network.
fn listed(world: &World, network: &str) -> Option<Vec<String>> {
    let (_, body) = world.children(network, "listdnsforwardingrulesets").next()?;
    if text(body, &["properties", "nextLink"]).is_some_and(|more| !more.is_empty()) {
        return None;
    }
    list(body, &["properties", "value"])?.iter().map(|one| reference(one, &["id"])).collect()
}

/// Where resolvers of Azure answer; a rule that names no port means it.
const PORT: u64 = 53;

/// A server in a rule's list, with its port.
fn server_of(one: &Value) -> Option<(&str, u64)> {
    let address = text(one, &["ipAddress"]).filter(|text| address_of(text).is_some())?;
    let port = match one.get("port").filter(|port| !port.is_null()) {
        Some(port) => {
            let port = port.as_u64().or_else(|| port.as_str()?.parse().ok())?;
            (port <= 65_535).then_some(port)?
        }
        None => PORT,
    };
    Some((address, port))
}

/// Whether a forwarding rule is on; `None` where it says neither.
fn is_on(rule: &Value) -> Option<bool> {
    let state = rule.get("properties").and_then(|own| own.get("forwardingRuleState"));
    let Some(state) = state.filter(|state| !state.is_null()) else { return Some(true) };
    let is = |word: &str| state.as_str().is_some_and(|state| state.eq_ignore_ascii_case(word));
    (is("enabled") || is("disabled")).then(|| is("enabled"))
}

/// The domain of a forwarding rule, without the final dot.
fn domain(rule: &Value) -> Option<String> {
    let domain = text(rule, &["properties", "domainName"])?;
    Some(domain.trim_end_matches('.').to_ascii_lowercase())
}

/// Whether a forwarding rule may be on and catches a name; one for every name does not act on those that Azure keeps for itself.
fn acts_on(rule: &Value, name: &str) -> bool {
    let domain = domain(rule).unwrap_or_default();
    is_on(rule) != Some(false) && !domain.is_empty() && covers(&domain, name)
}
