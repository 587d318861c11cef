//! A plan as the JSON that scripts rely on, with what proves it.

use serde_json::{Value, json};

use super::Plan;
use crate::change::{Change, Exposure};
use crate::repair::Cost;
use crate::trace::step::Verdict;

impl Plan {
    /// The JSON that scripts rely on (`flexway.plan/1`).
    pub fn to_json(&self) -> Value {
        let exposure: Vec<&Exposure> =
            self.changes.iter().flat_map(|change| &change.exposure).collect();
        let affected: Vec<&String> =
            self.changes.iter().flat_map(|change| &change.affected).collect();
        let mut affected: Vec<String> = affected.into_iter().cloned().collect();
        affected.extend(self.breaks());
        json!({
            "schema": "flexway.plan/1",
            "source": self.question.source.text(),
            "target": self.question.target,
            "copier": self.question.copier.text(),
            "port": self.question.port,
            "before": self.before,
            "after": self.after,
            "changes": self.changes,
            "exposure": exposure,
            "affected": affected,
            "certificate": self.certificate(),
            "alternatives": self.alternatives,
            "refusal": self.refusal.as_ref().map(ToString::to_string),
            "probes": self.fusion,
            "forbidden": self.forbidden,
            "barred": self.barred.iter().map(|(change, bar)| json!({
                "kind": change.kind, "resource": change.resource, "title": change.title,
                "by": bar.to_string() })).collect::<Vec<_>>(),
            "relaxation": self.relaxation.as_ref().map(|one| json!({
                "needs": one.needs(), "changes": one.changes, "cost": one.cost })),
        })
    }

    /// What proves the plan, for `flexway certify`.
    fn certificate(&self) -> Value {
        let needed = self.changes.iter().zip(&self.without);
        let needed = needed.map(|(change, rest)| {
            json!({ "without": change.title, "verdict": rest.verdict,
                    "broken_flows": rest.broken_flows })
        });
        let mut catalogue: Vec<&Change> = Vec::new();
        for change in self.closed.iter().flat_map(|one| &one.changes).chain(&self.changes) {
            if !catalogue.contains(&change) {
                catalogue.push(change);
            }
        }
        let place = |change: &Change| catalogue.iter().position(|one| *one == change);
        let closed = self.closed.iter().map(|one| {
            let changes: Vec<usize> = one.changes.iter().filter_map(place).collect();
            json!({ "changes": changes, "cost": one.cost, "verdict": one.verdict })
        });
        let catalogue = catalogue.iter().map(|change| {
            let mut entry = json!(change);
            entry["cost"] = json!(Cost::of([*change]));
            entry["opens"] =
                json!(change.exposure.iter().flat_map(|one| &one.flows).collect::<Vec<_>>());
            entry
        });
        json!({
            "sufficient": self.after == Verdict::Reachable,
            "irredundant": needed.collect::<Vec<_>>(),
            "cost": self.cost,
            "complete": self.is_complete,
            "closed": closed.collect::<Vec<_>>(),
            "catalogue": catalogue.collect::<Vec<_>>(),
            "safety": self.safety,
        })
    }

    /// The changes as requests to Azure Resource Manager.
    pub fn to_arm(&self) -> Value {
        self.changes.iter().map(|change| json!(change.request)).collect()
    }
}
