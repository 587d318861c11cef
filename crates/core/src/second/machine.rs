//! A machine as the other end: the gates between a subnet and an address, told as far as configuration tells them. What listens
//! there, no resource says.

use serde_json::Value;

use super::address::{address_of, is_private};
use super::appliance::{has_no_place, is_beyond_peers, refuses};
use super::filter::{End, Packet, Place, Way, filter, group, has_group};
use super::firewall;
use super::front::own_exit;
use super::name::{Name, Names, resolve_host};
use super::passage::{Arrival, Passage, lost_answer, passage};
use super::peering::{Shore, cross, in_either_state};
use super::resolver::resolver;
use super::route::{
    Hop, OwnRoute, arrive, handed_to, may_have_gateway, next_hop, own_routes, propagates,
};
use super::seat::{Seat, Spot, address, behind};
use super::sender::{Egress, Sender};
use super::verdict::{Answer, Fate, Gate, Notes};
use super::world::{World, interface_addresses, list, network_of, reference, region, text};
use super::{answer, fate_over, gateway, lent, mesh, place_of, single_fate};

/// Addresses that begin so are those of a machine itself.
const LOOPBACK: u32 = 127;

/// Whether nothing that is known keeps the copier from a machine's port.
pub(super) fn ask_machine(world: &World, copier: &str, host: &str, port: u16) -> Answer {
    let notes = Notes::default();
    let sender = &Sender::of(world, copier);
    let standing = sender.standing(world, copier);
    let unseen = Gate::unknown(&format!("what listens on port {port}"), host);
    let (subnet, all) = match place_of(world, copier) {
        Ok(Some(place)) => place,
        Ok(None) => {
            let mode = match address_of(host) {
                Some(to) if is_private(to) => Gate::drop("mode", copier, None),
                Some(_) | None => Gate::Pass,
            };
            let mut gates = vec![standing, mode];
            if let Some(to) = address_of(host) {
                let packet = Packet {
                    from: End::Internet,
                    to: End::Address(to),
                    port,
                    protocol: "tcp",
                    members: &[],
                    one_network: false,
                    groups: &[],
                };
                gates.extend(owner_gates(world, to, &packet));
            }
            gates.push(unseen);
            return single_fate(gates, notes);
        }
        Err(gate) => return single_fate(vec![standing, gate, unseen], notes),
    };
    let is_own = |to: u32| {
        let body = sender.interface.as_deref().and_then(|key| world.body(key));
        let own = body.map_or(Vec::new(), interface_addresses);
        body.is_some() && (to >> 24 == LOOPBACK || own.contains(&to))
    };
    let names = match address_of(host) {
        Some(to) => Names::sure(Name::Record(vec![to], String::new())),
        None => resolve_host(world, sender, network_of(&subnet), host),
    };
    let mut notes = notes;
    if all.is_empty() {
        let gates = vec![standing, Gate::unknown("the prefix", &subnet), unseen];
        return single_fate(gates, notes);
    }
    let spots = spots(world, network_of(&subnet), &names, host);
    let fates: Vec<Fate> = all
        .iter()
        .map(|(first, _)| {
            let from = Some(*first);
            let flow = Flow { sender, subnet: &subnet, from, port, protocol: "tcp" };
            let ways = spots.iter().map(|spot| match spot {
                // What a machine sends to itself does not leave it.
                Ok(spot) if is_own(spot.to) => Vec::new(),
                Ok(spot) => gates_to(world, flow, spot),
                Err(gate) => vec![gate.clone()],
            });
            let mut ends = names.asked.gates(world, sender, &subnet, from);
            ends.extend([standing.clone(), unseen.clone()]);
            fate_over(ways.collect(), &ends, &mut notes)
        })
        .collect();
    answer(&fates, Vec::new(), notes)
}

/// Where the answers for a machine's name lead, or why nobody knows.
fn spots(world: &World, network: &str, names: &Names, host: &str) -> Vec<Result<Spot, Gate>> {
    let of = |name: &Name| match name {
        Name::Record(all, _) => all.iter().map(|to| Ok(Spot::of(world, network, *to))).collect(),
        Name::Nothing(gate) | Name::Unknown(gate) | Name::Lost(gate) => vec![Err(gate.clone())],
        Name::Public | Name::Own | Name::Endpoint(_) | Name::Unseen => {
            vec![Err(Gate::unknown("the address", host))]
        }
    };
    names.captured.iter().flat_map(of).collect()
}

/// What goes from one address of a subnet to a port.
#[derive(Clone, Copy)]
struct Flow<'w> {
    sender: &'w Sender,
    subnet: &'w str,
    from: Option<u32>,
    port: u16,
    protocol: &'static str,
}

/// The gates on the way to an address.
fn gates_to(world: &World, flow: Flow<'_>, spot: &Spot) -> Vec<Gate> {
    let far = spot.seat.as_ref().map_or("", |seat| network_of(&seat.subnet));
    in_either_state(world, network_of(flow.subnet), far, |world| gates_as_told(world, flow, spot))
}

fn gates_as_told(world: &World, flow: Flow<'_>, spot: &Spot) -> Vec<Gate> {
    let near = network_of(flow.subnet);
    let groups = spot.seat.as_ref().map_or(&[][..], |seat| &seat.groups);
    let (to, port, protocol) = (End::Address(spot.to), flow.port, flow.protocol);
    let members = &flow.sender.members[..];
    let one_network = spot.seat.as_ref().is_none_or(|seat| network_of(&seat.subnet) == near);
    let packet = |from| Packet { from, to, port, protocol, members, one_network, groups };
    let sender = End::at(flow.from);
    let mut gates = flow.sender.out(world, flow.subnet, &packet(sender));
    let Some(seat) = &spot.seat else {
        let gate = outside(world, flow.subnet, spot.to);
        if needs_gateway(world, flow.subnet, spot.to) {
            // Where none leads there, the packet is lost; where one does, the address is in the tag.
            let place = Place::of(flow.subnet).where_it_is(true);
            gates = flow.sender.out_of(world, place, &packet(sender));
        }
        let is_private = is_private(spot.to);
        let is_led_out = matches!(gate, Gate::Unknown(_)) && is_private;
        if is_led_out {
            gates.extend(lent::loses_answers(world, near, flow.from));
        }
        // An appliance may know another way, there and back.
        let is_past = || gateway::is_longer(world, flow.subnet, spot.to);
        if is_led_out && (handed_to(world, flow.subnet, spot.to).is_none() || is_past()) {
            gates.extend(lent::way(world, flow.subnet, flow.from));
        } else if is_led_out && protocol == "tcp" {
            gates.extend(through_firewall(world, flow, spot.to));
        }
        gates.push(match (gate, flow.sender.egress(world, flow.subnet)) {
            (Gate::Pass, Egress::Nowhere) if !is_private => {
                Gate::drop("route", flow.subnet, Some("defaultOutboundAccess"))
            }
            (Gate::Pass, Egress::Perhaps(gate)) if !is_private => gate,
            (gate, _) => gate,
        });
        gates.extend(owner_gates(world, spot.to, &packet(End::Internet)));
        return gates;
    };
    gates.push(seat.runs.clone());
    let far = network_of(&seat.subnet);
    let hop = next_hop(world, flow.subnet, Some(spot.to), None, "route");
    // Rules act on the machine behind a load balancer, whose answers go its own way.
    let machines: Machines = match &seat.balancer {
        None => Some(Some((seat.clone(), vec![spot.to], port))),
        Some(key) => behind(world, key, spot.to, port),
    };
    let arrives = |packet: &Packet<'_>| arriving(world, seat, &machines, packet);
    let answering = machines.iter().flatten().map(|(own, ..)| own.subnet.as_str()).next();
    let (subnet, address) = (flow.subnet, flow.from);
    let filtered = flow.sender.is_filtered(world, subnet);
    let here = Shore { network: near, subnet, address, filtered };
    let filtered = seat.group.is_some() || has_group(world, &seat.subnet);
    let (subnet, address) = (seat.subnet.as_str(), Some(spot.to));
    let there = Shore { network: far, subnet, address, filtered };
    let balancer = |network: &str| {
        let key = seat.balancer.as_deref().filter(|_| network != far);
        key.map(|key| basic_balancer(world, key, network, far))
    };
    // Firewalls' rules are read for connections, and not for questions to DNS servers.
    let is_read = protocol == "tcp";
    let passage = match is_read {
        true => passage(world, &hop, flow.subnet, (flow.from, address), port),
        false => Passage::Opaque,
    };
    if let Passage::Through(way) = passage {
        let come = |as_what: Arrival| {
            let members = as_what.members(flow.sender);
            arrives(&Packet { members, ..packet(as_what.from) })
        };
        gates.extend(balancer(way.hub()));
        gates.extend(way.gates(world, (here, there), None, answering, come));
        return gates;
    }
    let is_opaque = arrive(hop.clone(), near, far, &mut gates);
    gates.extend(arrives(&packet(if is_opaque { End::Somewhere } else { sender })));
    if is_opaque {
        gates.extend(passage.denial());
        gates.extend(firewall::loses(world, flow.subnet, (subnet, address), None));
        gates.extend(refuses(world, flow.subnet, address, &packet(sender)));
        return gates;
    }
    if near != far {
        gates.extend(cross(world, here, there));
        gates.extend(balancer(near));
    }
    if let Some(home) = answering {
        let back = next_hop(world, home, flow.from, None, "return");
        match lost_answer(world, &hop, home, flow.from, &back).filter(|_| is_read) {
            Some(gate) => gates.push(gate),
            None => _ = arrive(back, far, near, &mut gates),
        }
    }
    gates
}

/// The gates of a firewall that a route hands packets to which leave Azure, and of what it sends on.
fn through_firewall(world: &World, flow: Flow<'_>, to: u32) -> Vec<Gate> {
    let hop = next_hop(world, flow.subnet, Some(to), None, "route");
    let (near, subnet, address) = (network_of(flow.subnet), flow.subnet, flow.from);
    let filtered = flow.sender.is_filtered(world, subnet);
    match passage(world, &hop, subnet, (address, Some(to)), flow.port) {
        Passage::Through(way) => {
            let here = Shore { network: near, subnet, address, filtered };
            in_either_state(world, near, way.hub(), |world| way.gates_to_premises(world, here, to))
        }
        other => other.denial().into_iter().collect(),
    }
}

/// Machines that sit alike, their addresses and their port; none where none gets the packets, and an outer none where that is not known.
type Machines = Option<Option<(Seat, Vec<u32>, u16)>>;

/// The rules that packets meet where they arrive.
fn arriving(world: &World, seat: &Seat, machines: &Machines, packet: &Packet<'_>) -> Vec<Gate> {
    let far = network_of(&seat.subnet);
    let (own, addresses, port) = match machines {
        Some(Some(machines)) => machines,
        Some(None) => {
            return vec![Gate::drop("port", seat.balancer.as_deref().unwrap_or(far), None)];
        }
        None => return vec![Gate::unknown("the machines behind the load balancer of", far)],
    };
    let place = Place::of(&own.subnet);
    let packet = Packet { port: *port, groups: &own.groups, ..*packet };
    // Which of several gets the packets, its probes decide.
    let of_any = |gate: &dyn Fn(&Packet<'_>) -> Gate| {
        let each = addresses.iter().map(|to| gate(&Packet { to: End::Address(*to), ..packet }));
        each.reduce(Gate::either)
    };
    let by_subnet = of_any(&|packet| filter(world, place, Way::Inbound, packet));
    let own = own.group.as_deref();
    let by_own =
        own.and_then(|key| of_any(&|packet| group(world, key, place, Way::Inbound, packet)));
    by_subnet.into_iter().chain(by_own).collect()
}

/// The rules of a machine that has a public address: they see its private one.
fn owner_gates(world: &World, public: u32, packet: &Packet<'_>) -> Vec<Gate> {
    let is_it = |body: &Value| text(body, &["properties", "ipAddress"]).and_then(address_of);
    let mut all = world.all("microsoft.network/publicipaddresses");
    let Some((key, _)) = all.find(|(_, body)| is_it(body) == Some(public)) else {
        return Vec::new();
    };
    for (_, body) in world.all("microsoft.network/networkinterfaces") {
        for part in list(body, &["properties", "ipConfigurations"]).unwrap_or(&[]) {
            let inner = part.get("properties").unwrap_or(part);
            let named = reference(inner, &["publicIPAddress", "id"]);
            let subnet = reference(inner, &["subnet", "id"]);
            let (true, Some(subnet)) = (named.as_deref() == Some(key), subnet) else { continue };
            let packet = Packet { to: End::at(address(part)), ..*packet };
            let place = Place::of(&subnet);
            let own = reference(body, &["properties", "networkSecurityGroup", "id"]);
            let mut gates = vec![filter(world, place, Way::Inbound, &packet)];
            gates.extend(own.map(|key| group(world, &key, place, Way::Inbound, &packet)));
            return gates;
        }
    }
    Vec::new()
}

/// Peerings between regions do not reach load balancers of the Basic sort.
fn basic_balancer(world: &World, key: &str, near: &str, far: &str) -> Gate {
    let place = |network| world.body(network).and_then(region);
    let sort = world.body(key).and_then(|body| text(body, &["sku", "name"]));
    match (sort, place(near), place(far)) {
        (Some(sort), ..) if !sort.eq_ignore_ascii_case("Basic") => Gate::Pass,
        (Some(_), Some(near), Some(far)) if near != far => Gate::drop("peering", key, Some("sku")),
        (Some(_), Some(_), Some(_)) => Gate::Pass,
        (_, _, _) => Gate::unknown("the sort and region", key),
    }
}

/// The way out to an address that nobody here has: beyond a gateway, or in the internet.
fn outside(world: &World, subnet: &str, to: u32) -> Gate {
    let network = network_of(subnet);
    if is_private(to) {
        if let Some(gate) = gateway::dropped_before(world, subnet, to) {
            return gate;
        }
        return match next_hop(world, subnet, Some(to), None, "route") {
            Hop::Drop(gate) | Hop::Unknown(gate) | Hop::Opaque(gate) => gate,
            // What is meant stands in an office, and its packets stay here.
            Hop::Local | Hop::Peer(_) | Hop::Endpoint
                if gateway::length_beyond(world, to).is_some()
                    && has_no_place(world, network, to) =>
            {
                Gate::drop("route", network, Some("addressSpace"))
            }
            Hop::Local | Hop::Peer(_) | Hop::Endpoint => {
                Gate::unknown("who has the address that is dialled, beyond", subnet)
            }
        };
    }
    let Some(own) = own_routes(world, subnet) else { return Gate::unknown("the routes", subnet) };
    let caught = own.iter().filter(|route| route.prefix.is_some_and(|one| one.contains(to)));
    let longest = caught.max_by_key(|route| route.prefix.map(|one| one.len));
    let learns = may_have_gateway(world, network) && propagates(world, subnet);
    let by_address = match longest {
        Some(route) => own_exit(world, route, subnet).0,
        None if learns => Gate::unknown("the default route of the gateway", network),
        None => Gate::Pass,
    };
    // Whether a tag holds the address no resource tells; those of single services hold no machine.
    let is_cloud =
        |route: &&OwnRoute<'_>| route.word.to_ascii_lowercase().starts_with("azurecloud");
    let tagged = own.iter().filter(is_cloud).map(|route| own_exit(world, route, subnet).0);
    tagged.fold(by_address, Gate::either)
}

/// Whether nothing but a gateway can take packets of a subnet on to a private address.
fn needs_gateway(world: &World, subnet: &str, to: u32) -> bool {
    let is_caught = own_routes(world, subnet)
        .is_none_or(|own| own.iter().any(|route| route.prefix.is_some_and(|one| one.contains(to))));
    let network = network_of(subnet);
    is_private(to)
        && !is_caught
        && is_beyond_peers(world, network, to)
        && mesh::towards(world, network, to).is_none()
}

/// Whom a network asks for names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    /// Azure's own resolver.
    Azure,
    /// A DNS server.
    Server(Spot),
    /// A DNS server, behind which others stand in the list; none where one of them is not known, or Azure's own.
    First(Spot, Vec<Spot>),
    /// Nobody, or nobody knows who.
    Nobody,
}

impl Asked {
    /// The gates between a client and whom it asks.
    pub(super) fn gates(
        &self,
        world: &World,
        sender: &Sender,
        subnet: &str,
        from: Option<u32>,
    ) -> Vec<Gate> {
        let flow = Flow { sender, subnet, from, port: 53, protocol: "udp" };
        let to = |spot| gates_to(world, flow, spot);
        match self {
            Asked::Azure => vec![resolver(world, sender, subnet, End::at(from))],
            Asked::Nobody => Vec::new(),
            Asked::Server(spot) => to(spot),
            // The next one is asked only when one does not answer.
            Asked::First(spot, others) => match to(spot) {
                gates if Fate::of(&gates) == Fate::Passes => gates,
                gates
                    if Fate::of(&gates) == Fate::Dropped
                        && !others.is_empty()
                        && others.iter().all(|one| Fate::of(&to(one)) == Fate::Dropped) =>
                {
                    gates
                }
                _ => vec![Gate::unknown("which answers of the DNS servers", network_of(subnet))],
            },
        }
    }
}
