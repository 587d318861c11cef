//! What the gateways of a network lead to, by their connections.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::estate::gateway::{Gateway, GatewayConnection, LocalGateway};
use crate::estate::network::{Peering, Subnet};
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::hop;
use crate::trace::outward::{Line, Outward, gateway_subnet};
use crate::trace::virtual_hub::{hub_of, routes_of_hub};

/// The network keeps a subnet for a gateway, and no gateway was captured.
pub(super) fn unread_gateway(estate: &Estate, vnet: &ResourceId) -> Option<Missing> {
    let subnet = gateway_subnet(vnet);
    let is_unread = estate.find::<Subnet>(&subnet).is_some()
        && estate.list::<Gateway>(Key::GatewaysOf(vnet.clone())).next().is_none();
    is_unread.then(|| unread_gateway_of(vnet))
}

pub(super) fn unread_gateway_of(vnet: &ResourceId) -> Missing {
    Missing::other(
        format!("the gateway of network `{}`", vnet.name()),
        format!(
            "add the output of `az graph query --subscriptions {} --first 1000 --graph-query \"resources | where type in~ \
             ('microsoft.network/virtualnetworkgateways', 'microsoft.network/localnetworkgateways', 'microsoft.network/connections')\"` \
             to the estate",
            quoted(vnet.subscription())
        ),
    )
}

/// A connection that does not tell its gateway: it may be any one's.
pub(super) fn unread_connection(estate: &Estate) -> Option<Missing> {
    let (id, _) = estate.list::<GatewayConnection>(Key::ConnectionsOfUnknown).next()?;
    Some(Missing::field(id, "virtualNetworkGateway1"))
}

/// The local network gateway of a connection, and what it tells of the other side; `None` where all is learned.
pub(super) fn far_side<'e>(
    estate: &'e Estate,
    (id, line): (&ResourceId, &'e GatewayConnection),
) -> Option<Result<(&'e ResourceId, &'e [Ipv4Net]), Missing>> {
    let Some(local) = &line.local else {
        // Only a connection that learns its routes may do without.
        return (!line.learns_routes).then(|| Err(Missing::field(id, "localNetworkGateway2")));
    };
    let space = match estate.get::<LocalGateway>(local) {
        Ok(facts) => &facts.space,
        Err(_) => return Some(Err(Missing::resource("local network gateway", local))),
    };
    if space.is_empty() && !line.learns_routes {
        return Some(Err(Missing::field(local, "localNetworkAddressSpace")));
    }
    Some(Ok((local, space)))
}

/// The way out through the network's own gateways.
pub(super) fn own(estate: &Estate, vnet: &ResourceId, address: Ipv4Addr) -> Outward {
    let mut perhaps = unread_gateway(estate, vnet);
    if let Some(hub) = hub_of(estate, vnet) {
        perhaps = Some(routes_of_hub(&hub));
    }
    let mut learned = None;
    for (gateway, facts) in estate.list::<Gateway>(Key::GatewaysOf(vnet.clone())) {
        perhaps = perhaps.or_else(|| unread_connection(estate));
        let mut learns = facts.learns_routes;
        for (id, line) in estate.list::<GatewayConnection>(Key::ConnectionsOf(gateway.clone())) {
            learns |= line.learns_routes;
            let (local, space) = match far_side(estate, (id, line)) {
                Some(Ok(found)) => found,
                Some(Err(missing)) => {
                    perhaps = Some(missing);
                    continue;
                }
                None => continue,
            };
            let holding = space.iter().filter(|net| net.contains(&address));
            if let Some(prefix) = holding.max_by_key(|net| net.prefix_len()) {
                let is_up = |status: &&String| status.eq_ignore_ascii_case("connected");
                return Outward::Through(Line {
                    gateway: gateway.clone(),
                    vnet: vnet.clone(),
                    connection: id.clone(),
                    local: local.clone(),
                    prefix: *prefix,
                    trouble: line.status.as_ref().filter(|one| !is_up(one)).cloned(),
                });
            }
        }
        if learns {
            let what = format!("the routes that gateway `{}` has learned", gateway.name());
            let help = format!(
                "no resource tells them: look at `az network vnet-gateway list-learned-routes --ids {}`, or probe the path: \
                 `flexway probe`",
                quoted(gateway.as_str())
            );
            learned = Some(Outward::Learned(gateway.clone(), Missing::other(what, help)));
        }
    }
    perhaps.map(Outward::Perhaps).or(learned).unwrap_or(Outward::Nowhere)
}

/// The prefixes that the gateways of a network, or of those that lend theirs, are known to lead to; and whether there may be more.
pub(super) fn prefixes(estate: &Estate, vnet: &ResourceId) -> (Vec<Ipv4Net>, bool) {
    let mut has_more = hub_of(estate, vnet).is_some() || unread_gateway(estate, vnet).is_some();
    let gateways = |vnet: &ResourceId| estate.list::<Gateway>(Key::GatewaysOf(vnet.clone()));
    let mut lenders = vec![vnet.clone()];
    for (_, facts) in estate.children::<Peering>(vnet) {
        let back = hop::half(estate, &facts.remote, vnet);
        let lends = back.is_none_or(|(_, back)| back.lends_gateway != Some(false))
            && !hop::is_severed(estate, vnet, &facts.remote);
        if facts.uses_remote_gateway == Some(true) && lends {
            has_more |= gateways(&facts.remote).next().is_none();
            lenders.push(facts.remote.clone());
        }
    }
    let mut known = Vec::new();
    for (gateway, facts) in lenders.iter().flat_map(gateways) {
        has_more |= facts.learns_routes || unread_connection(estate).is_some();
        let lines = estate.list::<GatewayConnection>(Key::ConnectionsOf(gateway.clone()));
        for (id, line) in lines {
            has_more |= line.learns_routes;
            match far_side(estate, (id, line)) {
                Some(Ok((_, space))) => known.extend(space.iter().copied()),
                Some(Err(_)) => has_more = true,
                None => {}
            }
        }
    }
    (known, has_more)
}

/// Whether a gateway of a network, or of one whose gateway it uses, has no connection that was captured: it is there for something.
pub(super) fn has_idle_gateway(estate: &Estate, vnet: &ResourceId) -> bool {
    let halves = estate.children::<Peering>(vnet).map(|(_, half)| half);
    let lenders = halves.filter(|half| half.uses_remote_gateway == Some(true));
    let mut gateways = std::iter::once(vnet)
        .chain(lenders.map(|half| &half.remote))
        .flat_map(|one| estate.list::<Gateway>(Key::GatewaysOf(one.clone())));
    gateways.any(|(id, _)| {
        estate.list::<GatewayConnection>(Key::ConnectionsOf(id.clone())).next().is_none()
    })
}
