//! What else a repair touches: flows of other subnets and servers, judged before and after.

use serde::Serialize;

use super::rules::Rules;
use super::touched::touched;
use crate::diagnose::Question;
use crate::estate::server::Server;
use crate::estate::{Estate, Set, Writes};
use crate::id::ResourceId;
use crate::trace;
use crate::trace::gate::Gate;
use crate::trace::start::Start;
use crate::trace::step::{Outcome, Stage, Step, Verdict};

/// A flow from a client to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// The subnet, or the network interface of a machine that has a public address of its own.
    pub from: ResourceId,
    /// The server.
    pub to: ResourceId,
    /// Before the changes.
    pub before: Verdict,
    /// After them.
    pub after: Verdict,
}

/// What the changes do to other flows.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Safety {
    /// Flows judged before and after.
    pub flows_checked: usize,
    /// Flows that worked and do not, or not surely, any more.
    pub broken: Vec<Flow>,
    /// Flows that worked, and of which documents disagree whether they still do.
    pub disputed: Vec<Flow>,
    /// Flows of which nobody knows whether they worked, and that something new stands in the way of.
    pub doubtful: Vec<Flow>,
    /// Flows that work now and surely did not, beside the one that was asked for.
    pub opened: Vec<Flow>,
    /// Whether more flows may be touched than were looked at.
    pub is_cut: bool,
}

/// A client and a server.
pub(super) type Ends = (ResourceId, ResourceId);

/// Judges the flows that changes may touch, before and after.
pub fn look(before: &Estate, after: &Estate, question: &Question) -> Safety {
    look_until(before, after, question, &mut Set::default(), usize::MAX).0
}

/// The same until more than `most` are broken; and whether it came to the end. Flows that are fragile are all judged, and first; those
/// that the changes break are fragile from now on, since sets of changes that grow from each other break the same.
pub(super) fn look_until(
    before: &Estate,
    after: &Estate,
    question: &Question,
    fragile: &mut Set<Ends>,
    most: usize,
) -> (Safety, bool) {
    let judge = Judge::new(before, after, question);
    let (flows, is_cut) = touched(before, after, &judge.writes);
    let (early, late): (Vec<_>, Vec<_>) =
        flows.iter().enumerate().partition(|(_, ends)| fragile.contains(ends));
    let early_count = early.len();
    let mut safety = Safety { is_cut, ..Safety::default() };
    let (mut broken, mut disputed) = (Vec::new(), Vec::new());
    let (mut doubtful, mut opened) = (Vec::new(), Vec::new());
    for (turn, (place, (client, server))) in early.into_iter().chain(late).enumerate() {
        if turn >= early_count && broken.len() > most {
            break;
        }
        let Some(judged) = judge.flow(client, server) else { continue };
        safety.flows_checked += 1;
        match judged {
            Some(flow) if is_disputed(after, &flow) => disputed.push((place, flow)),
            Some(flow) if flow.before == Verdict::Reachable => broken.push((place, flow)),
            // It may have worked before.
            Some(Flow { before: Verdict::Undetermined, after: Verdict::Reachable, .. }) => {}
            Some(flow) if flow.after == Verdict::Reachable => opened.push((place, flow)),
            Some(flow) => doubtful.push((place, flow)),
            None => {}
        }
    }
    let is_whole = broken.len() <= most;
    let in_order = |mut list: Vec<(usize, Flow)>| {
        list.sort_by_key(|(place, _)| *place);
        list.into_iter().map(|(_, flow)| flow).collect()
    };
    (safety.broken, safety.opened) = (in_order(broken), in_order(opened));
    (safety.disputed, safety.doubtful) = (in_order(disputed), in_order(doubtful));
    fragile.extend(safety.broken.iter().map(|flow| (flow.from.clone(), flow.to.clone())));
    (safety, is_whole)
}

/// Judges flows before and after.
struct Judge<'e> {
    before: &'e Estate,
    after: &'e Estate,
    writes: Writes,
    rules: Option<Rules<'e>>,
    question: &'e Question,
    /// The copier's subnet.
    own: Option<&'e ResourceId>,
}

impl<'e> Judge<'e> {
    fn new(before: &'e Estate, after: &'e Estate, question: &'e Question) -> Judge<'e> {
        let writes = after.writes_since(before);
        let rules = Rules::between(before, after, &writes);
        let own = copier_subnet(before, &question.copier_id());
        Judge { before, after, writes, rules, question, own }
    }

    /// A flow where it is broken, opened or put in doubt; `None` for what is no flow.
    fn flow(&self, client: &ResourceId, server: &ResourceId) -> Option<Option<Flow>> {
        let judge = |estate: &Estate| flow(estate, client, server);
        if self.rules.as_ref().is_some_and(|rules| !rules.may_alter(self.before, client, server)) {
            debug_assert_eq!(judge(self.before), judge(self.after), "{client} -> {server}");
            return is_flow(self.before, client, server).then_some(None);
        }
        let (then, reads) = self.before.remember_reads("flow", &[client, server], judge);
        let then = then?;
        let now = if reads.stand(self.after, &self.writes) { None } else { judge(self.after) };
        let is_open = |verdict: Verdict| verdict == Verdict::Reachable;
        let is_doubted = || then == Verdict::Undetermined && self.is_worse(client, server);
        let differs = now.filter(|now| is_open(*now) != is_open(then) || is_doubted());
        let is_asked = self.question.is_about(server)
            && (self.own == Some(client) || self.question.copier_id() == *client);
        let flow = differs.filter(|_| !is_asked).map(|after| Flow {
            from: client.clone(),
            to: server.clone(),
            before: then,
            after,
        });
        Some(flow)
    }

    /// Whether something stands in the way of a flow that did not stand there before.
    fn is_worse(&self, client: &ResourceId, server: &ResourceId) -> bool {
        let gates = |estate: &Estate| -> Vec<(Stage, Outcome, String)> {
            let way = Start::of_client(estate, client)
                .and_then(|start| trace::path_from_subnet(estate, server, start, server).ok());
            let steps = way.as_ref().map(|way| [way.forward(), way.back()].concat());
            let shut = steps.into_iter().flatten().filter(|step| step.outcome != Outcome::Pass);
            shut.map(|step| (step.stage, step.outcome, step.detail)).collect()
        };
        let before = gates(self.before);
        gates(self.after).iter().any(|gate| !before.contains(gate))
    }
}

/// The subnet that holds nothing but the copier. The neighbours of a relay host are others.
fn copier_subnet<'e>(estate: &'e Estate, copier: &ResourceId) -> Option<&'e ResourceId> {
    estate.find::<Server>(copier)?.delegated_subnet.as_ref()
}

/// The verdict over a flow of a client; `None` where the client or the server is not known, or is the server's own subnet.
fn flow(estate: &Estate, client: &ResourceId, server: &ResourceId) -> Option<Verdict> {
    if !is_flow(estate, client, server) {
        return None;
    }
    let start = Start::of_client(estate, client)?;
    estate.briefly(|estate| {
        trace::path_from_subnet(estate, server, start, server).ok().map(|path| path.verdict())
    })
}

/// Whether a flow worked, and all that is not known of it any more is whether the rule for all of Azure counts at the server's door:
/// documents disagree, and no estate tells.
fn is_disputed(after: &Estate, flow: &Flow) -> bool {
    let worked = flow.before == Verdict::Reachable && flow.after == Verdict::Undetermined;
    let Some(start) = Start::of_client(after, &flow.from).filter(|_| worked) else { return false };
    let Ok(path) = trace::path_from_subnet(after, &flow.to, start, &flow.to) else { return false };
    let door = path.taken().and_then(|leg| leg.gate.as_ref());
    let is_open = |step: &Step| step.stage == Stage::Admit || step.outcome != Outcome::Unknown;
    matches!(door, Some(Gate::Disputed(_)))
        && path.forward().iter().chain(&path.back()).all(is_open)
}

/// Whether a server is known, and the client is not its own subnet.
fn is_flow(estate: &Estate, client: &ResourceId, server: &ResourceId) -> bool {
    estate.find::<Server>(server).is_some_and(|one| one.delegated_subnet.as_ref() != Some(client))
}
