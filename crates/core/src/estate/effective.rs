//! What Azure says it applies to the interfaces of running machines: routes and rules, as evidence against which captures are held.

use std::sync::Arc;

use super::filter::{Direction, Rule, SecurityGroup};
use super::json::Json;
use super::{Facts, Map, Origin, Problem, Reference, Resource, Set};
use crate::id::ResourceId;

/// The answer of `az network nic list-effective-nsg` for one group, or routes, which do not tell whose they are.
#[derive(Debug)]
pub(super) enum Effective {
    Routes(Origin),
    Group(EffectiveGroup),
}

/// A group where Azure applies it.
#[derive(Debug)]
pub(super) struct EffectiveGroup {
    origin: Origin,
    group: ResourceId,
    /// The subnet or the interface that it is applied to.
    place: ResourceId,
    /// Rules of users.
    rules: Vec<EffectiveRule>,
}

#[derive(Debug)]
struct EffectiveRule {
    name: String,
    /// Direction, access and priority, as written.
    says: (String, String, String),
}

/// Reads one element of such an answer; `None` for anything else.
pub(super) fn read(element: &Json, origin: &Origin) -> Option<Effective> {
    let text = |one: &Json, name: &str| match one.get(name)? {
        Json::Text(text) => Some(text.to_string()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let has_prefixes = element.get("addressPrefix").is_some_and(|one| one.list().is_some());
    if has_prefixes && element.has("nextHopType") && element.has("source") {
        return Some(Effective::Routes(origin.clone()));
    }
    let rules = element.get("effectiveSecurityRules")?.list()?;
    let id = |one: &Json| ResourceId::parse(one.get("id")?.as_str()?);
    let association = element.get("association")?;
    let place =
        ["networkInterface", "subnet"].into_iter().find_map(|kind| id(association.get(kind)?));
    let of_user = |rule: &Json| {
        let name = text(rule, "name")?;
        let (kind, name) = name.split_once('/')?;
        let word = |field: &str| text(rule, field).unwrap_or_default().to_ascii_lowercase();
        let says = (word("direction"), word("access"), word("priority"));
        kind.eq_ignore_ascii_case("securityRules")
            .then(|| EffectiveRule { name: name.to_owned(), says })
    };
    Some(Effective::Group(EffectiveGroup {
        origin: origin.clone(),
        group: id(element.get("networkSecurityGroup")?)?,
        place: place?,
        rules: rules.iter().filter_map(of_user).collect(),
    }))
}

/// What is to be said of the evidence beside an estate.
pub(super) fn held_against(
    evidence: &[Effective],
    resources: &Map<ResourceId, Arc<Resource>>,
) -> Vec<Problem> {
    let mut said = Vec::new();
    let mut are_routes_told = false;
    for one in evidence {
        match one {
            Effective::Routes(_) if are_routes_told => {}
            Effective::Routes(origin) => {
                are_routes_told = true;
                let message = "effective routes of an interface, which do not tell of which: they are not read; hold them against \
                               the step `route` of `flexway trace`";
                said.push(origin.problem(message));
            }
            Effective::Group(group)
                if !resources.contains_key(&group.group)
                    && !resources.contains_key(&group.place) =>
            {
                let message = format!(
                    "effective rules of security group `{}`: neither it nor `{}` was captured, so that there is nothing to hold \
                     them against",
                    group.group.name(),
                    group.place.name()
                );
                said.push(group.origin.problem(message));
            }
            Effective::Group(group) => {
                said.extend(group.contradictions(resources).into_iter().map(|one| {
                    let why = "Azure's list of effective rules says otherwise: captured at different times?";
                    group.origin.problem(format!("{one}; {why}"))
                }));
            }
        }
    }
    said
}

impl EffectiveGroup {
    /// A rule of the group that was captured by itself.
    fn alone(&self, rule: &str) -> ResourceId {
        self.group.child("securityRules", rule)
    }

    /// What the captures say and Azure does not apply, or the other way round.
    fn contradictions(&self, resources: &Map<ResourceId, Arc<Resource>>) -> Vec<String> {
        let facts = |id: &ResourceId| resources.get(id).map(|one| &one.facts);
        let bound = match facts(&self.place) {
            Some(Facts::Subnet(subnet)) => Some(&subnet.security_group),
            Some(Facts::Interface(interface)) => Some(&interface.security_group),
            _ => None,
        };
        let (place, group) = (self.place.name(), self.group.name());
        let mut found = Vec::new();
        match bound {
            Some(Reference::To(id)) if *id != self.group => {
                found.push(format!(
                    "`{place}` is captured with group `{}`, not `{group}`",
                    id.name()
                ));
            }
            Some(Reference::None) => {
                found.push(format!("`{place}` is captured without group `{group}`"));
            }
            Some(Reference::To(_) | Reference::Unreadable) | None => {}
        }
        if let Some(Facts::SecurityGroup(SecurityGroup { rules: Some(rules), .. })) =
            facts(&self.group)
        {
            let key = |name: &str| name.to_ascii_lowercase();
            let own: Map<String, &Rule> = rules.iter().map(|one| (key(&one.name), one)).collect();
            for applied in &self.rules {
                match own.get(&key(&applied.name)) {
                    Some(rule) if words(rule) != applied.says && rule.unread.is_none() => found
                        .push(format!("rule `{}` of `{group}` is captured otherwise", rule.name)),
                    Some(_) => {}
                    None if resources.contains_key(&self.alone(&applied.name)) => {}
                    None => {
                        found.push(format!("rule `{}` of `{group}` is not captured", applied.name))
                    }
                }
            }
            let applied: Set<String> = self.rules.iter().map(|one| key(&one.name)).collect();
            let idle = rules.iter().filter(|rule| !applied.contains(&key(&rule.name)));
            found.extend(idle.map(|rule| {
                format!("rule `{}` of `{group}` is captured, and not applied", rule.name)
            }));
        }
        found
    }
}

fn words(rule: &Rule) -> (String, String, String) {
    let direction = match rule.direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    };
    let access = if rule.allows { "allow" } else { "deny" };
    (direction.to_owned(), access.to_owned(), rule.priority.to_string())
}
