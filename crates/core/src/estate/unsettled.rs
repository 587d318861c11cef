//! What may not stand as its body says, since Azure's last work on it is not over or went wrong.

use super::Missing;
use super::body::Node;
use super::problem::Problems;
use crate::id::ResourceId;

/// What `provisioningState` says of a thing that may not stand as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsettled {
    /// It is being made or changed.
    Updating,
    /// It is on its way out.
    Deleting,
    /// The last change failed.
    Failed,
    /// Anything else that is not good, and what cannot be read.
    Otherwise,
    /// What it is was not observed.
    Untold,
}

impl Unsettled {
    /// Reads it; `None` for what stands, and where nothing is said.
    pub(crate) fn read(node: &Node, problems: &mut Problems) -> Option<Unsettled> {
        const STATE: &str = "provisioningState";
        if node.is_unresolved_at(STATE) {
            return Some(Unsettled::Untold);
        }
        let Some(state) = node.borrowed_text(STATE, problems) else {
            let is_empty = |one: &Node| one.as_str() == Some("");
            return node.field(STATE).filter(|one| !is_empty(one)).map(|_| Unsettled::Otherwise);
        };
        match state.to_ascii_lowercase().as_str() {
            "succeeded" | "ready" => None,
            "updating" => Some(Unsettled::Updating),
            "deleting" => Some(Unsettled::Deleting),
            "failed" => Some(Unsettled::Failed),
            _ => Some(Unsettled::Otherwise),
        }
    }

    /// Fits after "its state is".
    pub fn words(self) -> &'static str {
        match self {
            Unsettled::Updating => "Updating",
            Unsettled::Deleting => "Deleting",
            Unsettled::Failed => "Failed",
            Unsettled::Otherwise => "not Succeeded",
            Unsettled::Untold => "not known",
        }
    }

    /// Whether a resource is as it says.
    pub fn missing(self, id: &ResourceId) -> Missing {
        let (name, state) = (id.name(), self.words());
        let what = format!("whether `{name}` stands: its provisioningState is {state}");
        Missing { what, ..Missing::field(id, "provisioningState") }
    }
}
