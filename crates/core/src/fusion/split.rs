//! The test that tells the most explanations apart.

use serde::Serialize;

use crate::fusion::hypothesis::Hypothesis;

/// Something to look at, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// Whether a new capture differs.
    CaptureAgain,
    /// Whether the same probe sees something else later.
    ProbeAgain,
    /// Whether Azure's own resolver answers otherwise there than the one that is set.
    AskAzureThere,
    /// Whether the server that answers is the source.
    Identity,
    /// Whether a wider capture shows more.
    CaptureWider,
    /// Whether a probe from the source's own subnet passes.
    ProbeNearSource,
    /// Whether packets arrive at the source.
    PacketsAtSource,
}

const ALL: [Test; 7] = [
    Test::CaptureAgain,
    Test::ProbeAgain,
    Test::AskAzureThere,
    Test::Identity,
    Test::CaptureWider,
    Test::ProbeNearSource,
    Test::PacketsAtSource,
];

/// What to look at next, and what it tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Split {
    /// What to do.
    pub probe: String,
    /// Explanations that are left, by their place in the list from 1, when the answer is yes.
    pub if_yes: Vec<usize>,
    /// And when it is no.
    pub if_no: Vec<usize>,
}

impl Test {
    fn words(self) -> &'static str {
        match self {
            Test::CaptureAgain => {
                "capture the estate again and run the same check: does its answer change?"
            }
            Test::ProbeAgain => {
                "run the same probe again in five minutes: does it see something else?"
            }
            Test::AskAzureThere => {
                "ask Azure's resolver from the same network (`flexway probe --resolver \
                 168.63.129.16 --up-to name` on a machine there): does it answer as the estate says?"
            }
            Test::Identity => {
                "compare the system identifier in the probe's evidence with the source's own \
                 (pg_control_system()): is it the same?"
            }
            Test::CaptureWider => {
                "capture the subscriptions, gateways and network managers that are not in the estate: does its answer change?"
            }
            Test::ProbeNearSource => {
                "run the same probe from the source's own subnet: does it come through?"
            }
            Test::PacketsAtSource => {
                "watch for packets at the source (tcpdump, or flow logs of its subnet): do they arrive?"
            }
        }
    }
}

/// The test after which the fewest explanations are left at worst; of equals the cheapest. An
/// explanation that says nothing of a test is left in both cases.
pub(super) fn best(hypotheses: &[Hypothesis]) -> Option<Split> {
    let left = |test: Test, answer: bool| -> Vec<usize> {
        let stays = |one: &Hypothesis| !one.shows.contains(&(test, !answer));
        let numbered = hypotheses.iter().enumerate();
        numbered.filter(|(_, one)| stays(one)).map(|(index, _)| index + 1).collect()
    };
    let splits = ALL.into_iter().map(|test| (left(test, true), left(test, false), test));
    let best = splits.min_by_key(|(yes, no, _)| (yes.len().max(no.len()), yes.len() + no.len()))?;
    let (if_yes, if_no, test) = best;
    let tells = if_yes.len().max(if_no.len()) < hypotheses.len();
    tells.then(|| Split { probe: test.words().to_owned(), if_yes, if_no })
}
