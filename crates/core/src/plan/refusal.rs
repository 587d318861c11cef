//! Why a plan changes nothing, and what would help.

use std::fmt;

use super::Relaxation;
use crate::change::in_subscription;
use crate::diagnose::{Copier, Report};
use crate::finding::{Finding, Severity};
use crate::id::ResourceId;
use crate::repair::{Bar, Found};
use crate::shell::quoted;
use crate::trace::step::Verdict;

/// The way that is left when no change of the network helps.
const RELAY: &str = "copy through a relay host that reaches both servers: \
    `flexway migrate --copier relay --source-url ... --target-url ...`";

/// What is left after a plan that opens all that is known to be closed.
pub(super) const REST: &str = "nothing that the estate tells of is closed then; `flexway check` of the estate read anew lists what \
    it does not tell, and `flexway probe` finds out";

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What decides, in one sentence.
    pub why: String,
    /// What helps, a line each, in the order in which it is done.
    pub help: Vec<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> =
            std::iter::once(&self.why).chain(&self.help).map(String::as_str).collect();
        out.write_str(&parts.join("; "))
    }
}

/// Why the search ended without a repair: what is barred and would do, else what no request mends.
pub(super) fn refusal(report: &Report, found: &Found, relaxation: Option<&Relaxation>) -> Refusal {
    if let Some(relaxation) = relaxation.filter(|one| !one.barred.is_empty()) {
        return barred(relaxation);
    }
    let is_risk = |one: &&Finding| one.severity == Severity::Risks;
    let has_cause = report.causes().next().is_some();
    let mut refusal = match () {
        () if !found.is_complete => Refusal {
            why: "there are more sets of changes than are looked at: not every one was tried"
                .to_owned(),
            help: report.causes().filter_map(advised).collect(),
        },
        () if !has_cause && found.barred.is_empty() => return unobserved(report),
        () if has_cause && !has_unmended(report) => Refusal {
            why: format!(
                "a repair of what is known to be wrong leaves something open that is not observed: {}",
                faults(report.causes())
            ),
            help: by_hand(report)
                .chain(report.missing.iter().map(|one| format!("to know it: {}", one.help)))
                .chain(seen(report))
                .collect(),
        },
        () => unmended(report),
    };
    let perhaps = report.findings.iter().filter(is_risk).filter_map(advised);
    refusal.help.extend(perhaps.map(|line| format!("perhaps: {line}")));
    refusal.help.extend(bars(&found.barred).map(|line| format!("beside that, {line}")));
    refusal.help.extend(relay(report, &refusal.help));
    refusal
}

/// Ways to mend causes that no request is made for.
fn by_hand(report: &Report) -> impl Iterator<Item = String> {
    let fixes = report.causes().flat_map(|cause| &cause.fixes);
    fixes.filter(|fix| fix.changes.is_empty()).map(|fix| fix.title.clone())
}

/// What mends a cause that a probe has seen: the estate alone does not show that it is enough.
fn seen(report: &Report) -> impl Iterator<Item = String> {
    let causes = report.causes().filter(|_| report.fusion.is_some());
    let changes = causes.filter_map(|cause| cause.fixes.first()).flat_map(|fix| &fix.changes);
    changes.map(|change| {
        let (title, az) = (&change.title, change.az.join(" && "));
        format!("{title}, then probe again: `{az}`")
    })
}

/// What is barred, how to lift that, what is done meanwhile, and how to put it back.
fn barred(relaxation: &Relaxation) -> Refusal {
    let mut locks: Vec<(&ResourceId, Option<&str>)> = Vec::new();
    let mut help = Vec::new();
    for (_, bar) in &relaxation.barred {
        match bar {
            Bar::Lock(id, level) if !locks.iter().any(|(known, _)| *known == id) => {
                locks.push((id, level.as_deref()));
                help.push(format!(
                    "take the lock away while the plan runs: `az lock delete --ids {}`",
                    quoted(id.as_str())
                ));
            }
            Bar::Lock(..) => {}
            Bar::Kind(_) => help.push(format!("leave out {bar}")),
        }
    }
    help.dedup();
    // A single change is named by what bars it.
    if !locks.is_empty() || relaxation.changes.len() > 1 {
        help.extend(
            relaxation
                .changes
                .iter()
                .map(|change| format!("then {}: `{}`", change.title, change.az.join(" && "))),
        );
    }
    help.extend(locks.into_iter().map(|(id, level)| match level {
        Some(level) => format!("put the lock back: {}", put_back(id, level)),
        None => format!("put lock `{}` back as it was", id.name()),
    }));
    Refusal { why: bars(&relaxation.barred).collect::<Vec<_>>().join("; "), help }
}

/// What each bar stands against, once a bar.
fn bars(barred: &[(crate::change::Change, Bar)]) -> impl Iterator<Item = String> {
    let is_first = |index: usize| !barred[..index].iter().any(|one| one.1 == barred[index].1);
    let first = (0..barred.len()).filter(move |index| is_first(*index));
    first.map(|index| {
        let (change, bar) = &barred[index];
        format!("{bar} forbids what is needed: {}", change.title)
    })
}

/// The command that makes a lock anew.
fn put_back(lock: &ResourceId, level: &str) -> String {
    let scope = lock.scope_as_written();
    let place = match ResourceId::parse(scope) {
        Some(_) => format!(" --resource {}", quoted(scope)),
        None => {
            let group = lock.resource_group();
            let group = (!group.is_empty()).then(|| format!(" --resource-group {}", quoted(group)));
            group.unwrap_or_default()
        }
    };
    let (name, level) = (quoted(lock.name()), quoted(level));
    let command = format!("az lock create --name {name} --lock-type {level}{place}");
    format!("`{}`", in_subscription(lock, command).join(" && "))
}

/// Causes that no request mends. While one lies at a server itself, all else has to wait.
fn unmended(report: &Report) -> Refusal {
    let is_advice = |cause: &&Finding| cause.fixes.iter().all(|fix| fix.changes.is_empty());
    let all: Vec<&Finding> = report.causes().filter(is_advice).collect();
    let own: Vec<&Finding> = all.iter().copied().filter(|one| !is_of_network(one)).collect();
    let is_at_server = !own.is_empty();
    let causes = if is_at_server { own } else { all };
    let is_told = |cause: &&Finding| causes.iter().any(|one| std::ptr::eq(*one, *cause));
    let rest: Vec<&Finding> = report.causes().filter(|cause| !is_told(cause)).collect();
    let opening = match (is_at_server, rest.is_empty()) {
        (true, true) => "nothing in the network is at fault",
        (true, false) => "something comes before the network",
        (false, _) => "no request to the network mends this",
    };
    let mut help: Vec<String> = causes.iter().filter_map(|cause| advised(cause)).collect();
    if is_at_server && !rest.is_empty() {
        let waiting: Vec<&str> = rest.iter().map(|cause| cause.fault).collect();
        help.push(format!("then plan again; what waits for it: {}", waiting.join(", ")));
    } else {
        let then = rest.iter().filter_map(|cause| advised(cause));
        help.extend(then.map(|line| format!("then {line}")));
    }
    Refusal { why: format!("{opening}: {}", faults(causes.into_iter())), help }
}

/// Messages with their faults.
fn faults<'f>(causes: impl Iterator<Item = &'f Finding>) -> String {
    let words = causes.map(|cause| format!("{} ({})", cause.message, cause.fault));
    words.collect::<Vec<_>>().join("; ")
}

/// The first way to mend a finding.
fn advised(finding: &Finding) -> Option<String> {
    finding.fixes.first().map(|fix| fix.title.clone())
}

/// Whether a cause lies between the servers, where another place to copy from goes around it.
fn is_of_network(cause: &Finding) -> bool {
    let is_own = ["server/not-ready", "server/pooler-off", "filter/port-mismatch"];
    let (area, _) = cause.fault.split_once('/').unwrap_or((cause.fault, ""));
    !["auth", "host", "tls"].contains(&area) && !is_own.contains(&cause.fault)
}

/// The way around the network, where it is not the one that was asked about, is not advised already, and ends at servers that answer.
pub(super) fn relay(report: &Report, advised: &[String]) -> Option<String> {
    let is_other = !matches!(report.question.copier, Copier::Relay | Copier::Host(_));
    let is_new = !advised.iter().any(|line| line.contains("--copier relay"));
    (is_other && is_new && report.causes().all(is_of_network)).then(|| RELAY.to_owned())
}

/// What would have to be observed before anything is changed.
pub(super) fn unobserved(report: &Report) -> Refusal {
    let missing: Vec<&str> = report.missing.iter().map(|one| one.what.as_str()).collect();
    let help = report.missing.iter().map(|one| format!("to know it: {}", one.help));
    Refusal {
        why: format!(
            "the estate does not tell what would have to change; not observed: {}",
            missing.join("; ")
        ),
        help: help.collect(),
    }
}

/// Why nothing is changed where probes tell more than the estate, or otherwise.
pub(super) fn by_probes(report: &Report) -> Refusal {
    let fusion = report.fusion.as_ref();
    let explained = fusion.filter(|fusion| !fusion.hypotheses.is_empty());
    let Some(fusion) = explained else {
        return refusal(report, &Found { is_complete: true, ..Found::default() }, None);
    };
    let titles: Vec<&str> = fusion.hypotheses.iter().map(|one| one.title.as_str()).collect();
    let next = |probe: &String| format!("before anything is changed, look: {probe}");
    let what = match report.verdict {
        Verdict::Inconsistent => "the estate and the probe contradict each other",
        _ => "the probe is blocked, and the estate does not tell by what",
    };
    Refusal {
        why: format!("{what}; most likely first: {}", titles.join("; ")),
        help: fusion.split.iter().map(|split| next(&split.probe)).collect(),
    }
}

/// Whether something blocks that no change of the network mends, or that is not known.
pub(super) fn has_unmended(report: &Report) -> bool {
    let is_advice = |cause: &Finding| cause.fixes.iter().all(|fix| fix.changes.is_empty());
    report.causes().next().is_none() || report.causes().any(is_advice)
}
