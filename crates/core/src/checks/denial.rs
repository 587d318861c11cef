//! Denials of security rules on a path, and the one thing that an earlier rule misses by.

use crate::address::{AddressSet, public};
use crate::checks::fixes;
use crate::estate::filter::{Direction, Prefix};
use crate::estate::network::{NextHop, Route, RoutePrefix, Subnet};
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::Path;
use crate::trace::appliance::Appliance;
use crate::trace::decision::{Decider, Decision, pieces};
use crate::trace::leg::Way;
use crate::trace::near_miss::{Miss, NearMiss};
use crate::trace::route;
use crate::trace::start::Start;
use crate::trace::step::Verdict;

/// Rules that are named beside a denial, since they look as if they let the packets pass.
const MISSED_MAX: usize = 2;

/// A group that denies the flow, or a part of it.
pub(super) struct Denial<'p> {
    pub(super) group: &'p ResourceId,
    pub(super) decision: &'p Decision,
    pub(super) gate: Gate,
}

/// Which gate of the path a group stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// The relay host's own interface.
    OutInterface,
    /// The copier's subnet.
    Out,
    /// The subnet of an appliance on the way.
    Appliance,
    /// The interface of an appliance on the way.
    ApplianceInterface,
    /// The subnet of the other end.
    In,
    /// The subnet of a private endpoint.
    Endpoint,
    /// The interface of the other end.
    Interface,
}

impl Gate {
    fn direction(self) -> Direction {
        match self {
            Gate::OutInterface | Gate::Out => Direction::Outbound,
            Gate::Appliance
            | Gate::ApplianceInterface
            | Gate::In
            | Gate::Endpoint
            | Gate::Interface => Direction::Inbound,
        }
    }
}

/// The denials of a path, in the order in which packets meet them.
pub(super) fn of<'p>(path: &'p Path) -> Vec<Denial<'p>> {
    let all = at_gates(path).into_iter();
    let denials = all.filter(|(_, decision, _)| !decision.denied.is_empty());
    denials.map(|(group, decision, gate)| Denial { group, decision, gate }).collect()
}

/// What the groups on a path decided, in the order in which packets meet them.
fn at_gates<'p>(path: &'p Path) -> Vec<(&'p ResourceId, &'p Decision, Gate)> {
    let Some(leg) = &path.intended else { return Vec::new() };
    let inside = if matches!(leg.way, Way::Endpoint(_)) { Gate::Endpoint } else { Gate::In };
    let gates = [
        (&leg.outbound_interface, Gate::OutInterface),
        (&leg.outbound, Gate::Out),
        (&leg.into_appliance[0], Gate::Appliance),
        (&leg.into_appliance[1], Gate::ApplianceInterface),
        (&leg.inbound, inside),
        (&leg.inbound_interface, Gate::Interface),
    ];
    let decided = gates.into_iter().filter_map(|(decided, gate)| {
        let (group, decision) = decided.as_ref()?;
        Some((group, decision, gate))
    });
    decided.collect()
}

impl Denial<'_> {
    /// What an earlier rule misses by: the first that counts.
    pub(super) fn miss(&self, path: &Path) -> Option<&NearMiss> {
        // Networks that are not joined are not in each other's tag: the join is the fault.
        let is_apart = path.intended.as_ref().is_some_and(|leg| leg.is_apart && leg.is_joining());
        let counts = |one: &&NearMiss| match one.miss {
            Miss::NetworkTag => !is_apart && !self.is_public(path),
            Miss::Group => self.is_at_server(path),
            Miss::Port | Miss::Region => true,
            Miss::Address | Miss::Order => false,
        };
        self.decision.misses.iter().find(counts)
    }

    /// Whether the packets come from the internet, which is in no network's tag.
    fn is_public(&self, path: &Path) -> bool {
        let way = path.intended.as_ref().map(|leg| &leg.way);
        self.gate.direction() == Direction::Inbound && matches!(way, Some(Way::Beyond(_)))
    }

    /// Whether the group is that of a subnet delegated to flexible servers, which no rule about groups of interfaces fits.
    fn is_at_server(&self, path: &Path) -> bool {
        let is_injected =
            || path.intended.as_ref().is_some_and(|leg| matches!(leg.way, Way::Injected(_)));
        match self.gate {
            Gate::Out => path.start.as_ref().is_some_and(|start| start.interface.is_none()),
            Gate::In => is_injected(),
            Gate::OutInterface
            | Gate::Appliance
            | Gate::ApplianceInterface
            | Gate::Endpoint
            | Gate::Interface => false,
        }
    }

    /// Whether the group is that of an interface, and its subnet's lets the same packets pass.
    pub(super) fn is_conflict(&self, path: &Path) -> bool {
        let Some(leg) = &path.intended else { return false };
        let follows = |decision: &Decision| leg.is_apart && decision.lacks_join();
        if follows(self.decision) {
            return false;
        }
        let passes = |one: &Option<(ResourceId, Decision)>| {
            one.as_ref()
                .is_some_and(|(_, decision)| decision.denied.is_empty() || follows(decision))
        };
        match self.gate {
            Gate::OutInterface => passes(&leg.outbound),
            Gate::Interface => passes(&leg.inbound),
            Gate::Out | Gate::Appliance | Gate::ApplianceInterface | Gate::In | Gate::Endpoint => {
                false
            }
        }
    }

    /// By which rules the group of an interface's subnet lets the packets pass; `None` where it does so only once networks are joined.
    pub(super) fn subnet_lets(&self, path: &Path) -> Option<String> {
        let leg = path.intended.as_ref()?;
        let (side, subnet) = match self.gate {
            Gate::OutInterface => (&leg.outbound, &path.start.as_ref()?.subnet),
            Gate::Interface => (&leg.inbound, &leg.receiver()?.subnet),
            Gate::Out | Gate::Appliance | Gate::ApplianceInterface | Gate::In | Gate::Endpoint => {
                return None;
            }
        };
        let (group, decision) = side.as_ref().filter(|(_, one)| one.denied.is_empty())?;
        let rules = pieces(&decision.allowed);
        let rules: Vec<String> = rules.iter().map(|(_, rule)| rule.named()).collect();
        let (group, subnet) = (group.name(), subnet.name());
        (!rules.is_empty())
            .then(|| format!("`{group}` of subnet `{subnet}` lets it pass by {}", rules.join(", ")))
    }

    /// The finding, without what is particular to a fault.
    pub(super) fn finding(&self, path: &Path, why: &str) -> Option<Finding> {
        let (_, rule) = self.decision.denied.first()?;
        let denied = self.decision.denied_senders();
        let all = |start: &&Start| start.addresses(path.estate).is_ok_and(|all| all == denied);
        let who = match path.start.as_ref().filter(all) {
            Some(start) if start.interface.is_some() => format!("the relay host ({denied})"),
            Some(start) => format!("subnet `{}`", start.subnet.name()),
            None if denied == public() => "every public address".to_owned(),
            None => denied.to_string(),
        };
        let direction = self.gate.direction();
        let port = path.port_at(direction);
        let (group, way) = (self.group.name(), self.way(path));
        let denies = |rule: &Decider, who: &str| {
            format!(
                "security rule `{}` (priority {}) of `{group}` denies {who}",
                rule.name, rule.priority
            )
        };
        // Each piece of the senders has the rule that denies it.
        let pieces = pieces(&self.decision.denied);
        let each: Vec<String> = match pieces.as_slice() {
            [_] => vec![denies(rule, &who)],
            several => several.iter().map(|(part, rule)| denies(rule, &part.to_string())).collect(),
        };
        let message = format!("{} {way} on port {port}", each.join(", "));
        let finding =
            Finding::blocks(message, self.why(&pieces, why)).unless(self.decision.doubt.as_ref());
        let mut finding = finding.at(&rule.resource, rule.place.pointer());
        finding.by_rule = !rule.ports.to.contains(&(0, u16::MAX));
        finding.fixes.extend(fixes::let_through(path, self.group, self.decision, direction));
        Some(finding)
    }

    /// What the rules say, in front of the mechanism; which one denies until the networks are joined, and which others look as if they
    /// let the packets pass.
    fn why(&self, pieces: &[(AddressSet, &Decider)], why: &str) -> String {
        let says = |(_, rule): &(AddressSet, &Decider)| says(rule);
        let mut parts: Vec<String> = pieces.iter().map(says).collect();
        if let (Some(today), [(_, rule), ..]) = (&self.decision.today, pieces) {
            parts.push(format!(
                "today `{}` (priority {}) denies, since the tag VirtualNetwork leaves out a network that is not joined; once it is \
                 joined, `{}` does",
                today.name, today.priority, rule.name
            ));
        }
        parts.push(why.to_owned());
        let missed = self.decision.misses.iter().filter_map(|near| {
            let rule = near.rule.named();
            match near.miss {
                Miss::Order => Some(format!("{rule} would allow {} and comes later", near.names)),
                Miss::Address => Some(format!("{rule} lets pass {}", near.names)),
                Miss::Port | Miss::Group | Miss::Region | Miss::NetworkTag => None,
            }
        });
        parts.extend(missed.take(MISSED_MAX));
        parts.join("; ")
    }

    fn way(&self, path: &Path) -> String {
        let leg = path.intended.as_ref();
        let subnet = match leg.map(|leg| &leg.way) {
            Some(Way::Endpoint(view)) => view.subnet.as_ref().ok(),
            Some(Way::Injected(subnet)) => Some(subnet),
            Some(Way::Machine(_)) => leg.and_then(|leg| Some(&leg.receiver()?.subnet)),
            Some(Way::Public | Way::Beyond(_)) | None => None,
        };
        match (self.gate, subnet) {
            (Gate::OutInterface, _) => {
                let own = path.start.as_ref().and_then(|start| start.interface.as_ref());
                own.map_or("the way out".to_owned(), |id| {
                    format!("the way out of interface `{}`", id.name())
                })
            }
            (Gate::Out, _) => "the way out".to_owned(),
            (Gate::Appliance | Gate::ApplianceInterface, _) => {
                let nic = leg.and_then(|leg| match &leg.appliance {
                    Some(Appliance::Forwards(nic)) => Some(nic.name()),
                    _ => None,
                });
                format!("the way into interface `{}`, which a route names", nic.unwrap_or(""))
            }
            (Gate::In | Gate::Endpoint, Some(subnet)) => {
                // Spokes of one make call their subnets alike.
                let own = path.start.as_ref().map(|start| start.subnet.name());
                let is_namesake = own.is_some_and(|own| own.eq_ignore_ascii_case(subnet.name()));
                let place = format!(" of network `{}`", subnet.name_at(0));
                let place = if is_namesake { &*place } else { "" };
                format!("the way into subnet `{}`{place}", subnet.name())
            }
            (Gate::Interface, _) => {
                let holder = leg.and_then(|leg| leg.receiver()?.holder.as_ref());
                holder.map_or("the way in".to_owned(), |id| {
                    format!("the way into interface `{}`", id.name())
                })
            }
            (_, None) => "the way in".to_owned(),
        }
    }
}

/// What a rule says, with its name.
fn says(rule: &Decider) -> String {
    format!("`{}` says: {}", rule.name, rule.words())
}

/// The plain denial at a gate: no earlier rule was meant to let the flow pass, and no other group does.
pub(super) fn plain(path: &Path, gate: Gate) -> Option<Finding> {
    let denials = of(path);
    let denial = denials
        .iter()
        .find(|one| one.gate == gate && one.miss(path).is_none() && !one.is_conflict(path))?;
    let mut why =
        "rules are read from the lowest priority number up, and the first that matches decides"
            .to_owned();
    if let Some(near) = denial.decision.misses.iter().find(|near| near.miss == Miss::Group) {
        let (rule, group) = (&near.rule.name, &near.names);
        why.push_str(&format!(
            "; rule `{rule}` ahead of it names application security group `{group}`, of which that end is no member"
        ));
    }
    denial.finding(path, &why)
}

/// The plain denials at the two groups of a machine, on its subnet and on its interface, as one.
pub(super) fn plain_of_both(path: &Path, gates: [Gate; 2]) -> Option<Finding> {
    let (mut finding, other) = match gates.map(|gate| plain(path, gate)) {
        [Some(subnet), interface] => (subnet, interface),
        [None, interface] => return interface,
    };
    if let Some(other) = other {
        finding.message = format!("{}; and {}", finding.message, other.message);
        let both = finding.fixes.iter().chain(&other.fixes).flat_map(|fix| fix.changes.clone());
        finding.fixes = vec![Fix::of(both.collect())];
    }
    Some(finding)
}

/// A denial behind a rule that misses the flow by one thing. `what` follows the rule's name.
pub(super) fn missed(
    path: &Path,
    miss: Miss,
    what: impl Fn(&NearMiss) -> String,
    why: &str,
) -> Option<Finding> {
    let denials = of(path);
    let (denial, near) = denials
        .iter()
        .find_map(|one| Some((one, one.miss(path).filter(|near| near.miss == miss)?)))?;
    let mut finding = denial.finding(path, why)?;
    finding.why = format!("{}; {}", says(&near.rule), finding.why);
    finding.message = format!(
        "rule `{}` (priority {}) of `{}` {}; {}",
        near.rule.name,
        near.rule.priority,
        denial.group.name(),
        what(near),
        finding.message
    );
    Some(finding.at(&near.rule.resource, near.rule.place.pointer()))
}

/// A rule that catches the packets only if a default route puts every address into the tag VirtualNetwork, which no document says. Where
/// another gate is known to be closed it does not matter yet.
pub(super) fn by_default_route(path: &Path) -> Option<Finding> {
    let leg = path.intended.as_ref().filter(|leg| leg.verdict() != Verdict::Unreachable)?;
    let seat = |gate: Gate| match gate {
        Gate::OutInterface | Gate::Out => path.start.as_ref().map(|start| start.subnet.clone()),
        Gate::In | Gate::Endpoint | Gate::Interface => fixes::met_at(path, leg, Direction::Inbound),
        Gate::Appliance | Gate::ApplianceInterface => None,
    };
    at_gates(path).into_iter().find_map(|(group, decision, gate)| {
        let (senders, rule) = decision.unknown.first()?;
        let names_tag = rule.from.iter().chain(&*rule.to).any(Prefix::is_network_tag);
        let is_by_tag = names_tag && !rule.is_tied && rule.unread.is_none();
        let (table, route) = default_route(path, &seat(gate).filter(|_| is_by_tag)?)?;
        let (name, group_name) = (rule.named(), group.name());
        let message = format!(
            "rule {name} of `{group_name}` catches {senders} on port {} only if route `{route}` of table `{}` puts every address \
             into the tag VirtualNetwork",
            path.port_at(gate.direction()),
            table.name()
        );
        let why = "the tag holds the prefixes of a subnet's routes, and whether one for 0.0.0.0/0 counts no document says: a rule \
                   that names the addresses settles it";
        let mut finding =
            Finding::blocks(message, why).possible().at(&rule.resource, rule.place.pointer());
        finding.fixes.extend(fixes::settle(path, group, decision, gate.direction()));
        Some(finding)
    })
}

/// The default route of a subnet's table that drops nothing, and the table.
fn default_route<'p>(path: &Path<'p>, subnet: &ResourceId) -> Option<(&'p ResourceId, &'p str)> {
    let facts = path.estate.find::<Subnet>(subnet)?;
    let (table, routes) = route::user_routes(path.estate, (subnet, facts)).ok()??;
    let is_default =
        |one: &&Route| matches!(&one.prefix, RoutePrefix::Network(net) if net.prefix_len() == 0);
    let leads_on = |one: &&Route| matches!(one.next_hop, NextHop::Appliance(_) | NextHop::Gateway);
    let found = routes.into_iter().find(|one| is_default(one) && leads_on(one))?;
    Some((table, &found.name))
}
