//! The verdict over configuration and observation together.

use std::net::IpAddr;

use crate::address::AddressSet;
use crate::checks;
use crate::diagnose::{Report, SECOND_FLOW, Source};
use crate::estate::Estate;
use crate::finding::{Certainty, Finding, Fix, Severity};
use crate::fusion::hypothesis::{self, Conflict};
use crate::fusion::predicted::Predicted;
use crate::fusion::witness::Flow;
use crate::fusion::{Agreement, Hypothesis, refused};
use crate::probes::{Observation, Rung, Seen, Symptom, is_azure};
use crate::trace::step::Verdict;

/// What comes out.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) agreement: Agreement,
    pub(super) hypotheses: Vec<Hypothesis>,
}

/// What an observation says of the path that configuration speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Packets pass, and the server's gate let them in.
    Admitted,
    /// Packets pass; of the gate nothing was seen.
    Arrived,
    /// They do not.
    Blocked(Symptom),
}

impl Sight {
    fn of(observation: &Observation) -> Option<Sight> {
        match observation.seen() {
            Seen::Through(rung) if rung >= Rung::Startup => Some(Sight::Admitted),
            Seen::Through(rung) if rung >= Rung::SslRequest => Some(Sight::Arrived),
            Seen::Through(_) | Seen::Nothing => None,
            Seen::Blocked(Rung::Tls, _) => Some(Sight::Arrived),
            Seen::Blocked(_, symptom) if symptom.is_beyond_network() => Some(Sight::Admitted),
            Seen::Blocked(_, symptom) => Some(Sight::Blocked(symptom)),
        }
    }
}

/// What an observation says of which flow.
struct Look<'a> {
    one: &'a Observation,
    flow: Flow,
    sight: Sight,
    /// Whether the server saw it come from an address that was judged.
    is_known_sender: bool,
}

impl Look<'_> {
    /// Whether a cause stands on the flow that was looked at.
    fn concerns(&self, report: &Report, cause: &Finding) -> bool {
        let (to_source, to_target) = report.flows_of(cause);
        if self.flow == Flow::ToTarget { to_target } else { to_source }
    }
}

/// Judges the newest observation of each flow; `None` when there is none.
pub(super) fn judge(
    estate: &Estate,
    report: &mut Report,
    predicted: &Predicted,
    senders: &AddressSet,
    needed: usize,
    source: Option<&Observation>,
    target: Option<&Observation>,
) -> Option<Judged> {
    let sources = source.into_iter().map(|one| (one, Flow::ToSource));
    let both = sources.chain(target.into_iter().map(|one| (one, Flow::ToTarget)));
    let look = |(one, flow): (_, Flow)| {
        let sight = Sight::of(one)?;
        let is_known_sender =
            matches!(one.seen_as, Some(IpAddr::V4(four)) if senders.contains(four));
        Some(Look { one, flow, sight, is_known_sender })
    };
    let seen: Vec<Look<'_>> = both.filter_map(look).collect();
    let first = seen.first()?;
    let blocked = seen.iter().find_map(|look| match look.sight {
        Sight::Blocked(symptom) => Some((look, symptom)),
        Sight::Admitted | Sight::Arrived => None,
    });
    let names_differ = source.is_some_and(|one| predicted.is_contradicted_by(&one.addresses));
    let mut judged = match blocked {
        Some((look, symptom))
            if look.flow == Flow::ToSource
                && refused::decide(estate, report, (look.one, symptom)) =>
        {
            agreed(Verdict::Unreachable, Agreement::Decides)
        }
        Some((look, symptom)) => against(report, look, symptom),
        None => through(report, &seen, seen.len() == needed),
    };
    if names_differ {
        let source = source.unwrap_or(first.one);
        judged.verdict = Verdict::Inconsistent;
        judged.agreement = Agreement::Contradicts;
        let mut hypotheses = hypothesis::of(&Conflict::Name { predicted, seen: source }, report);
        // What is silent or refuses there is another address than the one that was judged.
        if !blocked.is_some_and(|(look, _)| look.flow == Flow::ToSource) {
            hypotheses.append(&mut judged.hypotheses);
        }
        judged.hypotheses = hypotheses;
    }
    for look in &seen {
        add_finding(report, look.one, &mut judged);
    }
    Some(judged)
}

fn agreed(verdict: Verdict, agreement: Agreement) -> Judged {
    Judged { verdict, agreement, hypotheses: Vec::new() }
}

/// Packets come through: what does the configuration say?
fn through(report: &mut Report, seen: &[Look<'_>], is_all: bool) -> Judged {
    let is_admitted = seen.iter().all(|look| look.sight == Sight::Admitted);
    let Some(first) = seen.first().map(|look| look.one) else {
        return agreed(report.verdict, Agreement::None);
    };
    match report.verdict {
        Verdict::Reachable => agreed(Verdict::Reachable, Agreement::Agrees),
        Verdict::Undetermined if is_admitted && is_all => {
            for finding in report.findings.iter_mut().filter(|one| one.severity == Severity::Risks)
            {
                finding.severity = Severity::Note;
                finding.fixes.clear();
            }
            agreed(Verdict::Reachable, Agreement::Decides)
        }
        Verdict::Undetermined => agreed(Verdict::Undetermined, Agreement::None),
        Verdict::Partial => match sender_passes(report, first) {
            Some(false) => contradiction(report, &Conflict::Through { seen: first }),
            Some(true) | None => agreed(Verdict::Partial, Agreement::Agrees),
        },
        Verdict::Unreachable | Verdict::Inconsistent => {
            // Before the gate has spoken, a cause at the gate may still be right.
            let areas: &[&str] = if is_admitted { &[] } else { &["server/", "dns/", "mode/"] };
            let stands = |cause: &Finding| areas.iter().any(|area| cause.fault.starts_with(area));
            let is_refuted = |cause: &Finding| {
                !stands(cause) && seen.iter().any(|look| look.concerns(report, cause))
            };
            match report.causes().any(is_refuted) {
                true => contradiction(report, &Conflict::Through { seen: first }),
                false => agreed(report.verdict, Agreement::Agrees),
            }
        }
    }
}

/// Packets do not come through: what does the configuration say?
fn against(report: &mut Report, look: &Look<'_>, symptom: Symptom) -> Judged {
    let one = look.one;
    let conflict = Conflict::Blocked { seen: one, symptom, is_known_sender: look.is_known_sender };
    match report.verdict {
        Verdict::Reachable => contradiction(report, &conflict),
        Verdict::Undetermined => decide(report, &conflict, symptom),
        Verdict::Partial if sender_passes(report, one) == Some(true) => {
            contradiction(report, &conflict)
        }
        Verdict::Partial | Verdict::Unreachable | Verdict::Inconsistent => {
            let mut fits = false;
            let concerned: Vec<bool> =
                report.findings.iter().map(|one| look.concerns(report, one)).collect();
            for (finding, is_on_it) in report.findings.iter_mut().zip(concerned) {
                if is_on_it
                    && finding.is_cause()
                    && (symptom.fits(finding.fault) || finding.fault == SECOND_FLOW)
                {
                    finding.certainty = Certainty::Certain;
                    fits = true;
                }
            }
            match fits {
                true => agreed(report.verdict, Agreement::Agrees),
                false => contradiction(report, &conflict),
            }
        }
    }
}

/// The configuration could not tell, and the probe is blocked: findings that fit become causes, and
/// the only one that fits is the one.
fn decide(report: &mut Report, conflict: &Conflict<'_>, symptom: Symptom) -> Judged {
    let is_candidate = |one: &Finding| {
        one.severity == Severity::Risks && one.consequence_of.is_none() && symptom.fits(one.fault)
    };
    let count = report.findings.iter().filter(|one| is_candidate(one)).count();
    for finding in report.findings.iter_mut().filter(|one| is_candidate(one)) {
        finding.severity = Severity::Blocks;
        if count == 1 && report.missing.is_empty() {
            finding.certainty = Certainty::Certain;
        }
    }
    let hypotheses = if count == 0 { hypothesis::of(conflict, report) } else { Vec::new() };
    Judged { verdict: Verdict::Unreachable, agreement: Agreement::Decides, hypotheses }
}

fn contradiction(report: &Report, conflict: &Conflict<'_>) -> Judged {
    Judged {
        verdict: Verdict::Inconsistent,
        agreement: Agreement::Contradicts,
        hypotheses: hypothesis::of(conflict, report),
    }
}

/// Whether the prober is among the senders that pass; `None` when its address is not known.
fn sender_passes(report: &Report, one: &Observation) -> Option<bool> {
    let senders = report.senders.as_ref()?;
    let addresses = [one.vantage.address, one.seen_as];
    addresses.iter().flatten().find_map(|address| match address {
        IpAddr::V4(four) if senders.pass.contains(*four) => Some(true),
        IpAddr::V4(four) if senders.dropped.contains(*four) => Some(false),
        _ => None,
    })
}

/// Faults that only a probe proves: of TLS, of the login, and of hosts.
fn add_finding(report: &mut Report, one: &Observation, judged: &mut Judged) {
    const AREAS: [&str; 3] = ["tls/", "auth/", "host/"];
    let Seen::Blocked(rung, symptom) = one.seen() else { return };
    let host = &one.to.host;
    let suspects = symptom.suspects(host);
    let Some(fault) = suspects.first() else { return };
    let is_host = matches!(report.question.source, Source::Host(_)) && !is_azure(host);
    let is_ours = AREAS.iter().any(|area| fault.starts_with(area));
    let is_sure = suspects.len() == 1;
    // A refusal or silence of a host can have other reasons on the way, which must be ruled out.
    let is_decided = judged.verdict == Verdict::Unreachable || symptom.is_beyond_network();
    if !is_ours || !(is_sure || is_host && is_decided && symptom != Symptom::Silent) {
        return;
    }
    let Some(check) = checks::find(fault) else { return };
    if report.findings.iter().any(|known| known.fault == check.fault && known.is_cause()) {
        return;
    }
    let detail = one.rung(rung).map_or("", |report| report.detail.as_str());
    let message = format!("{host} {}: {detail}", symptom.means());
    let why = format!("a probe from the copier's place met it at {} ({})", rung.word(), one.time);
    let fix = one.rung(rung).and_then(|report| report.fix.clone());
    let mut finding = Finding::blocks(message, why)
        .fix(Fix::advice(fix.unwrap_or_else(|| symptom.fix().to_owned())));
    finding.fault = check.fault;
    if !is_sure {
        finding.certainty = Certainty::Possible;
    }
    report.findings.insert(0, finding);
    if judged.verdict != Verdict::Inconsistent {
        judged.verdict = Verdict::Unreachable;
        judged.agreement = Agreement::Decides;
        judged.hypotheses.clear();
    }
}
