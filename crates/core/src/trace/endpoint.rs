//! A server's private endpoints, put together from what the endpoint, the server and the zone group say of them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::estate::endpoint::{Endpoint, EndpointConnection, Interface, ZoneGroup};
use crate::estate::server::{Server, ServerConnection};
use crate::estate::{Estate, Key, Missing};
use crate::id::ResourceId;
use crate::shell::quoted;

/// State of a private endpoint connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Carries traffic.
    Approved,
    /// Waits for the server's owner.
    Pending,
    /// Was refused by the server's owner.
    Rejected,
    /// Was removed on the server's side.
    Disconnected,
    /// Not observed, or a word this model does not know.
    Unknown(Missing),
}

/// One private endpoint of a server.
#[derive(Debug, Clone)]
pub struct View {
    /// The endpoint.
    pub id: ResourceId,
    /// State of its connection; the server's word counts before the endpoint's.
    pub status: Status,
    /// Who tells the state, and where.
    pub status_from: (ResourceId, String),
    /// The connection on the server's side.
    pub connection: Option<ResourceId>,
    /// The subnet it is in.
    pub subnet: Result<ResourceId, Missing>,
    /// Its addresses.
    pub addresses: Result<Vec<Ipv4Addr>, Missing>,
    /// Zones that its zone group keeps records in; `None` when it has no zone group.
    pub zone_group: Option<Vec<ResourceId>>,
    /// What it leads to, when that is not the server's PostgreSQL.
    pub wrong_end: Option<WrongEnd>,
}

/// What a private endpoint of a server leads to instead of its PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongEnd {
    /// These sub-resources of the server.
    Group(String),
    /// Another service, though the server counts the endpoint as its own, or its record leads there.
    Service(ResourceId),
}

impl WrongEnd {
    /// Fits after "leads to".
    pub fn words(&self) -> String {
        match self {
            WrongEnd::Group(group) => format!("sub-resource `{group}`, not to PostgreSQL"),
            WrongEnd::Service(id) => format!("`{}`, another service", id.name()),
        }
    }
}

impl View {
    /// The network it is in.
    pub fn vnet(&self) -> Result<ResourceId, Missing> {
        let subnet = self.subnet.clone()?;
        subnet.parent().ok_or_else(|| Missing::field(&self.id, "subnet.id"))
    }
}

/// All private endpoints that connect, or should connect, to a server. In the order of ids.
pub fn of_server(estate: &Estate, server_id: &ResourceId, server: &Server) -> Vec<Arc<View>> {
    let mut ids: Vec<ResourceId> = Vec::new();
    let alone = estate.children::<ServerConnection>(server_id).map(|(_, connection)| connection);
    let known: Vec<&ServerConnection> = server.connections.iter().flatten().chain(alone).collect();
    ids.extend(known.iter().filter_map(|connection| connection.endpoint.clone()));
    let connecting = estate.list::<Endpoint>(Key::EndpointsOf(server_id.clone()));
    ids.extend(connecting.map(|(id, _)| id.clone()));
    ids.sort();
    ids.dedup();
    let view = |id| Arc::new(view(estate, server_id, server, &known, id));
    ids.into_iter().map(view).collect()
}

pub(super) fn view(
    estate: &Estate,
    server_id: &ResourceId,
    server: &Server,
    known: &[&ServerConnection],
    id: ResourceId,
) -> View {
    let facts = estate.get::<Endpoint>(&id);
    let own = facts.as_ref().ok().and_then(|endpoint| {
        endpoint.connections.iter().find(|one| one.service.as_ref() == Some(server_id))
    });
    let theirs = known.iter().filter(|one| one.endpoint.as_ref() == Some(&id));
    // Where the server and its child disagree, the worse word counts.
    let theirs = theirs.max_by_key(|one| badness(one.status.as_deref())).copied();
    let (status, status_from) = match (own, theirs, &facts) {
        (None, Some(_), Ok(endpoint)) if endpoint.hides_services => {
            let missing = Missing::field(&id, "privateLinkServiceConnections");
            (Status::Unknown(missing), (id.clone(), String::new()))
        }
        _ => state(estate, &id, server_id, server, own, theirs),
    };
    let unsettled = facts
        .as_ref()
        .ok()
        .and_then(|one| Some((&id, one.unsettled?)))
        .or_else(|| theirs.and_then(|one| Some((one.id.as_ref()?, one.unsettled?))));
    let status = match (status, unsettled) {
        (Status::Approved, Some((id, state))) => Status::Unknown(state.missing(id)),
        (status, _) => status,
    };
    let zone_group = zones_of(estate, &id);
    View {
        status,
        status_from,
        connection: theirs.map(|one| one.id.clone().unwrap_or_else(|| one.resource.clone())),
        subnet: match &facts {
            Ok(endpoint) => endpoint.subnet.clone().ok_or_else(|| Missing::field(&id, "subnet.id")),
            Err(missing) => Err(missing.clone()),
        },
        addresses: addresses(estate, &id, facts.clone()),
        zone_group,
        wrong_end: match own {
            Some(own) => wrong_group(own),
            None => facts.as_ref().ok().and_then(|one| other_service(one)),
        },
        id,
    }
}

fn wrong_group(own: &EndpointConnection) -> Option<WrongEnd> {
    let fits = |group: &String| group.eq_ignore_ascii_case("postgresqlServer");
    let is_wrong = !own.groups.is_empty() && !own.groups.iter().any(fits);
    is_wrong.then(|| WrongEnd::Group(own.groups.join(", ")))
}

/// The service that an endpoint without a connection to the server leads to. It cannot be led elsewhere: so the server's own list
/// is old, or another endpoint had that name.
fn other_service(endpoint: &Endpoint) -> Option<WrongEnd> {
    let services: Option<Vec<&ResourceId>> =
        endpoint.connections.iter().map(|one| one.service.as_ref()).collect();
    services?.first().map(|id| WrongEnd::Service((*id).clone()))
}

fn badness(status: Option<&str>) -> u8 {
    match status.map(str::to_ascii_lowercase).as_deref() {
        Some("approved") => 0,
        Some("pending") => 1,
        None => 2,
        Some(_) => 3,
    }
}

fn state(
    estate: &Estate,
    id: &ResourceId,
    server_id: &ResourceId,
    server: &Server,
    own: Option<&EndpointConnection>,
    theirs: Option<&ServerConnection>,
) -> (Status, (ResourceId, String)) {
    let word = |status: Option<&str>, at: &ResourceId| match status
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        Some("approved") => Status::Approved,
        Some("pending") => Status::Pending,
        Some("rejected") => Status::Rejected,
        Some("disconnected") => Status::Disconnected,
        Some(_) | None => {
            Status::Unknown(Missing::field(at, "privateLinkServiceConnectionState.status"))
        }
    };
    if let Some(theirs) = theirs {
        let place = theirs.pointer.clone();
        // Approved on one side and not on the other: the two were read at different times, and one of them is old.
        let own_word = own.map(|own| word(own.status.as_deref(), id));
        if let (Status::Approved, Some(Status::Pending | Status::Rejected | Status::Disconnected)) =
            (word(theirs.status.as_deref(), &theirs.resource), own_word)
        {
            let what = format!(
                "which state of private endpoint `{}` is the present one: it says another than the server",
                id.name()
            );
            let [one, other] = [id, &theirs.resource].map(|id| quoted(id.as_str()));
            let help = format!("capture both again: `az resource show --ids {one} {other}`");
            return (Status::Unknown(Missing::other(what, help)), (theirs.resource.clone(), place));
        }
        return (
            word(theirs.status.as_deref(), &theirs.resource),
            (theirs.resource.clone(), place),
        );
    }
    if let Some(listed) = &server.connections {
        if listed.iter().any(|one| one.endpoint.is_none()) {
            let missing = Missing::field(server_id, "privateEndpointConnections");
            return (Status::Unknown(missing), (server_id.clone(), String::new()));
        }
        // The server lists its connections and this one is not among them: it was removed there.
        let place = estate.locate(server_id, "", "privateEndpointConnections");
        return (Status::Disconnected, (server_id.clone(), place));
    }
    let pointer = own.map_or(String::new(), |own| own.pointer.clone());
    (word(own.and_then(|own| own.status.as_deref()), id), (id.clone(), pointer))
}

fn zones_of(estate: &Estate, id: &ResourceId) -> Option<Vec<ResourceId>> {
    let groups: Vec<&ZoneGroup> =
        estate.children::<ZoneGroup>(id).map(|(_, group)| group).collect();
    (!groups.is_empty()).then(|| groups.iter().flat_map(|group| group.zones.clone()).collect())
}

/// Addresses of an endpoint, from its own body and its interface; without them, from the records that its zone group wrote once.
pub(crate) fn addresses(
    estate: &Estate,
    id: &ResourceId,
    facts: Result<&Endpoint, Missing>,
) -> Result<Vec<Ipv4Addr>, Missing> {
    let facts = facts?;
    let mut found = facts.addresses.clone();
    let named = facts.interfaces.iter().filter_map(|nic| estate.find::<Interface>(nic));
    found.extend(named.flat_map(|nic| nic.addresses.iter().copied()));
    let owned = estate.list::<Interface>(Key::InterfacesOf(id.clone()));
    found.extend(owned.flat_map(|(_, nic)| nic.addresses.iter().copied()));
    if found.is_empty() {
        let groups = estate.children::<ZoneGroup>(id);
        found.extend(groups.flat_map(|(_, group)| &group.addresses));
    }
    found.sort_unstable();
    found.dedup();
    match (found.is_empty(), facts.interfaces.first()) {
        (false, _) => Ok(found),
        (true, Some(nic)) => Err(Missing::resource("network interface", nic)),
        (true, None) => Err(Missing::field(id, "customDnsConfigs")),
    }
}
