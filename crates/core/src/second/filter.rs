//! Security groups, after admin rules: what a subnet's filters do with one packet.

use serde_json::Value;

use super::address::{Prefix, is_private, span_of};
use super::admin;
use super::rule::{
    denies, destination_port, direction, is_readable, priority, protocol, source_port, turn, words,
};
use super::tag;
use super::verdict::{Gate, Tri};
use super::world::{World, list, reference, text};

/// One end of a packet, as a security rule sees it.
#[derive(Clone, Copy)]
pub(super) enum End<'w> {
    Address(u32),
    /// Somewhere, after a translation that nobody described.
    Somewhere,
    /// Some public address.
    Internet,
    /// The public front door of a server, whose address is not in ARM.
    Front {
        single: bool,
        region: Option<&'w str>,
    },
}

impl End<'_> {
    pub(super) fn at(address: Option<u32>) -> End<'static> {
        address.map_or(End::Somewhere, End::Address)
    }
}

/// The packet that opens a connection.
#[derive(Clone, Copy)]
pub(super) struct Packet<'w> {
    pub(super) from: End<'w>,
    pub(super) to: End<'w>,
    pub(super) port: u16,
    /// In lower case.
    pub(super) protocol: &'static str,
    /// Application security groups that the sender is a member of.
    pub(super) members: &'w [String],
    /// Whether both ends are in one network: elsewhere nobody says whether rules match members of groups.
    pub(super) one_network: bool,
    /// Application security groups that the destination is a member of.
    pub(super) groups: &'w [String],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Outbound,
    Inbound,
}

impl Way {
    pub(super) fn word(self) -> &'static str {
        match self {
            Way::Outbound => "outbound",
            Way::Inbound => "inbound",
        }
    }
}

/// Where a filter stands: a subnet and its body.
#[derive(Clone, Copy)]
pub(super) struct Place<'w> {
    pub(super) subnet: &'w str,
    /// Source-port filters are read as `*` on the subnets of private endpoints.
    pub(super) endpoint: bool,
    /// Whether an address that may be in the tag VirtualNetwork is; `None` where both can be.
    in_tag: Option<bool>,
}

impl<'w> Place<'w> {
    pub(super) fn of(subnet: &'w str) -> Place<'w> {
        Place { subnet, endpoint: false, in_tag: None }
    }

    /// Before the private endpoints of a subnet.
    pub(super) fn of_endpoints(subnet: &'w str) -> Place<'w> {
        Place { endpoint: true, ..Place::of(subnet) }
    }

    /// The same, where it is settled whether what may be in the tag VirtualNetwork is.
    pub(super) fn where_it_is(self, in_tag: bool) -> Place<'w> {
        Place { in_tag: Some(in_tag), ..self }
    }
}

/// Admin rules first, then the subnet's group.
pub(super) fn filter(world: &World, place: Place<'_>, way: Way, packet: &Packet<'_>) -> Gate {
    let group = group_of(world, place, way, packet);
    admin::before(world, place, way, packet, group)
}

/// The same; behind an admin rule that drops the packet, also what the group does with those that get past it.
pub(super) fn filters(world: &World, place: Place<'_>, way: Way, packet: &Packet<'_>) -> Vec<Gate> {
    let group = group_of(world, place, way, packet);
    let first = admin::before(world, place, way, packet, group.clone());
    match first {
        Gate::Drop(_) if first != group => vec![first, group],
        first => vec![first],
    }
}

/// The group of the place's subnet.
pub(super) fn group_of(world: &World, place: Place<'_>, way: Way, packet: &Packet<'_>) -> Gate {
    let Some(subnet) = world.body(place.subnet) else {
        return Gate::unknown("the security group", place.subnet);
    };
    let Some(key) = reference(subnet, &["properties", "networkSecurityGroup", "id"]) else {
        return Gate::Pass;
    };
    group(world, &key, place, way, packet)
}

pub(super) fn has_group(world: &World, subnet: &str) -> bool {
    world.body(subnet).is_some_and(|body| {
        reference(body, &["properties", "networkSecurityGroup", "id"]).is_some()
    })
}

/// What a group does with a packet at a place. The tag VirtualNetwork holds an address for every rule or for none, so that what comes
/// of both is so, where only one end is open.
pub(super) fn group(
    world: &World,
    key: &str,
    place: Place<'_>,
    way: Way,
    packet: &Packet<'_>,
) -> Gate {
    let found = by_rules(world, key, place, way, packet);
    if let (Gate::Unknown(_), End::Somewhere) = (&found, packet.from) {
        // Wherever it comes from, the same may become of it.
        let starts = std::iter::once(0).chain(world.boundaries());
        let each = |from| {
            let packet = Packet { from: End::Address(from), ..*packet };
            group(world, key, place, way, &packet)
        };
        return starts.map(each).reduce(Gate::either).unwrap_or(found);
    }
    let is_open = |end| end_matches(world, place, "VirtualNetwork", end) == Tri::Maybe;
    if !matches!(found, Gate::Unknown(_)) || is_open(packet.from) == is_open(packet.to) {
        return found;
    }
    let reading = |is| by_rules(world, key, place.where_it_is(is), way, packet);
    match (reading(true), reading(false)) {
        (Gate::Pass, Gate::Pass) => Gate::Pass,
        (Gate::Drop(one), Gate::Drop(other)) => Gate::Drop(one.or(&other)),
        _ => found,
    }
}

fn by_rules(world: &World, key: &str, place: Place<'_>, way: Way, packet: &Packet<'_>) -> Gate {
    let Some(rules) = rules(world, key) else { return Gate::unknown("the rules", key) };
    let speaking = rules.into_iter().filter_map(|(name, rule)| {
        let matches = rule_matches(world, place, way, rule, packet);
        let action = match denies(rule) {
            Some(false) => Gate::Pass,
            Some(true) => Gate::drop(way.word(), key, Some(name)),
            None => Gate::unknown("the access of a rule", key),
        };
        (matches != Tri::No).then_some((priority(rule), matches, action))
    });
    let speaking: Vec<(Option<u64>, Tri, Gate)> = speaking.collect();
    let mut possible: Option<Gate> = None;
    for (index, (number, matches, action)) in speaking.iter().enumerate() {
        // Of two rules with one number nobody knows which is read first.
        let tied = speaking[index..].iter().take_while(|(other, ..)| other == number);
        let action = tied.fold(action.clone(), |sum, (.., other)| sum.either(other.clone()));
        let sum = possible.take().map_or(action.clone(), |before| before.either(action));
        if *matches == Tri::Yes || matches!(sum, Gate::Unknown(_)) {
            return sum;
        }
        possible = Some(sum);
    }
    let default = defaults(world, place, way, key, packet);
    possible.map_or(default.clone(), |before| before.either(default))
}

/// The rules of a group, lowest priority number first, those without one before all; `None` when one does not tell its direction.
pub(super) fn rules<'w>(world: &'w World, key: &str) -> Option<Vec<(&'w str, &'w Value)>> {
    let body = world.body(key)?;
    let mut found: Vec<(&str, &Value)> = list(body, &["properties", "securityRules"])?
        .iter()
        .map(|rule| (text(rule, &["name"]).unwrap_or(""), rule))
        .collect();
    for (name, rule) in world.children(key, "securityrules") {
        found.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        found.push((name, rule));
    }
    let has_way =
        |rule| [Way::Outbound, Way::Inbound].iter().any(|way| direction(rule, *way) == Tri::Yes);
    if !found.iter().all(|(_, rule)| has_way(rule)) {
        return None;
    }
    found.sort_by_key(|(_, rule)| priority(rule));
    Some(found)
}

fn defaults(world: &World, place: Place<'_>, way: Way, key: &str, packet: &Packet<'_>) -> Gate {
    let inside = |end| end_matches(world, place, "VirtualNetwork", end);
    let within = inside(packet.from).and(inside(packet.to));
    let allowed = match way {
        Way::Outbound => within.or(end_matches(world, place, "Internet", packet.to)),
        Way::Inbound => within,
    };
    match allowed {
        Tri::Yes => Gate::Pass,
        Tri::No => Gate::drop(way.word(), key, Some("65500")),
        Tri::Maybe => Gate::unknown("the content of tag VirtualNetwork at subnet", place.subnet),
    }
}

fn rule_matches(
    world: &World,
    place: Place<'_>,
    way: Way,
    rule: &Value,
    packet: &Packet<'_>,
) -> Tri {
    let quick = direction(rule, way)
        .and(protocol(rule, &[packet.protocol]))
        .and(destination_port(rule, packet.port))
        .and(if place.endpoint { Tri::Yes } else { source_port(rule) });
    if quick == Tri::No {
        return Tri::No;
    }
    if denies(rule) != Some(true) && receives_by_group(rule) && is_delegated(world, place.subnet) {
        return Tri::No;
    }
    // A rule stands in the network of the end that is nearer to it.
    let members = |of, near| Members { of, one_network: packet.one_network || way == near };
    let senders = members(packet.members, Way::Outbound);
    let receivers = members(packet.groups, Way::Inbound);
    let from = rule_end(world, place, rule, "source", packet.from, senders);
    let to = rule_end(world, place, rule, "destination", packet.to, receivers);
    quick.and(from).and(to).and(turn(rule))
}

/// Whether a rule names the receiver by an application security group, which Azure does not support for servers in a subnet.
fn receives_by_group(rule: &Value) -> bool {
    list(rule, &["properties", "destinationApplicationSecurityGroups"])
        .is_some_and(|groups| !groups.is_empty())
}

fn is_delegated(world: &World, subnet: &str) -> bool {
    let all = world.body(subnet).and_then(|body| list(body, &["properties", "delegations"]));
    all.unwrap_or(&[]).iter().any(|one| {
        let service = text(one, &["properties", "serviceName"]);
        service.is_some_and(|word| {
            word.eq_ignore_ascii_case("Microsoft.DBforPostgreSQL/flexibleServers")
        })
    })
}

/// Groups that an end is a member of, and whether that is known to count.
pub(super) struct Members<'w> {
    pub(super) of: &'w [String],
    pub(super) one_network: bool,
}

/// One end of a rule: the singular field, the plural one, and application security groups.
pub(super) fn rule_end(
    world: &World,
    place: Place<'_>,
    rule: &Value,
    side: &str,
    end: End<'_>,
    members: Members<'_>,
) -> Tri {
    let field = |suffix: &str| format!("{side}{suffix}");
    let groups = list(rule, &["properties", &field("ApplicationSecurityGroups")]).unwrap_or(&[]);
    let Some(all) = words(rule, &field("AddressPrefix"), &field("AddressPrefixes")) else {
        return Tri::Maybe;
    };
    if all.is_empty() && groups.is_empty() || !all.iter().all(|one| is_readable(one)) {
        return Tri::Maybe;
    }
    let named = groups
        .iter()
        .any(|group| reference(group, &["id"]).is_some_and(|group| members.of.contains(&group)));
    let named = match (named, members.one_network) {
        (true, false) => Tri::Maybe,
        (named, _) => Tri::of(named),
    };
    all.iter().fold(named, |sum, text| sum.or(end_matches(world, place, text, end)))
}

/// Whether a word that stands for addresses by itself holds an end; `None` for others.
pub(super) fn by_prefix(word: &str, end: End<'_>) -> Option<Tri> {
    if word == "*" || word.eq_ignore_ascii_case("any") || word == "0.0.0.0/0" {
        return Some(Tri::Yes);
    }
    let prefix = Prefix::parse(word)?;
    Some(match end {
        End::Address(address) => Tri::of(prefix.contains(address)),
        End::Somewhere => Tri::Maybe,
        End::Front { .. } | End::Internet if is_private(prefix.first()) => Tri::No,
        End::Front { .. } | End::Internet => Tri::Maybe,
    })
}

fn end_matches(world: &World, place: Place<'_>, text: &str, end: End<'_>) -> Tri {
    let word = text.trim();
    if let Some(held) = by_prefix(word, end) {
        return held;
    }
    if let Some((low, high)) = span_of(word) {
        return match end {
            End::Address(address) => Tri::of((low..=high).contains(&address)),
            End::Somewhere | End::Front { .. } | End::Internet => Tri::Maybe,
        };
    }
    if word.contains(':') {
        return Tri::No;
    }
    // The oldest clients wrote VIRTUAL_NETWORK and AZURE_LOADBALANCER.
    let tag = word.to_ascii_lowercase().replace('_', "");
    let held = tag::contains(world, place.subnet, &tag, end);
    match (place.in_tag, tag.as_str(), end) {
        (Some(is), "virtualnetwork", _) if held == Tri::Maybe => Tri::of(is),
        (Some(is), "internet", End::Address(_)) if held == Tri::Maybe => Tri::of(!is),
        _ => held,
    }
}
