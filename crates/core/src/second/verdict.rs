//! What an evaluation says: gates, and the answer that they add up to.

/// Whether the copier can open a connection to the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every address that the copier may have gets through.
    Reachable,
    /// None does.
    Unreachable,
    /// Some do and some do not.
    Partial,
    /// Something that decides was not observed.
    Undetermined,
}

impl Verdict {
    /// The worse of two.
    pub(super) fn and(self, other: Verdict) -> Verdict {
        let worst = [Verdict::Unreachable, Verdict::Undetermined, Verdict::Partial];
        worst.into_iter().find(|one| [self, other].contains(one)).unwrap_or(Verdict::Reachable)
    }
}

/// A gate that drops packets, and what makes it do so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocker {
    /// Where on the way: `mode`, `name`, `outbound`, `route`, `firewall`, `peering`, `inbound`,
    /// `endpoint`, `door`, `return`, `state` or `port`.
    pub stage: &'static str,
    /// Id of the resource that decides, in lower case.
    pub resource: String,
    /// The rule, route, record or property that decides in it.
    pub name: Option<String>,
    /// Others at this gate, which drop the packet where this one does not: which of them acts nobody knows.
    pub or: Vec<Blocker>,
}

impl Blocker {
    /// It and the others: one of them decides.
    pub fn deciders(&self) -> impl Iterator<Item = &Blocker> {
        std::iter::once(self).chain(&self.or)
    }

    /// Whether it is the same, whatever else may decide.
    pub fn is(&self, other: &Blocker) -> bool {
        (self.stage, &self.resource, &self.name) == (other.stage, &other.resource, &other.name)
    }

    /// One of the two decides, and nobody knows which.
    pub(super) fn or(mut self, other: &Blocker) -> Blocker {
        for one in other.deciders() {
            if !self.deciders().any(|known| known.is(one)) {
                self.or.push(Blocker { or: Vec::new(), ..one.clone() });
            }
        }
        self
    }
}

/// The evaluator's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The sum over all addresses.
    pub verdict: Verdict,
    /// Whether some of the copier's addresses certainly do not pass.
    pub drops_some: bool,
    /// Inclusive ranges of the copier's addresses that certainly pass. Empty for a copier with
    /// public access, whose address is not known.
    pub passes: Vec<(u32, u32)>,
    /// Every gate on the way that drops something, without repetition.
    pub blockers: Vec<Blocker>,
    /// What was not observed, or is not documented, and stood in the way.
    pub unknowns: Vec<String>,
}

impl Answer {
    /// The answer for two flows of one sender, which both have to pass.
    pub fn and(mut self, other: Answer) -> Answer {
        self.verdict = self.verdict.and(other.verdict);
        self.drops_some |= other.drops_some;
        self.passes.retain(|span| other.passes.contains(span));
        self.blockers.extend(other.blockers);
        self.unknowns.extend(other.unknowns);
        self
    }
}

/// What one gate does with one packet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Gate {
    Pass,
    Drop(Blocker),
    Unknown(String),
}

/// Ends of texts that a name follows at once.
const TAKE_A_NAME: [&str; 11] = [
    " at",
    " beyond",
    " from",
    " in",
    " of",
    " with",
    " endpoint",
    " network group",
    " mesh",
    " to zone",
    " at subnet",
];

impl Gate {
    pub(super) fn drop(stage: &'static str, resource: &str, name: Option<&str>) -> Gate {
        let (resource, name) = (resource.to_owned(), name.map(str::to_owned));
        Gate::Drop(Blocker { stage, resource, name, or: Vec::new() })
    }

    pub(super) fn unknown(what: &str, of: &str) -> Gate {
        let takes_name = TAKE_A_NAME.iter().any(|end| what.ends_with(end));
        Gate::Unknown(if takes_name { format!("{what} {of}") } else { format!("{what} of {of}") })
    }

    /// One of the two holds, and nobody knows which.
    pub(super) fn either(self, other: Gate) -> Gate {
        match (self, other) {
            (Gate::Pass, Gate::Pass) => Gate::Pass,
            (Gate::Drop(one), Gate::Drop(other)) => Gate::Drop(one.or(&other)),
            (Gate::Unknown(why), _) | (_, Gate::Unknown(why)) => Gate::Unknown(why),
            (Gate::Drop(why), Gate::Pass) | (Gate::Pass, Gate::Drop(why)) => Gate::Unknown(
                format!("whether {} {} acts", why.resource, why.name.unwrap_or_default()),
            ),
        }
    }
}

/// A statement that holds, does not, or cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tri {
    Yes,
    No,
    Maybe,
}

impl Tri {
    pub(super) fn of(value: bool) -> Tri {
        if value { Tri::Yes } else { Tri::No }
    }

    pub(super) fn and(self, other: Tri) -> Tri {
        match (self, other) {
            (Tri::No, _) | (_, Tri::No) => Tri::No,
            (Tri::Yes, Tri::Yes) => Tri::Yes,
            (Tri::Maybe, _) | (_, Tri::Maybe) => Tri::Maybe,
        }
    }

    pub(super) fn or(self, other: Tri) -> Tri {
        match (self, other) {
            (Tri::Yes, _) | (_, Tri::Yes) => Tri::Yes,
            (Tri::No, Tri::No) => Tri::No,
            (Tri::Maybe, _) | (_, Tri::Maybe) => Tri::Maybe,
        }
    }
}

/// What became of one packet on its whole way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Passes,
    Dropped,
    Open,
}

impl Fate {
    /// The fate of a packet that has to get through all gates.
    pub(super) fn of(gates: &[Gate]) -> Fate {
        if gates.iter().any(|gate| matches!(gate, Gate::Drop(_))) {
            Fate::Dropped
        } else if gates.iter().any(|gate| matches!(gate, Gate::Unknown(_))) {
            Fate::Open
        } else {
            Fate::Passes
        }
    }

    /// One of the two comes true.
    pub(super) fn either(self, other: Fate) -> Fate {
        if self == other { self } else { Fate::Open }
    }
}

/// Remembers what was met on the way.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) blockers: Vec<Blocker>,
    pub(super) unknowns: Vec<String>,
}

impl Notes {
    pub(super) fn take(&mut self, gates: Vec<Gate>) {
        for gate in gates {
            match gate {
                Gate::Drop(one) if !self.blockers.contains(&one) => self.blockers.push(one),
                Gate::Unknown(one) if !self.unknowns.contains(&one) => self.unknowns.push(one),
                Gate::Drop(_) | Gate::Unknown(_) | Gate::Pass => {}
            }
        }
    }
}
