//! The estate as a store: resources by id, found by what they belong to, with changes laid over what was observed.
//! Copies are cheap, and a copy can tell what was read from it.

mod asking;

use std::any::Any;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::json::Json;
use super::keys::{Key, keys_of, zone_of};
use super::kinds::read_facts;
use super::packed::Body;
use super::reads::{Reads, Writes};
use super::shared::Shared;
use super::{Facts, Kind, Map, Missing, Origin, Problem, Set};
use crate::id::ResourceId;

/// One resource: its body as it was read, and what it says.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Body as captured.
    pub body: Body,
    /// Where it stands.
    pub origin: Origin,
    /// What it says.
    pub facts: Facts,
}

/// Resources as they were observed, and the ids under each key.
#[derive(Debug, Default)]
struct Base {
    resources: Map<ResourceId, Arc<Resource>>,
    /// All ids, in order.
    ids: Vec<ResourceId>,
    /// In the order of ids.
    listed: Map<Key, Vec<ResourceId>>,
    /// Private DNS zones by name in lower case: those captured, and those that a captured child speaks for.
    zones: Map<String, BTreeSet<ResourceId>>,
    remembered: Mutex<Map<Topic, Remembered>>,
}

/// What is remembered: the name of a question, and the resources that it is about.
type Topic = (&'static str, Vec<ResourceId>);

/// An answer of any type, with what it read.
type Remembered = (Arc<dyn Any + Send + Sync>, Arc<Reads>);

/// A resource that differs from the base.
#[derive(Debug)]
struct Changed {
    /// What it is now; `None` for one that is gone.
    now: Option<Arc<Resource>>,
    /// What it is found by now.
    keys: Vec<Key>,
    /// The private DNS zone that it is, or is a child of.
    zone: Option<ResourceId>,
}

/// Everything observed, by resource id, with the changes made to it in simulation.
#[derive(Debug, Clone, Default)]
pub struct Estate {
    base: Arc<Base>,
    changed: Map<ResourceId, Arc<Changed>>,
    /// What the changes touch, once somebody asked.
    writes: OnceCell<Writes>,
    /// Answers that the changes touch, worked out with them.
    answers: RefCell<Map<Topic, Remembered>>,
    /// What was read, while somebody wants to know.
    reads: RefCell<Option<Reads>>,
    /// Whether what is read aside is left out of it.
    skips_asides: Cell<bool>,
    /// Whether a verdict is all that is asked for.
    is_brief: Cell<bool>,
}

impl Estate {
    /// The estate of some resources.
    pub(super) fn of(resources: Map<ResourceId, Arc<Resource>>) -> Estate {
        Estate { base: Arc::new(Base::of(resources)), ..Estate::default() }
    }

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
        let observed = self.base.ids.iter().filter(|id| !self.changed.contains_key(id));
        let now = self.changed.iter().filter(|(_, one)| one.now.is_some());
        let mut now: Vec<&ResourceId> = now.map(|(id, _)| id).collect();
        now.sort();
        observed.chain(now)
    }

    /// A resource as captured.
    pub fn resource(&self, id: &ResourceId) -> Option<&Resource> {
        self.note(|| Key::Resource(id.clone()));
        self.look(id)
    }

    /// The body of a resource.
    pub fn body(&self, id: &ResourceId) -> Option<Cow<'_, Value>> {
        Some(self.resource(id)?.body.value())
    }

    /// Facts of one kind about one resource.
    ///
    /// # Errors
    /// [`Missing`] when the resource was not captured, or is of another kind.
    pub fn get<K: Kind>(&self, id: &ResourceId) -> Result<&K, Missing> {
        self.find(id).ok_or_else(|| Missing::resource(K::NOUN, id))
    }

    /// The same, where it does not matter what is missing.
    pub fn find<K: Kind>(&self, id: &ResourceId) -> Option<&K> {
        self.resource(id).and_then(|resource| K::of(&resource.facts))
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

    /// What a resource of a kind of which others have one at most says of its parent; the parent's other children are not looked at.
    pub fn only_below<K: Kind + 'static>(&self, parent: &ResourceId) -> Option<(&ResourceId, &K)> {
        self.all::<K>().find(|(id, _)| id.parent().as_ref() == Some(parent))
    }

    /// Ids of the resources below another one that say nothing which could be read, in order.
    pub fn unread_below(&self, parent: &ResourceId) -> impl Iterator<Item = &ResourceId> {
        self.under(Key::UnreadBelow(parent.clone())).map(|(id, _)| id)
    }

    /// Facts of one kind about the resources under a key, in the order of ids.
    pub fn list<K: Kind + 'static>(&self, key: Key) -> impl Iterator<Item = (&ResourceId, &K)> {
        self.under(key).filter_map(|(id, resource)| Some((id, K::of(&resource.facts)?)))
    }

    /// Number of resources under a key.
    pub fn count(&self, key: Key) -> usize {
        if !self.changed.is_empty() {
            return self.under(key).count();
        }
        let count = self.base.listed.get(&key).map_or(0, Vec::len);
        self.note(|| key);
        count
    }

    /// Private DNS zones of a name in any case: those captured, and those that a captured child speaks for.
    pub fn zones_named(&self, name: &str) -> Vec<ResourceId> {
        self.zones_of(&name.to_ascii_lowercase()).iter().cloned().collect()
    }

    /// Whether there is one.
    pub fn has_zone_named(&self, name: &str) -> bool {
        !self.zones_of(&name.to_ascii_lowercase()).is_empty()
    }

    /// The same of a name in lower case.
    fn zones_of(&self, name: &str) -> Cow<'_, BTreeSet<ResourceId>> {
        self.note(|| Key::ZonesNamed(name.to_owned()));
        self.zones(name)
    }

    fn zones(&self, name: &str) -> Cow<'_, BTreeSet<ResourceId>> {
        static NONE: BTreeSet<ResourceId> = BTreeSet::new();
        let mut zones = Cow::Borrowed(self.base.zones.get(name).unwrap_or(&NONE));
        for zone in self.changed.values().filter_map(|one| one.zone.as_ref()) {
            match zone.name().eq_ignore_ascii_case(name) {
                true if self.is_spoken_for(zone) => zones.to_mut().insert(zone.clone()),
                true => zones.to_mut().remove(zone),
                false => false,
            };
        }
        zones
    }

    /// Whether a private DNS zone, or a child of it, is there; without noting it.
    fn is_spoken_for(&self, zone: &ResourceId) -> bool {
        let children = self.base.listed.get(&Key::Below(zone.clone()));
        self.look(zone).is_some()
            || children.into_iter().flatten().any(|id| self.look(id).is_some())
            || self.changed.values().any(|one| one.now.is_some() && one.zone.as_ref() == Some(zone))
    }

    /// Private DNS zones that a name lies in, the longest first. Those of shorter names are looked up when somebody asks for them.
    pub fn zones_holding(&self, name: &str) -> impl Iterator<Item = ResourceId> {
        let name = name.to_ascii_lowercase();
        let dots: Vec<usize> = name.match_indices('.').map(|(at, _)| at + 1).collect();
        std::iter::once(0).chain(dots).flat_map(move |at| {
            let (known, made) = match self.zones_of(&name[at..]) {
                Cow::Borrowed(zones) => (Some(zones), None),
                Cow::Owned(zones) => (None, Some(zones)),
            };
            known.into_iter().flatten().cloned().chain(made.into_iter().flatten())
        })
    }

    /// Whether a private DNS zone was captured, or a child that speaks for it.
    pub fn has_zone(&self, zone: &ResourceId) -> bool {
        self.resource(zone).is_some() || self.under(Key::Below(zone.clone())).next().is_some()
    }

    /// Whether a record set, an endpoint or an interface holds the address.
    pub fn is_held(&self, address: Ipv4Addr) -> bool {
        self.under(Key::Holders(address)).next().is_some()
    }

    /// Pointer of a field in a captured body, under `properties` or beside it; `base` where the field is not there.
    pub fn locate(&self, id: &ResourceId, base: &str, path: &str) -> String {
        if self.is_brief() {
            return String::new();
        }
        let body = self.look(id).map(|resource| &resource.body);
        let is_there = |place: &String| body.is_some_and(|body| body.holds(place));
        let places = [format!("{base}/properties/{path}"), format!("{base}/{path}")];
        let found = places.into_iter().find(is_there);
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
        let facts = read_facts(id, &Json::from(&body), &origin, &mut Shared::default(), problems);
        let (keys, body) = (keys_of(id, &facts), Body::from(body));
        self.set(id, Some(Arc::new(Resource { body, origin, facts })), keys);
    }

    /// Takes a resource out. Children stay.
    pub fn remove(&mut self, id: &ResourceId) {
        self.set(id, None, Vec::new());
    }

    fn set(&mut self, id: &ResourceId, now: Option<Arc<Resource>>, keys: Vec<Key>) {
        let changed = Changed { now, keys, zone: zone_of(id) };
        self.changed.insert(id.clone(), Arc::new(changed));
        self.writes = OnceCell::new();
        self.answers = RefCell::default();
    }

    /// What differs between two copies of one estate: everything that a question may have read differently.
    pub fn writes_since(&self, before: &Estate) -> Writes {
        let ids: Set<&ResourceId> = self.changed.keys().chain(before.changed.keys()).collect();
        let mut keys = Writes::default();
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
        // A record or a link more does not make another zone.
        keys.retain(|key| match key {
            Key::ZonesNamed(name) => before.zones(name) != self.zones(name),
            _ => true,
        });
        keys
    }

    fn note(&self, key: impl FnOnce() -> Key) {
        if let Some(reads) = self.reads.borrow_mut().as_mut() {
            reads.insert(key());
        }
    }

    fn look(&self, id: &ResourceId) -> Option<&Resource> {
        match self.changed.get(id) {
            Some(one) => one.now.as_deref(),
            None => self.base.resources.get(id).map(|resource| &**resource),
        }
    }

    /// Resources under a key, in the order of ids.
    fn under(&self, key: Key) -> impl Iterator<Item = (&ResourceId, &Resource)> {
        let changed = self.changed.iter().filter(|(_, one)| one.keys.contains(&key));
        let mut changed: Vec<&ResourceId> = changed.map(|(id, _)| id).collect();
        changed.sort();
        let mut changed = changed.into_iter().peekable();
        let observed = self.base.listed.get(&key).into_iter().flatten();
        let mut observed = observed.filter(|id| !self.changed.contains_key(id)).peekable();
        self.note(|| key);
        let ids = std::iter::from_fn(move || match (observed.peek(), changed.peek()) {
            (Some(one), Some(other)) if *other < *one => changed.next(),
            (Some(_), _) => observed.next(),
            (None, _) => changed.next(),
        });
        ids.filter_map(|id| Some((id, self.look(id)?)))
    }
}

impl Base {
    fn of(resources: Map<ResourceId, Arc<Resource>>) -> Base {
        let mut ids: Vec<ResourceId> = resources.keys().cloned().collect();
        ids.sort_by_cached_key(ResourceId::key);
        let mut base = Base { resources, ids, ..Base::default() };
        for id in &base.ids {
            let Some(resource) = base.resources.get(id) else { continue };
            for key in keys_of(id, &resource.facts) {
                // Thousands of links and records speak for one zone.
                match (key, zone_of(id)) {
                    (Key::ZonesNamed(name), Some(zone)) => {
                        base.zones.entry(name).or_default().insert(zone);
                    }
                    (key, _) => base.listed.entry(key).or_default().push(id.clone()),
                }
            }
        }
        base.listed.values_mut().for_each(Vec::shrink_to_fit);
        base
    }
}
