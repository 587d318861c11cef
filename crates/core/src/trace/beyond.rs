//! The way to an address that no captured network holds: beyond a gateway, or into the internet.

use std::net::Ipv4Addr;

use crate::address::private;
use crate::trace::filter;
use crate::trace::leg::{Leg, Walker};
use crate::trace::outward::{self, Outward};
use crate::trace::place::{self, Place};
use crate::trace::route::{self, OwnRoute, Routed};
use crate::trace::walk::End;
use crate::trace::words::outward_step;

impl Walker<'_> {
    /// The way out of Azure's networks: to a network beyond a gateway, or into the internet.
    pub(super) fn out_of_azure(&self, leg: &mut Leg, near: &End, address: Ipv4Addr) {
        leg.senders = near.addresses.clone();
        self.outbound(leg, near, None, &filter::to_address(address));
        let subnet = (near.id, near.subnet);
        let is_private = private().contains(address);
        let mut found = match is_private {
            true => outward::outward(self.estate, near.vnet, address),
            false => Outward::Nowhere,
        };
        if let Place::Claimed(vnet) = place::of(self.estate, near.vnet, address) {
            found = match found {
                Outward::Through(line) => Outward::Claimed { line, vnet },
                other => other,
            };
        }
        let gateway = match &found {
            Outward::Through(line) => Some((line.gateway.clone(), Some(line.clone()))),
            Outward::Learned(gateway, _) => Some((gateway.clone(), None)),
            _ => None,
        };
        if let Some((gateway, line)) = gateway
            && let Ok(Some((table, facts))) = route::table_of(self.estate, subnet)
            && facts.keeps_gateway_routes_out
        {
            let (table, pointer) = (table.clone(), facts.propagation_pointer.clone());
            found = Outward::KeptOut { line, gateway, table, pointer };
        }
        let own = match &found {
            Outward::Through(line) => OwnRoute::Network(line.prefix.prefix_len()),
            _ if is_private => route::to_nowhere(self.estate, subnet, address),
            _ => OwnRoute::Internet,
        };
        let routed = route::to_address(self.estate, subnet, address, own);
        // A route of a user decides before the gateways do.
        match routed {
            Routed::Directly if is_private => {
                leg.forward.push(outward_step(near.vnet, &found, address));
                leg.route = Some(Routed::Directly);
                leg.is_apart = !matches!(
                    found,
                    Outward::Through(_) | Outward::Perhaps(_) | Outward::Learned(..)
                );
                leg.outward = Some(found);
            }
            routed => {
                self.routed(leg, near, routed, address);
                if !is_private {
                    if !matches!(leg.route, Some(Routed::Elsewhere(..))) {
                        self.see_egress(leg, None);
                    }
                    let steps = leg.enter_owner(self.estate, address, self.service);
                    leg.forward.extend(steps);
                }
            }
        }
    }
}
