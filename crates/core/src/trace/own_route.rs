//! Azure's own route to an address, named as Azure shows it: it decides where no route of a user does.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::estate::Estate;
use crate::estate::network::{Peering, Vnet};
use crate::estate::server::ServerKind;
use crate::id::ResourceId;
use crate::trace::appliance;
use crate::trace::breaks::{Break, BreakKind};
use crate::trace::hop::{self, Joined, Shore};
use crate::trace::identity::is_identified;
use crate::trace::leg::Walker;
use crate::trace::lines;
use crate::trace::outward;
use crate::trace::route::{self, OwnRoute, Routed, UserRoute};
use crate::trace::walk::End;

/// Which route of Azure's own decides.
pub(super) enum Own {
    /// It takes packets on: its next hop, and what it catches.
    On(&'static str, String),
    /// It drops them, since no peering brings a longer one; none at all where a route of the user takes Azure's away.
    Dropped(Option<Ipv4Net>),
    /// A shorter route of a user drops them, which that of a peering would beat.
    ByUser(UserRoute),
    /// It keeps them in this end's own network, which has that address too.
    Kept(Ipv4Net),
    /// The estate does not tell which one it is.
    Untold,
}

impl Walker<'_> {
    /// The route from one end of a join to an address at the other. It follows from the join, which decides: nothing depends on what
    /// is read for it.
    pub(super) fn own_route(
        &self,
        (here, there): (&End, &End),
        to: Ipv4Addr,
        joined: Option<&Joined>,
        is_endpoint: bool,
    ) -> Own {
        if self.estate.is_brief() {
            return Own::Untold;
        }
        let own = self.estate.watch(|estate| between(estate, (here, there), to, joined)).0;
        match own {
            Own::On(..) if is_endpoint => Own::On("InterfaceEndpoint", format!("{to}/32")),
            own => own,
        }
    }

    /// The route out of the copier's network to public addresses.
    pub(super) fn own_route_out(&self, near: &End, is_front_door: bool) -> Own {
        if self.estate.is_brief() {
            return Own::Untold;
        }
        self.estate.watch(|_| self.out(near, is_front_door)).0
    }

    fn out(&self, near: &End, is_front_door: bool) -> Own {
        if is_front_door && near.subnet.has_sql_endpoint() {
            match self.server.kind {
                ServerKind::Single if is_identified(self.estate, self.server, self.start) => {
                    return Own::On("VirtualNetworkServiceEndpoint", "Microsoft.Sql".to_owned());
                }
                ServerKind::Single => {}
                // Whether the endpoint's routes hold them no document says.
                ServerKind::Flexible | ServerKind::Host => return Own::Untold,
            }
        }
        let table = route::table_of(self.estate, (near.id, near.subnet));
        let keeps_out = matches!(table, Ok(Some((_, table))) if table.keeps_gateway_routes_out);
        let (known, has_more) = lines::prefixes(self.estate, near.vnet);
        match keeps_out || !has_more && known.iter().all(|one| one.prefix_len() > 0) {
            true => Own::On("Internet", "0.0.0.0/0".to_owned()),
            false => Own::Untold,
        }
    }
}

fn between(
    estate: &Estate,
    (here, there): (&End, &End),
    to: Ipv4Addr,
    joined: Option<&Joined>,
) -> Own {
    if here.vnet == there.vnet {
        let range = range_of(estate, here, to);
        return range.map_or(Own::Untold, |range| Own::On("VnetLocal", range.to_string()));
    }
    let half = hop::half(estate, here.vnet, there.vnet);
    match joined {
        Some(Joined::Peered { .. }) => {
            let routed = half.into_iter().flat_map(|(_, half)| &half.remote_space);
            let longest = routed.filter(|net| net.contains(&to)).max_by_key(|net| net.prefix_len());
            longest.map_or(Own::Untold, |net| Own::On("VNetPeering", net.to_string()))
        }
        Some(joined) if brings_none(joined, half) => lost(estate, here, to),
        Some(_) | None => Own::Untold,
    }
}

/// Whether the half at this end surely brings no route.
fn brings_none(joined: &Joined, half: Option<(&ResourceId, &Peering)>) -> bool {
    let breaks = |one: &Break| {
        let is_own = half.is_some_and(|(id, _)| *id == one.half);
        is_own && one.kind != BreakKind::AccessOff && one.lost_part.is_none()
    };
    match joined {
        Joined::Apart { other_way: None, .. } => {
            half.is_none_or(|(_, half)| half.is_down() || half.state.is_none())
        }
        Joined::Broken(all, _) => all.iter().any(breaks),
        Joined::Apart { .. } | Joined::Same | Joined::Peered { .. } | Joined::Unknown(_) => false,
    }
}

/// What takes packets to an address of a network that no peering leads to, where neither another peering nor a gateway does.
fn lost(estate: &Estate, here: &End, to: Ipv4Addr) -> Own {
    // One that does not tell what it routes may lead there.
    let leads = |half: &Peering| {
        half.remote_space.is_empty() || half.remote_space.iter().any(|net| net.contains(&to))
    };
    let mut halves = estate.children::<Peering>(here.vnet);
    if halves.any(|(_, half)| hop::may_be_up(estate, here.vnet, half) && leads(half))
        || !outward::has_no_way(estate, here.vnet, to)
        || estate.find::<Vnet>(here.vnet).is_none()
    {
        return Own::Untold;
    }
    if let Some(range) = range_of(estate, here, to) {
        return Own::Kept(range);
    }
    let own = route::to_nowhere(estate, (here.id, here.subnet), to);
    match route::to_address(estate, (here.id, here.subnet), to, own) {
        Routed::Directly => {}
        Routed::Dropped(shorter) => return Own::ByUser(shorter),
        Routed::Elsewhere(shorter, _) if is_dead(estate, here, &shorter) => {
            return Own::ByUser(shorter);
        }
        Routed::ByUser(_)
        | Routed::Elsewhere(..)
        | Routed::Dead(..)
        | Routed::Doubtful(..)
        | Routed::Unknown(_) => return Own::Untold,
    }
    Own::Dropped(match own {
        OwnRoute::Network(length) if length > 0 => {
            Ipv4Net::new(to, length).ok().map(|net| net.trunc())
        }
        _ => None,
    })
}

/// Whether what a route hands packets to surely does not send them on.
fn is_dead(estate: &Estate, here: &End, route: &UserRoute) -> bool {
    let look = |one| appliance::look(estate, Shore::of(here.vnet, here.id), one).is_dead();
    route.next_hop.appliance().is_some_and(look)
}

/// The range of a network that holds an address.
fn range_of(estate: &Estate, here: &End, to: Ipv4Addr) -> Option<Ipv4Net> {
    let space = &estate.find::<Vnet>(here.vnet)?.space;
    space.iter().copied().filter(|net| net.contains(&to)).max_by_key(Ipv4Net::prefix_len)
}
