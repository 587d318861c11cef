//! One packet's whole way: the gates between the copier and the place that the name leads to.

use super::address::representatives;
use super::door::{delegated_subnet, listening, standing};
use super::endpoint::{Endpoint, admits, admitted, endpoints, holder};
use super::fate_over;
use super::name::Name;
use super::own_zone::own_record;
use super::peering::in_either_state;
use super::sender::Sender;
use super::verdict::{Fate, Gate, Notes};
use super::world::{World, network_of, reference, region, subnet_prefixes};
use super::zone::may_have_unlisted;

/// Everything about a question that is the same for all addresses.
pub(super) struct Walk<'w> {
    pub(super) world: &'w World,
    pub(super) copier: &'w str,
    pub(super) server: &'w str,
    pub(super) port: u16,
    pub(super) endpoints: Vec<Endpoint>,
    /// Who sends.
    pub(super) sender: Sender,
    /// What holds on every way: both servers run, and the source listens.
    pub(super) servers: Vec<Gate>,
    /// The injected source's subnet.
    pub(super) home: Option<String>,
    pub(super) region: Option<String>,
    /// Where addresses may begin to be treated otherwise, where one is not known.
    pub(super) cuts: Vec<u32>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(world: &'w World, copier: &'w str, server: &'w str, port: u16) -> Walk<'w> {
        let home = delegated_subnet(world, server).ok().flatten();
        let sender = Sender::of(world, copier);
        let endpoints = endpoints(world, server);
        let is_open = home.is_some() || endpoints.iter().any(|one| one.addresses.is_empty());
        Walk {
            world,
            copier,
            server,
            port,
            endpoints,
            servers: vec![
                sender.standing(world, copier),
                standing(world, server),
                listening(world, server, port),
            ],
            region: world.body(server).and_then(region),
            cuts: if is_open { world.boundaries() } else { Vec::new() },
            home,
            sender,
        }
    }

    /// The walk of a client that is no server: nothing is asked of its state.
    pub(super) fn of_client(world: &'w World, server: &'w str, port: u16) -> Walk<'w> {
        let mut walk = Walk::new(world, "", server, port);
        walk.servers.remove(0);
        walk
    }

    /// The fate of a packet from one address of a subnet, if the name has that answer.
    pub(super) fn fate(
        &self,
        name: &Name,
        subnet: &str,
        from: Option<u32>,
        ask: &[Gate],
        notes: &mut Notes,
    ) -> Fate {
        let ways = match name {
            // Without an answer it does not matter what it would have been.
            Name::Unknown(_) if Fate::of(ask) == Fate::Dropped => vec![Vec::new()],
            Name::Unknown(gate) => return self.any_fate(gate, subnet, from, ask, notes),
            _ => self.ways(name, subnet, from),
        };
        let count = ways.len();
        let sum = fate_over(ways, &[ask, &self.servers[..]].concat(), notes);
        if count > 1 && sum == Fate::Open {
            let what = match name {
                Name::Own => Some("which address of its subnet is that"),
                Name::Public => Some("which way of the subnet's leads to the public address"),
                _ => None,
            };
            notes.take(what.map(|what| Gate::unknown(what, self.server)).into_iter().collect());
        }
        sum
    }

    /// The ways onto which an answer leads.
    pub(super) fn ways(&self, name: &Name, subnet: &str, from: Option<u32>) -> Vec<Vec<Gate>> {
        match name {
            Name::Nothing(gate) | Name::Lost(gate) | Name::Unknown(gate) => {
                vec![vec![gate.clone()]]
            }
            Name::Public => self.public_ways(subnet, from),
            Name::Own => self.own_ways(subnet, from),
            Name::Record(addresses, record) => addresses
                .iter()
                .flat_map(|to| self.record_ways(subnet, from, *to, record))
                .collect(),
            Name::Endpoint(key) => self.ways_to(subnet, from, key),
            Name::Unseen => self.unseen_ways(),
        }
    }

    /// Nothing is known of the answer: the packet is lost only if every good one would lose it.
    fn any_fate(
        &self,
        why: &Gate,
        subnet: &str,
        from: Option<u32>,
        ask: &[Gate],
        notes: &mut Notes,
    ) -> Fate {
        notes.take(vec![why.clone()]);
        let names = self.good_names().into_iter();
        let fates = names.map(|name| self.fate(&name, subnet, from, ask, notes));
        let mut is_lost = true;
        fates.for_each(|fate| is_lost &= fate == Fate::Dropped);
        if is_lost { Fate::Dropped } else { Fate::Open }
    }

    /// All good answers that a resolver could give.
    fn good_names(&self) -> Vec<Name> {
        let front = match (&self.home, delegated_subnet(self.world, self.server)) {
            (Some(_), _) => Name::Own,
            (None, Ok(_)) => Name::Public,
            (None, Err(gate)) => Name::Lost(gate),
        };
        let mut names = vec![front];
        for one in self.endpoints.iter().filter(|one| one.leads_here) {
            names.push(Name::Endpoint(one.key.clone()));
        }
        if !self.unseen_ways().is_empty() {
            names.push(Name::Unseen);
        }
        names
    }

    /// To the injected source, whose address is one of its subnet's.
    fn own_ways(&self, subnet: &str, from: Option<u32>) -> Vec<Vec<Gate>> {
        let Some(home) = self.home.as_deref() else {
            return vec![vec![Gate::unknown("the network mode", self.server)]];
        };
        if let Some((_, to)) = own_record(self.world, self.server) {
            return vec![self.own_way(subnet, from, home, Some(to))];
        }
        let Some(body) = self.world.body(home) else {
            return vec![self.own_way(subnet, from, home, None)];
        };
        let prefixes = subnet_prefixes(body);
        let mut ways = Vec::new();
        for prefix in prefixes {
            for to in representatives(prefix, &self.cuts) {
                ways.push(self.own_way(subnet, from, home, Some(to)));
            }
        }
        if ways.is_empty() {
            ways.push(vec![Gate::unknown("the prefix", home)]);
        }
        ways
    }

    /// The gates of a way between two networks, whatever state their peering is in.
    fn between(&self, near: &str, far: &str, way: impl Fn(&Walk<'_>) -> Vec<Gate>) -> Vec<Gate> {
        in_either_state(self.world, near, far, |world| match std::ptr::eq(world, self.world) {
            true => way(self),
            false => way(&Walk::new(world, self.copier, self.server, self.port)),
        })
    }

    fn own_way(&self, subnet: &str, from: Option<u32>, home: &str, to: Option<u32>) -> Vec<Gate> {
        self.between(network_of(subnet), network_of(home), |walk| {
            walk.own_way_as_told(subnet, from, home, to)
        })
    }

    /// To an address that a record gives.
    fn record_ways(
        &self,
        subnet: &str,
        from: Option<u32>,
        to: u32,
        record: &str,
    ) -> Vec<Vec<Gate>> {
        let stale = || vec![vec![Gate::drop("name", record, Some("stale"))]];
        if let Some(home) = self.home.as_deref() {
            let inside = self
                .world
                .body(home)
                .is_none_or(|body| subnet_prefixes(body).iter().any(|prefix| prefix.contains(to)));
            if !inside {
                return stale();
            }
            let mut ways = vec![self.own_way(subnet, from, home, Some(to))];
            match own_record(self.world, self.server) {
                Some((_, own)) if own == to => return ways,
                Some(_) => return stale(),
                None => {}
            }
            ways[0].push(Gate::unknown("the present address", self.server));
            return ways;
        }
        let holders = || self.endpoints.iter().filter(|one| one.addresses.contains(&to));
        let mine: Vec<&Endpoint> = holders().filter(|one| one.leads_here).collect();
        if !mine.is_empty() {
            return mine.iter().map(|one| self.endpoint_way(subnet, from, one, Some(to))).collect();
        }
        if let Some(other) = holders().find(|one| one.hides_service) {
            return vec![vec![Gate::unknown("where an endpoint leads", &other.key)]];
        }
        if let Some(other) = holders().next() {
            return vec![vec![Gate::drop("endpoint", &other.key, Some("another server's"))]];
        }
        let may_hold = |one: &&Endpoint| one.leads_here && one.addresses.is_empty();
        let is_inside = |one: &&Endpoint| {
            let body = one.subnet.as_deref().and_then(|key| self.world.body(key));
            body.is_none_or(|body| subnet_prefixes(body).iter().any(|prefix| prefix.contains(to)))
        };
        let blind = || self.endpoints.iter().filter(may_hold).filter(is_inside);
        let mut ways: Vec<Vec<Gate>> =
            blind().map(|one| self.endpoint_way(subnet, from, one, Some(to))).collect();
        let unseen = self.unseen_ways();
        if let Some(other) = holder(self.world, to) {
            let known = blind().any(|one| self.owns_interface(one, &other));
            if !known && unseen.is_empty() {
                return vec![vec![Gate::drop("endpoint", &other, Some("another interface"))]];
            }
        }
        ways.extend(unseen);
        if ways.is_empty() {
            return stale();
        }
        for way in &mut ways {
            way.push(Gate::unknown("whose address the record gives", record));
        }
        ways
    }

    fn ways_to(&self, subnet: &str, from: Option<u32>, key: &str) -> Vec<Vec<Gate>> {
        let mut ways = Vec::new();
        for one in self.endpoints.iter().filter(|one| one.key == key) {
            let all = one.perhaps_at(self.world, &self.cuts);
            ways.extend(all.into_iter().map(|to| self.endpoint_way(subnet, from, one, to)));
        }
        ways
    }

    fn owns_interface(&self, endpoint: &Endpoint, interface: &str) -> bool {
        self.world
            .body(interface)
            .and_then(|body| reference(body, &["properties", "privateEndpoint", "id"]))
            .is_none_or(|key| key == endpoint.key)
    }

    /// Ways through private endpoints that the server has, or may have, and nobody captured.
    fn unseen_ways(&self) -> Vec<Vec<Gate>> {
        if self.home.is_some() {
            return Vec::new();
        }
        let unseen = || Gate::unknown("all private endpoints", self.server);
        let listed = admitted(self.world, self.server);
        let mut ways = Vec::new();
        for (key, _) in &listed.entries {
            match key.as_deref() {
                None => ways.push(vec![unseen()]),
                Some(key) if self.world.body(key).is_none() => {
                    ways.push(vec![admits(self.world, self.server, key), unseen()]);
                }
                Some(_) => {}
            }
        }
        let leads_here = || self.endpoints.iter().any(|one| one.leads_here);
        if ways.is_empty() && !leads_here() && may_have_unlisted(self.world, self.server) {
            ways.push(vec![unseen()]);
        }
        ways
    }

    fn endpoint_way(
        &self,
        subnet: &str,
        from: Option<u32>,
        endpoint: &Endpoint,
        to: Option<u32>,
    ) -> Vec<Gate> {
        let far = endpoint.subnet.as_deref().map_or("", network_of);
        self.between(network_of(subnet), far, |walk| {
            walk.endpoint_way_as_told(subnet, from, endpoint, to)
        })
    }
}
