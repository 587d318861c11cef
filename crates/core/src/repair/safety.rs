//! What else a repair touches: flows of other subnets and servers, judged before and after.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::clients;
use super::rules::Rules;
use crate::diagnose::Question;
use crate::estate::dns::Link;
use crate::estate::endpoint::Endpoint;
use crate::estate::forwarder::{InboundEndpoint, RulesetLink};
use crate::estate::network::{Peering, Subnet, Vnet};
use crate::estate::server::Server;
use crate::estate::{Estate, Key, Kind, Set, Writes};
use crate::id::ResourceId;
use crate::trace;
use crate::trace::gate::Gate;
use crate::trace::start::Start;
use crate::trace::step::{Outcome, Stage, Step, Verdict};

/// Flows looked at: more would take seconds in estates of thousands.
const FLOWS_MAX: usize = 2_304;

/// Servers that each subnet is judged with: those that are near, then those with a public address.
const SERVERS_MAX: usize = 48;

/// A flow from a subnet to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// The subnet.
    pub from: ResourceId,
    /// The server.
    pub to: ResourceId,
    /// Before the changes.
    pub before: Verdict,
    /// After them.
    pub after: Verdict,
}

/// What the changes do to other flows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Safety {
    /// Flows judged before and after.
    pub flows_checked: usize,
    /// Flows that worked and do not, or not surely, any more.
    pub broken: Vec<Flow>,
    /// Flows that worked, and of which documents disagree whether they still do.
    pub disputed: Vec<Flow>,
    /// Flows of which nobody knows whether they worked, and that something new stands in the way of.
    pub doubtful: Vec<Flow>,
    /// Flows that work now and did not, beside the one that was asked for.
    pub opened: Vec<Flow>,
    /// Whether more flows may be touched than were looked at.
    pub is_cut: bool,
}

/// A subnet and a server.
pub(super) type Ends = (ResourceId, ResourceId);

/// Judges the flows that changes may touch, before and after.
pub fn look(before: &Estate, after: &Estate, question: &Question) -> Safety {
    look_until(before, after, question, &mut Set::default(), usize::MAX).0
}

/// The same until more than `most` are broken; and whether it came to the end. Flows that are fragile are all judged, and first; those
/// that the changes break are fragile from now on, since sets of changes that grow from each other break the same.
pub(super) fn look_until(
    before: &Estate,
    after: &Estate,
    question: &Question,
    fragile: &mut Set<Ends>,
    most: usize,
) -> (Safety, bool) {
    let judge = Judge::new(before, after, question);
    let (flows, is_cut) = touched(before, &judge.writes);
    let (early, late): (Vec<_>, Vec<_>) =
        flows.iter().enumerate().partition(|(_, ends)| fragile.contains(ends));
    let early_count = early.len();
    let mut safety = Safety { is_cut, ..Safety::default() };
    let (mut broken, mut disputed) = (Vec::new(), Vec::new());
    let (mut doubtful, mut opened) = (Vec::new(), Vec::new());
    for (turn, (place, (client, server))) in early.into_iter().chain(late).enumerate() {
        if turn >= early_count && broken.len() > most {
            break;
        }
        let Some(judged) = judge.flow(client, server) else { continue };
        safety.flows_checked += 1;
        match judged {
            Some(flow) if is_disputed(after, &flow) => disputed.push((place, flow)),
            Some(flow) if flow.before == Verdict::Reachable => broken.push((place, flow)),
            Some(flow) if flow.after == Verdict::Reachable => opened.push((place, flow)),
            Some(flow) => doubtful.push((place, flow)),
            None => {}
        }
    }
    let is_whole = broken.len() <= most;
    let in_order = |mut list: Vec<(usize, Flow)>| {
        list.sort_by_key(|(place, _)| *place);
        list.into_iter().map(|(_, flow)| flow).collect()
    };
    (safety.broken, safety.opened) = (in_order(broken), in_order(opened));
    (safety.disputed, safety.doubtful) = (in_order(disputed), in_order(doubtful));
    fragile.extend(safety.broken.iter().map(|flow| (flow.from.clone(), flow.to.clone())));
    (safety, is_whole)
}

/// Judges flows before and after.
struct Judge<'e> {
    before: &'e Estate,
    after: &'e Estate,
    writes: Writes,
    rules: Option<Rules<'e>>,
    question: &'e Question,
    /// The copier's subnet.
    own: Option<&'e ResourceId>,
}

impl<'e> Judge<'e> {
    fn new(before: &'e Estate, after: &'e Estate, question: &'e Question) -> Judge<'e> {
        let writes = after.writes_since(before);
        let rules = Rules::between(before, after, &writes);
        let own = copier_subnet(before, &question.copier_id());
        Judge { before, after, writes, rules, question, own }
    }

    /// A flow where it is broken, opened or put in doubt; `None` for what is no flow.
    fn flow(&self, client: &ResourceId, server: &ResourceId) -> Option<Option<Flow>> {
        let judge = |estate: &Estate| flow(estate, client, server);
        if self.rules.as_ref().is_some_and(|rules| !rules.may_alter(self.before, client, server)) {
            debug_assert_eq!(judge(self.before), judge(self.after), "{client} -> {server}");
            return is_flow(self.before, client, server).then_some(None);
        }
        let (then, reads) = self.before.remember_reads("flow", &[client, server], judge);
        let then = then?;
        let now = if reads.stand(self.after, &self.writes) { None } else { judge(self.after) };
        let is_open = |verdict: Verdict| verdict == Verdict::Reachable;
        let is_doubted = || then == Verdict::Undetermined && self.is_worse(client, server);
        let differs = now.filter(|now| is_open(*now) != is_open(then) || is_doubted());
        let is_asked = self.question.is_about(server) && self.own == Some(client);
        let flow = differs.filter(|_| !is_asked).map(|after| Flow {
            from: client.clone(),
            to: server.clone(),
            before: then,
            after,
        });
        Some(flow)
    }

    /// Whether something stands in the way of a flow that did not stand there before.
    fn is_worse(&self, client: &ResourceId, server: &ResourceId) -> bool {
        let gates = |estate: &Estate| -> Vec<(Stage, Outcome, String)> {
            let way = Start::in_subnet(client)
                .and_then(|start| trace::path_from_subnet(estate, server, start, server).ok());
            let steps = way.as_ref().map(|way| [way.forward(), way.back()].concat());
            let shut = steps.into_iter().flatten().filter(|step| step.outcome != Outcome::Pass);
            shut.map(|step| (step.stage, step.outcome, step.detail)).collect()
        };
        let before = gates(self.before);
        gates(self.after).iter().any(|gate| !before.contains(gate))
    }
}

/// The subnet that holds nothing but the copier. The neighbours of a relay host are others.
fn copier_subnet<'e>(estate: &'e Estate, copier: &ResourceId) -> Option<&'e ResourceId> {
    estate.get::<Server>(copier).ok()?.delegated_subnet.as_ref()
}

/// The verdict over a flow of a subnet; `None` where the subnet or the server is not known, or is the server's own.
fn flow(estate: &Estate, subnet: &ResourceId, server: &ResourceId) -> Option<Verdict> {
    if !is_flow(estate, subnet, server) {
        return None;
    }
    let start = Start::in_subnet(subnet)?;
    estate.briefly(|estate| {
        trace::path_from_subnet(estate, server, start, server).ok().map(|path| path.verdict())
    })
}

/// Whether a flow worked, and all that is not known of it any more is whether the rule for all of Azure counts at the server's door:
/// documents disagree, and no estate tells.
fn is_disputed(after: &Estate, flow: &Flow) -> bool {
    let worked = flow.before == Verdict::Reachable && flow.after == Verdict::Undetermined;
    let Some(start) = Start::in_subnet(&flow.from).filter(|_| worked) else { return false };
    let Ok(path) = trace::path_from_subnet(after, &flow.to, start, &flow.to) else { return false };
    let door = path.taken().and_then(|leg| leg.gate.as_ref());
    let is_open = |step: &Step| step.stage == Stage::Admit || step.outcome != Outcome::Unknown;
    matches!(door, Some(Gate::Disputed(_)))
        && path.forward().iter().chain(&path.back()).all(is_open)
}

/// Whether a server is known, and the subnet is not its own.
fn is_flow(estate: &Estate, subnet: &ResourceId, server: &ResourceId) -> bool {
    estate.get::<Server>(server).is_ok_and(|one| one.delegated_subnet.as_ref() != Some(subnet))
}

/// Flows that changes may touch: of each subnet whose network or record is touched to the servers near it, and of their neighbours
/// to the servers in a touched network; and whether that leaves some out.
fn touched(estate: &Estate, writes: &Writes) -> (Vec<(ResourceId, ResourceId)>, bool) {
    let mut flows = Flows::default();
    let vnets = touched_networks(estate, writes);
    let mut is_cut = false;
    for vnet in &vnets {
        let near: BTreeSet<ResourceId> = neighbours(estate, vnet).collect();
        let (servers, is_all) = servers_near(estate, vnet, &near);
        is_cut |= !is_all;
        clients(estate, vnet).for_each(|client| flows.add(&client, servers.iter()));
        let held = held(estate, vnet);
        for neighbour in near.iter().filter(|one| !vnets.contains(one)) {
            clients(estate, neighbour).for_each(|client| flows.add(&client, held.iter()));
        }
    }
    for (id, endpoint) in touched_endpoints(estate, writes) {
        let served = endpoint.connections.iter().filter_map(|one| one.service.clone());
        let served: Vec<ResourceId> = served.collect();
        let home = endpoint.subnet.as_ref().unwrap_or(id).parent();
        for vnet in home.iter().flat_map(|vnet| neighbours(estate, vnet).chain([vnet.clone()])) {
            clients(estate, &vnet).for_each(|client| flows.add(&client, served.iter()));
        }
    }
    for (zone, label) in touched_records(writes) {
        // A zone may be named like a server, and a label of a zone further up has several parts.
        let first = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let names = BTreeSet::from([first(&label), first(zone.name())]);
        let named =
            names.into_iter().flat_map(|name| estate.list::<Server>(Key::ServersNamed(name)));
        let named: Vec<&ResourceId> = named.map(|(id, _)| id).collect();
        for (_, link) in estate.children::<Link>(&zone) {
            // A name that is no server's may be one that a server's is an alias of.
            let near: BTreeSet<ResourceId> = neighbours(estate, &link.vnet).collect();
            let any = || servers_near(estate, &link.vnet, &near).0;
            let any = if named.is_empty() { any() } else { BTreeSet::new() };
            for asker in std::iter::once(link.vnet.clone()).chain(askers(estate, &link.vnet)) {
                clients(estate, &asker).for_each(|client| flows.add(&client, any.iter()));
                clients(estate, &asker)
                    .for_each(|client| flows.add(&client, named.iter().copied()));
            }
        }
    }
    (flows.list, is_cut || flows.is_cut)
}

/// Pairs of a subnet and a server, each once, in the order in which they came.
#[derive(Default)]
struct Flows {
    list: Vec<(ResourceId, ResourceId)>,
    seen: Set<(ResourceId, ResourceId)>,
    is_cut: bool,
}

impl Flows {
    fn add<'e>(&mut self, client: &ResourceId, servers: impl Iterator<Item = &'e ResourceId>) {
        for server in servers {
            if self.list.len() >= FLOWS_MAX {
                self.is_cut = true;
                return;
            }
            let flow = (client.clone(), server.clone());
            if self.seen.insert(flow.clone()) {
                self.list.push(flow);
            }
        }
    }
}

/// Subnets of a network that hold clients of servers.
fn clients(estate: &Estate, vnet: &ResourceId) -> impl Iterator<Item = ResourceId> {
    let subnets = estate.children::<Subnet>(vnet).map(|(id, _)| id.clone());
    subnets.filter(|id| !is_special(id) && !clients::are_absent(estate, id))
}

/// Networks that a network is peered with.
fn neighbours(estate: &Estate, vnet: &ResourceId) -> impl Iterator<Item = ResourceId> {
    estate.children::<Peering>(vnet).map(|(_, half)| half.remote.clone())
}

/// Networks that may ask a network's DNS servers: those beside it with servers of their own, and those that a ruleset sends to its
/// resolver.
fn askers(estate: &Estate, vnet: &ResourceId) -> Vec<ResourceId> {
    let has_own = |id: &ResourceId| {
        let servers = estate.get::<Vnet>(id).ok().and_then(|one| one.dns_servers.as_ref());
        servers.is_some_and(|all| !all.is_empty())
    };
    let stands_in = |subnet: &ResourceId| subnet.parent().as_ref() == Some(vnet);
    let mut resolvers = estate.all::<InboundEndpoint>();
    let answers = resolvers.any(|(_, one)| one.subnets.iter().any(stands_in));
    let sent = estate.all::<RulesetLink>().filter(|_| answers).map(|(_, link)| link.vnet.clone());
    neighbours(estate, vnet).filter(has_own).chain(sent).collect()
}

/// Servers that stand in a network or have an endpoint there.
fn held(estate: &Estate, vnet: &ResourceId) -> Vec<ResourceId> {
    let injected = estate.list::<Server>(Key::ServersIn(vnet.clone())).map(|(id, _)| id.clone());
    let endpoints = estate.list::<Endpoint>(Key::EndpointsIn(vnet.clone()));
    let served = endpoints.flat_map(|(_, one)| &one.connections);
    injected.chain(served.filter_map(|one| one.service.clone())).collect()
}

/// Servers that a network may reach, the near ones first; and whether those are all that there are.
fn servers_near(
    estate: &Estate,
    vnet: &ResourceId,
    near: &BTreeSet<ResourceId>,
) -> (BTreeSet<ResourceId>, bool) {
    let mut servers: BTreeSet<ResourceId> =
        held(estate, vnet).into_iter().take(SERVERS_MAX).collect();
    let others = estate.remember("servers to try", &[], |estate| {
        let all = estate.all::<Server>().map(|(id, _)| id.clone());
        Arc::new(all.take(SERVERS_MAX).collect::<Vec<_>>())
    });
    for server in near.iter().flat_map(|one| held(estate, one)).chain(others.iter().cloned()) {
        if servers.len() < SERVERS_MAX {
            servers.insert(server);
        }
    }
    let is_all = servers.len() >= estate.count(Key::Kind(Server::NOUN));
    (servers, is_all)
}

/// Networks that changes touch, or whose subnets use what they touch.
fn touched_networks(estate: &Estate, writes: &Writes) -> BTreeSet<ResourceId> {
    let mut vnets = BTreeSet::new();
    for key in writes {
        match key {
            Key::LinksOf(vnet) => {
                vnets.extend(askers(estate, vnet));
                vnets.insert(vnet.clone());
            }
            Key::RulesetsOf(vnet) => {
                vnets.extend(askers(estate, vnet));
                vnets.insert(vnet.clone());
            }
            Key::GatewaysOf(vnet) => {
                vnets.insert(vnet.clone());
            }
            Key::Resource(id)
                if id.is_type("microsoft.network/dnsforwardingrulesets/forwardingrules") =>
            {
                let links = id.parent().into_iter().flat_map(|ruleset| {
                    let all = estate.children::<RulesetLink>(&ruleset);
                    all.map(|(_, link)| link.vnet.clone()).collect::<Vec<_>>()
                });
                for vnet in links {
                    vnets.extend(askers(estate, &vnet));
                    vnets.insert(vnet);
                }
            }
            Key::Resource(id) => {
                for holder in std::iter::once(id.clone()).chain(id.parent()) {
                    let users = estate.list::<Subnet>(Key::UsersOf(holder));
                    vnets.extend(users.filter_map(|(subnet, _)| subnet.parent()));
                }
                vnets.extend(network_of(id));
            }
            _ => {}
        }
    }
    vnets
}

/// Private endpoints that are there and that changes touch.
fn touched_endpoints<'e>(
    estate: &'e Estate,
    writes: &'e Writes,
) -> impl Iterator<Item = (&'e ResourceId, &'e Endpoint)> {
    writes.iter().filter_map(|key| match key {
        Key::Resource(id) => Some((id, estate.get::<Endpoint>(id).ok()?)),
        _ => None,
    })
}

/// Record sets that changes touch: the zone, and the name in it.
fn touched_records(writes: &Writes) -> BTreeSet<(ResourceId, String)> {
    let records = writes.iter().filter_map(|key| match key {
        Key::Resource(id) if RECORDS.iter().any(|kind| id.is_type(kind)) => {
            Some((id.parent()?, id.name().to_ascii_lowercase()))
        }
        _ => None,
    });
    records.collect()
}

const RECORDS: [&str; 2] =
    ["microsoft.network/privatednszones/a", "microsoft.network/privatednszones/cname"];

/// The network that a resource is, or is a part of.
fn network_of(id: &ResourceId) -> Option<ResourceId> {
    let is_vnet = |id: &ResourceId| id.is_type("microsoft.network/virtualnetworks");
    if is_vnet(id) { Some(id.clone()) } else { id.parent().filter(is_vnet) }
}

/// Whether a subnet holds no clients of servers.
fn is_special(subnet: &ResourceId) -> bool {
    ["gatewaysubnet", "azurefirewallsubnet", "azurebastionsubnet", "routeserversubnet"]
        .contains(&subnet.name().to_ascii_lowercase().as_str())
}
