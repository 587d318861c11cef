//! Edits that the checker thinks of by itself: for each gate that it finds closed, what mends it at once.

use serde_json::{Value, json};

use super::super::address::{Prefix, address_of};
use super::super::apply::Request;
use super::super::door::{delegated_subnet, is_single};
use super::super::endpoint::{Endpoint, endpoints};
use super::super::filter::rules;
use super::super::own_zone::own_record;
use super::super::peering::halves;
use super::super::route::is_handed_on;
use super::super::rule::priority;
use super::super::verdict::Blocker;
use super::super::world::{
    World, at, flag, last_name, list, network_of, reference, set_field, subnet_prefixes, text,
};
use super::super::zone::{Linked, Zone, own_zone, referred_zones, zones};
use super::super::{place_of, world::region};
use super::read::{Goal, Leg};
use super::remedy::{Remedy, delete, put, single};
use super::settings::body_of;

/// Both ends of a flow, as far as the raw bodies tell them.
struct Ends<'w> {
    world: &'w World,
    /// The copier's subnet.
    near: String,
    /// Its addresses as rules name them.
    senders: Vec<String>,
    server: String,
    endpoints: Vec<Endpoint>,
    /// The subnet of an injected server.
    home: Option<String>,
}

/// Kinds of record sets.
const RECORDS: [&str; 7] = ["a", "aaaa", "cname", "mx", "ptr", "srv", "txt"];

/// Numbers that rules may have.
const PRIORITIES: std::ops::Range<u64> = 100..4097;

/// What opens the gates that keep a copier from a server, one by one.
pub(super) fn remedies(world: &World, leg: &Leg, blockers: &[Blocker]) -> Vec<Remedy> {
    let Goal::Server(server) = &leg.to else { return Vec::new() };
    let (copier, server) = (leg.copier.key(), server.key());
    let Ok(Some((near, spans))) = place_of(world, &copier) else { return Vec::new() };
    let all = endpoints(world, &server).into_iter().filter(|one| one.leads_here).collect();
    let senders = match spans.as_slice() {
        [(first, last)] if first == last => vec![address(*first)],
        _ => world
            .body(&near)
            .map(subnet_prefixes)
            .unwrap_or_default()
            .into_iter()
            .map(prefix)
            .collect(),
    };
    let home = delegated_subnet(world, &server).ok().flatten();
    let ends = Ends { world, near, senders, server, endpoints: all, home };
    if blockers.is_empty() {
        return Vec::new();
    }
    // A name that leads elsewhere, and a network that is not joined, close gates of all kinds.
    let mut found = ends.names();
    found.extend(ends.peerings());
    for blocker in blockers.iter().flat_map(Blocker::deciders) {
        let own = match blocker.stage {
            "outbound" | "inbound" => ends.admitting(blocker, leg.port),
            "route" | "return" => ends.routes(blocker),
            "endpoint" => ends.approvals(),
            "door" => ends.doors(),
            _ => Vec::new(),
        };
        for remedy in own {
            if !found.iter().any(|known| known.requests == remedy.requests) {
                found.push(remedy);
            }
        }
    }
    found
}

fn address(one: u32) -> String {
    format!("{}/32", std::net::Ipv4Addr::from(one))
}

fn prefix(one: Prefix) -> String {
    format!("{}/{}", std::net::Ipv4Addr::from(one.first()), one.len)
}

impl Ends<'_> {
    /// Zones that could answer: the one of private endpoints, that of the public names, and an injected server's own.
    fn names(&self) -> Vec<Remedy> {
        let world = self.world;
        let network = network_of(&self.near);
        let Some(body) = world.body(&self.server) else { return Vec::new() };
        let Some(name) = text(body, &["properties", "fullyQualifiedDomainName"]) else {
            return Vec::new();
        };
        let name = name.to_ascii_lowercase();
        let own = own_zone(body);
        // Where an endpoint writes its record into a zone, one of the same name is no other way; nor is one that takes the names of all
        // servers.
        let named = referred_zones(world, &self.server);
        let is_other = |zone: &Zone| {
            let has_twin = || named.iter().any(|one| last_name(one) == zone.name);
            !named.contains(&zone.key) && (has_twin() || !zone.name.starts_with("privatelink."))
        };
        let mut found = Vec::new();
        for zone in zones(world, network, &self.server) {
            let is_own = own.as_deref() == Some(&*zone.key);
            if is_own && zone.observed && matches!(zone.linked, Linked::No | Linked::Unproven) {
                found.push(link(&zone, network));
            }
            let Some(label) = label(&zone, &name) else { continue };
            if matches!(zone.linked, Linked::No | Linked::Unproven)
                && zone.observed
                && !is_other(&zone)
            {
                found.push(link(&zone, network));
            }
            if zone.linked == Linked::No {
                continue;
            }
            let stored = own_record(world, &self.server).map(|(_, one)| one);
            let stored = stored.filter(|_| own.as_deref() != Some(&*zone.key));
            let known = self.endpoints.iter().flat_map(|one| &one.addresses).copied();
            let set = self.world.body(&format!("{}/a/{label}", zone.key));
            // Another endpoint would lead everybody elsewhere who asks.
            if set.is_some_and(|set| known.clone().any(|own| holds(set, own))) {
                continue;
            }
            // A record that nobody captured may be there, and right.
            if set.is_none() && !self.is_listed(&zone.key) {
                continue;
            }
            for to in known.chain(stored).filter(|to| !set.is_some_and(|set| holds(set, *to))) {
                found.push(record(&zone, &label, to));
            }
        }
        found
    }

    /// Whether a zone says that all of its record sets were captured.
    fn is_listed(&self, zone: &str) -> bool {
        let count = |kind: &str| self.world.children(zone, kind).count();
        let captured: usize = RECORDS.iter().map(|kind| count(kind)).sum();
        let told = self
            .world
            .body(zone)
            .and_then(|body| at(body, &["properties", "numberOfRecordSets"])?.as_u64());
        // It counts its start of authority, too.
        told.is_some_and(|told| told <= captured as u64 + 1)
    }

    /// A rule for the flow before the one that denies it.
    fn admitting(&self, blocker: &Blocker, port: u16) -> Vec<Remedy> {
        let group = &blocker.resource;
        if !group.contains("/networksecuritygroups/") || self.senders.is_empty() {
            return Vec::new();
        }
        let Some(all) = rules(self.world, group) else { return Vec::new() };
        let word =
            |body: &Value| text(body, &["properties", "direction"]).map(str::to_ascii_lowercase);
        let same = all.iter().filter(|(_, body)| word(body).as_deref() == Some(blocker.stage));
        // Azure refuses a number that another rule has, which may be any where it is not told.
        let taken: Option<Vec<u64>> = same.map(|(_, body)| priority(body)).collect();
        let denies = |(name, _): &&(&str, &Value)| {
            blocker.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        let denier = all.iter().find(denies).and_then(|(_, body)| priority(body));
        let below = denier.unwrap_or(PRIORITIES.end).min(PRIORITIES.end);
        let free =
            taken.and_then(|all| (PRIORITIES.start..below).rev().find(|one| !all.contains(one)));
        let Some(priority) = free else { return Vec::new() };
        let mut targets: Vec<Vec<String>> = Vec::new();
        let of_endpoints = self.endpoints.iter().flat_map(|one| &one.addresses);
        targets.extend(of_endpoints.map(|one| vec![address(*one)]));
        let home = self.home.as_deref().and_then(|home| self.world.body(home));
        targets.extend(home.map(|home| subnet_prefixes(home).into_iter().map(prefix).collect()));
        if targets.is_empty() && is_single(&self.server) {
            let place = self.world.body(&self.server).and_then(region);
            targets.extend(place.map(|place| vec![format!("Sql.{place}")]));
        }
        let name = format!("checker-{priority}");
        let rule = |to: &Vec<String>| {
            let title = format!(
                "let {} reach {} on port {port} by rule {priority} of `{}`",
                self.senders.join(", "),
                to.join(", "),
                last_name(group)
            );
            let body = json!({ "properties": {
                "priority": priority, "direction": blocker.stage, "access": "Allow",
                "protocol": "Tcp", "sourcePortRange": "*",
                "destinationPortRange": port.to_string(),
                "sourceAddressPrefixes": self.senders, "destinationAddressPrefixes": to } });
            single("add-rule", title, put(format!("{group}/securityRules/{name}"), body))
        };
        targets.iter().map(rule).collect()
    }

    fn routes(&self, blocker: &Blocker) -> Vec<Remedy> {
        let (table, name) = (&blocker.resource, blocker.name.as_deref());
        let route = name.map(|name| format!("{table}/routes/{name}"));
        let route = route.filter(|id| {
            table.contains("/routetables/")
                && body_of(self.world, &id.to_ascii_lowercase()).is_some()
        });
        let remove = |id: String| {
            let title = format!("delete route `{}` of `{}`", last_name(&id), last_name(table));
            single("delete-route", title, delete(id))
        };
        route.into_iter().map(remove).collect()
    }

    /// Whether a route hands packets to the server to an appliance, which may be meant so.
    fn is_handed_on(&self) -> bool {
        let home = self.home.as_deref().and_then(|home| self.world.body(home));
        let inside = home.map(subnet_prefixes).unwrap_or_default();
        let inside = inside.into_iter().map(Prefix::first);
        let mut all = self.endpoints.iter().flat_map(|one| one.addresses.clone()).chain(inside);
        all.any(|address| is_handed_on(self.world, &self.near, address))
    }

    /// Networks in which the server is reached by a private address.
    fn far_networks(&self) -> Vec<&str> {
        let subnets = self.endpoints.iter().filter_map(|one| one.subnet.as_deref());
        let mut all: Vec<&str> = subnets.chain(self.home.as_deref()).map(network_of).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|far| *far != network_of(&self.near) && self.world.body(far).is_some());
        all
    }

    /// Halves of the peering between the two networks: made, made anew, opened, or told the other network's addresses again.
    fn peerings(&self) -> Vec<Remedy> {
        let near = network_of(&self.near);
        let mut found = Vec::new();
        for far in self.far_networks() {
            let half = |from: &str, to: &str| {
                let all = halves(self.world, from);
                let one = all.iter().find(|half| half.remote().as_deref() == Some(to))?;
                Some((one.key(), one.state()))
            };
            let is_part = |(id, _): (String, _)| {
                let body = self.world.body(&id);
                body.and_then(|body| flag(body, &["properties", "peerCompleteVnets"]))
                    == Some(false)
            };
            // Both halves name the same subnets: which ones is not obvious.
            if [half(near, far), half(far, near)].into_iter().flatten().any(is_part) {
                continue;
            }
            let sides = [(near, far), (far, near)].map(|(from, to)| (from, to, half(from, to)));
            let is_whole = |state: &Option<String>| state.as_deref() != Some("disconnected");
            let missing: Vec<Request> = { sides.iter() }
                .filter(|(.., half)| half.as_ref().is_none_or(|(_, state)| !is_whole(state)))
                .map(|(from, to, _)| new_half(from, to))
                .collect();
            let lost = sides.iter().filter_map(|(.., half)| half.as_ref());
            let lost: Vec<Request> = lost
                .filter(|(_, state)| !is_whole(state))
                .map(|(id, _)| delete(id.clone()))
                .collect();
            let (near_name, far_name) = (last_name(near), last_name(far));
            // A peering would lead past what stands in between on purpose.
            if !missing.is_empty() && !self.is_handed_on() {
                let mut kinds = vec!["delete-peering"; lost.len()];
                kinds.extend(vec!["create-peering"; missing.len()]);
                found.push(Remedy {
                    kinds,
                    title: format!("peer networks `{near_name}` and `{far_name}`"),
                    requests: lost.into_iter().chain(missing).collect(),
                });
            }
            for (.., one) in sides.iter() {
                let Some((id, _)) = one else { continue };
                let Some(old) = self.world.body(id) else { continue };
                let mut open = json!({ "properties": old["properties"] });
                // What nobody observed may be as it should.
                if at(old, &["properties", "remoteAddressSpace"]).is_some() {
                    let words = format!("synchronise peering `{}`", last_name(id));
                    let path = format!("{id}?syncRemoteAddressSpace=true");
                    found.push(single("sync-peering", words, put(path, open.clone())));
                }
                if flag(old, &["properties", "allowVirtualNetworkAccess"]) == Some(false) {
                    set_field(&mut open, "allowVirtualNetworkAccess", json!(true));
                    let words = format!("let traffic through peering `{}`", last_name(id));
                    found.push(single("allow-peering-access", words, put(id.clone(), open)));
                }
            }
        }
        found
    }

    fn approvals(&self) -> Vec<Remedy> {
        let listed = self.world.body(&self.server);
        let listed =
            listed.and_then(|body| list(body, &["properties", "privateEndpointConnections"]));
        let alone = self.world.children(&self.server, "privateendpointconnections");
        let ids = listed.unwrap_or(&[]).iter().filter_map(|one| reference(one, &["id"]));
        let alone =
            alone.map(|(name, _)| format!("{}/privateendpointconnections/{name}", self.server));
        let mut ids: Vec<String> = ids.chain(alone).collect();
        ids.sort_unstable();
        ids.dedup();
        let approve = |id: String| {
            let body = json!({ "properties": {
                "privateLinkServiceConnectionState": { "status": "Approved" } } });
            let title = format!("approve connection `{}`", last_name(&id));
            single("approve-endpoint", title, put(id, body))
        };
        ids.into_iter().filter(|id| self.waits(id)).map(approve).collect()
    }

    /// Whether a connection waits for approval: what is rejected stays so.
    fn waits(&self, connection: &str) -> bool {
        let path = ["properties", "privateLinkServiceConnectionState", "status"];
        let listed = || {
            let all = list(
                self.world.body(&self.server)?,
                &["properties", "privateEndpointConnections"],
            )?;
            text(
                all.iter().find(|one| reference(one, &["id"]).as_deref() == Some(connection))?,
                &path,
            )
        };
        let state = self.world.body(connection).and_then(|body| text(body, &path)).or_else(listed);
        state.is_some_and(|state| state.eq_ignore_ascii_case("Pending"))
    }

    /// A VNet rule for the copier's subnet, and the service endpoint that it needs.
    fn doors(&self) -> Vec<Remedy> {
        const SQL: &str = "Microsoft.Sql";
        if !is_single(&self.server) {
            return Vec::new();
        }
        let (near, server) = (&self.near, &self.server);
        let body = json!({ "properties": { "virtualNetworkSubnetId": near } });
        let title = format!(
            "let subnet `{}` in by a VNet rule of `{}`",
            last_name(near),
            last_name(server)
        );
        let rule = put(format!("{server}/virtualNetworkRules/checker"), body);
        let mut found = vec![single("add-vnet-rule", title, rule)];
        if let Some(subnet) = self.world.body(near) {
            let mut open = json!({ "properties": subnet["properties"] });
            let old = list(subnet, &["properties", "serviceEndpoints"]).unwrap_or(&[]).iter();
            let names = old.filter_map(|one| text(one, &["service"]));
            let names = names.filter(|one| !one.eq_ignore_ascii_case(SQL)).chain([SQL]);
            let names = names.map(|one| json!({ "service": one })).collect();
            set_field(&mut open, "serviceEndpoints", names);
            let title = format!("turn service endpoint {SQL} on for subnet `{}`", last_name(near));
            let turned = put(near.clone(), open);
            found.push(single("turn-on-service-endpoint", title, turned));
        }
        found
    }
}

/// The label under which a zone would hold a server's name; `None` where it holds no such name.
fn label(zone: &Zone, name: &str) -> Option<String> {
    let (first, rest) = name.split_once('.')?;
    let private = format!("privatelink.{rest}");
    [rest, &private].contains(&zone.name.as_str()).then(|| first.to_owned())
}

fn link(zone: &Zone, network: &str) -> Remedy {
    let title = format!("link zone `{}` to network `{}`", zone.name, last_name(network));
    let body = json!({ "location": "global", "properties": {
        "virtualNetwork": { "id": network }, "registrationEnabled": false } });
    single("link-zone", title, put(format!("{}/virtualNetworkLinks/checker", zone.key), body))
}

fn record(zone: &Zone, label: &str, to: u32) -> Remedy {
    let to = std::net::Ipv4Addr::from(to).to_string();
    let title = format!("let record `{label}` of zone `{}` hold {to}", zone.name);
    let body = json!({ "properties": { "ttl": 300, "aRecords": [{ "ipv4Address": to }] } });
    single("set-record", title, put(format!("{}/A/{label}", zone.key), body))
}

/// Whether a record set holds an address and no other one.
fn holds(set: &Value, to: u32) -> bool {
    let entries = list(set, &["properties", "aRecords"]).unwrap_or(&[]);
    let [entry] = entries else { return false };
    text(entry, &["ipv4Address"]).and_then(address_of) == Some(to)
}

fn new_half(from: &str, to: &str) -> Request {
    let body = json!({ "properties": {
        "remoteVirtualNetwork": { "id": to }, "allowVirtualNetworkAccess": true,
        "allowForwardedTraffic": false, "allowGatewayTransit": false, "useRemoteGateways": false } });
    put(format!("{from}/virtualNetworkPeerings/checker-{}", last_name(to)), body)
}
