//! Parts that many resources of an input say alike are kept once: ids, names of rules, prefixes, ports.

use std::hash::Hash;
use std::sync::Arc;

use super::filter::{Ports, Prefix};
use super::{Map, Set};
use crate::id::ResourceId;

/// Parts that were seen.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// By their text.
    ids: Map<Box<str>, ResourceId>,
    pub(crate) names: Once<String>,
    pub(crate) prefixes: Once<Vec<Prefix>>,
    pub(crate) ports: Once<Ports>,
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
}

/// Parts of one sort, each kept once.
#[derive(Debug)]
pub(crate) struct Once<T> {
    known: Set<Arc<T>>,
    /// Those that one text stands for.
    by_text: Map<Box<str>, Arc<T>>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Once { known: Set::default(), by_text: Map::default() }
    }
}

impl<T: Eq + Hash> Once<T> {
    pub(crate) fn once(&mut self, part: T) -> Arc<T> {
        if let Some(own) = self.known.get(&part) {
            return own.clone();
        }
        let own = Arc::new(part);
        self.known.insert(own.clone());
        own
    }

    /// What a text stands for; read only when it is new.
    pub(crate) fn of_text(
        &mut self,
        text: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Arc<T>> {
        if let Some(own) = self.by_text.get(text) {
            return Some(own.clone());
        }
        let own = self.once(read(text)?);
        self.by_text.insert(text.into(), own.clone());
        Some(own)
    }
}
