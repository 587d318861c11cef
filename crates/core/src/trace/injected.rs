//! The way to a server that stands in a subnet, at an address that nobody may have told.

use crate::address::AddressSet;
use crate::estate::Missing;
use crate::estate::network::{RoutePrefix, Subnet};
use crate::id::ResourceId;
use crate::trace::leg::{Leg, Walker, Way};
use crate::trace::own_zone;
use crate::trace::route::{self, Routed};
use crate::trace::step::{Stage, Step, Verdict};

/// Parts of a subnet that are asked about one by one.
const PARTS_MAX: usize = 8;

impl Walker<'_> {
    /// The way to an injected server's address. Where routes to its possible addresses differ, and all of them end alike, any will do.
    pub fn injected(&self, subnet: &ResourceId) -> Leg {
        let leg = self.injected_at(subnet);
        let is_open = self.part.is_none() && matches!(leg.route, Some(Routed::Unknown(_)));
        let parts = if is_open { self.parts(subnet) } else { Vec::new() };
        if !(2..=PARTS_MAX).contains(&parts.len()) {
            return leg;
        }
        let at = |part| Walker { part: Some(part), ..*self }.injected_at(subnet);
        let mut legs: Vec<Leg> = parts.iter().map(at).collect();
        let first = legs.swap_remove(0);
        let is_told = matches!(first.verdict(), Verdict::Reachable | Verdict::Unreachable);
        match is_told && legs.iter().all(|one| one.verdict() == first.verdict()) {
            true => first,
            false => leg,
        }
    }

    /// The possible addresses of an injected server, by what routes of users speak of them at the copier's subnet.
    fn parts(&self, subnet: &ResourceId) -> Vec<AddressSet> {
        let (Ok(near), Some(far)) = (self.near(), self.estate.find::<Subnet>(subnet)) else {
            return Vec::new();
        };
        let routes = route::user_routes(self.estate, (near.id, near.subnet)).ok().flatten();
        let mut parts = vec![route::usable_addresses(far)];
        for one in routes.into_iter().flat_map(|(_, routes)| routes) {
            if let RoutePrefix::Network(network) = &one.prefix {
                let caught = AddressSet::of([network]);
                let cut =
                    |part: &AddressSet| [part.intersection(&caught), part.difference(&caught)];
                parts = parts.iter().flat_map(cut).filter(|part| !part.is_empty()).collect();
            }
        }
        parts
    }

    fn injected_at(&self, subnet: &ResourceId) -> Leg {
        let mut leg = Leg::new(Way::Injected(subnet.clone()));
        match subnet.parent() {
            Some(vnet) => self.private(
                &mut leg,
                (&vnet, subnet),
                own_zone::own_address(self.estate, self.server, subnet),
            ),
            None => {
                leg.forward.push(Step::unknown(Stage::Route, Missing::resource("subnet", subnet)));
            }
        }
        let detail = "the server is inside the subnet: it has no firewall of its own";
        let step = Step::pass(Stage::Admit, Some(self.server_id), detail);
        let place = self.estate.locate(self.server_id, "", "network/delegatedSubnetResourceId");
        leg.forward.push(step.read(self.server_id, place));
        leg
    }
}
