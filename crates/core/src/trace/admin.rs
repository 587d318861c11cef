//! Security admin rules of network managers, which are read before security groups.
//!
//! Azure's list of a network's effective rules decides. Without it a rule acts where its configuration is deployed, which ARM does
//! not tell, on the members of its groups, of which policies add more than are listed: then every world that fits is looked at.

use crate::address::{AddressSet, public};
use crate::estate::filter::{
    Access, AdminRule, Direction, EffectiveAdminRules, NetworkManager, Prefix, Protocol,
    RuleCollection,
};
use crate::estate::governance::GroupMember;
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::shell::in_double_quotes;
use crate::trace::filter::{Match, Receiver, Service, client_ports, covers};
use crate::trace::tag::{NetworkTag, gateway_has_tag};

/// Packets that admin rules may speak of.
#[derive(Clone, Copy)]
pub(super) struct Packets<'p> {
    /// The network whose rules are asked.
    pub(super) vnet: &'p ResourceId,
    pub(super) direction: Direction,
    pub(super) senders: &'p AddressSet,
    pub(super) receiver: &'p Receiver,
    pub(super) service: Service,
}

/// Senders with a rule that decides about them.
#[derive(Debug, Clone)]
pub struct Ruled {
    /// Which senders.
    pub senders: AddressSet,
    /// The rule.
    pub rule: ResourceId,
    /// What it says, and where it stands.
    pub says: String,
    /// The body that it stands in: its own, or a network's list.
    pub resource: ResourceId,
    /// Where in that body.
    pub pointer: String,
}

/// What admin rules make of packets.
#[derive(Debug, Clone, Default)]
pub(super) struct Fate {
    /// Senders that are dropped, by each rule that drops some of them.
    pub(super) denied: Vec<Ruled>,
    /// Senders that are dropped if rules act which may or may not.
    pub(super) perhaps_denied: Option<Ruled>,
    /// Senders that pass whatever security groups say.
    pub(super) opened: Option<Ruled>,
    /// Senders that do so if rules act which may or may not.
    pub(super) perhaps_opened: Option<Ruled>,
}

impl Fate {
    /// The same at a private endpoint: documents of 2023 say that the rules do not act there.
    pub(super) fn at_endpoint(self) -> Fate {
        Fate { perhaps_opened: self.opened.or(self.perhaps_opened), ..Fate::default() }
    }

    /// Senders that are dropped.
    pub(super) fn denied_senders(&self) -> AddressSet {
        self.denied.iter().fold(AddressSet::default(), |all, one| all.union(&one.senders))
    }

    /// Senders that pass whatever security groups say.
    pub(super) fn opened_senders(&self) -> AddressSet {
        self.opened.as_ref().map(|one| one.senders.clone()).unwrap_or_default()
    }
}

/// Rules that act together, lowest number first, each with the body that holds it.
type World<'e> = Vec<(&'e ResourceId, &'e AdminRule)>;

/// What may become of the senders, over all worlds.
#[derive(Default)]
struct Chances<'e> {
    denied: Vec<(AddressSet, (&'e ResourceId, &'e AdminRule))>,
    opened: Vec<(AddressSet, (&'e ResourceId, &'e AdminRule))>,
    onward: AddressSet,
}

impl Packets<'_> {
    pub(super) fn fate(&self, estate: &Estate) -> Fate {
        let worlds = worlds(estate, self.vnet);
        // Most estates have no such rule.
        if worlds.iter().all(Vec::is_empty) {
            return Fate::default();
        }
        let mut chances = Chances::default();
        for world in &worlds {
            self.play(world, &mut chances);
        }
        let Chances { denied, opened, onward } = chances;
        let sum = |list: &[(AddressSet, _)]| {
            list.iter().fold(AddressSet::default(), |all, (part, _)| all.union(part))
        };
        let (may_deny, may_open) = (sum(&denied), sum(&opened));
        let surely_denied = may_deny.difference(&may_open).difference(&onward);
        let surely_opened = may_open.difference(&may_deny).difference(&onward);
        Fate {
            denied: pieces(&denied, &surely_denied),
            perhaps_denied: ruled(&denied, &may_deny.difference(&surely_denied)),
            opened: ruled(&opened, &surely_opened),
            perhaps_opened: ruled(&opened, &may_open.difference(&surely_opened)),
        }
    }

    fn play<'e>(&self, world: &World<'e>, chances: &mut Chances<'e>) {
        let mut left = self.senders.clone();
        // Of rules with one number nobody says which is read first: each may decide, and what is behind them never does.
        for turn in world.chunk_by(|(_, one), (_, other)| one.priority == other.priority) {
            let mut decided = AddressSet::default();
            for &(body, rule) in turn {
                let (surely, perhaps) = self.caught(rule);
                let caught = perhaps.intersection(&left);
                if caught.is_empty() {
                    continue;
                }
                if matches!(rule.access, Some(Access::Deny) | None) {
                    chances.denied.push((caught.clone(), (body, rule)));
                }
                if matches!(rule.access, Some(Access::AlwaysAllow) | None) {
                    chances.opened.push((caught.clone(), (body, rule)));
                }
                if matches!(rule.access, Some(Access::Allow) | None) {
                    chances.onward = chances.onward.union(&caught);
                }
                decided = decided.union(&surely);
            }
            left = left.difference(&decided);
        }
        chances.onward = chances.onward.union(&left);
    }

    /// Senders that a rule catches: surely, and perhaps.
    fn caught(&self, rule: &AdminRule) -> (AddressSet, AddressSet) {
        let is = |yes: bool| if yes { Match::Yes } else { Match::No };
        let direction = rule.direction.map_or(Match::Perhaps, |one| is(one == self.direction));
        let protocol = rule
            .protocol
            .map_or(Match::Perhaps, |one| is(one == Protocol::Any || one == self.service.protocol));
        let ports = |ranges: &[(u16, u16)], found: Match| {
            if ranges.is_empty() { Match::Perhaps } else { found }
        };
        let to_port = ports(&rule.to_ports, is(covers(&rule.to_ports, self.service.port)));
        let from_port = ports(&rule.from_ports, client_ports(&rule.from_ports));
        let all = [direction, protocol, to_port, from_port, self.receives(&rule.to)];
        let turn = if rule.priority.is_some() { Match::Yes } else { Match::Perhaps };
        let certainty = all.into_iter().fold(turn, Match::min);
        if certainty == Match::No {
            return Default::default();
        }
        let (surely, perhaps) = held(&rule.from);
        match certainty {
            Match::Yes => (surely, perhaps),
            Match::Perhaps | Match::No => (AddressSet::default(), perhaps),
        }
    }

    fn receives(&self, prefixes: &[Option<Prefix>]) -> Match {
        match self.receiver {
            Receiver::Addresses(set, _) => match held(prefixes) {
                (surely, _) if set.is_within(&surely) => Match::Yes,
                (_, perhaps) if set.overlaps(&perhaps) => Match::Perhaps,
                _ => Match::No,
            },
            Receiver::Gateway(location, is_flexible) => {
                let holds = |one: &Option<Prefix>| {
                    front_door_in(one.as_ref(), location.as_deref(), *is_flexible)
                };
                prefixes.iter().map(holds).max().unwrap_or(Match::Perhaps)
            }
        }
    }
}

/// Whether a prefix holds the public front door of a server. Tags of services mean the same as in security groups.
fn front_door_in(prefix: Option<&Prefix>, location: Option<&str>, is_flexible: bool) -> Match {
    match prefix {
        Some(Prefix::Any) => Match::Yes,
        Some(Prefix::Network(network)) if AddressSet::of([network]).is_private() => Match::No,
        Some(Prefix::Ipv6) => Match::No,
        Some(Prefix::Tag(tag)) if !tag.eq_ignore_ascii_case("VirtualNetwork") => {
            gateway_has_tag(location, is_flexible, tag, &NetworkTag::default())
        }
        Some(Prefix::Network(_) | Prefix::Tag(_) | Prefix::ApplicationGroup(_)) | None => {
            Match::Perhaps
        }
    }
}

/// Addresses that prefixes stand for: surely, and perhaps. Tags other than `VirtualNetwork` hold public addresses only.
fn held(prefixes: &[Option<Prefix>]) -> (AddressSet, AddressSet) {
    let none = AddressSet::default;
    prefixes.iter().fold((none(), none()), |(surely, perhaps), one| {
        let (sure, maybe) = match one {
            Some(Prefix::Any) => (AddressSet::all(), AddressSet::all()),
            Some(Prefix::Network(network)) => {
                (AddressSet::of([network]), AddressSet::of([network]))
            }
            Some(Prefix::Tag(tag)) if !tag.eq_ignore_ascii_case("VirtualNetwork") => {
                (none(), public())
            }
            Some(Prefix::Ipv6) => (none(), none()),
            Some(Prefix::Tag(_) | Prefix::ApplicationGroup(_)) | None => {
                (none(), AddressSet::all())
            }
        };
        (surely.union(&sure), perhaps.union(&maybe))
    })
}

/// Those of some senders about whom rules decide, with the first rule that does.
fn ruled(list: &[(AddressSet, (&ResourceId, &AdminRule))], senders: &AddressSet) -> Option<Ruled> {
    let (_, rule) = list.iter().find(|(part, _)| part.overlaps(senders))?;
    Some(by(*rule, senders.clone()))
}

/// Those of some senders about whom rules decide, by each rule that is the first for some of them.
fn pieces(list: &[(AddressSet, (&ResourceId, &AdminRule))], senders: &AddressSet) -> Vec<Ruled> {
    let (mut left, mut pieces) = (senders.clone(), Vec::<Ruled>::new());
    for (part, rule) in list {
        let own = part.intersection(&left);
        left = left.difference(&own);
        match pieces.iter_mut().find(|one| one.rule == rule.1.id) {
            _ if own.is_empty() => {}
            Some(known) => known.senders = known.senders.union(&own),
            None => pieces.push(by(*rule, own)),
        }
    }
    pieces
}

fn by((resource, rule): (&ResourceId, &AdminRule), senders: AddressSet) -> Ruled {
    let (id, says, pointer) = (rule.id.clone(), rule.words(), rule.pointer.clone());
    Ruled { senders, rule: id, says, resource: resource.clone(), pointer }
}

/// Rules that may act on a network together. What happens in any world that fits happens in one of these: of rules that act together
/// the first decides, and it acts in one of these, too.
fn worlds<'e>(estate: &'e Estate, vnet: &ResourceId) -> Vec<World<'e>> {
    let in_order = |mut world: World<'e>| {
        world.sort_by_key(|(_, rule)| rule.priority);
        world
    };
    if let Some((list, rules)) = effective(estate, vnet) {
        // Between managers their scopes decide, which are not read: each of them may be the first.
        let mut managers: Vec<_> = rules.iter().map(|rule| manager_of(&rule.id)).collect();
        managers.sort();
        managers.dedup();
        let of = |manager: Option<ResourceId>| {
            let own = rules.iter().filter(|rule| manager_of(&rule.id) == manager);
            in_order(own.map(|rule| (list, rule)).collect())
        };
        return match managers.is_empty() {
            true => vec![Vec::new()],
            false => managers.into_iter().map(of).collect(),
        };
    }
    let mut worlds = vec![Vec::new()];
    let mut rules: World = estate.all::<AdminRule>().collect();
    rules.sort_by_key(|(id, _)| *id);
    let parent = |id: &ResourceId| id.parent();
    for of_configuration in rules.chunk_by(|(one, _), (other, _)| {
        one.parent().as_ref().and_then(parent) == other.parent().as_ref().and_then(parent)
    }) {
        let acts = |(id, _): &&(&ResourceId, &AdminRule)| is_member(estate, vnet, id);
        let sure: World = of_configuration.iter().filter(acts).copied().collect();
        let doubtful: World = of_configuration.iter().filter(|one| !acts(one)).copied().collect();
        for collection in doubtful.chunk_by(|(one, _), (other, _)| one.parent() == other.parent()) {
            worlds.push(in_order(sure.iter().chain(collection).copied().collect()));
        }
        worlds.push(in_order(sure));
    }
    worlds
}

/// Whether a network is known to be a member of a group that a rule's collection is for.
fn is_member(estate: &Estate, vnet: &ResourceId, rule: &ResourceId) -> bool {
    let collection = rule.parent().and_then(|id| estate.find::<RuleCollection>(&id));
    let mut members = estate.list::<GroupMember>(Key::GroupsOf(vnet.clone()));
    collection.is_some_and(|collection| {
        members.any(|(id, _)| id.parent().is_some_and(|group| collection.groups.contains(&group)))
    })
}

/// The list of the rules that are in force on a network, where it was captured in full.
fn effective<'e>(
    estate: &'e Estate,
    vnet: &ResourceId,
) -> Option<(&'e ResourceId, &'e [AdminRule])> {
    let mut lists = estate.all::<EffectiveAdminRules>();
    lists.find_map(|(id, list)| {
        let rules = list.rules.as_deref().filter(|_| id.parent().as_ref() == Some(vnet))?;
        Some((id, rules))
    })
}

/// The network manager of a rule.
pub fn manager_of(rule: &ResourceId) -> Option<ResourceId> {
    rule.parent()?.parent()?.parent()
}

/// A network manager or a collection that may hold security admin rules for a network, none of which was captured.
pub fn unread_admin_rules(estate: &Estate, vnet: &ResourceId) -> Option<Missing> {
    if effective(estate, vnet).is_some() {
        return None;
    }
    if let Some((list, _)) = estate.only_below::<EffectiveAdminRules>(vnet) {
        let what = format!("the end of the list of security admin rules of `{}`", vnet.name());
        return Some(Missing { what, resource: Some(list.clone()), help: help(vnet) });
    }
    let is_unread = |id: &ResourceId| estate.children::<AdminRule>(id).next().is_none();
    let captured = estate.all::<NetworkManager>().filter(|(_, manager)| manager.has_admin_rules);
    let managers = captured.map(|(id, _)| id.clone());
    let rules = estate.all::<EffectiveAdminRules>().flat_map(|(_, list)| &list.rules).flatten();
    let managers = managers.chain(rules.filter_map(|rule| manager_of(&rule.id)));
    let mut collections = estate.all::<RuleCollection>().map(|(id, _)| id.clone());
    let id = collections.find(is_unread).or_else(|| managers.into_iter().find(is_unread))?;
    let what = format!("security admin rules of `{}`", id.name());
    Some(Missing { what, resource: Some(id), help: help(vnet) })
}

/// What is not known of a rule that may act on the packets.
pub(super) fn unplaced(rule: &ResourceId, vnet: &ResourceId) -> Missing {
    let (rule_name, vnet_name) = (rule.name(), vnet.name());
    Missing {
        what: format!("whether security admin rule `{rule_name}` acts on network `{vnet_name}`"),
        resource: Some(rule.clone()),
        help: help(vnet),
    }
}

/// Azure's answer does not say for which network it is: the query puts that in.
fn help(vnet: &ResourceId) -> String {
    let list = format!("{vnet}/listNetworkManagerEffectiveSecurityAdminRules");
    let list = in_double_quotes(&list);
    format!(
        "add the rules that are in force there: `az rest --method post --body '{{}}' --url \"{list}?api-version=2024-05-01\" \
         --query \"{{id: '{list}/current', properties: @}}\"`"
    )
}
