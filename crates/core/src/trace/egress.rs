//! How packets get into the internet, and the public addresses that they have there: those of a relay host, and those behind a firewall.

use std::net::Ipv4Addr;

use super::leg::{Leg, Walker};
use super::route::Routed;
use super::step::{Stage, Step};
use super::{appliance, front_route, gate};
use crate::estate::endpoint::Interface;
use crate::estate::gateway::{NatGateway, PublicAddress};
use crate::estate::network::{NextHop, Subnet};
use crate::estate::server::{Server, ServerKind};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;

/// The way of a machine into the internet.
#[derive(Debug, Clone)]
pub enum Egress {
    /// With one of these addresses.
    Known(Vec<Ipv4Addr>),
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
        let is_identified = |(_, server)| gate::is_identified(self.estate, server, self.start);
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
        let NextHop::Appliance(address) = next_hop else { return None };
        let address = address.parse().ok()?;
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
        let mut addresses = Vec::new();
        // Documents disagree which of the two counts.
        if let Some(nat) = nat {
            addresses = of_nat_gateway(self.estate, nat)?;
            if addresses.is_empty() {
                return Ok(Egress::Perhaps(Missing::field(nat, ADDRESSES_OF_NAT)));
            }
        }
        if let Some(own) = own {
            addresses.push(address(self.estate, own)?);
        }
        if addresses.is_empty() {
            return Ok(match () {
                () if interface.is_in_pool => {
                    Egress::Perhaps(unseen("the outbound rules of the relay host's load balancer"))
                }
                () if subnet.is_private => Egress::Nowhere,
                () => Egress::Unknown(unseen("the address that Azure gives the relay host")),
            });
        }
        Ok(Egress::Known(addresses))
    }
}

/// The addresses of a NAT gateway.
pub(super) fn of_nat_gateway(estate: &Estate, nat: &ResourceId) -> Result<Vec<Ipv4Addr>, Missing> {
    let listed = estate.get::<NatGateway>(nat)?.addresses.as_ref();
    let listed = listed.ok_or_else(|| Missing::field(nat, ADDRESSES_OF_NAT))?;
    listed.iter().map(|one| address(estate, one)).collect()
}

const ADDRESSES_OF_NAT: &str = "publicIpAddresses";

pub(super) fn address(estate: &Estate, id: &ResourceId) -> Result<Ipv4Addr, Missing> {
    estate.get::<PublicAddress>(id)?.address.ok_or_else(|| Missing::field(id, "ipAddress"))
}

fn unseen(what: impl Into<String>) -> Missing {
    let help = "connect from the relay host and read the address in the server's refusal, or in `inet_client_addr()`";
    Missing::other(what, help)
}
