//! The way to the gateway that leads out of a network, its own or one lent to it, and back from there.

use super::passage::lost_answer;
use super::peering::halves;
use super::route::{Hop, arrive, next_hop, own_routes};
use super::verdict::Gate;
use super::world::{World, network_of};

/// Whether every network that lends its gateway knows no way back to the sender.
pub(super) fn loses_answers(world: &World, network: &str, from: Option<u32>) -> Option<Gate> {
    let from = from?;
    if world.body(&format!("{network}/subnets/gatewaysubnet")).is_some() {
        return None;
    }
    let mut lost = None;
    for half in halves(world, network).iter().filter(|half| half.uses_remote_gateways()) {
        let remote = half.remote()?;
        let all = halves(world, &remote);
        let back = all.iter().find(|back| back.remote().as_deref() == Some(network))?;
        if back.space()?.iter().any(|prefix| prefix.contains(from)) {
            return None;
        }
        lost = Some(Gate::drop("peering", &remote, Some("remoteAddressSpace")));
    }
    lost
}

/// The gates between a subnet and the only gateway that may lead out: whether the peering with its network joins the subnet, and where
/// routes of the gateway's subnet take answers.
pub(super) fn way(world: &World, subnet: &str, from: Option<u32>) -> Vec<Gate> {
    let network = network_of(subnet);
    let seat = |network: &str| format!("{network}/subnets/gatewaysubnet");
    let (mut gates, mut home) = (Vec::new(), network.to_owned());
    if world.body(&seat(network)).is_none() {
        let all = halves(world, network);
        let lending: Vec<_> = all.iter().filter(|half| half.uses_remote_gateways()).collect();
        let ([half], Some(remote)) = (&lending[..], lending.first().and_then(|one| one.remote()))
        else {
            return gates;
        };
        gates.push(half.joins("localSubnetNames", subnet));
        let back = halves(world, &remote);
        let back = back.iter().find(|back| back.remote().as_deref() == Some(network));
        gates.extend(back.map(|back| back.joins("remoteSubnetNames", subnet)));
        home = remote;
    }
    let seat = seat(&home);
    if own_routes(world, &seat).is_some_and(|own| !own.is_empty()) {
        let back = next_hop(world, &seat, from, None, "return");
        match lost_answer(world, &Hop::Local, &seat, from, &back) {
            Some(gate) => gates.push(gate),
            None => _ = arrive(back, &home, network, &mut gates),
        }
    }
    gates
}
