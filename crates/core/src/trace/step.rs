//! Steps of a path: what each gate did with the packets, and which facts it read.

use serde::Serialize;

use crate::address::AddressSet;
use crate::estate::Missing;
use crate::finding::Certainty;
use crate::id::ResourceId;
use crate::trace::told::{Crossing, RouteSays, RuleSays};

/// The gates of a path, in the order in which packets meet them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Whether Azure's tool supports the pair at all.
    Mode,
    /// What the name resolves to.
    Name,
    /// Rules of the subnet that packets leave.
    FilterOut,
    /// Routes of that subnet.
    Route,
    /// The join of two networks.
    Hop,
    /// Rules of the subnet that packets enter.
    FilterIn,
    /// The server's own gate.
    Admit,
    /// The way back.
    Return,
    /// Whether a server listens.
    Listen,
    /// How the connection is encrypted; only a probe tells.
    Tls,
    /// Whether the login is let in; only a probe tells.
    Auth,
}

impl Stage {
    /// How people call the gate.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Mode => "mode",
            Stage::Name => "name",
            Stage::FilterOut => "filter out",
            Stage::Route => "route",
            Stage::Hop => "hop",
            Stage::FilterIn => "filter in",
            Stage::Admit => "admit",
            Stage::Return => "return",
            Stage::Listen => "listen",
            Stage::Tls => "tls",
            Stage::Auth => "login",
        }
    }
}

/// What a gate did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Packets go on.
    Pass,
    /// Packets end here.
    Drop,
    /// The estate does not tell.
    Unknown,
}

/// A place in a captured body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// The resource.
    pub resource: ResourceId,
    /// JSON pointer in its body.
    pub pointer: String,
}

/// One step of a path.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Which gate.
    pub stage: Stage,
    /// The resource that decides.
    pub resource: Option<ResourceId>,
    /// What it did.
    pub outcome: Outcome,
    /// The same in a sentence; empty where the verdict is all that was asked for.
    pub detail: String,
    /// What the rule says that decides, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The rules of a security group that decide.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSays>,
    /// The route that decides, where it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Box<RouteSays>>,
    /// What was read to know it.
    pub facts: Vec<Fact>,
    /// The packets before and after it; `None` where there are none yet.
    #[serde(skip)]
    pub packets: Option<Box<Crossing>>,
    /// Senders that are dropped, where others pass.
    #[serde(skip)]
    pub dropped_part: Option<AddressSet>,
    /// The packets end here because of another gate further on.
    #[serde(skip)]
    pub is_consequence: bool,
    /// Packets pass here, and this gate is why another one drops them: a cause, this sure.
    #[serde(skip)]
    pub blame: Option<Certainty>,
    /// What would decide, where the outcome is unknown.
    #[serde(skip)]
    pub missing: Option<Missing>,
}

impl Step {
    /// A step that lets pass.
    pub fn pass(stage: Stage, resource: Option<&ResourceId>, detail: impl Into<String>) -> Step {
        Step {
            stage,
            resource: resource.cloned(),
            outcome: Outcome::Pass,
            detail: detail.into(),
            rule: None,
            rules: Vec::new(),
            route: None,
            facts: Vec::new(),
            packets: None,
            dropped_part: None,
            is_consequence: false,
            blame: None,
            missing: None,
        }
    }

    /// A step at which the packets end.
    pub fn drop(stage: Stage, resource: Option<&ResourceId>, detail: impl Into<String>) -> Step {
        Step { outcome: Outcome::Drop, ..Step::pass(stage, resource, detail) }
    }

    /// A step that cannot be decided.
    pub fn unknown(stage: Stage, missing: Missing) -> Step {
        let detail = format!("not observed: {}", missing.what);
        Step {
            outcome: Outcome::Unknown,
            missing: Some(missing.clone()),
            ..Step::pass(stage, missing.resource.as_ref(), detail)
        }
    }

    /// Whether packets end here for a reason of its own.
    pub fn closes(&self) -> bool {
        self.outcome == Outcome::Drop && !self.is_consequence
    }

    /// How people see the gate: one that a cause stands at is not open, though packets pass it.
    pub fn shown(&self) -> Outcome {
        match (self.outcome, self.blame) {
            (Outcome::Pass, Some(Certainty::Certain)) => Outcome::Drop,
            (Outcome::Pass, Some(Certainty::Possible)) => Outcome::Unknown,
            (outcome, _) => outcome,
        }
    }

    /// Adds a fact that was read; a step without a sentence keeps none, and a host outside of Azure has no body to read.
    pub fn read(mut self, resource: &ResourceId, pointer: impl AsRef<str>) -> Step {
        if !self.detail.is_empty() && !resource.is_outside() {
            let pointer = pointer.as_ref().to_owned();
            self.facts.push(Fact { resource: resource.clone(), pointer });
        }
        self
    }
}

/// Whether the copier can reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every gate lets every sender pass.
    Reachable,
    /// Some gate drops every sender.
    Unreachable,
    /// Some senders pass and some do not.
    Partial,
    /// A gate cannot be decided, and no other one drops everything.
    Undetermined,
    /// Configuration says one thing, a probe another.
    Inconsistent,
}

/// The verdict over a list of steps for some senders.
pub fn verdict<'s>(steps: impl IntoIterator<Item = &'s Step>, senders: &AddressSet) -> Verdict {
    let mut is_unknown = false;
    let mut dropped = AddressSet::default();
    for step in steps {
        match (step.outcome, &step.dropped_part) {
            (Outcome::Drop, None) => return Verdict::Unreachable,
            (Outcome::Drop, Some(part)) => dropped = dropped.union(part),
            (Outcome::Unknown, _) => is_unknown = true,
            (Outcome::Pass, _) => {}
        }
    }
    match () {
        () if dropped.is_empty() && !is_unknown => Verdict::Reachable,
        // Gates that each drop a part may together drop everything, where it is known who sends.
        () if !dropped.is_empty() && !senders.is_empty() && senders.is_within(&dropped) => {
            Verdict::Unreachable
        }
        () if is_unknown => Verdict::Undetermined,
        () => Verdict::Partial,
    }
}
