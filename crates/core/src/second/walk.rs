//! One packet's whole way: the gates between the copier and the place that the name leads to.

use super::address::usable;
use super::door::{
    Caller, delegated_subnet, has_identity, is_single, listening, public_access, rules, standing,
};
use super::endpoint::{Endpoint, admits, endpoints, holder};
use super::filter::{End, Packet, Place, Way, filter, resolver};
use super::name::Name;
use super::peering::{Shore, cross};
use super::route::{Hop, may_have_gateway, next_hop, own_routes, propagates};
use super::verdict::{Fate, Gate, Notes, Tri};
use super::world::{World, network_of, reference, region, subnet_prefixes, text};

/// Everything about a question that is the same for all addresses.
pub(super) struct Walk<'w> {
    world: &'w World,
    copier: &'w str,
    server: &'w str,
    port: u16,
    endpoints: Vec<Endpoint>,
    /// The injected source's subnet.
    home: Option<String>,
    region: Option<String>,
    cuts: Vec<u32>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        world: &'w World,
        copier: &'w str,
        server: &'w str,
        port: u16,
        cuts: Vec<u32>,
    ) -> Walk<'w> {
        Walk {
            world,
            copier,
            server,
            port,
            endpoints: endpoints(world, server),
            home: delegated_subnet(world, server).ok().flatten(),
            region: world.body(server).and_then(region),
            cuts,
        }
    }

    /// What holds on every way: both servers run, and the source listens.
    pub(super) fn servers(&self) -> Vec<Gate> {
        vec![
            standing(self.world, self.copier),
            standing(self.world, self.server),
            listening(self.world, self.server, self.port),
        ]
    }

    /// The fate of a packet from one address of a subnet, if the name has that answer.
    pub(super) fn fate(&self, name: &Name, subnet: &str, from: u32, notes: &mut Notes) -> Fate {
        let ask = resolver(self.world, subnet, from);
        let ways = match name {
            Name::Nothing(gate) | Name::Unknown(gate) => vec![vec![gate.clone()]],
            Name::Public => self.public_ways(subnet, from),
            Name::Own => self.own_ways(subnet, from),
            Name::Record(addresses, record) => addresses
                .iter()
                .flat_map(|to| self.record_ways(subnet, from, *to, record))
                .collect(),
        };
        let mut sum: Option<Fate> = None;
        for mut gates in ways {
            gates.push(ask.clone());
            gates.extend(self.servers());
            let fate = Fate::of(&gates);
            notes.take(gates);
            sum = Some(sum.map_or(fate, |before| before.either(fate)));
        }
        sum.unwrap_or(Fate::Open)
    }

    /// All good answers that a resolver could give, should nothing be known of it.
    pub(super) fn any_names(&self) -> Vec<Name> {
        let mut names = vec![if self.home.is_some() { Name::Own } else { Name::Public }];
        for one in self.endpoints.iter().filter(|one| one.leads_here) {
            names.push(match one.addresses.as_slice() {
                [] => Name::Unknown(Gate::unknown("the address", &one.key)),
                all => Name::Record(all.to_vec(), one.key.clone()),
            });
        }
        if self.has_unseen_endpoints() {
            names.push(Name::Unknown(Gate::unknown("all private endpoints", self.server)));
        }
        names
    }

    fn front(&self) -> End<'_> {
        End::Front { single: is_single(self.server), region: self.region.as_deref() }
    }

    /// To the public door from a copier with public access.
    pub(super) fn public_copier(&self) -> Vec<Gate> {
        let mut gates = self.servers();
        match (&self.home, delegated_subnet(self.world, self.server)) {
            (Some(_), _) => gates.push(Gate::drop("mode", self.copier, None)),
            (None, Err(gate)) => gates.push(gate),
            (None, Ok(_)) => {
                gates.push(public_access(self.world, self.server));
                gates.push(rules(self.world, self.server, Caller::Azure));
            }
        }
        gates
    }

    fn public_ways(&self, subnet: &str, from: u32) -> Vec<Vec<Gate>> {
        let place = Place { subnet, endpoint: false };
        let packet =
            Packet { from: End::Address(from), to: self.front(), port: self.port, groups: &[] };
        let out = filter(self.world, place, Way::Outbound, &packet);
        let door = public_access(self.world, self.server);
        self.exits(subnet)
            .into_iter()
            .map(|(route, caller)| {
                vec![out.clone(), route, door.clone(), rules(self.world, self.server, caller)]
            })
            .collect()
    }

    /// How packets for the public door may leave a subnet, and as what they arrive.
    fn exits<'s>(&self, subnet: &'s str) -> Vec<(Gate, Caller<'s>)> {
        let world = self.world;
        let network = network_of(subnet);
        let identity = has_identity(world, subnet, network, self.server);
        let mut exits = Vec::new();
        if identity != Tri::No {
            exits.push((Gate::Pass, Caller::Subnet(subnet)));
        }
        let Some(own) = own_routes(world, subnet) else {
            exits.push((Gate::unknown("the routes", subnet), Caller::Somewhere));
            return exits;
        };
        let exit =
            |route: &super::route::OwnRoute<'_>| match route.hop.to_ascii_lowercase().as_str() {
                "none" => (Gate::drop("route", &route.table, Some(route.name)), Caller::Azure),
                "internet" => (Gate::Pass, Caller::Azure),
                _ => (
                    Gate::unknown(&format!("what stands behind route {}", route.name), subnet),
                    Caller::Somewhere,
                ),
            };
        if identity != Tri::Yes {
            let all = own.iter().find(|route| route.prefix.is_some_and(|prefix| prefix.len == 0));
            match all {
                Some(route) => exits.push(exit(route)),
                None if may_have_gateway(world, network) && propagates(world, subnet) => {
                    exits.push((Gate::Pass, Caller::Azure));
                    let gate = Gate::unknown("the default route of the gateway", network);
                    exits.push((gate, Caller::Somewhere));
                }
                None => exits.push((Gate::Pass, Caller::Azure)),
            }
        }
        for route in &own {
            let may_match = match route.prefix {
                Some(prefix) => prefix.len > 0 && !super::address::is_private(prefix.first()),
                None => {
                    let tag = route.word.to_ascii_lowercase();
                    super::tag::contains(world, subnet, &tag, self.front()) != Tri::No
                }
            };
            if may_match {
                exits.push(exit(route));
            }
        }
        exits
    }

    /// To the injected source, whose address is one of its subnet's.
    fn own_ways(&self, subnet: &str, from: u32) -> Vec<Vec<Gate>> {
        let Some(home) = self.home.as_deref() else {
            return vec![vec![Gate::unknown("the network mode", self.server)]];
        };
        let Some(body) = self.world.body(home) else {
            return vec![self.to_unseen_home(subnet, from, home)];
        };
        let mut ways = Vec::new();
        for prefix in subnet_prefixes(body) {
            for to in representatives(prefix, &self.cuts) {
                ways.push(self.own_way(subnet, from, home, to));
            }
        }
        if ways.is_empty() {
            ways.push(vec![Gate::unknown("the prefix", home)]);
        }
        ways
    }

    /// The subnet was not captured: peering and sender's filter are all that can be judged.
    fn to_unseen_home(&self, _subnet: &str, _from: u32, home: &str) -> Vec<Gate> {
        vec![Gate::unknown("the address and the filters", home)]
    }

    fn own_way(&self, subnet: &str, from: u32, home: &str, to: u32) -> Vec<Gate> {
        let (near, far) = (network_of(subnet), network_of(home));
        let place = Place { subnet, endpoint: false };
        let packet = |from| Packet { from, to: End::Address(to), port: self.port, groups: &[] };
        let mut gates = vec![filter(self.world, place, Way::Outbound, &packet(End::Address(from)))];
        let hop = next_hop(self.world, subnet, to, None, "route");
        let is_opaque = arrive(hop, near, far, &mut gates);
        let place = Place { subnet: home, endpoint: false };
        if is_opaque {
            gates.push(filter(self.world, place, Way::Inbound, &packet(End::Somewhere)));
            return gates;
        }
        gates.push(filter(self.world, place, Way::Inbound, &packet(End::Address(from))));
        if near != far {
            let here =
                Shore { network: near, subnet, address: from, filtered: self.has_group(subnet) };
            let there =
                Shore { network: far, subnet: home, address: to, filtered: self.has_group(home) };
            gates.extend(cross(self.world, here, there));
        }
        let back = next_hop(self.world, home, from, None, "return");
        arrive(back, far, near, &mut gates);
        gates
    }

    fn has_group(&self, subnet: &str) -> bool {
        self.world.body(subnet).is_some_and(|body| {
            reference(body, &["properties", "networkSecurityGroup", "id"]).is_some()
        })
    }

    /// To an address that a record gives.
    fn record_ways(&self, subnet: &str, from: u32, to: u32, record: &str) -> Vec<Vec<Gate>> {
        let stale = || vec![vec![Gate::drop("name", record, Some("stale"))]];
        if let Some(home) = self.home.as_deref() {
            let inside = self
                .world
                .body(home)
                .is_none_or(|body| subnet_prefixes(body).iter().any(|prefix| prefix.contains(to)));
            if !inside {
                return stale();
            }
            let mut ways = vec![self.own_way(subnet, from, home, to)];
            ways[0].push(Gate::unknown("the present address", self.server));
            return ways;
        }
        let holders = || self.endpoints.iter().filter(|one| one.addresses.contains(&to));
        let mine: Vec<&Endpoint> = holders().filter(|one| one.leads_here).collect();
        if !mine.is_empty() {
            return mine.iter().map(|one| self.endpoint_way(subnet, from, one, to)).collect();
        }
        if let Some(other) = holders().next() {
            return vec![vec![Gate::drop("endpoint", &other.key, Some("another server's"))]];
        }
        let blind =
            || self.endpoints.iter().filter(|one| one.leads_here && one.addresses.is_empty());
        let mut ways: Vec<Vec<Gate>> =
            blind().map(|one| self.endpoint_way(subnet, from, one, to)).collect();
        if self.has_unseen_endpoints() {
            ways.push(vec![Gate::unknown("all private endpoints", self.server)]);
        }
        if ways.is_empty() {
            return stale();
        }
        for way in &mut ways {
            way.push(Gate::unknown("whose address the record gives", record));
        }
        if let Some(other) = holder(self.world, to) {
            let known = blind().any(|one| self.owns_interface(one, &other));
            if !known && !self.has_unseen_endpoints() {
                return vec![vec![Gate::drop("endpoint", &other, Some("another interface"))]];
            }
        }
        ways
    }

    fn owns_interface(&self, endpoint: &Endpoint, interface: &str) -> bool {
        self.world
            .body(interface)
            .and_then(|body| reference(body, &["properties", "privateEndpoint", "id"]))
            .is_none_or(|key| key == endpoint.key)
    }

    /// Whether the server may have private endpoints that were not captured.
    fn has_unseen_endpoints(&self) -> bool {
        let listed = super::endpoint::admitted(self.world, self.server);
        !listed.observed
            || listed
                .entries
                .iter()
                .any(|(key, _)| key.as_deref().is_none_or(|key| self.world.body(key).is_none()))
    }

    fn endpoint_way(&self, subnet: &str, from: u32, endpoint: &Endpoint, to: u32) -> Vec<Gate> {
        let place = Place { subnet, endpoint: false };
        let packet =
            |from| Packet { from, to: End::Address(to), port: self.port, groups: &endpoint.groups };
        let near = network_of(subnet);
        let mut gates = vec![
            admits(self.world, self.server, &endpoint.key),
            filter(self.world, place, Way::Outbound, &packet(End::Address(from))),
        ];
        let hop = next_hop(self.world, subnet, to, Some(endpoint), "route");
        let Some(home) = endpoint.subnet.as_deref() else {
            gates.push(Gate::unknown("the subnet", &endpoint.key));
            return gates;
        };
        let far = network_of(home);
        let is_opaque = arrive(hop, near, far, &mut gates);
        let from_end = if is_opaque { End::Somewhere } else { End::Address(from) };
        gates.push(self.endpoint_filter(home, &packet(from_end)));
        if near != far && !is_opaque {
            let here =
                Shore { network: near, subnet, address: from, filtered: self.has_group(subnet) };
            let acts = self.policy(home) == Tri::Yes && self.has_group(home);
            let there = Shore { network: far, subnet: home, address: to, filtered: acts };
            gates.extend(cross(self.world, here, there));
        }
        gates
    }

    /// Whether security groups act on the private endpoints of a subnet.
    fn policy(&self, subnet: &str) -> Tri {
        let word = self
            .world
            .body(subnet)
            .and_then(|body| text(body, &["properties", "privateEndpointNetworkPolicies"]));
        word.map_or(Tri::Maybe, |word| {
            let word = word.to_ascii_lowercase();
            Tri::of(word == "enabled" || word == "networksecuritygroupenabled")
        })
    }

    fn endpoint_filter(&self, home: &str, packet: &Packet<'_>) -> Gate {
        let place = Place { subnet: home, endpoint: true };
        match self.policy(home) {
            Tri::No => Gate::Pass,
            Tri::Yes => filter(self.world, place, Way::Inbound, packet),
            Tri::Maybe => filter(self.world, place, Way::Inbound, packet).either(Gate::Pass),
        }
    }
}

/// Whether a next hop brings the packet into the network where it has to be. True when something
/// opaque took it.
fn arrive(hop: Hop, near: &str, far: &str, gates: &mut Vec<Gate>) -> bool {
    match hop {
        Hop::Local if near == far => {}
        Hop::Endpoint => {}
        Hop::Peer(network) if network == far => {}
        Hop::Local | Hop::Peer(_) => gates.push(Gate::drop("route", near, Some("another network"))),
        Hop::Drop(gate) => gates.push(gate),
        Hop::Unknown(gate) => gates.push(gate),
        Hop::Opaque(gate) => {
            gates.push(gate);
            return true;
        }
    }
    false
}

/// One address for each stretch of a subnet that no prefix of the estate divides.
pub(super) fn representatives(prefix: super::address::Prefix, cuts: &[u32]) -> Vec<u32> {
    let Some((first, last)) = usable(prefix) else { return Vec::new() };
    let inside = cuts.iter().copied().filter(|cut| first < *cut && *cut <= last);
    std::iter::once(first).chain(inside).collect()
}
