//! Which flows a change of nothing but security rules may alter: those that a rule which came or went speaks of.

use crate::address::AddressSet;
use crate::estate::filter::{Direction, Prefix, Rule};
use crate::estate::firewall::Firewall;
use crate::estate::forwarder::{DNS_PORT, Ruleset};
use crate::estate::network::{NextHop, Route, Subnet, Vnet};
use crate::estate::server::Server;
use crate::estate::{Estate, Key, Set, Writes};
use crate::id::ResourceId;
use crate::trace::filter::covers;
use crate::trace::route::user_routes;
use crate::trace::rules::of_users;
use crate::trace::{PORT, endpoint};

/// A rule that only one of two estates has, or has at that turn.
struct Moved<'e> {
    group: ResourceId,
    rule: &'e Rule,
}

/// The rules that differ between two copies of an estate that differ in nothing else.
pub(super) struct Rules<'e>(Vec<Moved<'e>>);

impl<'e> Rules<'e> {
    /// `None` where something else differs, or not every rule was observed.
    pub(super) fn between(
        before: &'e Estate,
        after: &'e Estate,
        writes: &Writes,
    ) -> Option<Rules<'e>> {
        let mut groups = Set::default();
        for key in writes {
            match key {
                Key::Resource(id) if id.is_type(GROUP) => groups.insert(id.clone()),
                Key::Resource(id) if id.is_type(RULE) => groups.insert(id.parent()?),
                Key::Below(_) | Key::Kind(_) => false,
                _ => return None,
            };
        }
        let mut moved = Vec::new();
        for group in groups {
            for direction in [Direction::Inbound, Direction::Outbound] {
                let of = |estate: &'e Estate| of_users(estate, &group, direction, None).ok();
                let differing = differing(&of(before)?, &of(after)?);
                let all = differing.into_iter();
                moved.extend(all.map(|rule| Moved { group: group.clone(), rule }));
            }
        }
        Some(Rules(moved))
    }

    /// Whether clients in a subnet may reach a server otherwise than before.
    pub(super) fn may_alter(
        &self,
        estate: &Estate,
        client: &ResourceId,
        server: &ResourceId,
    ) -> bool {
        let Some(subnet) = estate.find::<Subnet>(client) else { return true };
        // Forwarded questions come from elsewhere.
        let is_of_names = |moved: &Moved| covers(&moved.rule.ports.to, DNS_PORT);
        if self.0.iter().any(is_of_names) && estate.all::<Ruleset>().next().is_some() {
            return true;
        }
        // What a firewall sends on may come with an address of its own, and what another appliance does with any.
        let own = AddressSet::of(&subnet.prefixes);
        let senders = own.union(&firewalls(estate));
        let is_handed_on = is_handed_on(estate, (client, subnet));
        let sends = |moved: &&Moved| {
            meets(&moved.rule.from, &senders)
                || is_handed_on && moved.rule.direction == Direction::Inbound
        };
        let mut speaking = self.0.iter().filter(sends).peekable();
        speaking.peek().is_some() && {
            let far = Far::of(estate, server);
            let asks_others = || asks_others(estate, client);
            speaking.any(|moved| {
                let is_near = subnet.security_group.to() == Some(&moved.group);
                let ports = &moved.rule.ports.to;
                covers(ports, DNS_PORT) && (is_near || asks_others())
                    || covers(ports, PORT) && far.receives(moved, is_near, is_handed_on)
            })
        }
    }
}

const GROUP: &str = "microsoft.network/networksecuritygroups";
const RULE: &str = "microsoft.network/networksecuritygroups/securityrules";

/// The rules of two lists that are not the same at the same turn; all of both where they only change places.
fn differing<'e>(before: &[&'e Rule], after: &[&'e Rule]) -> Vec<&'e Rule> {
    let is_in = |rule: &Rule, list: &[&Rule]| list.iter().any(|one| one.catches_like(rule));
    let gone = before.iter().filter(|rule| !is_in(rule, after));
    let new = after.iter().filter(|rule| !is_in(rule, before));
    let kept = before.iter().filter(|rule| is_in(rule, after));
    let mut kept_after = after.iter().filter(|rule| is_in(rule, before));
    let is_in_order =
        kept.clone().all(|rule| kept_after.next().is_some_and(|other| other.catches_like(rule)))
            && kept_after.next().is_none();
    match is_in_order {
        true => gone.chain(new).copied().collect(),
        false => before.iter().chain(after).copied().collect(),
    }
}

/// Addresses of the subnets that firewalls stand in.
fn firewalls(estate: &Estate) -> AddressSet {
    let seats = estate.all::<Firewall>().flat_map(|(_, one)| &one.frontends);
    let homes = seats.filter_map(|seat| estate.find::<Subnet>(seat.subnet.as_ref()?));
    homes.fold(AddressSet::default(), |all, home| all.union(&AddressSet::of(&home.prefixes)))
}

/// Whether some prefixes may hold an address of a set.
fn meets(prefixes: &[Prefix], set: &AddressSet) -> bool {
    let is_off = |one: &Prefix| matches!(one, Prefix::Network(network) if !set.meets(network));
    set.is_empty() || !prefixes.iter().all(is_off)
}

/// Whether names are asked for at DNS servers that rules may keep away, beside Azure's own.
fn asks_others(estate: &Estate, client: &ResourceId) -> bool {
    let vnet = client.parent().and_then(|vnet| estate.find::<Vnet>(&vnet));
    vnet.is_none_or(|vnet| vnet.dns_servers.as_ref().is_none_or(|list| !list.is_empty()))
}

/// Whether a route hands packets of a subnet to an appliance, at which rules may stand, or may do so.
fn is_handed_on(estate: &Estate, subnet: (&ResourceId, &Subnet)) -> bool {
    let leads = |route: &Route| matches!(route.next_hop, NextHop::Appliance(_));
    match user_routes(estate, subnet) {
        Ok(found) => found.is_some_and(|(_, routes)| routes.into_iter().any(leads)),
        Err(_) => true,
    }
}

/// Where a server may be reached.
struct Far {
    /// Its private addresses, or those that it may have.
    addresses: AddressSet,
    /// The groups that rule there.
    groups: Vec<ResourceId>,
    /// Something of it was not observed.
    is_open: bool,
    is_public: bool,
}

impl Far {
    fn of(estate: &Estate, server: &ResourceId) -> Far {
        let mut far = Far {
            addresses: AddressSet::default(),
            groups: Vec::new(),
            is_open: false,
            is_public: false,
        };
        let Some(facts) = estate.find::<Server>(server) else {
            return Far { is_open: true, ..far };
        };
        far.is_public = facts.public_access != Some(false);
        far.is_open = facts.is_subnet_unreadable;
        let mut subnets: Vec<ResourceId> = facts.delegated_subnet.iter().cloned().collect();
        for view in endpoint::of_server(estate, server, facts) {
            match (&view.subnet, &view.addresses) {
                (Ok(subnet), Ok(addresses)) => {
                    subnets.push(subnet.clone());
                    for one in addresses {
                        far.addresses = far.addresses.union(&AddressSet::one(*one));
                    }
                }
                _ => far.is_open = true,
            }
        }
        for id in subnets {
            let Some(subnet) = estate.find::<Subnet>(&id) else {
                far.is_open = true;
                continue;
            };
            if facts.delegated_subnet.as_ref() == Some(&id) {
                far.addresses = far.addresses.union(&AddressSet::of(&subnet.prefixes));
            }
            far.groups.extend(subnet.security_group.to().cloned());
        }
        far
    }

    /// Whether a rule may speak of packets to it: it stands on their way, and names where they go.
    fn receives(&self, moved: &Moved, is_near: bool, is_handed_on: bool) -> bool {
        let is_on_the_way = match moved.rule.direction {
            Direction::Outbound => is_near,
            Direction::Inbound => {
                self.is_open || is_handed_on || self.groups.contains(&moved.group)
            }
        };
        let is_private = |one: &Prefix| matches!(one, Prefix::Network(network) if AddressSet::of([network]).is_private());
        let names_it = || {
            self.is_open
                || meets(&moved.rule.to, &self.addresses) && !self.addresses.is_empty()
                || self.is_public && !moved.rule.to.iter().all(is_private)
        };
        is_on_the_way && names_it()
    }
}
