//! What a new peering leads past appliances: packets that a route hands to one go straight to the other network then, since Azure's own
//! route there is longer.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::exposure::{self, EVERY_PORT, End, Exposure, Flows, POSTGRES};
use crate::estate::endpoint::Endpoint;
use crate::estate::network::{RoutePrefix, Subnet, Vnet};
use crate::estate::{Estate, Key};
use crate::id::ResourceId;
use crate::trace::{endpoint, route};

/// What subnets of a network send past appliances once a half of a peering routes some ranges of another network; `None` for nothing.
/// Whoever is peered with an appliance's own network passes none: that is how it is reached.
pub(super) fn appliances(
    estate: &Estate,
    subnets: &[ResourceId],
    remote: &ResourceId,
    ranges: &[Ipv4Net],
) -> Option<Exposure> {
    let space = estate.find::<Vnet>(remote).map(|vnet| vnet.space.as_slice()).unwrap_or_default();
    let endpoints = endpoints(estate, remote);
    let (mut words, mut flows) = (BTreeSet::new(), Vec::new());
    for subnet in subnets {
        let appliance = |net: Ipv4Net, shortest: u8| {
            let address = handed_to(estate, subnet, net, shortest)?;
            (!space.iter().any(|own| own.contains(&address))).then_some(address)
        };
        let whole = ranges.iter().map(|net| (*net, 0, EVERY_PORT));
        let single = endpoints.iter().filter_map(|address| {
            let range = ranges.iter().find(|net| net.contains(address))?;
            // A shorter route is counted with the range.
            Some((Ipv4Net::from(*address), range.prefix_len(), POSTGRES))
        });
        for (net, shortest, ports) in whole.chain(single) {
            let Some(address) = appliance(net, shortest) else { continue };
            words.insert(format!("what subnet `{}` sends past {address}", subnet.name()));
            let to = End::named(format!("{net} past {address}"), End::of(&[net]).len());
            flows.push(Flows::new(exposure::subnet(estate, subnet), to, ports));
        }
    }
    let words: Vec<String> = words.into_iter().collect();
    (!flows.is_empty()).then(|| Exposure::new(words.join(", "), flows))
}

/// The appliance that a subnet's longest route hands all packets to a network to, which is shorter than Azure's own route there and at
/// least as long as `shortest`. One that is as long as Azure's own stays in force.
fn handed_to(
    estate: &Estate,
    subnet: &ResourceId,
    network: Ipv4Net,
    shortest: u8,
) -> Option<Ipv4Addr> {
    let facts = estate.find::<Subnet>(subnet)?;
    let (_, routes) = route::user_routes(estate, (subnet, facts)).ok()??;
    let held = routes.into_iter().filter_map(|route| match &route.prefix {
        RoutePrefix::Network(net) if net.contains(&network) => Some((net.prefix_len(), route)),
        _ => None,
    });
    let (length, longest) = held.max_by_key(|(length, _)| *length)?;
    let is_beaten = (shortest..network.prefix_len()).contains(&length);
    longest.next_hop.appliance().filter(|_| is_beaten)
}

/// Addresses of private endpoints of a network whose own routes beat shorter ones.
fn endpoints(estate: &Estate, vnet: &ResourceId) -> BTreeSet<Ipv4Addr> {
    let all = estate.list::<Endpoint>(Key::EndpointsIn(vnet.clone()));
    let yields = |one: &Endpoint| {
        let subnet = one.subnet.as_ref().and_then(|id| estate.find::<Subnet>(id));
        subnet.is_some_and(|subnet| subnet.routes_act_on_endpoints() == Some(true))
    };
    let strong = all.filter(|(_, one)| !yields(one));
    strong
        .flat_map(|(id, one)| endpoint::addresses(estate, id, Ok(one)).unwrap_or_default())
        .collect()
}
