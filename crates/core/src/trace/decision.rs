//! What the rules of a group decided about senders.

use std::ops::Deref;

use crate::address::AddressSet;
use crate::estate::Missing;
use crate::estate::filter::Rule;
use crate::trace::near_miss::NearMiss;
use crate::trace::rules::FIRST_DEFAULT;

/// What decided about some senders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    /// The rule; its resource is the group for those that every group ends with.
    pub rule: Rule,
    /// Whether another rule of that priority says the opposite.
    pub is_tied: bool,
}

impl Deref for Decider {
    type Target = Rule;

    fn deref(&self) -> &Rule {
        &self.rule
    }
}

impl Decider {
    /// Its name and its turn.
    pub fn named(&self) -> String {
        format!("`{}` (priority {})", self.name, self.priority)
    }

    /// Whether it is one of Azure's own rules at the end of every group.
    pub fn is_default(&self) -> bool {
        self.priority >= FIRST_DEFAULT
    }
}

/// What became of the senders.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// Senders that pass, with what let them.
    pub allowed: Vec<(AddressSet, Decider)>,
    /// Senders that are dropped, with what dropped them.
    pub denied: Vec<(AddressSet, Decider)>,
    /// Senders about whom the rules leave more than one reading.
    pub unknown: Vec<(AddressSet, Decider)>,
    /// Rules that were meant to let them pass, and do not: earlier ones in their order, but those by the tag VirtualNetwork last; then
    /// those that come too late.
    pub misses: Vec<NearMiss>,
    /// Whether nothing would be denied if the two networks were joined.
    pub(super) passes_joined: bool,
    /// What denies the same senders until the networks are joined, where that is another rule.
    pub today: Option<Decider>,
    /// Why the denial is not certain.
    pub doubt: Option<Missing>,
    /// Senders beside the denied ones that are dropped only since the two networks are not joined.
    pub lost: AddressSet,
}

impl Decision {
    /// Whether senders are dropped only since the tag VirtualNetwork does not hold the other network.
    pub fn lacks_join(&self) -> bool {
        let is_by_default = || self.denied.iter().all(|(_, rule)| rule.is_default());
        !self.denied.is_empty() && (self.passes_joined || is_by_default())
    }

    /// All senders that are dropped, joined or not.
    pub fn denied_senders(&self) -> AddressSet {
        senders_of(&self.denied)
    }

    /// All senders about whom the rules leave more than one reading.
    pub fn open_senders(&self) -> AddressSet {
        senders_of(&self.unknown)
    }

    /// What two readings say alike of senders that were open is so.
    pub(super) fn settle(&mut self, narrow: &Decision, wide: Decision) {
        let allowed = (&mut self.allowed, &narrow.allowed, wide.allowed);
        for (list, narrow, wide) in [allowed, (&mut self.denied, &narrow.denied, wide.denied)] {
            let both = senders_of(narrow).intersection(&senders_of(&wide));
            let settled = wide.into_iter().map(|(part, rule)| (part.intersection(&both), rule));
            list.extend(settled.filter(|(part, _)| !part.is_empty()));
            self.unknown.iter_mut().for_each(|(part, _)| *part = part.difference(&both));
        }
        self.unknown.retain(|(part, _)| !part.is_empty());
    }
}

/// Each rule of a list once, with all senders that it decided about.
pub fn pieces(list: &[(AddressSet, Decider)]) -> Vec<(AddressSet, &Decider)> {
    let mut pieces: Vec<(AddressSet, &Decider)> = Vec::new();
    for (part, rule) in list {
        match pieces.iter_mut().find(|(_, known)| *known == rule) {
            Some((known, _)) => *known = known.union(part),
            None => pieces.push((part.clone(), rule)),
        }
    }
    pieces
}

/// All senders of a list.
pub(super) fn senders_of(list: &[(AddressSet, Decider)]) -> AddressSet {
    list.iter().fold(AddressSet::default(), |all, (part, _)| all.union(part))
}
