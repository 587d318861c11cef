//! How packets get into the internet, and the public addresses that they have there: those of a relay host, and those behind a firewall.

use super::leg::{Leg, Walker};
use super::route::Routed;
use super::step::{Stage, Step};
use super::{appliance, front_route, identity};
use crate::address::AddressSet;
use crate::estate::endpoint::Interface;
use crate::estate::gateway::{LoadBalancer, NatGateway, PublicAddress};
use crate::estate::network::{NextHop, Subnet};
use crate::estate::server::{Server, ServerKind};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// The way of a machine into the internet.
#[derive(Debug, Clone)]
pub enum Egress {
    /// With one of these addresses.
    Known(AddressSet),
    /// With an address that is not observed.
    Unknown(Missing),
    /// Perhaps there is none: that hangs on what is not observed.
    Perhaps(Missing),
    /// There is none: the subnet is private, and nothing else gives the machine a way.
    Nowhere,
}

impl Walker<'_> {
    /// Takes down how a relay host's packets get into the internet, and whether they do at all. Those to a server that knows their
    /// subnet by its service endpoint do not go there.
    pub(super) fn see_egress(&self, leg: &mut Leg, server: Option<(&ResourceId, &Server)>) {
        let Some(id) = &self.start.interface else { return };
        let is_identified = |(_, server)| identity::is_identified(self.estate, server, self.start);
        if server.is_some_and(is_identified) {
            return;
        }
        // A route that was not observed may lead to an appliance, which has a way of its own.
        if matches!(leg.route, Some(Routed::Unknown(_))) {
            return;
        }
        let egress = self.egress(id).unwrap_or_else(Egress::Unknown);
        if matches!(egress, Egress::Nowhere) {
            let subnet = &self.start.subnet;
            let detail = format!(
                "subnet `{}` is private, and neither a NAT gateway nor a public address gives the relay host a way into the internet",
                subnet.name()
            );
            let place = self.estate.locate(subnet, "", "defaultOutboundAccess");
            leg.forward.push(Step::drop(Stage::Route, Some(subnet), detail).read(subnet, place));
        }
        if let Egress::Perhaps(missing) = &egress {
            leg.forward.push(Step::unknown(Stage::Route, missing.clone()));
        }
        leg.egress = Some(egress);
    }

    /// As what packets come to the front door by the next hop of a route, where that is known.
    pub(super) fn behind(&self, next_hop: &NextHop) -> Option<Egress> {
        let address = next_hop.appliance()?;
        let route = |subnet: (&ResourceId, &Subnet)| self.to_front_door(subnet);
        appliance::translated(self.estate, self.start, address, route).map(Egress::Known)
    }

    /// Where packets of a subnet to the server's front door go.
    pub(super) fn to_front_door(&self, subnet: (&ResourceId, &Subnet)) -> Routed {
        let location = self.server.location.as_deref();
        let is_flexible = self.server.kind == ServerKind::Flexible;
        front_route::to_gateway(self.estate, subnet, location, is_flexible)
    }

    fn egress(&self, id: &ResourceId) -> Result<Egress, Missing> {
        let interface = self.estate.get::<Interface>(id)?;
        let subnet_id = &self.start.subnet;
        let subnet = self.estate.get::<Subnet>(subnet_id)?;
        let nat = subnet.nat_gateway.id(subnet_id, "natGateway")?;
        let own = interface.public_address.id(id, "publicIPAddress")?;
        let mut addresses = AddressSet::default();
        // Documents disagree which of the two counts.
        if let Some(nat) = nat {
            addresses = of_nat_gateway(self.estate, nat)?;
            if addresses.is_empty() {
                return Ok(Egress::Perhaps(Missing::field(nat, ADDRESSES_OF_NAT)));
            }
        }
        if let Some(own) = own {
            addresses = addresses.union(&given(self.estate, own)?);
        }
        if !addresses.is_empty() {
            return Ok(Egress::Known(addresses));
        }
        let pools = interface.pools.as_deref();
        Ok(match pools.map(|pools| of_balancers(self.estate, pools)) {
            Some(Ok(addresses)) if !addresses.is_empty() => Egress::Known(addresses),
            Some(Err(missing)) => Egress::Perhaps(missing),
            None => Egress::Perhaps(Missing::field(id, "loadBalancerBackendAddressPools")),
            Some(Ok(_)) if !pools.unwrap_or_default().is_empty() => Egress::Perhaps(unseen(
                "a way out beside the relay host's load balancer, which has no rule for it",
            )),
            Some(Ok(_)) if subnet.is_private => Egress::Nowhere,
            Some(Ok(_)) => Egress::Unknown(unseen("the address that Azure gives the relay host")),
        })
    }
}

/// The addresses of a NAT gateway.
pub fn of_nat_gateway(estate: &Estate, nat: &ResourceId) -> Result<AddressSet, Missing> {
    let listed = estate.get::<NatGateway>(nat)?.addresses.as_ref();
    let listed = listed.ok_or_else(|| Missing::field(nat, ADDRESSES_OF_NAT))?;
    all_given(estate, listed)
}

/// As what members of pools come into the internet by the rules of their load balancers.
fn of_balancers(estate: &Estate, pools: &[ResourceId]) -> Result<AddressSet, Missing> {
    let mut all = AddressSet::default();
    for pool in pools {
        let Some(id) = pool.parent() else { continue };
        let balancer = estate.get::<LoadBalancer>(&id)?;
        let unread = |field| Missing::field(&id, field);
        let outbound = balancer.outbound.as_ref().ok_or_else(|| unread("outboundRules"))?;
        let rules = balancer.rules.as_ref().ok_or_else(|| unread("loadBalancingRules"))?;
        let by_rule = outbound.iter().filter(|(of, _)| of == pool).flat_map(|(_, doors)| doors);
        let mut used: Vec<&ResourceId> = by_rule.collect();
        for rule in rules.iter().filter(|rule| rule.translates) {
            let to = rule.to.as_ref().ok_or_else(|| unread("loadBalancingRules"))?;
            if to == pool {
                let door = rule.frontend.as_ref().ok_or_else(|| unread("loadBalancingRules"))?;
                used.push(door);
            }
        }
        for door in used {
            // A private frontend leads nowhere in the internet.
            let is_private = balancer.frontends.iter().any(|one| one.id.as_ref() == Some(door));
            match balancer.doors.iter().find(|(one, _)| one == door) {
                Some((_, public)) => all = all.union(&given(estate, public)?),
                None if is_private => {}
                None => return Err(unread("frontendIPConfigurations")),
            }
        }
    }
    Ok(all)
}

const ADDRESSES_OF_NAT: &str = "publicIpAddresses";

/// What some public addresses and prefixes stand for.
pub(super) fn all_given<'i>(
    estate: &Estate,
    ids: impl IntoIterator<Item = &'i ResourceId>,
) -> Result<AddressSet, Missing> {
    let none = AddressSet::default();
    ids.into_iter().try_fold(none, |all, one| Ok(all.union(&given(estate, one)?)))
}

fn given(estate: &Estate, id: &ResourceId) -> Result<AddressSet, Missing> {
    let PublicAddress { network, field } = estate.get::<PublicAddress>(id)?;
    network.map(|one| AddressSet::of([&one])).ok_or_else(|| Missing::field(id, field))
}

fn unseen(what: impl Into<String>) -> Missing {
    let help = "connect from the relay host and read the address in the server's refusal, or in `inet_client_addr()`";
    Missing::other(what, help)
}
