//! Ways to the public front door: how packets leave a subnet, and as what they arrive.

use serde_json::Value;

use super::address::{holds_no_public, public_starts};
use super::door::{
    Caller, delegated_subnet, has_identity, is_single, may_bypass, public_access, rules,
};
use super::endpoint::endpoints;
use super::filter::{End, Packet};
use super::firewall;
use super::firewall_rules::{Asking, Decision, Receiver, decide};
use super::gateway;
use super::passage::to_internet;
use super::route::{OwnRoute, own_routes, propagates};
use super::sender::Egress;
use super::tag;
use super::verdict::{Gate, Tri};
use super::walk::Walk;
use super::world::{World, network_of, reference, text};

impl Walk<'_> {
    fn front(&self) -> End<'_> {
        End::Front { single: is_single(self.server), region: self.region.as_deref() }
    }

    /// To the public door from a copier with public access.
    pub(super) fn public_copier(&self) -> Vec<Gate> {
        let mut gates = self.servers.clone();
        let is_shut =
            self.home.is_some() || matches!(public_access(self.world, self.server), Gate::Drop(_));
        if is_shut && self.may_copy_elsewhere() {
            let what = "the way from the runtime server that a migration names, instead of from";
            gates.push(Gate::unknown(what, self.copier));
            return gates;
        }
        match (&self.home, delegated_subnet(self.world, self.server)) {
            (Some(_), _) => gates.push(Gate::drop("mode", self.copier, None)),
            (None, Err(gate)) => gates.push(gate),
            (None, Ok(_)) => {
                gates.push(public_access(self.world, self.server));
                // The guide says that Azure's tool opens a Single Server by itself, and is believed; newer documents ask for a rule.
                if !is_single(self.server) {
                    gates.push(rules(self.world, self.server, Caller::Azure));
                }
            }
        }
        gates
    }

    /// Whether a migration of this pair names a runtime server, which copies in the target's place where that has an endpoint.
    fn may_copy_elsewhere(&self) -> bool {
        let is_meant = |(_, body): (&str, &Value)| {
            let source = reference(body, &["properties", "sourceDbServerResourceId"]);
            let names = ["migrationInstanceResourceId", "migrationRuntimeResourceId"];
            source.is_none_or(|source| source == self.server)
                && names.iter().any(|name| text(body, &["properties", name]).is_some())
        };
        !endpoints(self.world, self.copier).is_empty()
            && self.world.children(self.copier, "migrations").any(is_meant)
    }

    pub(super) fn public_ways(&self, subnet: &str, from: Option<u32>) -> Vec<Vec<Gate>> {
        let packet = Packet {
            from: End::at(from),
            to: self.front(),
            port: self.port,
            protocol: "tcp",
            members: &self.sender.members,
            one_network: true,
            groups: &[],
        };
        let out = self.sender.out(self.world, subnet, &packet);
        let door = public_access(self.world, self.server);
        let exits = self.exits(subnet, from).into_iter();
        exits
            .flat_map(|(route, caller)| self.leave(subnet, route, caller))
            .map(|(route, caller)| {
                let last = [route, door.clone(), rules(self.world, self.server, caller)];
                out.iter().cloned().chain(last).collect()
            })
            .collect()
    }

    /// What comes into the internet comes with the addresses of a relay host, or not at all.
    fn leave<'s>(&self, subnet: &str, route: Gate, caller: Caller<'s>) -> Vec<(Gate, Caller<'s>)> {
        if caller != Caller::Azure {
            return vec![(route, caller)];
        }
        match self.sender.egress(self.world, subnet) {
            Egress::Somehow => vec![(route, caller)],
            Egress::Perhaps(gate) => {
                vec![(if matches!(route, Gate::Pass) { gate } else { route }, caller)]
            }
            Egress::At(all) => all.iter().map(|one| (route.clone(), Caller::At(*one))).collect(),
            Egress::Nowhere => {
                let private = Gate::drop("route", subnet, Some("defaultOutboundAccess"));
                vec![(if matches!(route, Gate::Pass) { private } else { route }, caller)]
            }
        }
    }

    /// How packets for the public door may leave a subnet, and as what they arrive.
    fn exits<'s>(&self, subnet: &'s str, from: Option<u32>) -> Vec<(Gate, Caller<'s>)> {
        let world = self.world;
        let network = network_of(subnet);
        let (identity, is_up) = has_identity(world, subnet, network, self.server);
        let mut exits = Vec::new();
        let own = own_routes(world, subnet);
        // The endpoint's prefixes are those of the tag, and a route that somebody wrote beats one as long.
        let decides = own.as_ref().and_then(|own| self.tagged(subnet, own).into_iter().next());
        let is_overruled = decides.is_some_and(|(route, held)| {
            held == Tri::Yes
                && route.word.to_ascii_lowercase().starts_with("sql")
                && matches!(own_exit(world, route, subnet).0, Gate::Drop(_))
        });
        if identity != Tri::No && !is_overruled {
            let caller = if is_up { Caller::Subnet(subnet) } else { Caller::Turning(subnet) };
            exits.push((Gate::Pass, caller));
        }
        let Some(own) = own else {
            exits.push((Gate::unknown("the routes", subnet), Caller::Somewhere(Some(subnet))));
            return exits;
        };
        // Prefixes of the service endpoint, of whose length no document speaks, beat broad routes only.
        for address in doors(&own) {
            for (gate, caller) in self.exits_at(subnet, &own, address, identity) {
                let all = match caller {
                    Caller::Behind(hop) => self.behind((subnet, from), hop, gate),
                    caller => vec![(gate, caller)],
                };
                for one in all {
                    if !exits.contains(&one) {
                        exits.push(one);
                    }
                }
            }
        }
        exits
    }

    /// How packets go on that a route hands to a machine, and as what they arrive: with the addresses of a firewall of Azure, where it
    /// surely sends them straight out.
    fn behind<'s>(
        &self,
        (subnet, from): (&'s str, Option<u32>),
        hop: u32,
        gate: Gate,
    ) -> Vec<(Gate, Caller<'s>)> {
        let world = self.world;
        let Some(firewall) = firewall::at_hop(world, network_of(subnet), hop) else {
            return vec![(gate, Caller::Somewhere(Some(subnet)))];
        };
        let seat = firewall.seat.as_str();
        let is_straight = own_routes(world, seat).is_some_and(|own| {
            let doors = doors(&own).into_iter();
            let mut ways = doors.flat_map(|door| self.exits_at(seat, &own, door, Tri::No));
            ways.all(|one| one == (Gate::Pass, Caller::Azure))
        });
        let all = match is_straight {
            true => firewall::sends_as(world, &firewall),
            false => Vec::new(),
        };
        let to = Receiver::Front { single: is_single(self.server), region: self.region.as_deref() };
        let asking = Asking { from, to, port: self.port };
        let gate = match decide(world, firewall.key, firewall.body, asking) {
            Decision::Denied(drop) => drop,
            Decision::Allowed if is_straight && firewall::sends_out(world, &firewall) => {
                to_internet(world, firewall, self.shore(subnet, from))
            }
            Decision::Allowed | Decision::Open | Decision::Unknown => gate,
        };
        match all.is_empty() {
            true => vec![(gate, Caller::Somewhere(Some(subnet)))],
            false => all.into_iter().map(|one| (gate.clone(), Caller::At(one))).collect(),
        }
    }

    /// The routes of tags that hold the door, or may: a region's tag comes before the world's, and AzureCloud last.
    fn tagged<'o, 'w>(
        &self,
        subnet: &str,
        own: &'o [OwnRoute<'w>],
    ) -> Vec<(&'o OwnRoute<'w>, Tri)> {
        let rank = |route: &OwnRoute<'_>| {
            let word = route.word.to_ascii_lowercase();
            (!word.starts_with("azurecloud"), word.contains('.'))
        };
        let held = |route: &OwnRoute<'_>| match route.prefix {
            Some(_) => Tri::No,
            None => {
                let tag = route.word.to_ascii_lowercase();
                tag::contains(self.world, subnet, &tag, self.front())
            }
        };
        let all = own.iter().map(|route| (route, held(route)));
        let mut tagged: Vec<_> = all.filter(|(_, held)| *held != Tri::No).collect();
        tagged.sort_by_key(|(route, _)| std::cmp::Reverse(rank(route)));
        tagged
    }

    /// The same, if the door had that address.
    fn exits_at<'s>(
        &self,
        subnet: &'s str,
        own: &[OwnRoute<'_>],
        address: u32,
        identity: Tri,
    ) -> Vec<(Gate, Caller<'s>)> {
        let world = self.world;
        let network = network_of(subnet);
        let holding = own
            .iter()
            .filter_map(|route| Some((route.prefix.filter(|one| one.contains(address))?, route)));
        let longest = holding.max_by_key(|(prefix, _)| prefix.len);
        let is_broad = longest.as_ref().is_none_or(|(prefix, _)| prefix.len <= BROAD);
        let exit = |route: &OwnRoute<'_>| own_exit(world, route, subnet);
        let mut exits = Vec::new();
        let mut is_sure = false;
        for (route, held) in self.tagged(subnet, own) {
            exits.push(exit(route));
            is_sure = held == Tri::Yes;
            if is_sure {
                break;
            }
        }
        if is_sure && is_broad {
            return exits;
        }
        if let Some((_, route)) = &longest
            && (identity != Tri::Yes || !is_broad)
        {
            exits.push(exit(route));
        }
        let may_bypass = longest.is_some() && may_bypass(world, subnet, self.server);
        if may_bypass || longest.is_none() && identity != Tri::Yes {
            exits.push((Gate::Pass, Caller::Azure));
        }
        if longest.is_none()
            && identity != Tri::Yes
            && propagates(world, subnet)
            && gateway::may_lead_out(world, network)
        {
            let gate = Gate::unknown("the default route of the gateway", network);
            exits.push((gate, Caller::Somewhere(None)));
        }
        exits
    }
}

/// Routes of this length or less are shorter than every prefix of a service: nobody owns a whole /7 of addresses.
const BROAD: u8 = 7;

/// One address for each stretch of public addresses that no route divides: no resource tells which one a front door has.
fn doors(own: &[OwnRoute<'_>]) -> Vec<u32> {
    let prefixes = || own.iter().filter_map(|route| route.prefix);
    let ends = prefixes().filter_map(|prefix| prefix.last().checked_add(1));
    // The first address behind each range that is private, or nobody's.
    let mut cuts: Vec<u32> =
        public_starts().chain(prefixes().map(|one| one.first())).chain(ends).collect();
    cuts.retain(|address| !holds_no_public(*address, *address));
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// What a route that somebody wrote does with packets for the internet, and as what they arrive.
pub(super) fn own_exit<'s>(
    world: &World,
    route: &OwnRoute<'_>,
    subnet: &'s str,
) -> (Gate, Caller<'s>) {
    let word = route.hop.to_ascii_lowercase();
    let is_lost = match word.as_str() {
        // Nobody in a network has a public address.
        "none" | "vnetlocal" | "virtualnetwork" => true,
        "virtualnetworkgateway" => gateway::stands(world, network_of(subnet)) == Tri::No,
        _ => route.leads_to_nobody(world, subnet),
    };
    match word.as_str() {
        _ if is_lost => (Gate::drop("route", &route.table, Some(route.name)), Caller::Azure),
        "internet" => (Gate::Pass, Caller::Azure),
        word => {
            let what = format!("what stands behind route {}", route.name);
            let caller = match (word, route.appliance) {
                ("virtualnetworkgateway", _) => Caller::Somewhere(None),
                ("virtualappliance", Some(hop)) => Caller::Behind(hop),
                _ => Caller::Somewhere(Some(subnet)),
            };
            (Gate::unknown(&what, subnet), caller)
        }
    }
}
