//! What a set of changes costs: compared field by field, the first one that differs decides.

use serde::{Serialize, Serializer};

use crate::change::{Change, exposure};

/// The cost of a repair. Smaller is better; the order of the fields is the order of their weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cost {
    /// Flows that worked before and do not, or not surely, any more.
    pub broken_flows: u32,
    /// New private endpoints: the name of a server leads elsewhere then, for everybody who asks for it, whoever that is.
    pub new_endpoints: u32,
    /// Upper bound of the (sender, receiver, port) triples newly let through, each counted once. In JSON a number, or
    /// text where it has more than 64 bits.
    #[serde(serialize_with = "number_or_text")]
    pub exposed_flows: u128,
    /// Rights that the changes need, added up: 1 for names, 2 for networks and servers, 3 for new endpoints.
    pub privilege: u32,
    /// Changes that interrupt something.
    pub interruptions: u32,
    /// Number of changes.
    pub edits: u32,
}

impl Cost {
    /// The cost of changes, as far as each of them tells by itself: nothing broken.
    pub fn of<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Cost {
        let mut cost = Cost::default();
        let mut flows = Vec::new();
        for change in changes {
            flows.extend(change.exposure.iter().flat_map(|one| &one.flows));
            cost.new_endpoints += u32::from(change.kind == "create-endpoint");
            cost.privilege += privilege(change.kind);
            cost.interruptions += u32::from(!change.downtime.starts_with("none"));
            cost.edits += 1;
        }
        cost.exposed_flows = exposure::count(flows);
        cost
    }
}

/// JSON numbers end at 64 bits, and a default route that goes frees more flows than that.
fn number_or_text<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    match u64::try_from(*number) {
        Ok(number) => serializer.serialize_u64(number),
        Err(_) => serializer.serialize_str(&number.to_string()),
    }
}

/// How far the right to make a change reaches.
fn privilege(kind: &str) -> u32 {
    match kind {
        "create-zone"
        | "link-zone"
        | "link-ruleset"
        | "attach-zone"
        | "set-record"
        | "redirect-missing-names"
        | "switch-off-rule"
        | "unlink-ruleset"
        | "unlink-zone" => 1,
        "create-endpoint" | "delete-endpoint" => 3,
        _ => 2,
    }
}
