//! Configuration and probes together: where they agree the answer is surer, where they do not, it
//! is `inconsistent`, with what would explain it and the probe that tells the explanations apart.

mod hypothesis;
mod judge;
mod predicted;
mod refused;
mod split;
mod steps;
mod witness;

use serde::Serialize;

use crate::diagnose::{Copier, Question, Report};
use crate::estate::Estate;
use crate::estate::Missing;
use crate::probes::Observation;
use crate::trace::step::Verdict;

pub use hypothesis::Hypothesis;
pub use predicted::{dialled_name, server_name};
pub use split::Split;
pub use witness::Witness;

use predicted::Predicted;
use witness::Flow;

/// What observations made of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fusion {
    /// How they stand to the configuration.
    pub agreement: Agreement,
    /// The verdict of the configuration alone.
    pub before: Verdict,
    /// Every observation: whether it counts, and what it says.
    pub witnesses: Vec<Witness>,
    /// What would explain a contradiction, most likely first.
    pub hypotheses: Vec<Hypothesis>,
    /// The probe that tells most of them apart.
    pub split: Option<Split>,
}

/// How observations stand to the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// No observation counts.
    None,
    /// Both say the same.
    Agrees,
    /// The configuration could not tell; the observation does.
    Decides,
    /// They contradict each other.
    Contradicts,
}

/// Lays observations over an answer: verdict, certainty of findings, hypotheses.
pub fn fuse(estate: &Estate, report: &mut Report, observations: &[Observation]) {
    let question = report.question.clone();
    let flows = flows(estate, &question);
    let witnesses: Vec<Witness> = observations
        .iter()
        .map(|observation| Witness::of(estate, observation, &question, &flows))
        .collect();
    let mut fusion = Fusion {
        agreement: Agreement::None,
        before: report.verdict,
        witnesses,
        hypotheses: Vec::new(),
        split: None,
    };
    // Of several observations of one flow the newest counts.
    let newest = |flow: Flow| {
        let counting = observations.iter().zip(&fusion.witnesses);
        let of_flow = counting.filter(|(_, witness)| witness.flow == Some(flow));
        of_flow.map(|(observation, _)| observation).max_by_key(|observation| observation.time)
    };
    let source = newest(Flow::ToSource);
    let target = newest(Flow::ToTarget);
    let predicted = Predicted::of(estate, &question);
    let senders = predicted::senders(estate, &question);
    let judged = judge::judge(estate, report, &predicted, &senders, flows.len(), source, target);
    if let Some(judged) = judged {
        fusion.agreement = judged.agreement;
        report.verdict = judged.verdict;
        steps::lay_over(report, source);
        fusion.hypotheses = judged.hypotheses;
        fusion.split = split::best(&fusion.hypotheses);
    }
    report.code = (report.verdict == Verdict::Unreachable).then_some("ST008");
    if report.verdict == Verdict::Undetermined && !observations.is_empty() {
        let is_complete =
            flows.len() == usize::from(source.is_some()) + usize::from(target.is_some());
        let missing = match is_complete {
            true => Missing::other(
                "what the server's own gate says to the copier",
                "probe with a login: without one the ladder ends before the gate",
            ),
            false => Missing::other(
                "an observation of the copier's way from its own place",
                place_of(&question),
            ),
        };
        report.missing.push(missing);
    }
    report.fusion = Some(fusion);
}

/// The flows that a question is about, with the names that they dial.
fn flows(estate: &Estate, question: &Question) -> Vec<(Flow, String, u16)> {
    let source = predicted::dialled_name(estate, question);
    let mut flows = vec![(Flow::ToSource, source, question.port)];
    if question.copier.has_two_flows() {
        let target = predicted::server_name(estate, &question.target);
        flows.push((Flow::ToTarget, target, crate::trace::PORT));
    }
    flows
}

/// How to get an observation that counts.
fn place_of(question: &Question) -> &'static str {
    match question.copier {
        Copier::Target => "`flexway probe --from target` with the target's URL",
        Copier::Runtime(_) => "`flexway probe --from runtime` with the runtime server's URL",
        Copier::Relay | Copier::Host(_) => {
            "`flexway probe --from relay` on the relay host, of source and of target"
        }
    }
}
