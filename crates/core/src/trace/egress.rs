//! How the packets of a relay host get into the internet, and the public addresses that they have there.

use std::net::Ipv4Addr;

use super::gate;
use super::leg::{Leg, Walker};
use super::route::Routed;
use super::step::{Stage, Step};
use crate::estate::endpoint::Interface;
use crate::estate::gateway::{NatGateway, PublicAddress};
use crate::estate::network::Subnet;
use crate::estate::server::Server;
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

    fn egress(&self, id: &ResourceId) -> Result<Egress, Missing> {
        let interface = self.estate.get::<Interface>(id)?;
        let subnet_id = &self.start.subnet;
        let subnet = self.estate.get::<Subnet>(subnet_id)?;
        let nat = subnet.nat_gateway.id(subnet_id, "natGateway")?;
        let own = interface.public_address.id(id, "publicIPAddress")?;
        let mut addresses = Vec::new();
        // Documents disagree which of the two counts.
        if let Some(nat) = nat {
            let missing = || Missing::field(nat, "publicIpAddresses");
            let listed = self.estate.get::<NatGateway>(nat)?.addresses.as_ref();
            let listed = listed.ok_or_else(missing)?;
            if listed.is_empty() {
                return Ok(Egress::Perhaps(missing()));
            }
            for one in listed {
                addresses.push(address(self.estate, one)?);
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

fn address(estate: &Estate, id: &ResourceId) -> Result<Ipv4Addr, Missing> {
    estate.get::<PublicAddress>(id)?.address.ok_or_else(|| Missing::field(id, "ipAddress"))
}

fn unseen(what: impl Into<String>) -> Missing {
    let help = "connect from the relay host and read the address in the server's refusal, or in `inet_client_addr()`";
    Missing::other(what, help)
}
