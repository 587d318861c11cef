//! Parts that many resources of an input say alike are kept once: ids, names of rules, prefixes, ports.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use super::filter::Prefix;
use crate::id::ResourceId;

/// Parts that were seen.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    ids: HashSet<ResourceId>,
    names: HashSet<Arc<str>>,
    prefixes: HashSet<Arc<[Prefix]>>,
    ports: HashSet<Arc<[(u16, u16)]>>,
}

impl Shared {
    /// The id as it was first written.
    pub(crate) fn id(&mut self, id: ResourceId) -> ResourceId {
        if let Some(known) = self.ids.get(&id).filter(|known| known.as_str() == id.as_str()) {
            return known.clone();
        }
        let id = match id.parent() {
            Some(parent) => id.with_parent(self.id(parent)),
            None => id,
        };
        self.ids.replace(id.clone());
        id
    }

    pub(crate) fn name(&mut self, name: String) -> Arc<str> {
        once(&mut self.names, name.into())
    }

    pub(crate) fn prefixes(&mut self, prefixes: Vec<Prefix>) -> Arc<[Prefix]> {
        once(&mut self.prefixes, prefixes.into())
    }

    pub(crate) fn ports(&mut self, ports: Vec<(u16, u16)>) -> Arc<[(u16, u16)]> {
        once(&mut self.ports, ports.into())
    }
}

fn once<T: Clone + Eq + Hash>(known: &mut HashSet<T>, part: T) -> T {
    match known.get(&part) {
        Some(own) => own.clone(),
        None => {
            known.insert(part.clone());
            part
        }
    }
}
