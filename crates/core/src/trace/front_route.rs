//! Where packets of a subnet to the public front door of a server go: its address is not known, its service is.

use crate::address::{AddressSet, internet};
use crate::estate::network::{NextHop, Route, RoutePrefix, SQL_ENDPOINT, Subnet, region_key};
use crate::estate::server::{Server, ServerKind};
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::route::{
    OwnRoute, Routed, UserRoute, judge, shared, table_of, to_addresses, user_routes,
};
use crate::trace::{identity, lines};

/// Routes of this length or less are shorter than every prefix of a service: no whole /7 is that of one owner of addresses.
const BROAD_LENGTH_MAX: u8 = 7;

/// Routes a packet to the public front door of a service in a region.
pub fn to_gateway(
    estate: &Estate,
    subnet: (&ResourceId, &Subnet),
    location: Option<&str>,
    is_flexible: bool,
) -> Routed {
    let is_afar = |vnet: ResourceId| identity::is_afar(estate, location, &vnet);
    let has_endpoint = subnet.1.has_sql_endpoint() && !subnet.0.parent().is_some_and(is_afar);
    let public = internet();
    let (table_id, routes) = match user_routes(estate, subnet) {
        Ok(Some(found)) => found,
        Ok(None) => return by_default(estate, subnet, has_endpoint && !is_flexible),
        Err(missing) => return Routed::Unknown(missing),
    };
    let by_tag = service_route(&routes, location);
    let length = |route: &&Route| match &route.prefix {
        RoutePrefix::Network(net) if public.meets(net) => Some(net.prefix_len()),
        RoutePrefix::Network(_) | RoutePrefix::Tag(_) | RoutePrefix::Ipv6 => None,
    };
    let is_broad = |route: &&Route| length(route).is_some_and(|length| length <= BROAD_LENGTH_MAX);
    let is_open = by_tag.is_some_and(|(_, service)| service == "sql")
        || has_endpoint && routes.iter().any(is_broad);
    let parts = to_addresses(estate, subnet, &public, OwnRoute::Internet);
    let is_out = |one: &Routed| matches!(one, Routed::Directly | Routed::ByUser(_));
    let leads_out = by_tag.is_none_or(|(route, _)| route.next_hop == NextHop::Internet)
        && parts.iter().all(|(_, one)| is_out(one));
    if is_flexible && is_open && !leads_out {
        return Routed::Unknown(Missing::other(
            "whether the service tag Sql and the service endpoint Microsoft.Sql hold flexible servers",
            "documents do not say: route the server's own address, or probe the path from the target",
        ));
    }
    let is_narrow = |route: &&Route| length(route).is_some() && !is_broad(route);
    let named = routes.iter().copied().find(is_narrow);
    let broad = || routes.iter().copied().find(|route| length(route).is_some_and(|one| one > 0));
    match (by_tag, named) {
        (Some(_), Some(route)) => beyond_knowledge(route),
        // The prefixes of Sql are those of the service endpoint, and a user's route wins; those of AzureCloud are others.
        (Some((route, service)), None) if has_endpoint && service != "sql" => {
            beyond_knowledge(route)
        }
        (Some((route, _)), None) if has_endpoint && route.next_hop == NextHop::Internet => {
            Routed::Unknown(Missing::other(
                format!(
                    "whether packets that route `{}` takes to the internet carry the identity of subnet `{}`",
                    route.name,
                    subnet.0.name()
                ),
                "take the route away, or probe the path from the target: `flexway probe`",
            ))
        }
        (Some((route, _)), None) => judge(estate, (subnet.0, table_id), route, true),
        // The service endpoint's own routes are longer than a default route.
        (None, Some(route)) if has_endpoint => beyond_knowledge(route),
        (None, None) if has_endpoint && !is_flexible => Routed::Directly,
        (None, _) => {
            let has_rest = parts.iter().any(|(_, one)| matches!(one, Routed::Directly));
            let rest = || by_default(estate, subnet, false);
            match (shared(parts), named.or_else(broad)) {
                (None, Some(route)) => beyond_knowledge(route),
                (None | Some(Routed::Directly), _) => rest(),
                (Some(routed), _) if has_rest => match rest() {
                    unknown @ Routed::Unknown(_) => unknown,
                    _ => routed,
                },
                (Some(routed), _) => routed,
            }
        }
    }
}

/// Whether packets of a subnet would go past all routes of its table, if it had the service endpoint.
pub fn leads_past(estate: &Estate, (id, subnet): (&ResourceId, &Subnet), server: &Server) -> bool {
    let mut with = Subnet { sql_endpoint_trouble: None, ..subnet.clone() };
    with.service_endpoints.push(SQL_ENDPOINT.to_owned());
    let is_flexible = server.kind == ServerKind::Flexible;
    let routed = to_gateway(estate, (id, &with), server.location.as_deref(), is_flexible);
    matches!(routed, Routed::Directly)
}

/// The routes of a subnet's table that drop packets to public addresses, by address alone: the broadest ones that no other covers.
pub fn droppers(estate: &Estate, subnet: (&ResourceId, &Subnet)) -> Vec<UserRoute> {
    let parts = to_addresses(estate, subnet, &internet(), OwnRoute::Internet);
    let dropping = parts.into_iter().filter_map(|(_, routed)| match routed {
        Routed::Dropped(route) => Some(route),
        _ => None,
    });
    dropping.collect()
}

/// The route whose tag holds the front door of a service, with the tag's service: a region's tag comes before the world's, and
/// AzureCloud last.
fn service_route<'r>(
    routes: &[&'r Route],
    location: Option<&str>,
) -> Option<(&'r Route, &'static str)> {
    let fits = |region: &str| {
        region.is_empty() || location.is_none_or(|location| region_key(location) == region)
    };
    let rank = |route: &&'r Route| {
        let RoutePrefix::Tag(tag) = &route.prefix else { return None };
        let tag = tag.to_ascii_lowercase();
        let (service, region) = tag.split_once('.').unwrap_or((&tag, ""));
        let service = ["azurecloud", "sql"].into_iter().find(|one| *one == service)?;
        fits(region).then_some((service, !region.is_empty()))
    };
    let ranked = routes.iter().filter_map(|route| Some((rank(route)?, *route)));
    ranked.max_by_key(|(rank, _)| *rank).map(|((service, _), route)| (route, service))
}

/// A route for public addresses may hold the front door's, which no resource tells.
fn beyond_knowledge(route: &Route) -> Routed {
    Routed::Unknown(Missing::other(
        format!(
            "whether route `{}` catches the public address of the server's front door",
            route.name
        ),
        "resolve the server's name on the target with `flexway probe`, and compare it with the route",
    ))
}

/// Where packets to public addresses go without a route of the user: to the internet, unless a gateway has learned another default.
fn by_default(estate: &Estate, (id, subnet): (&ResourceId, &Subnet), has_endpoint: bool) -> Routed {
    let keeps_out = matches!(table_of(estate, (id, subnet)), Ok(Some((_, table))) if table.keeps_gateway_routes_out);
    let Some(vnet) = id.parent().filter(|_| !has_endpoint && !keeps_out) else {
        return Routed::Directly;
    };
    let (known, has_more) = lines::prefixes(estate, &vnet);
    let may_lead_out = has_more
        || AddressSet::of(&known).overlaps(&internet())
        || lines::has_idle_gateway(estate, &vnet);
    match may_lead_out {
        true => Routed::Unknown(Missing::other(
            format!("whether a gateway gives network `{}` a default route", vnet.name()),
            "add the effective routes of the subnet, or turn the service endpoint Microsoft.Sql on",
        )),
        false => Routed::Directly,
    }
}
