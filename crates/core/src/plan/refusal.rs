//! Why a plan changes nothing, in words.

use crate::change::Change;
use crate::diagnose::{Copier, Report};
use crate::finding::{Finding, Severity};
use crate::trace::step::Verdict;

/// The way that is left when no change of the network helps.
const RELAY: &str =
    "what always remains: a relay host that reaches both servers, `flexway migrate --copier relay`";

/// What is left after a plan that opens all that is known to be closed.
pub(super) const REST: &str = "nothing that the estate tells of is closed then; `flexway check` of the estate read anew lists what \
    it does not tell, and `flexway probe` finds out";

/// Why the search ended without a repair.
pub(super) fn refusal(report: &Report, barred: &[(Change, String)], is_complete: bool) -> String {
    let mut parts: Vec<String> = report
        .causes()
        .map(|cause| {
            let advice =
                cause.fixes.first().map_or(String::new(), |fix| format!("; {}", fix.title));
            format!("{}: {}{advice}", cause.fault, cause.message)
        })
        .collect();
    let mut reasons: Vec<String> = barred.iter().map(|(_, why)| why.clone()).collect();
    reasons.sort();
    reasons.dedup();
    parts.extend(reasons);
    if !is_complete {
        parts.push("more sets of changes than are looked at; not every one was tried".to_owned());
    }
    if parts.is_empty() {
        return unobserved(report);
    }
    let risks = report.findings.iter().filter(|one| one.severity == Severity::Risks);
    parts.extend(
        risks.filter_map(|one| Some(format!("{}: {}", one.fault, one.fixes.first()?.title))),
    );
    parts.extend(relay(report));
    let opening = match () {
        () if !barred.is_empty() => "what mends this is not allowed",
        () if is_complete && !has_unmended(report) => {
            "requests mend what is known to be wrong, and what is left then cannot be told"
        }
        () => "no request mends this",
    };
    format!("{opening}: {}", parts.join(". "))
}

/// The way that always remains, where it is not the one that was asked about.
pub(super) fn relay(report: &Report) -> Option<String> {
    let copier = &report.question.copier;
    (!matches!(copier, Copier::Relay | Copier::Host(_))).then(|| RELAY.to_owned())
}

/// What would have to be observed before anything is changed.
pub(super) fn unobserved(report: &Report) -> String {
    let missing: Vec<String> =
        report.missing.iter().map(|one| format!("{} ({})", one.what, one.help)).collect();
    format!(
        "the estate does not tell what would have to change; not observed: {}",
        missing.join("; ")
    )
}

/// Why nothing is changed where probes tell more than the estate, or otherwise.
pub(super) fn by_probes(report: &Report) -> String {
    let fusion = report.fusion.as_ref();
    let explained = fusion.filter(|fusion| !fusion.hypotheses.is_empty());
    let Some(fusion) = explained else { return refusal(report, &[], true) };
    let titles: Vec<&str> = fusion.hypotheses.iter().map(|one| one.title.as_str()).collect();
    let next = fusion.split.as_ref().map_or(String::new(), |split| {
        format!(". To be looked at before anything is changed: {}", split.probe)
    });
    let what = match report.verdict {
        Verdict::Inconsistent => "the estate and the probe contradict each other",
        _ => "the probe is blocked, and the estate does not tell by what",
    };
    format!("{what}; most likely first: {}{next}", titles.join("; "))
}

/// Whether something blocks that no change of the network mends, or that is not known.
pub(super) fn has_unmended(report: &Report) -> bool {
    let is_advice = |cause: &Finding| cause.fixes.iter().all(|fix| fix.changes.is_empty());
    report.causes().next().is_none() || report.causes().any(is_advice)
}
