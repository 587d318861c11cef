//! The estate as a store: resources by id, found by what they belong to, with changes laid over what was observed.
//! Copies are cheap, and a copy can tell what was read from it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::Value;

use super::keys::{keys_of, zone_of};
use super::kinds::read_facts;
use super::{Facts, Kind, Missing, Origin, Problem, server};
use crate::id::ResourceId;

/// One resource: its body as it was read, and what it says.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Body as captured.
    pub body: Value,
    /// Where it stands.
    pub origin: Origin,
    /// What it says.
    pub facts: Facts,
}

/// What a question about an estate depends on, and what a change of a resource touches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A resource, or its absence.
    Resource(ResourceId),
    /// The resources below another one.
    Below(ResourceId),
    /// All resources of a kind, by its noun.
    Kind(&'static str),
    /// The virtual network links of a network.
    LinksOf(ResourceId),
    /// The private endpoints that connect to a service.
    EndpointsOf(ResourceId),
    /// The network interfaces of a private endpoint.
    InterfacesOf(ResourceId),
    /// The resources that a security group or a route table acts on.
    UsersOf(ResourceId),
    /// The private DNS zones of a name, in lower case.
    ZonesNamed(String),
    /// The record sets, endpoints, interfaces, load balancers and resolver endpoints that hold an address.
    Holders(Ipv4Addr),
    /// The locks that act on a scope, in lower case.
    LocksOn(String),
    /// The gateways of a network.
    GatewaysOf(ResourceId),
    /// The connections of a gateway.
    ConnectionsOf(ResourceId),
    /// The forwarding rulesets of a network, by their links.
    RulesetsOf(ResourceId),
    /// The network groups that a network is a member of.
    GroupsOf(ResourceId),
    /// The halves of peerings in a network that lead to another one.
    PeeringsBetween(ResourceId, ResourceId),
    /// The servers of a name or a fully qualified name, in lower case.
    ServersNamed(String),
}

/// Everything that was read for an answer: the answer stays as it is while nothing of this changes.
pub type Reads = BTreeSet<Key>;

/// Resources as they were observed, by id, and the ids under each key.
#[derive(Debug, Clone, Default)]
struct Base {
    resources: BTreeMap<ResourceId, Arc<Resource>>,
    listed: BTreeMap<Key, BTreeSet<ResourceId>>,
    /// Private DNS zones by name in lower case, with the number of resources that speak for each.
    zones: BTreeMap<String, BTreeMap<ResourceId, usize>>,
}

/// Everything observed, by resource id, with the changes made to it in simulation.
#[derive(Debug, Clone, Default)]
pub struct Estate {
    base: Arc<Base>,
    /// Resources that differ from the base; `None` for one that is gone.
    changed: BTreeMap<ResourceId, Option<Arc<Resource>>>,
    /// What was read, while somebody wants to know.
    reads: RefCell<Option<Reads>>,
}

impl Estate {
    /// Number of resources, those written inside others included.
    pub fn len(&self) -> usize {
        self.ids().count()
    }

    /// Whether nothing was observed.
    pub fn is_empty(&self) -> bool {
        self.ids().next().is_none()
    }

    /// The ids of all resources: first those observed, then those changed.
    pub fn ids(&self) -> impl Iterator<Item = &ResourceId> {
        let observed = self.base.resources.keys().filter(|id| !self.changed.contains_key(id));
        observed.chain(self.changed.iter().filter_map(|(id, now)| now.as_ref().map(|_| id)))
    }

    /// A resource as captured.
    pub fn resource(&self, id: &ResourceId) -> Option<&Resource> {
        self.note(|| Key::Resource(id.clone()));
        self.look(id)
    }

    /// Facts of one kind about one resource.
    ///
    /// # Errors
    /// [`Missing`] when the resource was not captured, or is of another kind.
    pub fn get<K: Kind>(&self, id: &ResourceId) -> Result<&K, Missing> {
        let facts = self.resource(id).and_then(|resource| K::of(&resource.facts));
        facts.ok_or_else(|| Missing::resource(K::NOUN, id))
    }

    /// All facts of one kind, in the order of ids.
    pub fn all<K: Kind + 'static>(&self) -> impl Iterator<Item = (&ResourceId, &K)> {
        self.list(Key::Kind(K::NOUN))
    }

    /// Facts of one kind about the resources below another one, at any depth, in the order of ids.
    pub fn children<K: Kind + 'static>(
        &self,
        parent: &ResourceId,
    ) -> impl Iterator<Item = (&ResourceId, &K)> {
        self.list(Key::Below(parent.clone()))
    }

    /// Ids of the resources below another one, whatever they are and whether or not they could be read.
    pub fn below(&self, parent: &ResourceId) -> impl Iterator<Item = &ResourceId> {
        self.under(Key::Below(parent.clone())).map(|(id, _)| id)
    }

    /// Facts of one kind about the resources under a key, in the order of ids.
    pub fn list<K: Kind + 'static>(&self, key: Key) -> impl Iterator<Item = (&ResourceId, &K)> {
        self.under(key).filter_map(|(id, resource)| Some((id, K::of(&resource.facts)?)))
    }

    /// Number of resources of a kind.
    pub fn count<K: Kind + 'static>(&self) -> usize {
        self.under(Key::Kind(K::NOUN)).count()
    }

    /// Private DNS zones of a name in any case: those captured, and those that a captured child speaks for.
    pub fn zones_named(&self, name: &str) -> Vec<ResourceId> {
        let name = name.to_ascii_lowercase();
        let observed = self.base.zones.get(&name).into_iter().flat_map(BTreeMap::keys);
        let mut zones: BTreeSet<ResourceId> = observed.cloned().collect();
        for zone in self.changed.keys().filter_map(zone_of) {
            match zone.name().eq_ignore_ascii_case(&name) {
                true if self.is_spoken_for(&zone) => zones.insert(zone),
                true => zones.remove(&zone),
                false => false,
            };
        }
        self.note(|| Key::ZonesNamed(name));
        zones.into_iter().collect()
    }

    /// Whether a private DNS zone, or a child of it, is there; without noting it.
    fn is_spoken_for(&self, zone: &ResourceId) -> bool {
        let children = self.base.listed.get(&Key::Below(zone.clone()));
        let is_new = |id: &ResourceId| zone_of(id).is_some_and(|own| own == *zone);
        self.look(zone).is_some()
            || children.into_iter().flatten().any(|id| self.look(id).is_some())
            || self.changed.iter().any(|(id, now)| now.is_some() && is_new(id))
    }

    /// Private DNS zones that a name lies in, the longest first.
    pub fn zones_holding(&self, name: &str) -> Vec<ResourceId> {
        let starts = name.match_indices('.').map(|(at, _)| at + 1);
        std::iter::once(0).chain(starts).flat_map(|at| self.zones_named(&name[at..])).collect()
    }

    /// Whether a private DNS zone was captured, or a child that speaks for it.
    pub fn has_zone(&self, zone: &ResourceId) -> bool {
        self.resource(zone).is_some() || self.under(Key::Below(zone.clone())).next().is_some()
    }

    /// Whether a record set, an endpoint or an interface holds the address.
    pub fn is_held(&self, address: Ipv4Addr) -> bool {
        self.under(Key::Holders(address)).next().is_some()
    }

    /// The id that a user named: an ARM id, or the name of a server when only one server has it.
    ///
    /// # Errors
    /// A sentence saying that nothing, or more than one thing, has that name; with the servers there are.
    pub fn find_server(&self, text: &str) -> Result<ResourceId, String> {
        if let Some(id) = ResourceId::parse(text) {
            let as_captured =
                self.list::<server::Server>(Key::ServersNamed(id.name().to_ascii_lowercase()));
            let mut same = as_captured.filter(|(known, _)| **known == id);
            let known = same.next().map(|(known, _)| known.clone());
            return known.ok_or_else(|| format!("no server with that id; {}", self.servers()));
        }
        let named = self.list::<server::Server>(Key::ServersNamed(text.to_ascii_lowercase()));
        let mut named = named.filter(|(id, _)| id.name().eq_ignore_ascii_case(text));
        match (named.next(), named.count()) {
            (Some((one, _)), 0) => Ok(one.clone()),
            (None, _) => Err(format!("no server of that name; {}", self.servers())),
            (Some(_), more) => Err(format!(
                "{} servers have that name: give the whole id; {}",
                more + 1,
                self.servers()
            )),
        }
    }

    /// The first server with a fully qualified name, in any case.
    pub fn server_at(&self, fqdn: &str) -> Option<ResourceId> {
        let mut named = self.list::<server::Server>(Key::ServersNamed(fqdn.to_ascii_lowercase()));
        let is_it = |own: &str| own.eq_ignore_ascii_case(fqdn);
        named.find(|(_, one)| one.fqdn.as_deref().is_some_and(is_it)).map(|(id, _)| id.clone())
    }

    /// The servers there are, for an error.
    fn servers(&self) -> String {
        let servers = self.all::<server::Server>().take(SERVERS_LISTED_MAX);
        let names: Vec<&str> = servers.map(|(id, _)| id.as_str()).collect();
        match names.is_empty() {
            true => "the estate holds no server".to_owned(),
            false => format!("servers in the estate:\n    {}", names.join("\n    ")),
        }
    }

    /// Pointer of a field in a captured body, under `properties` or beside it; `base` where the field is not there.
    pub fn locate(&self, id: &ResourceId, base: &str, path: &str) -> String {
        let body = self.look(id).map(|resource| &resource.body);
        let places = [format!("{base}/properties/{path}"), format!("{base}/{path}")];
        let found =
            places.into_iter().find(|place| body.is_some_and(|body| body.pointer(place).is_some()));
        found.unwrap_or_else(|| base.to_owned())
    }

    /// Puts a body in place of what stood under its id, and reads it.
    pub fn put(
        &mut self,
        id: &ResourceId,
        body: Value,
        origin: Origin,
        problems: &mut Vec<Problem>,
    ) {
        let facts = read_facts(id, &body, &origin, problems);
        self.set(id, Some(Arc::new(Resource { body, origin, facts })));
    }

    /// Takes a resource out. Children stay.
    pub fn remove(&mut self, id: &ResourceId) {
        self.set(id, None);
    }

    /// Runs a question and tells what it read.
    pub fn watch<T>(&self, question: impl FnOnce(&Estate) -> T) -> (T, Reads) {
        let before = self.reads.replace(Some(Reads::new()));
        let answer = question(self);
        let reads = self.reads.replace(before).unwrap_or_default();
        (answer, reads)
    }

    /// What differs between two copies of one estate: everything that a question may have read differently.
    pub fn writes_since(&self, before: &Estate) -> Reads {
        let ids: BTreeSet<&ResourceId> = self.changed.keys().chain(before.changed.keys()).collect();
        let mut keys = Reads::new();
        for id in ids {
            let versions = [before.look(id), self.look(id)];
            if let [Some(one), Some(other)] = versions
                && std::ptr::eq(one, other)
            {
                continue;
            }
            keys.insert(Key::Resource(id.clone()));
            for version in versions.into_iter().flatten() {
                keys.extend(keys_of(id, &version.facts));
            }
        }
        keys
    }

    fn note(&self, key: impl FnOnce() -> Key) {
        if let Some(reads) = self.reads.borrow_mut().as_mut() {
            reads.insert(key());
        }
    }

    fn look(&self, id: &ResourceId) -> Option<&Resource> {
        match self.changed.get(id) {
            Some(now) => now.as_deref(),
            None => self.base.resources.get(id).map(|resource| &**resource),
        }
    }

    /// Resources under a key, in the order of ids.
    fn under(&self, key: Key) -> impl Iterator<Item = (&ResourceId, &Resource)> {
        let observed = self.base.listed.get(&key);
        let mut ids: Vec<&ResourceId> =
            observed.into_iter().flatten().filter(|id| !self.changed.contains_key(id)).collect();
        let before = ids.len();
        let now = self.changed.iter().filter_map(|(id, now)| Some((id, now.as_ref()?)));
        ids.extend(
            now.filter(|(id, now)| keys_of(id, &now.facts).contains(&key)).map(|(id, _)| id),
        );
        if ids.len() > before {
            ids.sort();
        }
        self.note(|| key);
        ids.into_iter().filter_map(|id| Some((id, self.look(id)?)))
    }

    fn set(&mut self, id: &ResourceId, resource: Option<Arc<Resource>>) {
        // While nobody else holds the base it is being read in; afterwards it stays as it was observed.
        match Arc::get_mut(&mut self.base).filter(|_| self.changed.is_empty()) {
            Some(base) => base.set(id, resource),
            None => {
                self.changed.insert(id.clone(), resource);
            }
        }
    }
}

impl Base {
    fn set(&mut self, id: &ResourceId, resource: Option<Arc<Resource>>) {
        if let Some(old) = self.resources.remove(id) {
            self.count_zone(id, false);
            for key in keys_of(id, &old.facts) {
                if let Some(ids) = self.listed.get_mut(&key) {
                    ids.remove(id);
                }
            }
        }
        let Some(resource) = resource else { return };
        self.count_zone(id, true);
        // Zones have an index of their own: thousands of links and records may speak for one.
        let keys = keys_of(id, &resource.facts).into_iter();
        for key in keys.filter(|key| !matches!(key, Key::ZonesNamed(_))) {
            self.listed.entry(key).or_default().insert(id.clone());
        }
        self.resources.insert(id.clone(), resource);
    }

    /// Counts a resource as one that speaks for its zone, or no longer.
    fn count_zone(&mut self, id: &ResourceId, is_there: bool) {
        let Some(zone) = zone_of(id) else { return };
        let named = self.zones.entry(zone.name().to_ascii_lowercase()).or_default();
        let count = named.get(&zone).copied().unwrap_or(0);
        match if is_there { count + 1 } else { count.saturating_sub(1) } {
            0 => named.remove(&zone),
            count => named.insert(zone, count),
        };
    }
}

/// Servers named in an error: enough to choose from, short enough to read.
const SERVERS_LISTED_MAX: usize = 20;
