//! What else a repair touches: flows of other subnets and servers, judged before and after.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::diagnose::Question;
use crate::estate::dns::Link;
use crate::estate::network::Subnet;
use crate::estate::server::Server;
use crate::estate::{Estate, Key, Reads};
use crate::id::ResourceId;
use crate::trace::leg::Start;
use crate::trace::step::Verdict;
use crate::trace::{self, Path};

/// Subnets looked at: those of the networks that the changes touch; more would take seconds in estates of thousands.
const CLIENTS_MAX: usize = 48;

/// Servers looked at, for the same reason.
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
    /// Flows that work now and did not, beside the one that was asked for.
    pub opened: Vec<Flow>,
    /// Whether more subnets or servers are touched than were looked at.
    pub is_cut: bool,
}

/// Flows as they were before any change, with what was read to judge them; `None` for what is no flow. One search asks for the same
/// ones with every set of changes that does.
pub type Judged = BTreeMap<(ResourceId, ResourceId), Option<(Verdict, Reads)>>;

/// Judges the flows that changes may touch, before and after. `judged` belongs to this estate and this question.
pub fn look(
    before: &Estate,
    after: &Estate,
    question: &Question,
    writes: &Reads,
    judged: &mut Judged,
) -> Safety {
    let mut safety = Safety::default();
    let clients = clients(before, writes);
    let servers: Vec<ResourceId> = before.all::<Server>().map(|(id, _)| id.clone()).collect();
    safety.is_cut = clients.len() > CLIENTS_MAX || servers.len() > SERVERS_MAX;
    let copier = question.copier_id();
    for client in clients.iter().take(CLIENTS_MAX) {
        for server in servers.iter().take(SERVERS_MAX) {
            let judge = |estate: &Estate| flow(estate, &copier, client, server);
            let known = judged.entry((client.clone(), server.clone())).or_insert_with(|| {
                let (verdict, reads) = before.watch(judge);
                Some((verdict?, reads))
            });
            let Some((verdict, reads)) = known else { continue };
            let verdict = *verdict;
            safety.flows_checked += 1;
            if reads.is_disjoint(writes) {
                continue;
            }
            let Some(now) = judge(after) else { continue };
            let flow =
                Flow { from: client.clone(), to: server.clone(), before: verdict, after: now };
            let is_asked =
                question.is_about(server) && copier_subnet(before, &copier) == Some(client);
            match (verdict, now) {
                _ if is_asked => {}
                (Verdict::Reachable, Verdict::Reachable) => {}
                (Verdict::Reachable, _) => safety.broken.push(flow),
                (_, Verdict::Reachable) => safety.opened.push(flow),
                _ => {}
            }
        }
    }
    safety
}

fn copier_subnet<'e>(estate: &'e Estate, copier: &ResourceId) -> Option<&'e ResourceId> {
    estate.get::<Server>(copier).ok()?.delegated_subnet.as_ref()
}

/// The verdict over a flow of a subnet; `None` where the subnet or the server is not known, or is the server's own.
fn flow(
    estate: &Estate,
    copier: &ResourceId,
    subnet: &ResourceId,
    server: &ResourceId,
) -> Option<Verdict> {
    let facts = estate.get::<Server>(server).ok()?;
    if facts.delegated_subnet.as_ref() == Some(subnet) {
        return None;
    }
    let start = Start { vnet: subnet.parent()?, subnet: subnet.clone() };
    trace::path_from_subnet(estate, copier, start, server).ok().as_ref().map(Path::verdict)
}

/// Subnets of the networks that changes touch, in the order of ids.
fn clients(estate: &Estate, writes: &Reads) -> Vec<ResourceId> {
    let mut vnets: BTreeSet<ResourceId> = BTreeSet::new();
    for key in writes {
        match key {
            Key::LinksOf(vnet) | Key::GatewaysOf(vnet) | Key::RulesetsOf(vnet) => {
                vnets.insert(vnet.clone());
            }
            Key::ZonesNamed(name) => {
                for zone in estate.zones_named(name) {
                    let links = estate.children::<Link>(&zone);
                    vnets.extend(links.map(|(_, link)| link.vnet.clone()));
                }
            }
            Key::Resource(id) => {
                let users = estate.list::<Subnet>(Key::UsersOf(id.clone()));
                vnets.extend(users.filter_map(|(subnet, _)| subnet.parent()));
                let group = id.parent();
                let users =
                    group.iter().flat_map(|id| estate.list::<Subnet>(Key::UsersOf(id.clone())));
                vnets.extend(users.filter_map(|(subnet, _)| subnet.parent()));
                vnets.extend(network_of(id));
            }
            _ => {}
        }
    }
    let subnets = vnets.iter().flat_map(|vnet| estate.children::<Subnet>(vnet));
    subnets.map(|(id, _)| id.clone()).filter(|id| !is_special(id)).collect()
}

/// The network that a resource is, or is a part of.
fn network_of(id: &ResourceId) -> Option<ResourceId> {
    let is_vnet = |id: &ResourceId| id.resource_type() == "microsoft.network/virtualnetworks";
    if is_vnet(id) { Some(id.clone()) } else { id.parent().filter(is_vnet) }
}

/// Whether a subnet holds no clients of servers.
fn is_special(subnet: &ResourceId) -> bool {
    ["gatewaysubnet", "azurefirewallsubnet", "azurebastionsubnet", "routeserversubnet"]
        .contains(&subnet.name().to_ascii_lowercase().as_str())
}
