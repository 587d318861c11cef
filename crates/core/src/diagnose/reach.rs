//! How far packets come: a gate that is looked at behind a closed one is met only once that one is open.

use super::Flow;
use crate::address::AddressSet;
use crate::trace::step::{Outcome, Step};

/// What comes to a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Packets of every sender.
    All,
    /// Those of some senders: the others have been dropped.
    Some,
    /// Perhaps packets: of a gate before it is not known what it does.
    Perhaps,
    /// None.
    Nothing,
}

/// Packets on their way through the gates of a flow.
#[derive(Debug, Clone)]
pub struct Walk<'f> {
    senders: &'f AddressSet,
    dropped: AddressSet,
    is_shut: bool,
    is_doubtful: bool,
}

impl Walk<'_> {
    /// What comes to the next gate.
    pub fn reach(&self) -> Reach {
        match () {
            () if self.is_shut => Reach::Nothing,
            () if self.is_doubtful => Reach::Perhaps,
            () if !self.dropped.is_empty() => Reach::Some,
            () => Reach::All,
        }
    }

    /// The senders whose packets still come.
    pub fn passing(&self) -> AddressSet {
        self.senders.difference(&self.dropped)
    }

    /// Goes through a gate.
    pub fn pass(&mut self, step: &Step) {
        match (step.shown(), &step.dropped_part) {
            (Outcome::Drop, None) => self.is_shut = true,
            (Outcome::Drop, Some(part)) => {
                self.dropped = self.dropped.union(part);
                self.is_shut |= !self.senders.is_empty() && self.senders.is_within(&self.dropped);
            }
            (Outcome::Unknown, _) => self.is_doubtful = true,
            (Outcome::Pass, _) => {}
        }
    }
}

impl Flow {
    /// Packets before the first gate.
    pub fn walk(&self) -> Walk<'_> {
        let dropped = AddressSet::default();
        Walk { senders: &self.senders, dropped, is_shut: false, is_doubtful: false }
    }

    /// What comes to each gate, there and back.
    pub fn reaches(&self) -> Vec<Reach> {
        let mut walk = self.walk();
        let mut all = Vec::new();
        for step in self.steps() {
            all.push(walk.reach());
            walk.pass(step);
        }
        all
    }
}
