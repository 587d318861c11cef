//! What a check reports: which fault, where, why, and what would mend it.

use serde::Serialize;

use crate::change::{Change, Safety};
use crate::estate::Missing;
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::step::{Fact, Stage};

/// How much a finding matters for the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The flow cannot pass.
    Blocks,
    /// The flow may fail.
    Risks,
    /// Worth knowing; the flow does not depend on it.
    Note,
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// The estate proves it.
    Certain,
    /// The estate fits it and other readings.
    Possible,
}

/// One way to mend a fault.
#[derive(Debug, Clone)]
pub struct Fix {
    /// The way, in a sentence.
    pub title: String,
    /// The changes, in order; empty when no request does it.
    pub changes: Vec<Change>,
    /// Whether its fault is gone after it, with no other in its place; `None` where nobody tried, or no request does it.
    pub is_enough: Option<bool>,
    /// Whether it is tried only where nothing else may be done.
    pub is_last_resort: bool,
    /// The lock that forbids it, in words; `None` also where nobody looked.
    pub barred: Option<String>,
}

impl Fix {
    /// A fix made of changes; its title is theirs.
    pub fn of(changes: Vec<Change>) -> Fix {
        let titles: Vec<&str> = changes.iter().map(|change| change.title.as_str()).collect();
        let title = titles.join(", then ");
        Fix { title, changes, is_enough: None, is_last_resort: false, barred: None }
    }

    /// A fix for whoever may do nothing else.
    pub fn last_resort(changes: Vec<Change>) -> Fix {
        Fix { is_last_resort: true, ..Fix::of(changes) }
    }

    /// Advice that no request can carry out.
    pub fn advice(title: impl Into<String>) -> Fix {
        Fix { title: title.into(), ..Fix::of(Vec::new()) }
    }

    /// Advice in its place, where a request would repeat what no input tells of a resource.
    pub(crate) fn or_capture(self) -> Fix {
        let Some(change) = self.changes.iter().find(|one| one.is_untold()) else { return self };
        let (name, id) = (change.resource.name(), quoted(change.resource.as_str()));
        let title = self.title;
        Fix::advice(format!(
            "capture `{name}` first, since a request repeats what the estate does not tell of it: \
             `az resource show --ids {id}`; then plan again: {title}"
        ))
    }

    /// `review` as soon as one change is, or when there is nothing but advice.
    pub fn safety(&self) -> Safety {
        let is_safe = |change: &Change| change.safety == Safety::Safe;
        if !self.changes.is_empty() && self.changes.iter().all(is_safe) {
            Safety::Safe
        } else {
            Safety::Review
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Fault id, such as `dns/zone-not-linked`.
    pub fault: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it is.
    pub place: Option<Fact>,
    /// What is wrong, naming the thing and its owner.
    pub message: String,
    /// The mechanism.
    pub why: String,
    /// The fault that this one follows from.
    pub consequence_of: Option<&'static str>,
    /// It concerns the public way, which is only taken because the name leads there.
    pub on_fallback: bool,
    /// It says no more than a step of the guide that the flow does not need.
    pub repeats_guide: bool,
    /// A rule that speaks of such packets denies them: it is what is wrong, whatever lets them pass after all.
    pub by_rule: bool,
    /// Ways to mend it, best first.
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// A certain, blocking finding. The registry puts the fault's id in.
    pub fn blocks(message: impl Into<String>, why: impl Into<String>) -> Finding {
        Finding {
            fault: "",
            severity: Severity::Blocks,
            certainty: Certainty::Certain,
            place: None,
            message: message.into(),
            why: why.into(),
            consequence_of: None,
            on_fallback: false,
            repeats_guide: false,
            by_rule: false,
            fixes: Vec::new(),
        }
    }

    /// The gates that its fault closes, the likeliest first.
    pub fn stages(&self) -> &'static [Stage] {
        match self.fault.split_once('/').unwrap_or((self.fault, "")) {
            ("dns", _) => &[Stage::Name],
            ("peering", "forwarded-traffic-off") => &[Stage::Hop, Stage::Return],
            ("peering", _) => &[Stage::Hop],
            ("route", "opaque-appliance") => &[Stage::Route, Stage::Hop, Stage::Return],
            ("route", "return-asymmetric" | "default-route-starves-server") => {
                &[Stage::Return, Stage::Route]
            }
            ("route", _) => &[Stage::Route, Stage::Return],
            ("filter", "outbound-denied") => &[Stage::FilterOut],
            ("filter", "inbound-denied" | "endpoint-subnet-denied") => &[Stage::FilterIn],
            ("filter", _) => &[Stage::FilterOut, Stage::FilterIn],
            ("tls", _) => &[Stage::Tls],
            ("auth", _) => &[Stage::Auth],
            ("host", _) | ("server", "not-ready" | "pooler-off") => &[Stage::Listen, Stage::Mode],
            ("server" | "endpoint", _) => &[Stage::Admit, Stage::Mode],
            _ => &[Stage::Mode],
        }
    }

    /// The estate fits the fault, and other readings too.
    pub fn possible(mut self) -> Finding {
        self.severity = Severity::Risks;
        self.certainty = Certainty::Possible;
        self
    }

    /// Possible where something was not observed that may prove otherwise.
    pub fn unless(self, unseen: Option<&Missing>) -> Finding {
        let Some(missing) = unseen else { return self };
        let why = format!("{}; not observed: {}", self.why, missing.what);
        Finding { why, ..self.possible() }
    }

    /// The flow does not depend on it.
    pub fn note(mut self) -> Finding {
        self.severity = Severity::Note;
        self
    }

    /// Where it is.
    pub fn at(mut self, resource: &ResourceId, pointer: impl Into<String>) -> Finding {
        self.place = Some(Fact { resource: resource.clone(), pointer: pointer.into() });
        self
    }

    /// A way to mend it, after those given before.
    pub fn fix(mut self, fix: Fix) -> Finding {
        self.fixes.push(fix);
        self
    }

    /// Ways to mend it, after those given before; where there is none, what is advised.
    pub fn fixes_or(mut self, fixes: Vec<Fix>, advice: impl FnOnce() -> Fix) -> Finding {
        let advised = fixes.is_empty().then(advice);
        self.fixes.extend(fixes.into_iter().chain(advised));
        self
    }

    /// Whether it is a cause: it blocks, and follows from no other fault.
    pub fn is_cause(&self) -> bool {
        self.severity == Severity::Blocks && self.consequence_of.is_none()
    }
}
