//! The diagnosis: verdict, causes with their consequences, what is missing, and the path itself.

mod behind;
mod consequences;
mod fixes;
mod gates;
mod json;
mod one_setting;
mod packets;
mod places;
mod question;
mod reach;
mod second_flow;

use crate::address::AddressSet;
use crate::checks;
use crate::estate::{Estate, Missing, Reads};
use crate::finding::{Finding, Fix};
use crate::fusion::Fusion;
use crate::guide::{self, Guide};
use crate::id::ResourceId;
use crate::repair::search;
use crate::trace::start::Start;
use crate::trace::step::{Outcome, Stage, Step, Verdict};
use crate::trace::{self, Path};

pub use places::Spot;
pub use reach::Reach;
use second_flow::Way;

pub use crate::trace::PORT;
pub use fixes::weigh_fixes;
pub use question::{Copier, Given, Question, Source};

/// The fault under which everything stands that is wrong with the way to the target alone.
pub(crate) const SECOND_FLOW: &str = "mode/runtime-server-cannot-reach-target";

const NOT_READY: &str = "server/not-ready";

/// The answer.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was asked.
    pub question: Question,
    /// The same in the user's words, where those differ.
    pub given: Given,
    /// Whether the copier can reach the source (and the target, where it does not run there).
    pub verdict: Verdict,
    /// `ST008` where the copier cannot reach the source: what Azure's tool says of that.
    pub code: Option<&'static str>,
    /// Senders that pass and senders that are dropped, where the verdict is partial.
    pub senders: Option<Senders>,
    /// The copier's subnet, and the addresses that it sends from; `None` where it is in no network, or its place was not observed.
    pub place: Option<(ResourceId, AddressSet)>,
    /// The guide's view.
    pub guide: Option<Guide>,
    /// Causes first, then their consequences, risks and notes.
    pub findings: Vec<Finding>,
    /// What is not in the estate and would decide.
    pub missing: Vec<Missing>,
    /// The flows of the copier, that to the source first.
    pub flows: Vec<Flow>,
    /// What observations made of it; `None` where none were given.
    pub fusion: Option<Fusion>,
}

/// The parts of the copier's subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Senders {
    /// Addresses from which the server is reached.
    pub pass: AddressSet,
    /// Addresses from which it is not.
    pub dropped: AddressSet,
}

/// One flow of the copier.
#[derive(Debug, Clone)]
pub struct Flow {
    /// Where it goes: `source` or `target`.
    pub to: &'static str,
    /// Addresses that the copier may have; empty where they are not known.
    pub senders: AddressSet,
    /// Steps there.
    pub forward: Vec<Step>,
    /// Steps back.
    pub back: Vec<Step>,
}

impl Flow {
    fn to_source(senders: AddressSet, forward: Vec<Step>, back: Vec<Step>) -> Flow {
        Flow { to: "source", senders, forward, back }
    }

    /// All steps, there and back.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.forward.iter().chain(&self.back)
    }
}

impl Senders {
    /// Those that pass two flows.
    fn and(&self, other: &Senders) -> Senders {
        Senders {
            pass: self.pass.intersection(&other.pass),
            dropped: self.dropped.union(&other.dropped),
        }
    }
}

/// Answers a question from an estate.
pub fn check(estate: &Estate, question: &Question) -> Report {
    check_to_depth(estate, question, behind::DEPTH_MAX)
}

/// The same, with so many faults at most mended for what lies behind them.
fn check_to_depth(estate: &Estate, question: &Question, depth: usize) -> Report {
    if question.copier == Copier::Relay {
        return undecided(question, relay());
    }
    let of_flow = |to| match way(estate, question, to) {
        Ok(path) => {
            let mut report = of_path(question, &path);
            if to == Way::Source {
                behind::add(&mut report, &path, (estate, question), depth);
            }
            report
        }
        Err(missing) => undecided(question, missing),
    };
    let mut report = of_flow(Way::Source);
    report.code = (report.verdict == Verdict::Unreachable).then_some("ST008");
    if question.copier.has_two_flows() {
        let second = of_flow(Way::Target);
        let faults = |report: &Report| report.causes().map(|one| one.fault).collect::<Vec<_>>();
        let (of_first, of_second) = (faults(&report), faults(&second));
        second_flow::add(&mut report, &second, &|changes, to, fault| {
            let before = if to == Way::Source { &of_first } else { &of_second };
            let after = search::apply(estate, changes);
            let path = way(&after, question, to);
            path.is_ok_and(|path| fixes::is_mended(fault, before, &judge(&path).1))
        });
    }
    report.mark_consequences();
    report
}

/// The path of one of the flows.
fn way<'e>(estate: &'e Estate, question: &Question, to: Way) -> Result<Box<Path<'e>>, Missing> {
    let copier = &question.copier_id();
    match (to, &question.source) {
        (Way::Target, _) => trace::path(estate, copier, &question.target, PORT),
        (Way::Source, Source::Server(id)) => trace::path(estate, copier, id, question.port),
        (Way::Source, Source::Host(host)) => {
            trace::path_to_host(estate, copier, host, question.port)
        }
    }
}

/// The verdict and what is wrong, without the guide's view and the steps: a search asks hundreds of times. Of two flows the second is
/// looked at when the first one is open: every repair mends that one too.
pub(crate) fn judged(estate: &Estate, question: &Question) -> (Verdict, Vec<Finding>) {
    let of = |to| {
        way(estate, question, to).map_or((Verdict::Undetermined, Vec::new()), |path| judge(&path))
    };
    if question.copier == Copier::Relay {
        return (Verdict::Undetermined, Vec::new());
    }
    let first = of(Way::Source);
    match first.0 {
        _ if !question.copier.has_two_flows() => first,
        Verdict::Unreachable => first,
        Verdict::Reachable => of(Way::Target),
        Verdict::Partial | Verdict::Undetermined | Verdict::Inconsistent => {
            let report = check(estate, question);
            (report.verdict, report.findings)
        }
    }
}

/// The verdict alone.
pub fn verdict(estate: &Estate, question: &Question) -> Verdict {
    if question.copier == Copier::Relay {
        return Verdict::Undetermined;
    }
    let of = |to| {
        estate.briefly(|estate| {
            way(estate, question, to).map_or(Verdict::Undetermined, |path| path.verdict())
        })
    };
    match of(Way::Source) {
        first if !question.copier.has_two_flows() => first,
        Verdict::Unreachable => Verdict::Unreachable,
        Verdict::Reachable => of(Way::Target),
        Verdict::Partial | Verdict::Undetermined | Verdict::Inconsistent => {
            check(estate, question).verdict
        }
    }
}

/// What decides that a gate other than security rules is closed, where one is and rules do not matter for it: no repair leaves all of
/// that as it is. Of two flows, of the one that [`judged`] speaks of.
pub(crate) fn reads_beyond_rules(estate: &Estate, question: &Question) -> Option<Reads> {
    let of = |to| {
        estate.watch_all_but_asides(|estate| {
            estate.briefly(|estate| {
                let path = way(estate, question, to).ok()?;
                Some((path.verdict(), path.is_closed_beyond_rules()))
            })
        })
    };
    let (mut found, mut reads) = of(Way::Source);
    if question.copier.has_two_flows() && !matches!(found, Some((Verdict::Unreachable, _))) {
        (found, reads) = of(Way::Target);
    }
    found.is_some_and(|(_, is_closed)| is_closed).then_some(reads)
}

/// Answers the question for another subnet and server: whether a client there can reach it.
pub fn check_from_client(
    estate: &Estate,
    question: &Question,
    client: &ResourceId,
    server: &ResourceId,
) -> Option<Report> {
    let start = Start::of_client(estate, client)?;
    let path = trace::path_from_subnet(estate, &question.copier_id(), start, server).ok()?;
    let asked = Question { source: Source::Server(server.clone()), port: PORT, ..question.clone() };
    Some(of_path(&asked, &path))
}

fn relay() -> Missing {
    Missing::other(
        "the relay host's place in the network",
        "name the host by its machine or network interface in the estate (`--copier ID`), or run `flexway migrate --copier relay` \
         on it: it connects to both servers before it touches anything",
    )
}

fn undecided(question: &Question, missing: Missing) -> Report {
    Report {
        question: question.clone(),
        given: Given::default(),
        verdict: Verdict::Undetermined,
        code: None,
        senders: None,
        place: None,
        guide: None,
        findings: Vec::new(),
        flows: vec![Flow::to_source(
            AddressSet::default(),
            vec![Step::unknown(Stage::Mode, missing.clone())],
            Vec::new(),
        )],
        missing: vec![missing],
        fusion: None,
    }
}

/// The verdict and what is wrong with a path, without the guide's view of it.
fn judge(path: &Path) -> (Verdict, Vec<Finding>) {
    let verdict = path.verdict();
    let found = checks::ALL.iter().flat_map(|check| check.run(path)).collect();
    let mut findings = consequences::doubt_names(path, verdict, found);
    consequences::silence(path, &mut findings);
    one_setting::silence(path, &mut findings);
    consequences::behind_shut_door(path, &mut findings);
    findings.extend(consequences::on_detour(path, &findings));
    consequences::weaken(verdict, &consequences::partly_closed(path), &mut findings);
    for finding in &mut findings {
        finding.fixes = finding.fixes.drain(..).map(Fix::or_capture).collect();
    }
    (verdict, findings)
}

fn of_path(question: &Question, path: &Path) -> Report {
    let (verdict, mut findings) = judge(path);
    if question.copier == Copier::Target {
        findings.extend(guide::notes(path));
    }
    // Causes stand in the order of the path.
    findings.sort_by_key(|one| {
        let place = one.stages().first().filter(|_| one.is_cause());
        (!one.is_cause(), one.severity, place.copied())
    });
    let mut flow = Flow::to_source(path.senders(), path.forward(), path.back());
    packets::tell(path, &mut flow);
    let senders = senders(&flow, verdict);
    let dropped = senders.as_ref().map(|one| &one.dropped);
    gates::mark(path, &findings, dropped, &mut flow.forward);
    let open = flow.steps().filter_map(|step| step.missing.clone());
    let mut missing: Vec<Missing> = open.chain(guide::missing(path)).collect();
    missing.sort();
    missing.dedup();
    let mut report = Report {
        question: question.clone(),
        given: Given::default(),
        verdict,
        code: None,
        senders,
        place: path
            .start
            .as_ref()
            .and_then(|start| Some((start.subnet.clone(), start.addresses(path.estate).ok()?))),
        guide: if question.copier == Copier::Target { guide::view(path) } else { None },
        findings,
        missing,
        flows: vec![flow],
        fusion: None,
    };
    report.sort_causes();
    report
}

/// Which senders pass, where some do and some do not.
fn senders(flow: &Flow, verdict: Verdict) -> Option<Senders> {
    let parts = flow.steps().filter_map(|step| step.dropped_part.as_ref());
    let dropped = parts.fold(AddressSet::default(), |all, part| all.union(part));
    let pass = flow.senders.difference(&dropped);
    let dropped = dropped.intersection(&flow.senders);
    (verdict == Verdict::Partial).then_some(Senders { pass, dropped })
}

impl Report {
    /// The code as Azure's tool would show it: none where a relay host copies, which that tool does not know.
    pub fn code_shown(&self) -> Option<&'static str> {
        self.code.filter(|_| !matches!(self.question.copier, Copier::Relay | Copier::Host(_)))
    }

    /// Whether a gate is known to be closed, if only for a part of the senders.
    pub fn is_closed(&self) -> bool {
        let closes = |step: &Step| step.outcome == Outcome::Drop;
        matches!(self.verdict, Verdict::Unreachable | Verdict::Partial) || self.steps().any(closes)
    }

    /// Whether a cause stands on the way to the source, and whether on that to the target.
    pub(crate) fn flows_of(&self, cause: &Finding) -> (bool, bool) {
        let is_target = cause.fault == NOT_READY
            && self.question.copier.has_two_flows()
            && cause.place.as_ref().is_some_and(|at| at.resource == self.question.target);
        let follows =
            |one: &Finding| one.fault == SECOND_FLOW && one.consequence_of == Some(cause.fault);
        let is_second = cause.fault == SECOND_FLOW || is_target;
        (!is_second, is_second || self.findings.iter().any(follows))
    }

    /// All steps of all flows, each flow there and back.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.flows.iter().flat_map(Flow::steps)
    }

    /// Addresses of the copier that surely do not come through, where others may.
    pub fn surely_dropped(&self) -> AddressSet {
        let mut all = AddressSet::default();
        // Where the name may lead elsewhere, no gate is met for sure.
        let is_led = |flow: &&Flow| {
            let is_open =
                |step: &Step| step.stage == Stage::Name && step.outcome == Outcome::Unknown;
            !flow.forward.iter().any(is_open)
        };
        for flow in self.flows.iter().filter(is_led) {
            let drops = |step: &&Step| step.outcome == Outcome::Drop;
            let parts = flow.steps().filter(drops).filter_map(|step| step.dropped_part.as_ref());
            let dropped = parts.fold(AddressSet::default(), |all, part| all.union(part));
            all = all.union(&dropped.intersection(&flow.senders));
        }
        all
    }

    /// The steps there of all flows.
    pub fn forward(&self) -> impl Iterator<Item = &Step> {
        self.flows.iter().flat_map(|flow| &flow.forward)
    }

    /// The faults that cause the verdict.
    pub fn causes(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.is_cause())
    }
}
