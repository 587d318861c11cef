//! The rules of a security group in their order: those of users, then Azure's own.

use std::sync::{Arc, LazyLock};

use crate::estate::filter::{
    Direction, Place, Ports, Prefix, Prefixes, Protocol, Rule, SecurityGroup,
};
use crate::estate::{Estate, Missing, Set};
use crate::id::ResourceId;
use crate::trace::filter::Flow;

/// Priority of the first of Azure's own rules.
pub(super) const FIRST_DEFAULT: u32 = 65_000;

/// All rules of one direction that a flow meets, lowest priority number first; of users' rules only those about its port where the
/// verdict is all that is asked for.
///
/// # Errors
/// [`Missing`] when the group's rules were not observed in full.
pub(super) fn all_for<'e>(
    estate: &'e Estate,
    group_id: &ResourceId,
    direction: Direction,
    flow: &Flow,
) -> Result<Vec<&'e Rule>, Missing> {
    let mut rules = match estate.is_watched() {
        true => watched(estate, group_id, direction, flow)?,
        false => of_users(estate, group_id, direction, port_of(estate, flow))?,
    };
    rules.extend(defaults(direction));
    if !rules.is_sorted_by_key(|rule| rule.priority) {
        rules.sort_by_key(|rule| rule.priority);
    }
    Ok(rules)
}

/// A user's rules of one direction, with a note that only those count which may speak of the flow.
fn watched<'e>(
    estate: &'e Estate,
    group_id: &ResourceId,
    direction: Direction,
    flow: &Flow,
) -> Result<Vec<&'e Rule>, Missing> {
    let port = port_of(estate, flow);
    let (rules, reads) = estate.watch(|estate| of_users(estate, group_id, direction, port));
    let (group_id, service) = (group_id.clone(), flow.service);
    let (senders, members) = (flow.senders.clone(), flow.members.to_vec());
    let receiver = flow.receiver.clone();
    let stand = flow.stand;
    let speaking = move |rules: Result<Vec<&Rule>, Missing>| -> Result<Vec<Rule>, Missing> {
        let (senders, members, receiver) = (&senders, &members[..], &receiver);
        let flow = Flow { senders, members, receiver, service, stand };
        Ok(rules?.into_iter().filter(|rule| !flow.is_missed_by(rule)).cloned().collect())
    };
    let before = speaking(rules.clone());
    estate.note_part(reads.into(), move |after| {
        let now = after.watch(|after| of_users(after, &group_id, direction, port)).0;
        match (&before, speaking(now)) {
            (Ok(before), Ok(now)) => {
                before.len() == now.len()
                    && before.iter().zip(&now).all(|(before, now)| before.acts_like(now))
            }
            (before, now) => before.as_ref().err() == now.as_ref().err(),
        }
    });
    rules
}

/// The port of a flow, where rules of other ports explain nothing that is asked for.
fn port_of(estate: &Estate, flow: &Flow) -> Option<u16> {
    estate.is_brief().then_some(flow.service.port)
}

/// A user's rules of one direction, lowest priority number first. Those that speak of other ports than `port` may be left out.
pub(crate) fn of_users<'e>(
    estate: &'e Estate,
    group_id: &ResourceId,
    direction: Direction,
    port: Option<u16>,
) -> Result<Vec<&'e Rule>, Missing> {
    let group = estate.get::<SecurityGroup>(group_id)?;
    let listed = group.rules.as_ref().ok_or_else(|| Missing::field(group_id, "securityRules"))?;
    let mut rules: Vec<&Rule> = match port {
        Some(port) => listed.about_port(direction, port).collect(),
        None => listed.of(direction).iter().collect(),
    };
    let mut alone = estate.children::<Option<Rule>>(group_id).peekable();
    if alone.peek().is_some() {
        let known: Set<String> = listed.iter().map(|one| one.name.to_ascii_lowercase()).collect();
        for (id, rule) in alone {
            let rule = rule.as_ref().ok_or_else(|| Missing::resource("security rule", id))?;
            if rule.direction == direction && !known.contains(&rule.name.to_ascii_lowercase()) {
                rules.push(rule);
            }
        }
    }
    if !rules.is_sorted_by_key(|rule| rule.priority) {
        rules.sort_by_key(|rule| rule.priority);
    }
    Ok(rules)
}

/// Azure's own rules at the end of every group; they cannot be removed.
fn defaults(direction: Direction) -> &'static [Rule; 3] {
    static RULES: LazyLock<[[Rule; 3]; 2]> =
        LazyLock::new(|| [Direction::Inbound, Direction::Outbound].map(last_rules));
    match direction {
        Direction::Inbound => &RULES[0],
        Direction::Outbound => &RULES[1],
    }
}

fn last_rules(direction: Direction) -> [Rule; 3] {
    let rule = |name: &str, priority, allows, from: &Prefix, to: &Prefix| Rule {
        name: Arc::new(name.to_owned()),
        priority,
        direction,
        allows,
        protocol: Protocol::Any,
        from: Prefixes::One(from.clone()),
        to: Prefixes::One(to.clone()),
        ports: Arc::new(Ports { from: vec![(0, u16::MAX)], to: vec![(0, u16::MAX)] }),
        // Whichever group they stand in: see `Question::decider`.
        resource: ResourceId::outside("default"),
        place: Place::Whole,
        unread: None,
    };
    let tag = Prefix::tag;
    let (any, vnet) = (Prefix::Any, tag("VirtualNetwork"));
    let (balancer, internet) = (tag("AzureLoadBalancer"), tag("Internet"));
    match direction {
        Direction::Inbound => [
            rule("AllowVnetInBound", FIRST_DEFAULT, true, &vnet, &vnet),
            rule("AllowAzureLoadBalancerInBound", 65_001, true, &balancer, &any),
            rule("DenyAllInBound", 65_500, false, &any, &any),
        ],
        Direction::Outbound => [
            rule("AllowVnetOutBound", FIRST_DEFAULT, true, &vnet, &vnet),
            rule("AllowInternetOutBound", 65_001, true, &any, &internet),
            rule("DenyAllOutBound", 65_500, false, &any, &any),
        ],
    }
}
