//! A set of changes that the search has yet to look at, in the order in which it does.

use std::cmp::Ordering;

use super::cost::Cost;
use super::safety::Safety;
use super::sets::Met;

/// A set of changes on its way to being looked at; ordered by cost, then by age.
pub(super) struct Node {
    pub(super) cost: Cost,
    pub(super) age: usize,
    pub(super) changes: Vec<Met>,
    /// What it does to other flows, as far as that is known.
    pub(super) touches: Touches,
    /// Whether it grew from a set that does, to keep alive what that one breaks.
    pub(super) is_mended: bool,
}

/// What a set does to other flows.
pub(super) enum Touches {
    /// It was not looked at.
    Unknown,
    /// It breaks as many as its cost counts, or more.
    Some,
    /// All is known.
    All(Safety),
}

impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        (self.cost, self.age) == (other.cost, other.age)
    }
}
impl Eq for Node {}
impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Node) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Node {
    fn cmp(&self, other: &Node) -> Ordering {
        (self.cost, self.age).cmp(&(other.cost, other.age))
    }
}
