//! What an answer has read, and whether a change matters for it.

use std::fmt;
use std::sync::Arc;

use super::keys::Key;
use super::{Estate, Set};

/// What differs between two copies of an estate: everything that a question may have read differently.
pub type Writes = Set<Key>;

/// Everything that was read for an answer: the answer stays as it is while nothing of this changes.
#[derive(Debug, Clone, Default)]
pub struct Reads {
    keys: Set<Key>,
    parts: Vec<Part>,
}

/// Something wide of which only a part counted, such as the rules of a group that speak of one flow.
#[derive(Clone)]
struct Part {
    reads: Arc<Reads>,
    holds: Arc<dyn Fn(&Estate) -> bool + Send + Sync>,
}

impl Reads {
    pub(super) fn insert(&mut self, key: Key) {
        self.keys.insert(key);
    }

    pub(super) fn extend(&mut self, other: &Reads) {
        self.keys.extend(other.keys.iter().cloned());
        self.parts.extend(other.parts.iter().cloned());
    }

    /// Notes something of which only a part counted; `holds` tells whether that part is the same in another copy of the estate.
    pub(super) fn add_part(
        &mut self,
        reads: Arc<Reads>,
        holds: impl Fn(&Estate) -> bool + Send + Sync + 'static,
    ) {
        self.parts.push(Part { reads, holds: Arc::new(holds) });
    }

    /// All keys, in no order; some more than once.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        let below = self.parts.iter().flat_map(|part| part.reads.keys());
        let below: Box<dyn Iterator<Item = &Key>> = Box::new(below);
        self.keys.iter().chain(below)
    }

    /// Whether a change may matter: it touches something that was read.
    pub fn meets(&self, writes: &Writes) -> bool {
        !self.keys.is_disjoint(writes) || self.parts.iter().any(|part| part.reads.meets(writes))
    }

    /// Whether every gate decides in a changed estate as it did before; of wide things only the part that counted is asked again.
    pub(crate) fn stand(&self, after: &Estate, writes: &Writes) -> bool {
        let stands = |part: &Part| !part.reads.meets(writes) || (part.holds)(after);
        self.keys.is_disjoint(writes) && self.parts.iter().all(stands)
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.reads.fmt(out)
    }
}
