//! Changes of security rules: let one flow through.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::exposure::{self, End, Exposure, Flows};
use super::{
    Change, Edit, Listed, NETWORK_API, Request, Safety, free_name, in_subscription,
    listed_properties, place, quoted,
};
use crate::estate::filter::{Direction, Prefix, Protocol, Rule, SecurityGroup};
use crate::estate::network::Subnet;
use crate::estate::{Estate, Key};
use crate::id::ResourceId;
use crate::trace::decision::Decider;
use crate::trace::filter::Service;

/// Moves of rules that make room for one.
const MOVES_MAX: usize = 6;

const RULE: &str = "microsoft.network/networksecuritygroups/securityrules";

/// Priorities that a rule of a user may have.
const PRIORITIES: std::ops::RangeInclusive<u32> = 100..=4096;

/// The flow that a rule lets through.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Senders.
    pub from: Vec<Ipv4Net>,
    /// Receivers; `Err` holds a service tag.
    pub to: Result<Vec<Ipv4Net>, String>,
    /// Port of the receivers.
    pub service: Service,
    /// The subnet that it leaves or enters where it meets the group; `None` where that is not known.
    pub subnet: Option<ResourceId>,
}

/// Adds a rule that lets a flow through ahead of the rule that denies it. `None` when every lower priority number is taken.
pub fn allow(
    estate: &Estate,
    group: &ResourceId,
    direction: Direction,
    flow: &Flow,
    denied_at: u32,
) -> Option<Change> {
    let priority = free_priority(estate, group, direction, denied_at)?;
    Some(allow_at(estate, group, direction, flow, priority))
}

/// Adds a rule that lets a flow through at a priority number that is free, or gets free before.
pub fn allow_at(
    estate: &Estate,
    group: &ResourceId,
    direction: Direction,
    flow: &Flow,
    priority: u32,
) -> Change {
    let port = flow.service.port;
    let (protocol, purpose) = match flow.service.protocol {
        Protocol::Tcp => ("Tcp", "postgres"),
        Protocol::Udp => ("Udp", "dns"),
        Protocol::Any | Protocol::Other => ("*", "dns"),
    };
    let from: Vec<String> = flow.from.iter().map(ToString::to_string).collect();
    let to: Vec<String> = match &flow.to {
        Ok(networks) => networks.iter().map(ToString::to_string).collect(),
        Err(tag) => vec![tag.clone()],
    };
    let word = match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
    };
    let lower = word.to_ascii_lowercase();
    // No other rule of the plan has that name, in whatever order they come.
    let wanted = format!("allow-{purpose}-{port}-{lower}-{priority}");
    let name = free_name(estate, group, "securityRules", &wanted);
    let rule = group.child("securityRules", &name);
    let mut properties = json!({
        "priority": priority, "direction": word, "access": "Allow", "protocol": protocol,
        "sourcePortRange": "*", "destinationPortRange": port.to_string() });
    set_addresses(&mut properties, "source", &from);
    set_addresses(&mut properties, "destination", &to);
    let body = json!({ "name": name, "properties": properties });
    let receivers = match &flow.to {
        Ok(networks) => End::of(networks),
        Err(tag) => exposure::tag(tag),
    };
    let others: Vec<String> = users_of(estate, group)
        .filter(|id| Some(*id) != flow.subnet.as_ref())
        .map(|id| format!("subnet `{}` uses the same group", id.name()))
        .collect();
    Change {
        kind: "add-rule",
        title: format!(
            "let {} reach {} on port {port} by an {lower} rule of `{}` at priority {priority}",
            from.join(", "),
            to.join(", "),
            group.name()
        ),
        request: Request::put(&rule, NETWORK_API, json!({ "properties": body["properties"] })),
        az: in_subscription(
            group,
            format!(
                "az network nsg rule create {} --nsg-name {} --name {} --priority {priority} --direction {word} \
             --access Allow --protocol {} --source-address-prefixes {} --source-port-ranges '*' \
             --destination-address-prefixes {} --destination-port-ranges {}",
                place(group),
                quoted(group.name()),
                quoted(&name),
                quoted(protocol),
                words(&from),
                words(&to),
                port
            ),
        ),
        inverse: Some(Request::delete(&rule, NETWORK_API)),
        downtime: "none",
        safety: Safety::Safe,
        exposure: vec![Exposure::new(
            format!(
                "{} -> {}:{port}/{}",
                from.join(", "),
                to.join(", "),
                protocol.to_ascii_lowercase()
            ),
            vec![Flows::new(End::of(&flow.from), receivers, (port, port))],
        )],
        affected: others,
        edits: vec![Edit::Put(rule.clone(), body)],
        resource: rule,
    }
}

fn words(values: &[String]) -> String {
    values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(" ")
}

fn set_addresses(properties: &mut Value, side: &str, values: &[String]) {
    match values {
        [one] => properties[format!("{side}AddressPrefix")] = json!(one),
        many => properties[format!("{side}AddressPrefixes")] = json!(many),
    }
}

/// The rules of a group, each once; none where it was not observed.
fn rules_of<'e>(estate: &'e Estate, group: &ResourceId) -> Vec<&'e Rule> {
    let listed = estate.find::<SecurityGroup>(group).and_then(|facts| facts.rules.as_ref());
    let mut rules: Vec<&Rule> = listed.into_iter().flat_map(|rules| rules.iter()).collect();
    for rule in estate.children::<Option<Rule>>(group).filter_map(|(_, rule)| rule.as_ref()) {
        if !rules.iter().any(|known| known.name.eq_ignore_ascii_case(&rule.name)) {
            rules.push(rule);
        }
    }
    rules
}

/// The highest free priority number below the rule that denies: later rules stay as they are.
fn free_priority(
    estate: &Estate,
    group: &ResourceId,
    direction: Direction,
    below: u32,
) -> Option<u32> {
    estate.find::<SecurityGroup>(group)?.rules.as_ref()?;
    let rules = rules_of(estate, group).into_iter();
    let taken: Vec<u32> =
        rules.filter(|rule| rule.direction == direction).map(|rule| rule.priority).collect();
    // Which number a rule has that does not tell it, nobody knows.
    if taken.contains(&0) {
        return None;
    }
    // Round numbers leave room for the next one.
    let highest = below.saturating_sub(1).min(*PRIORITIES.end());
    let round = (*PRIORITIES.start()..=highest)
        .rev()
        .find(|number| number.is_multiple_of(10) && !taken.contains(number));
    round.or_else(|| (*PRIORITIES.start()..=highest).rev().find(|number| !taken.contains(number)))
}

/// Moves a rule off its priority number, and the group does what it did: rules that have to stay behind it move first. `None` when that
/// takes too many moves, or the rule is one of Azure's own.
pub fn make_room(
    estate: &Estate,
    group: &ResourceId,
    direction: Direction,
    rule: &Decider,
) -> Option<Vec<Change>> {
    let mut rules = rules_of(estate, group);
    rules.retain(|rule| rule.direction == direction);
    let mut moves = Vec::new();
    retreat(&rules, rule.priority, &mut moves)?;
    moves.into_iter().map(|(rule, number)| move_to(estate, group, rule, number)).collect()
}

/// The moves that free a number, in order.
fn retreat<'e>(rules: &[&'e Rule], number: u32, moves: &mut Vec<(&'e Rule, u32)>) -> Option<()> {
    let at = |number: u32| rules.iter().find(|rule| rule.priority == number).copied();
    let rule = at(number)?;
    let mut behind = number + 1..=*PRIORITIES.end();
    let place =
        behind.find(|number| at(*number).is_none_or(|other| does_order_count(rule, other)))?;
    if at(place).is_some() {
        retreat(rules, place, moves)?;
    }
    moves.push((rule, place));
    (moves.len() <= MOVES_MAX).then_some(())
}

/// Whether it may count which of two rules is read first: they do not do the same, and some packet may fit both.
fn does_order_count(rule: &Rule, other: &Rule) -> bool {
    // What could not be read may be anything.
    let meet = |ports: &[(u16, u16)], others: &[(u16, u16)]| {
        ports.is_empty()
            || others.is_empty()
            || ports.iter().any(|a| others.iter().any(|b| a.0 <= b.1 && b.0 <= a.1))
    };
    let share = |prefixes: &[Prefix], others: &[Prefix]| {
        prefixes.is_empty()
            || others.is_empty()
            || prefixes.iter().any(|a| others.iter().any(|b| may_share(a, b)))
    };
    let is_any = |protocol: Protocol| protocol == Protocol::Any;
    let is_open = rule.is_action_unread() || other.is_action_unread();
    (rule.allows != other.allows || is_open)
        && (rule.protocol == other.protocol || is_any(rule.protocol) || is_any(other.protocol))
        && meet(&rule.ports.to, &other.ports.to)
        && share(&rule.from, &other.from)
        && share(&rule.to, &other.to)
}

fn may_share(one: &Prefix, other: &Prefix) -> bool {
    match (one, other) {
        (Prefix::Network(one), Prefix::Network(other)) => {
            one.contains(other) || other.contains(one)
        }
        _ => true,
    }
}

/// Whether an edit gives a rule a number that another one has: Azure refuses that.
pub(super) fn is_refused(estate: &Estate, edit: &Edit) -> bool {
    let (group, name, direction, fields) = match edit {
        Edit::Put(id, body) if id.is_type(RULE) => {
            let fields = &body["properties"];
            let is_inbound = fields["direction"] == "Inbound";
            let direction = if is_inbound { Direction::Inbound } else { Direction::Outbound };
            (id.parent(), id.name(), Some(direction), fields)
        }
        Edit::Patch(id, fields) if id.is_type(RULE) => (id.parent(), id.name(), None, fields),
        Edit::Listed(Listed { holder, list: "securityRules", element, fields: Some(fields) }) => {
            (Some(holder.clone()), element.as_str(), None, fields)
        }
        _ => return false,
    };
    let Some((group, number)) = group.zip(fields["priority"].as_u64()) else { return false };
    let rules = rules_of(estate, &group);
    let is_it = |rule: &&&Rule| rule.name.eq_ignore_ascii_case(name);
    let direction = direction.or_else(|| rules.iter().find(is_it).map(|rule| rule.direction));
    rules.iter().any(|rule| {
        Some(rule.direction) == direction && !is_it(&rule) && u64::from(rule.priority) == number
    })
}

/// The move of a rule as if no other change were made: from where it stands.
pub(crate) fn moved_from_here(estate: &Estate, change: &Change) -> Option<Change> {
    let group = change.resource.parent()?;
    let number = change.request.body["properties"]["priority"].as_u64()?;
    let rules = rules_of(estate, &group).into_iter();
    let mut named = rules.filter(|rule| rule.name.eq_ignore_ascii_case(change.resource.name()));
    move_to(estate, &group, named.next()?, u32::try_from(number).ok()?)
}

/// Moves a rule to another priority number.
fn move_to(estate: &Estate, group: &ResourceId, rule: &Rule, number: u32) -> Option<Change> {
    let id = group.child("securityRules", &rule.name);
    let holder = estate.resource(&rule.resource)?;
    let own = listed_properties(&holder.body.at(&rule.place.pointer())?);
    let with = |priority: u32| {
        let mut properties = own.clone();
        properties.insert("priority".to_owned(), json!(priority));
        json!({ "properties": properties })
    };
    let edit = match rule.resource == *group {
        true => {
            let fields = Some(json!({ "priority": number }));
            let (holder, element) = (group.clone(), rule.name.to_string());
            Edit::Listed(Listed { holder, list: "securityRules", element, fields })
        }
        false => Edit::Patch(rule.resource.clone(), json!({ "priority": number })),
    };
    Some(Change {
        kind: "move-rule",
        resource: id.clone(),
        title: format!(
            "move rule `{}` of `{}` from priority {} to {number}",
            rule.name,
            group.name(),
            rule.priority
        ),
        request: Request::put(&id, NETWORK_API, with(number)),
        az: in_subscription(
            group,
            format!(
                "az network nsg rule update {} --nsg-name {} --name {} --priority {number}",
                place(group),
                quoted(group.name()),
                quoted(&rule.name)
            ),
        ),
        inverse: Some(Request::put(&id, NETWORK_API, with(rule.priority))),
        downtime: "none",
        safety: Safety::Safe,
        exposure: Vec::new(),
        affected: Vec::new(),
        edits: vec![edit],
    })
}

/// Subnets that a group acts on.
fn users_of<'e>(estate: &'e Estate, group: &ResourceId) -> impl Iterator<Item = &'e ResourceId> {
    estate.list::<Subnet>(Key::UsersOf(group.clone())).map(|(id, _)| id)
}
