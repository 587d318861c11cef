//! A report as the JSON that scripts rely on.

use serde_json::{Value, json};

use super::{Flow, Report};
use crate::address::AddressSet;
use crate::finding::Finding;
use crate::trace::step::Step;

impl Report {
    /// In the form `flexway.check/1`.
    pub fn to_json(&self) -> Value {
        let (source, copier) = (self.question.source.text(), self.question.copier.text());
        let given = &self.given;
        json!({
            "schema": "flexway.check/1",
            "source": given.source.as_deref().unwrap_or(source),
            "source_address": given.source.as_ref().map(|_| source),
            "target": self.question.target,
            "copier": given.copier.as_deref().unwrap_or(copier),
            "copier_interface": given.copier.as_ref().map(|_| copier),
            "port": self.question.port,
            "verdict": self.verdict,
            "code": self.code,
            "senders": self.senders.as_ref().map(|one| json!({
                "pass": words(&one.pass), "dropped": words(&one.dropped) })),
            "guide": self.guide,
            "findings": self.findings.iter().map(finding_json).collect::<Vec<_>>(),
            "missing": self.missing,
            "probes": self.fusion,
            "trace": { "forward": self.steps_json(|flow| flow.forward), "return": self.steps_json(|flow| flow.back) },
        })
    }

    /// Steps of all flows, each with the flow that it belongs to and the outcome that people see: a gate that a cause stands at is not
    /// open.
    fn steps_json(&self, steps: for<'r> fn(Flow<'r>) -> &'r [Step]) -> Vec<Value> {
        let told = |flow: Flow<'_>| {
            let told = steps(flow).iter().map(|step| {
                let mut told = json!(step);
                told["flow"] = json!(flow.to);
                told["outcome"] = json!(step.shown());
                told
            });
            told.collect::<Vec<_>>()
        };
        self.flows().into_iter().flat_map(told).collect()
    }
}

fn words(addresses: &AddressSet) -> Vec<String> {
    addresses.networks().iter().map(ToString::to_string).collect()
}

fn finding_json(finding: &Finding) -> Value {
    let fixes = finding.fixes.iter().map(|fix| {
        let az: Vec<&String> = fix.changes.iter().flat_map(|change| &change.az).collect();
        json!({ "title": fix.title, "safety": fix.safety(), "az": az, "enough": fix.is_enough,
            "barred": fix.barred })
    });
    json!({
        "fault": finding.fault,
        "severity": finding.severity,
        "certainty": finding.certainty,
        "resource": finding.place.as_ref().map(|place| &place.resource),
        "pointer": finding.place.as_ref().map(|place| &place.pointer),
        "message": finding.message,
        "why": finding.why,
        "consequence_of": finding.consequence_of,
        "fixes": fixes.collect::<Vec<_>>(),
    })
}
