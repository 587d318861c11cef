//! A default route through an appliance, without the routes that an injected server needs beside it.

use ipnet::Ipv4Net;

use crate::change::whole_place;
use crate::estate::network::{NextHop, Route, RoutePrefix, Subnet};
use crate::finding::{Finding, Fix, Severity};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::{Path, route};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let start = path.start.as_ref().filter(|start| start.interface.is_none())?;
    let subnet = path.estate.find::<Subnet>(&start.subnet)?;
    let (table, routes) = route::user_routes(path.estate, (&start.subnet, subnet)).ok()??;
    let default = routes.iter().find(|route| {
        matches!(&route.prefix, RoutePrefix::Network(net) if net.prefix_len() == 0)
            && matches!(route.next_hop, NextHop::Appliance(_))
    })?;
    let holds = |route: &&&Route, prefix: &Ipv4Net| matches!(&route.prefix, RoutePrefix::Network(net) if net.contains(prefix));
    let length = |route: &&&Route| match &route.prefix {
        RoutePrefix::Network(net) => net.prefix_len(),
        RoutePrefix::Tag(_) | RoutePrefix::Ipv6 => 0,
    };
    let is_local = |prefix: &Ipv4Net| {
        let longest = routes.iter().filter(|route| holds(route, prefix)).max_by_key(length);
        longest.is_some_and(|route| route.next_hop == NextHop::Local)
    };
    let own = subnet.prefixes.iter().all(is_local);
    let entra = routes.iter().any(|route| {
        matches!(&route.prefix, RoutePrefix::Tag(tag) if tag.eq_ignore_ascii_case("AzureActiveDirectory"))
            && route.next_hop == NextHop::Internet
    });
    let lacks = match (own, entra) {
        (true, true) => return None,
        (false, true) => "no route for the subnet itself",
        (true, false) => "no route for the tag AzureActiveDirectory",
        (false, false) => {
            "a route neither for the subnet itself nor for the tag AzureActiveDirectory"
        }
    };
    let own = subnet.prefixes.iter().filter(|prefix| !is_local(prefix));
    let own = own.map(|prefix| (prefix.to_string(), "VnetLocal"));
    let entra = (!entra).then(|| ("AzureActiveDirectory".to_owned(), "Internet"));
    let fixes = own.chain(entra).map(|(prefix, hop)| added(table, &prefix, hop));
    let message = format!(
        "route `{}` takes everything to an appliance, and table `{}` has {lacks}",
        default.name,
        table.name()
    );
    let why = "Microsoft asks for two routes beside a default route, of the subnet's prefix to VnetLocal and of the tag \
               AzureActiveDirectory to the internet: an injected server reaches its own peers and Entra directly, and may fail by \
               itself where something stands in between";
    let mut finding = Finding::blocks(message, why).at(&default.resource, default.pointer.clone());
    finding.severity = Severity::Risks;
    Some(finding.fix(Fix::advice(fixes.collect::<Vec<_>>().join(", then "))))
}

/// A route that the table lacks, with the command that adds it.
fn added(table: &ResourceId, prefix: &str, hop: &str) -> String {
    format!(
        "add route {prefix} -> {hop} to table `{}`: `az network route-table route create {} \
         --route-table-name {} --name {} --address-prefix {prefix} --next-hop-type {hop}`",
        table.name(),
        whole_place(table),
        quoted(table.name()),
        quoted(&format!("direct-{}", prefix.replace('/', "-"))),
    )
}
