//! Ways to mend that several checks share.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::address::AddressSet;
use crate::change::{Change, Safety, dns, filter, peering, record, route, server, subnet};
use crate::estate::filter::Direction;
use crate::estate::forwarder::DNS_PORT;
use crate::estate::gateway::NatGateway;
use crate::estate::network::region_key;
use crate::estate::network::{Subnet, Vnet};
use crate::estate::server::ServerKind;
use crate::finding::Fix;
use crate::id::ResourceId;
use crate::trace::decision::{Decider, Decision};
use crate::trace::egress::Egress;
use crate::trace::endpoint::View;
use crate::trace::filter::Service;
use crate::trace::gate::Gate;
use crate::trace::leg::{Leg, Way};
use crate::trace::platform_dns::DnsDenial;
use crate::trace::route::{Routed, UserRoute, usable_addresses};
use crate::trace::{self, Path, egress, forwarder, owner};

/// Makes the record of the server right: by a zone group where the endpoint has none, which keeps it right, else by the record itself.
pub(super) fn right_record(path: &Path, view: &View) -> Vec<Fix> {
    let address = view.addresses.as_ref().ok().and_then(|all| all.first());
    let records =
        address.map(|address| records(path, (&view.id, *address), view.zone_group.is_none()));
    records.unwrap_or_default()
}

/// Ways to let the record of the server hold the address of an endpoint, which may be yet to come.
pub(super) fn records(
    path: &Path,
    (endpoint, address): (&ResourceId, Ipv4Addr),
    has_no_group: bool,
) -> Vec<Fix> {
    let Some((zone, label)) = path.record_set() else { return Vec::new() };
    let set = vec![record::set_record(path.estate, &zone, &label, address)];
    // A zone group writes into the zone of private endpoints; an alias there may lead elsewhere.
    if !has_no_group || path.zone_meant().as_ref() != Some(&zone) {
        return vec![Fix::of(set)];
    }
    let attach = record::attach_zone(path.estate, endpoint, &zone, &label, address);
    vec![Fix::of(vec![attach]), Fix::last_resort(set)]
}

/// Lets the copier's network ask where another one asks: through a forwarding ruleset that is there and leads to a resolver.
pub(super) fn linked_ruleset(path: &Path) -> Option<Fix> {
    let (start, name) = (path.start.as_ref()?, path.name.as_ref()?);
    let linkable = |name: &String| forwarder::linkable(path.estate, &start.vnet, name);
    let ruleset = name.names.iter().find_map(linkable)?;
    Some(Fix::of(vec![dns::link_ruleset(path.estate, &ruleset, &start.vnet)]))
}

/// Lets the copier's subnet in at the front door of a Single Server: by a VNet rule, which works through the subnet's service endpoint.
pub(super) fn let_subnet_in(path: &Path) -> Option<Fix> {
    let start = path.start.as_ref().filter(|_| path.to.kind == ServerKind::Single)?;
    if super::vnet_rule_other_region::afar(path).is_some()
        || super::tier_unsupported::is_basic(path)
    {
        return None;
    }
    let mut changes = vec![server::add_vnet_rule(path.estate, &path.to_id, &start.subnet)];
    let facts = path.estate.find::<Subnet>(&start.subnet);
    let is_up = |facts: &Subnet| facts.has_sql_endpoint() && facts.sql_endpoint_trouble.is_none();
    if let Some(facts) = facts.filter(|facts| !is_up(facts)) {
        changes.push(subnet::turn_on_service_endpoint(
            path.estate,
            &start.subnet,
            facts,
            &path.to_id,
        ));
    }
    Some(Fix::of(changes))
}

/// A NAT gateway for the copier's subnet: one that is there, has an address, and belongs to no other network; let in at the front door
/// where no rule holds its address.
pub(super) fn nat_gateways(path: &Path) -> Vec<Fix> {
    let Some(start) = &path.start else { return Vec::new() };
    let region = path.estate.find::<Vnet>(&start.vnet).and_then(|vnet| vnet.location.as_deref());
    let Some(region) = region.map(region_key) else { return Vec::new() };
    let is_afar = |subnet: &ResourceId| subnet.parent().as_ref() != Some(&start.vnet);
    let is_usable = |(id, nat): &(&ResourceId, &NatGateway)| {
        let mut users =
            path.estate.all::<Subnet>().filter(|(_, one)| one.nat_gateway.to() == Some(id));
        id.subscription().eq_ignore_ascii_case(start.subnet.subscription())
            && nat.location.as_deref().map(region_key).as_ref() == Some(&region)
            && nat.subnets.as_ref().is_some_and(|all| !all.iter().any(is_afar))
            && !users.any(|(subnet, _)| is_afar(subnet))
            && egress::of_nat_gateway(path.estate, id).is_ok_and(|addresses| !addresses.is_empty())
    };
    let with_rule = |id: &ResourceId| {
        let attach = subnet::attach_nat_gateway(path.estate, &start.subnet, id);
        let after = attach.apply(path.estate);
        let then = trace::path(&after, &path.from_id, &path.to_id, path.port).ok();
        let gate = then.as_ref().and_then(|then| then.taken()?.gate.as_ref()).map(Gate::as_known);
        let rules = match gate {
            Some((Gate::AddressNotAllowed(addresses), _)) => {
                let_address_in(path, addresses).changes
            }
            _ => Vec::new(),
        };
        Fix::of([vec![attach], rules].concat())
    };
    let usable = path.estate.all::<NatGateway>().filter(is_usable);
    usable.map(|(id, _)| with_rule(id)).collect()
}

/// Lets the public addresses that packets arrive with in at the server's front door: a relay host's, or a firewall's.
pub(super) fn let_address_in(path: &Path, addresses: &AddressSet) -> Fix {
    let rule = |range| server::add_firewall_rule(path.estate, &path.to_id, range);
    let mut rules: Vec<Change> = addresses.ranges().map(rule).collect();
    if path.taken().is_some_and(|leg| matches!(leg.route, Some(Routed::Elsewhere(..)))) {
        for rule in &mut rules {
            rule.safety = Safety::Review;
            rule.affected.push("everybody behind that firewall is let in as well".to_owned());
        }
    }
    Fix::of(rules)
}

/// Lets a gateway be used by the flag of a peering that keeps it back.
pub(super) fn lend_gateway(path: &Path, half: &ResourceId, pointer: &str) -> Fix {
    let flag = pointer.rsplit('/').next().unwrap_or("");
    Fix::of(vec![peering::set_flag(path.estate, half, flag)])
}

/// Lets the denied questions of the copier's subnet through to a DNS server, and nothing else.
pub(super) fn let_questions_through(
    path: &Path,
    group: &ResourceId,
    decision: &Decision,
    direction: Direction,
    (leg, server): (&Leg, Ipv4Addr),
) -> Option<Fix> {
    let flow = filter::Flow {
        from: holding(path, &decision.denied_senders().union(&decision.lost))?,
        to: Ok(vec![Ipv4Net::from(server)]),
        service: Service::any(DNS_PORT),
        subnet: met_at(path, leg, direction),
    };
    let deniers: Vec<&Decider> = decision.denied.iter().map(|(_, rule)| rule).collect();
    ahead(path, group, direction, &flow, &deniers)
}

/// Lets the denied questions through to Azure's own resolver, ahead of the rule that denies them.
pub(super) fn let_names_through(path: &Path, denial: &DnsDenial) -> Option<Fix> {
    let rule = &denial.rule;
    let is_rule = rule.resource.is_type("microsoft.network/networksecuritygroups/securityrules");
    let group = if is_rule { rule.resource.parent()? } else { rule.resource.clone() };
    let flow = filter::Flow {
        from: holding(path, &denial.denied)?,
        to: Err("AzurePlatformDNS".to_owned()),
        service: Service::any(DNS_PORT),
        subnet: path.start.as_ref().map(|start| start.subnet.clone()),
    };
    ahead(path, &group, Direction::Outbound, &flow, &[rule])
}

/// Lets the denied senders of a flow through one security group, and nothing else; then, where others are dropped for the lack of a
/// join, all of them by one rule.
pub(super) fn let_through(
    path: &Path,
    group: &ResourceId,
    decision: &Decision,
    direction: Direction,
) -> Vec<Fix> {
    let denied = decision.denied_senders();
    let all = (!decision.lost.is_empty()).then(|| denied.union(&decision.lost));
    let deniers: Vec<&Decider> = decision.denied.iter().map(|(_, rule)| rule).collect();
    let rule_for =
        |senders: AddressSet| let_senders_through(path, group, &deniers, direction, &senders);
    [Some(denied), all].into_iter().flatten().filter_map(rule_for).collect()
}

/// Lets senders through one security group of whom its rules leave more than one reading.
pub(super) fn settle(
    path: &Path,
    group: &ResourceId,
    decision: &Decision,
    direction: Direction,
) -> Option<Fix> {
    let read: Vec<&Decider> = decision.unknown.iter().map(|(_, rule)| rule).collect();
    let_senders_through(path, group, &read, direction, &decision.open_senders())
}

/// The packets of the flow: `tcp 10.1.0.0/26 -> 10.2.0.5 port 5432`; `None` where an end is not known.
pub(super) fn flow_words(path: &Path) -> Option<String> {
    let from = AddressSet::of(&path.start.as_ref()?.networks(path.estate).ok()?);
    let to = match &path.intended.as_ref()?.way {
        Way::Public => format!("the public address of `{}`", path.to_id.name()),
        _ => AddressSet::of(&receivers(path)?).to_string(),
    };
    Some(format!("tcp {from} -> {to} port {}", path.port))
}

/// Networks that hold the server; `None` where it is behind a public front door, or its address is not known.
pub(super) fn receivers(path: &Path) -> Option<Vec<Ipv4Net>> {
    match &path.intended.as_ref()?.way {
        Way::Endpoint(view) => {
            let addresses = view.addresses.as_ref().ok()?;
            Some(addresses.iter().copied().map(Ipv4Net::from).collect())
        }
        Way::Injected(subnet) => Some(path.estate.find::<Subnet>(subnet)?.prefixes.clone()),
        Way::Machine(machine) => Some(vec![machine.address.into()]),
        Way::Beyond(address) => Some(vec![(*address).into()]),
        Way::Public => None,
    }
}

/// How the one address becomes known that the copier has in the internet: one that is in no subnet is asked by its name.
pub(super) fn know_public_address(path: &Path) -> String {
    match &path.start {
        None => format!("resolve the name of `{}`", path.from_id.name()),
        Some(start) => format!("give subnet `{}` a NAT gateway", start.subnet.name()),
    }
}

/// Lets senders through a group ahead of some rules of it.
fn let_senders_through(
    path: &Path,
    group: &ResourceId,
    rules: &[&Decider],
    direction: Direction,
    senders: &AddressSet,
) -> Option<Fix> {
    let leg = path.intended.as_ref()?;
    if let (Way::Beyond(address), Direction::Inbound) = (&leg.way, direction) {
        // The rules there see the machine's own address, and the public one that the copier comes with.
        if let (Some(Egress::Known(_)), Some((subnet, own))) =
            (&leg.egress, owner::place(path.estate, *address))
        {
            let (from, to) = (senders.networks(), Ok(vec![own.into()]));
            let service = Service::tcp(path.port_at(direction));
            let flow = filter::Flow { from, to, service, subnet: Some(subnet) };
            return ahead(path, group, direction, &flow, rules);
        }
        let (group, port) = (group.name(), path.port);
        let know = know_public_address(path);
        return Some(Fix::advice(format!(
            "{know}, then let its one public address in at `{group}`, on port {port}"
        )));
    }
    let to = match &leg.way {
        Way::Endpoint(view) => match &view.addresses {
            Ok(addresses) => Ok(addresses.iter().copied().map(Ipv4Net::from).collect()),
            Err(_) => Ok(path.estate.find::<Subnet>(view.subnet.as_ref().ok()?)?.prefixes.clone()),
        },
        Way::Injected(subnet) => Ok(path.estate.find::<Subnet>(subnet)?.prefixes.clone()),
        Way::Machine(machine) => match leg.behind.as_ref() {
            Some(behind) if direction == Direction::Inbound => Ok(behind.addresses.networks()),
            Some(_) | None => Ok(vec![Ipv4Net::from(machine.address)]),
        },
        Way::Beyond(address) => Ok(vec![Ipv4Net::from(*address)]),
        Way::Public => Err(service_tag(path)?),
    };
    let service = Service::tcp(path.port_at(direction));
    let subnet = met_at(path, leg, direction);
    let flow = filter::Flow { from: holding(path, senders)?, to, service, subnet };
    ahead(path, group, direction, &flow, rules)
}

/// The subnet whose security group packets of a way meet as they leave, or as they arrive.
pub(super) fn met_at(path: &Path, leg: &Leg, direction: Direction) -> Option<ResourceId> {
    match (direction, &leg.way) {
        (Direction::Outbound, _) => path.start.as_ref().map(|start| start.subnet.clone()),
        (Direction::Inbound, Way::Endpoint(view)) => view.subnet.as_ref().ok().cloned(),
        (Direction::Inbound, Way::Injected(subnet)) => Some(subnet.clone()),
        (Direction::Inbound, Way::Machine(machine)) => {
            let machine = leg.behind.as_ref().map_or(machine, |behind| &behind.machine);
            Some(machine.subnet.clone())
        }
        (Direction::Inbound, Way::Beyond(_) | Way::Public) => None,
    }
}

/// Networks that hold some of the copier's addresses and none of the others. With the addresses that Azure keeps for itself, and that
/// nobody sends from, they are fewer.
pub(super) fn holding(path: &Path, senders: &AddressSet) -> Option<Vec<Ipv4Net>> {
    let start = path.start.as_ref()?;
    let guard = path.intended.as_ref().and_then(|leg| leg.guard.as_ref());
    let seat = guard.and_then(|guard| path.estate.find::<Subnet>(&guard.home));
    if let Some(seat) = seat.filter(|seat| *senders == usable_addresses(seat)) {
        return Some(seat.prefixes.clone());
    }
    let all = AddressSet::of(&start.networks(path.estate).ok()?);
    let kept = all.difference(&start.addresses(path.estate).ok()?);
    let mut networks = senders.union(&kept).networks();
    networks.retain(|network| senders.meets(network));
    Some(networks)
}

/// Ways past a broad route to a public front door, which leave the route where it is: the routes of the service endpoint, or one of
/// the service's tag.
pub(super) fn past_broad_route(path: &Path, broad: &UserRoute) -> Vec<Fix> {
    let Some(start) = &path.start else { return Vec::new() };
    let facts = path.estate.find::<Subnet>(&start.subnet);
    let is_single = path.to.kind == ServerKind::Single;
    let can_identify = is_single && super::vnet_rule_other_region::afar(path).is_none();
    let is_on = can_identify && facts.is_some_and(Subnet::has_sql_endpoint);
    // The endpoint's routes are no longer than one of the tag, and what goes by one of the tag comes without the subnet's identity.
    let is_of_tag = broad.prefix.to_ascii_lowercase().starts_with("sql");
    let off = facts.filter(|_| can_identify && !is_on && !is_of_tag);
    let endpoint = off.map(|facts| {
        Fix::of(vec![subnet::turn_on_service_endpoint(
            path.estate,
            &start.subnet,
            facts,
            &path.to_id,
        )])
    });
    let by_tag = service_tag(path)
        .filter(|_| !is_on)
        .map(|tag| Fix::of(vec![route::add_for_service(path.estate, &broad.table, &tag)]));
    endpoint.into_iter().chain(by_tag).collect()
}

/// The service tag that surely holds the source's public front door.
pub(super) fn service_tag(path: &Path) -> Option<String> {
    let region = path.to.location.as_ref().map(|text| text.replace(' ', ""))?;
    // Whether `Sql` holds flexible servers is documented nowhere.
    let tag = if path.to.kind == ServerKind::Flexible { "AzureCloud" } else { "Sql" };
    Some(format!("{tag}.{region}"))
}

/// Lets a flow pass ahead of some rules of a group.
fn ahead(
    path: &Path,
    group: &ResourceId,
    direction: Direction,
    flow: &filter::Flow,
    rules: &[&Decider],
) -> Option<Fix> {
    let first = rules.iter().min_by_key(|rule| rule.priority)?;
    if let Some(change) = filter::allow(path.estate, group, direction, flow, first.priority) {
        return Some(Fix::of(vec![change]));
    }
    // Every number ahead of the rule is taken: the rule itself moves back and leaves its own.
    let mut changes = filter::make_room(path.estate, group, direction, first)?;
    changes.push(filter::allow_at(path.estate, group, direction, flow, first.priority));
    Some(Fix::of(changes))
}
