//! Changes of security rules: let one flow through.

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::exposure::{self, Exposure};
use super::{
    Change, Edit, Listed, NETWORK_API, Request, Safety, free_name, in_subscription, place, quoted,
};
use crate::estate::filter::{Direction, Protocol, Rule, SecurityGroup};
use crate::estate::network::Subnet;
use crate::estate::{Estate, Key};
use crate::id::ResourceId;
use crate::trace::filter::{Decider, Service};

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
    let name = free_name(estate, group, "securityRules", &format!("allow-{purpose}-{port}"));
    let rule = group.child("securityRules", &name);
    let from: Vec<String> = flow.from.iter().map(ToString::to_string).collect();
    let to: Vec<String> = match &flow.to {
        Ok(networks) => networks.iter().map(ToString::to_string).collect(),
        Err(tag) => vec![tag.clone()],
    };
    let word = match direction {
        Direction::Inbound => "Inbound",
        Direction::Outbound => "Outbound",
    };
    let mut properties = json!({
        "priority": priority, "direction": word, "access": "Allow", "protocol": protocol,
        "sourcePortRange": "*", "destinationPortRange": port.to_string() });
    set_addresses(&mut properties, "source", &from);
    set_addresses(&mut properties, "destination", &to);
    let body = json!({ "name": name, "properties": properties });
    let users = users_of(estate, group);
    let others: Vec<String> = users
        .iter()
        .skip(1)
        .map(|id| format!("subnet `{}` uses the same group", id.name()))
        .collect();
    Change {
        kind: "add-rule",
        title: format!(
            "let {} reach {} on port {} in `{}` at priority {priority}",
            from.join(", "),
            to.join(", "),
            port,
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
            exposure::size(&flow.from),
            flow.to.as_ref().map_or(exposure::MANY, |to| exposure::size(to)),
            1,
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

/// The highest free priority number below the rule that denies: later rules stay as they are.
fn free_priority(
    estate: &Estate,
    group: &ResourceId,
    direction: Direction,
    below: u32,
) -> Option<u32> {
    let listed = estate.get::<SecurityGroup>(group).ok()?.rules.as_ref()?;
    let alone = estate.children::<Option<Rule>>(group).filter_map(|(_, rule)| rule.as_ref());
    let taken: Vec<u32> = listed
        .iter()
        .chain(alone)
        .filter(|rule| rule.direction == direction)
        .map(|rule| rule.priority)
        .collect();
    // Round numbers leave room for the next one.
    let highest = below.saturating_sub(1).min(*PRIORITIES.end());
    let round = (*PRIORITIES.start()..=highest)
        .rev()
        .find(|number| number.is_multiple_of(10) && !taken.contains(number));
    round.or_else(|| (*PRIORITIES.start()..=highest).rev().find(|number| !taken.contains(number)))
}

/// Moves a rule to the next free priority number, ahead of no rule that it was behind. `None` when the next number is taken, or the
/// rule is one of Azure's own.
pub fn move_back(
    estate: &Estate,
    group: &ResourceId,
    direction: Direction,
    rule: &Decider,
) -> Option<Change> {
    let listed = estate.get::<SecurityGroup>(group).ok()?.rules.as_ref()?;
    let alone = estate.children::<Option<Rule>>(group).filter_map(|(_, rule)| rule.as_ref());
    let rules: Vec<&Rule> = listed.iter().chain(alone).collect();
    let is_taken =
        |number: u32| rules.iter().any(|one| one.direction == direction && one.priority == number);
    let number = rule.priority + 1;
    if rule.is_default() || !PRIORITIES.contains(&number) || is_taken(number) {
        return None;
    }
    let id = group.child("securityRules", &rule.name);
    let holder = estate.resource(&rule.resource)?;
    let mut own = holder.body.at(&format!("{}/properties", rule.place.pointer()))?;
    for read_only in ["provisioningState", "resourceGuid"] {
        own.as_object_mut()?.remove(read_only);
    }
    let with = |priority: u32| {
        let mut properties = own.clone();
        properties["priority"] = json!(priority);
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
fn users_of(estate: &Estate, group: &ResourceId) -> Vec<ResourceId> {
    let users = estate.list::<Subnet>(Key::UsersOf(group.clone()));
    users.map(|(id, _)| id.clone()).collect()
}
