//! Parts that many resources of an input say alike are kept once: ids, names of rules, prefixes, ports.

use std::hash::Hash;
use std::sync::Arc;

use super::filter::Prefix;
use super::{Map, Set};
use crate::id::ResourceId;

/// Parts that were seen.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// By their text.
    ids: Map<Box<str>, ResourceId>,
    names: Set<Arc<str>>,
    prefixes: Set<Arc<[Prefix]>>,
    ports: Set<Arc<[(u16, u16)]>>,
}

impl Shared {
    /// Reads an id; the same text gives the same id, which shares its parents with others.
    pub(crate) fn id(&mut self, text: &str) -> Option<ResourceId> {
        if let Some(known) = self.ids.get(text) {
            return Some(known.clone());
        }
        let id = ResourceId::parse(text)?;
        let id = match id.parent().and_then(|parent| self.id(parent.as_str())) {
            Some(parent) => id.with_parent(parent),
            None => id,
        };
        self.ids.insert(text.into(), id.clone());
        Some(id)
    }

    pub(crate) fn name(&mut self, name: &str) -> Arc<str> {
        once(&mut self.names, name)
    }

    pub(crate) fn prefixes(&mut self, prefixes: &[Prefix]) -> Arc<[Prefix]> {
        once(&mut self.prefixes, prefixes)
    }

    pub(crate) fn ports(&mut self, ports: &[(u16, u16)]) -> Arc<[(u16, u16)]> {
        once(&mut self.ports, ports)
    }
}

fn once<T: ?Sized + Eq + Hash>(known: &mut Set<Arc<T>>, part: &T) -> Arc<T>
where
    Arc<T>: for<'a> From<&'a T>,
{
    if let Some(own) = known.get(part) {
        return own.clone();
    }
    let own: Arc<T> = part.into();
    known.insert(own.clone());
    own
}
