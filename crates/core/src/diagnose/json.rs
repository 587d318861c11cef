//! A report as the JSON that scripts rely on.

use serde_json::{Value, json};

use super::{Reach, Report, Spot};
use crate::address::AddressSet;
use crate::finding::Finding;
use crate::trace::step::Outcome;
use crate::trace::told::{Crossing, Header};

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
            "trace": { "forward": self.steps_json(false), "return": self.steps_json(true) },
        })
    }

    /// Steps of all flows there, or back, each with the flow that it belongs to and the outcome that people see: a gate that a cause
    /// stands at is not open.
    fn steps_json(&self, is_back: bool) -> Vec<Value> {
        let spots = self.spots();
        let causes: Vec<&Finding> = self.causes().collect();
        let mut all = Vec::new();
        for (place, flow) in self.flows.iter().enumerate() {
            let told = flow.steps().zip(flow.reaches()).enumerate();
            let counts = |index: usize| (index >= flow.forward.len()) == is_back;
            for (index, (step, reach)) in told.filter(|(index, _)| counts(*index)) {
                let spot = Spot { flow: place, step: index };
                let here = causes.iter().zip(&spots).filter(|(_, spots)| spots.contains(&spot));
                let here: Vec<&str> = here.map(|(cause, _)| cause.fault).collect();
                let mut told = json!(step);
                told["flow"] = json!(flow.to);
                told["outcome"] = json!(step.shown());
                told["reached"] = match reach {
                    Reach::All | Reach::Some => json!(true),
                    Reach::Perhaps => Value::Null,
                    Reach::Nothing => json!(false),
                };
                told["causes"] = json!(here);
                told["follows"] = json!(step.is_consequence);
                told["dropped"] = json!(step.dropped_part.as_ref().map(words));
                let header = |pick: fn(&Crossing) -> &Header| {
                    step.packets.as_ref().map(|one| header_json(pick(one), is_back))
                };
                told["in"] = json!(header(|one| &one.before));
                let ends = step.outcome == Outcome::Drop && step.dropped_part.is_none();
                told["out"] = json!(header(|one| &one.after).filter(|_| !ends));
                all.push(told);
            }
        }
        all
    }
}

/// The port is the server's: that of the receiver on the way there, and of the sender on the way back.
fn header_json(header: &Header, is_back: bool) -> Value {
    let side = |set: &Option<AddressSet>| json!(set.as_ref().map(words));
    let (from_port, to_port) = match is_back {
        true => (Some(header.port), None),
        false => (None, Some(header.port)),
    };
    json!({ "protocol": "tcp", "from": side(&header.from), "from_port": from_port,
        "to": side(&header.to), "to_port": to_port })
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
