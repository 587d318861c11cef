//! Private endpoints of a server: where they are, and whether the server lets them in.

use serde_json::Value;

use super::address::{address_of, representatives};
use super::verdict::{Gate, Tri};
use super::world::{
    World, at, interface_addresses, is_settled, list, network_of, reference, subnet_prefixes, text,
    texts,
};
use super::zone::own_zone;

/// A private endpoint that was captured.
pub(super) struct Endpoint {
    pub(super) key: String,
    pub(super) subnet: Option<String>,
    /// Empty when its addresses were not observed.
    pub(super) addresses: Vec<u32>,
    /// Whether it leads to the server's PostgreSQL.
    pub(super) leads_here: bool,
    /// Whether it does not tell of a connection where it leads.
    pub(super) hides_service: bool,
    pub(super) groups: Vec<String>,
}

impl Endpoint {
    /// Its addresses; where none was observed, those that stand for all of its subnet's, or one that is not known.
    pub(super) fn perhaps_at(&self, world: &World, cuts: &[u32]) -> Vec<Option<u32>> {
        let home = self.subnet.as_deref().and_then(|home| world.body(home));
        let prefixes = home.map_or(Vec::new(), subnet_prefixes);
        let all: Vec<u32> = match self.addresses.is_empty() {
            true => prefixes.into_iter().flat_map(|one| representatives(one, cuts)).collect(),
            false => self.addresses.clone(),
        };
        if all.is_empty() { vec![None] } else { all.into_iter().map(Some).collect() }
    }
}

/// All private endpoints, of this server and of others.
pub(super) fn endpoints(world: &World, server: &str) -> Vec<Endpoint> {
    let known = admitted(world, server).entries;
    let one = |(key, body): (&str, &Value)| {
        let told: Vec<bool> = connections(body).map(|one| service(one).is_some()).collect();
        let hides_service = told.is_empty() || told.contains(&false);
        // Where the endpoint does not tell, the server's list does.
        let is_listed = || known.iter().any(|(of, _)| of.as_deref() == Some(key));
        let groups = list(body, &["properties", "applicationSecurityGroups"]).unwrap_or(&[]);
        Endpoint {
            key: key.to_owned(),
            subnet: reference(body, &["properties", "subnet", "id"]),
            addresses: addresses(world, key, body),
            leads_here: connections(body).any(|one| leads_to(one, server))
                || hides_service && is_listed(),
            hides_service,
            groups: groups.iter().filter_map(|group| reference(group, &["id"])).collect(),
        }
    };
    world.all("microsoft.network/privateendpoints").map(one).collect()
}

/// Whether security groups act on the private endpoints of a subnet.
pub(super) fn acts_on(world: &World, subnet: &str) -> Tri {
    let body = world.body(subnet);
    let word = body.and_then(|body| text(body, &["properties", "privateEndpointNetworkPolicies"]));
    word.map_or(Tri::Maybe, |word| {
        let word = word.to_ascii_lowercase();
        Tri::of(word == "enabled" || word == "networksecuritygroupenabled")
    })
}

fn connections(body: &Value) -> impl Iterator<Item = &Value> {
    ["privateLinkServiceConnections", "manualPrivateLinkServiceConnections"]
        .into_iter()
        .flat_map(|field| list(body, &["properties", field]).unwrap_or(&[]))
}

fn leads_to(connection: &Value, server: &str) -> bool {
    let groups = texts(inside(connection), &["groupIds"]);
    let is_postgres = groups.iter().any(|group| group.eq_ignore_ascii_case("postgresqlServer"));
    (is_postgres || groups.is_empty()) && service(connection).as_deref() == Some(server)
}

fn service(connection: &Value) -> Option<String> {
    reference(inside(connection), &["privateLinkServiceId"])
}

/// The Azure CLI prints the properties beside the name.
fn inside(connection: &Value) -> &Value {
    at(connection, &["properties"]).unwrap_or(connection)
}

pub(super) fn addresses(world: &World, key: &str, body: &Value) -> Vec<u32> {
    let mut found = interface_addresses(body);
    for config in list(body, &["properties", "customDnsConfigs"]).unwrap_or(&[]) {
        found.extend(texts(config, &["ipAddresses"]).into_iter().filter_map(address_of));
    }
    for interface in list(body, &["properties", "networkInterfaces"]).unwrap_or(&[]) {
        let body = reference(interface, &["id"]);
        if let Some(body) = body.as_deref().and_then(|key| world.body(key)) {
            found.extend(interface_addresses(body));
        }
    }
    // A zone group once wrote what nothing else tells.
    if found.is_empty() {
        let groups = world.children(key, "privatednszonegroups");
        let configs = groups.flat_map(|(_, body)| {
            list(body, &["properties", "privateDnsZoneConfigs"]).unwrap_or(&[])
        });
        let sets =
            configs.flat_map(|config| list(config, &["properties", "recordSets"]).unwrap_or(&[]));
        let words = sets.flat_map(|set| texts(set, &["ipAddresses"]));
        found.extend(words.filter_map(address_of));
    }
    found
}

/// An endpoint of the server that says by an empty list that a zone is attached to it, though neither its zone group nor the own zone
/// of a server in the asking network was captured.
pub(super) fn attached(world: &World, network: &str, server: &str) -> Option<String> {
    let lacks_zone = |(_, body): (&str, &Value)| {
        let subnet = reference(body, &["properties", "network", "delegatedSubnetResourceId"]);
        subnet.is_some_and(|subnet| network_of(&subnet) == network)
            && own_zone(body).is_some_and(|zone| world.body(&zone).is_none())
    };
    if !world.all("microsoft.dbforpostgresql/flexibleservers").any(lacks_zone) {
        return None;
    }
    let is_empty = |key: &str| {
        let configs = world.body(key).map(|body| list(body, &["properties", "customDnsConfigs"]));
        configs.flatten().is_some_and(<[Value]>::is_empty)
            && world.children(key, "privatednszonegroups").next().is_none()
    };
    let mut all = endpoints(world, server).into_iter();
    all.find(|one| one.leads_here && is_empty(&one.key)).map(|one| one.key)
}

/// The server's list of private endpoint connections: endpoint and status.
pub(super) struct Admitted {
    /// Whether the whole list was observed.
    pub(super) observed: bool,
    pub(super) entries: Vec<(Option<String>, Option<String>)>,
}

pub(super) fn admitted(world: &World, server: &str) -> Admitted {
    let (observed, bodies) = bodies(world, server);
    let entries = bodies
        .map(|body| {
            (
                reference(body, ENDPOINT),
                status(body, &["properties", "privateLinkServiceConnectionState", "status"]),
            )
        })
        .collect();
    Admitted { observed, entries }
}

/// Where a connection of a server names its endpoint.
const ENDPOINT: &[&str] = &["properties", "privateEndpoint", "id"];

/// Whether a server lists its connections, and the bodies of those that are known.
fn bodies<'w>(world: &'w World, server: &'w str) -> (bool, impl Iterator<Item = &'w Value>) {
    let inside = world
        .body(server)
        .and_then(|body| list(body, &["properties", "privateEndpointConnections"]));
    let alone = world.children(server, "privateendpointconnections").map(|(_, body)| body);
    (inside.is_some(), inside.unwrap_or(&[]).iter().chain(alone))
}

fn status(body: &Value, path: &[&str]) -> Option<String> {
    text(body, path).map(str::to_ascii_lowercase)
}

/// Whether the server lets an endpoint's traffic in, and both sides of the connection stand.
pub(super) fn admits(world: &World, server: &str, endpoint: &str) -> Gate {
    let is_mine = |body: &&Value| reference(body, ENDPOINT).as_deref() == Some(endpoint);
    let mine = bodies(world, server).1.filter(is_mine);
    let stands = mine.chain(world.body(endpoint)).all(is_settled);
    match word_on(world, server, endpoint) {
        Gate::Pass if !stands => Gate::unknown("the provisioning state", endpoint),
        gate => gate,
    }
}

/// What the connection's state says. The server's word counts; without an entry the endpoint is dead.
fn word_on(world: &World, server: &str, endpoint: &str) -> Gate {
    let list = admitted(world, server);
    let mine: Vec<Option<&str>> = list
        .entries
        .iter()
        .filter(|(of, _)| of.as_deref() == Some(endpoint))
        .map(|(_, status)| status.as_deref())
        .collect();
    let own = world.body(endpoint).map(|body| {
        connections(body).filter(|one| leads_to(one, server)).find_map(|one| {
            status(one, &["properties", "privateLinkServiceConnectionState", "status"])
        })
    });
    let own = own.flatten();
    let is_admitted = mine.contains(&Some("approved"));
    match own.as_deref() {
        Some("approved") | None if is_admitted => return Gate::Pass,
        // Two observations of one connection contradict each other.
        Some(_) if is_admitted => return Gate::unknown("the state of endpoint", endpoint),
        Some(_) | None => {}
    }
    match (mine.first(), own.as_deref()) {
        (Some(Some(status)), _) => Gate::drop("endpoint", endpoint, Some(status)),
        (Some(None), _) => Gate::unknown("the server's word on endpoint", endpoint),
        (None, _) if list.observed => match list.entries.iter().all(|(of, _)| of.is_some()) {
            true => Gate::drop("endpoint", server, Some("no connection")),
            false => Gate::unknown("the private endpoint connections", server),
        },
        (None, Some("approved")) => Gate::Pass,
        (None, Some(status)) => Gate::drop("endpoint", endpoint, Some(status)),
        (None, None) => Gate::unknown("the private endpoint connections", server),
    }
}

/// Whether an address is known to be another thing's.
pub(super) fn holder(world: &World, address: u32) -> Option<String> {
    world
        .all("microsoft.network/networkinterfaces")
        .find(|(_, body)| {
            at(body, &["properties"]).is_some() && interface_addresses(body).contains(&address)
        })
        .map(|(key, _)| key.to_owned())
}
