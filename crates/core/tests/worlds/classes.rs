//! Mismatches that are understood: who is wrong, and how to recognise one.

use flexway_core::second::Answer;
use serde_json::Value;

use crate::generate::{Case, TARGET};

/// A kind of mismatch that is tolerated until the analyser, or what is known of Azure, changes.
/// Numbers in `why` are places in facts/azure-network.md.
pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
    holds: fn(&Facts<'_>) -> bool,
}

/// What a class looks at.
pub(crate) struct Facts<'a> {
    pub(crate) case: &'a Case,
    /// The analyser's word.
    pub(crate) first: &'a str,
    /// The second reading's word.
    pub(crate) second: &'a str,
    pub(crate) answer: &'a Answer,
}

/// The class of a mismatch: the first that holds.
pub(crate) fn class_of(facts: &Facts<'_>) -> Option<&'static Class> {
    CLASSES.iter().find(|class| (class.holds)(facts))
}

pub(crate) const CLASSES: &[Class] = &[
    Class {
        name: "second-is-sure-of-no",
        why: "analyser imprecise: every possible answer is dropped by a gate that was observed",
        holds: |facts| facts.first == "undetermined" && facts.second == "unreachable",
    },
    Class {
        name: "second-is-sure-of-yes",
        why: "analyser imprecise: what was not observed lets the packets through either way",
        holds: |facts| facts.first == "undetermined",
    },
    Class {
        name: "public-copier-of-single-server",
        why: "documents disagree: the guide says the tool connects by itself, newer pages ask for a rule (7.1)",
        holds: |facts| facts.first == "reachable" && facts.copier_is_public() && facts.is_single(),
    },
    Class {
        name: "endpoint-list-not-observed",
        why: "analyser wrong: an absent list of endpoints counts as empty: no alias (6.5)",
        holds: |facts| {
            facts.list().is_some_and(Value::is_null)
                && (facts.misses("whether public DNS has an alias")
                    || facts.misses("zones for the alias")
                    || facts.misses("all private endpoints"))
        },
    },
    Class {
        name: "endpoint-not-listed",
        why: "facts silent: whether the alias outlives the server's side of an endpoint (6.5)",
        holds: |facts| facts.misses("whether public DNS has an alias"),
    },
    Class {
        name: "network-not-captured",
        why: "analyser wrong: peerings and ranges of a network that is missing are no fault",
        holds: |facts| {
            let all = ["the peerings", "the address space", "the DNS servers", "the routes of"];
            facts.first == "unreachable" && all.iter().any(|what| facts.misses(what))
        },
    },
];

impl Facts<'_> {
    fn any(&self, part: &str, holds: impl Fn(&Value) -> bool) -> bool {
        let id = |body: &Value| body["id"].as_str().is_some_and(|id| id.contains(part));
        self.case.resources.iter().any(|body| id(body) && holds(body))
    }

    /// Whether the second reading says that it does not know something.
    fn misses(&self, what: &str) -> bool {
        self.answer.unknowns.iter().any(|unknown| unknown.contains(what))
    }

    fn is_single(&self) -> bool {
        self.case.source.contains("/servers/")
    }

    fn copier_is_public(&self) -> bool {
        self.any(TARGET, |body| {
            body["properties"]["network"]["delegatedSubnetResourceId"].is_null()
        })
    }

    /// The source's list of endpoint connections; a VNet-injected server has none.
    fn list(&self) -> Option<&Value> {
        let source = self.case.source.as_str();
        let body = self.case.resources.iter().find(|body| body["id"] == source)?;
        body["properties"].get("privateEndpointConnections")
    }
}
