//! Sets of remedies that the checker thinks of by itself, the small ones first: what a plan lists is not taken for all there is.

use serde_json::Value;

use super::super::apply::{Outcome, Request};
use super::super::verdict::Verdict;
use super::super::world::{World, text};
use super::opened::{Opened, count};
use super::price::{Opens, opens, price};
use super::read::{Cost, EXPOSED, Plan};
use super::remedies::remedies;
use super::remedy::Remedy;
use super::settings::{body_of, is_untold};
use super::{Bounds, Judge, word};
use crate::id::ResourceId;

/// Remedies of one set, against a refusal.
const SET_MAX: usize = 3;

/// A set of remedies with what comes of it.
pub(super) struct Own {
    remedies: Vec<Remedy>,
    pub(super) world: World,
    pub(super) cost: Cost,
}

/// What was found.
pub(super) struct Tried {
    /// Number of sets that were judged.
    pub(super) count: usize,
    /// Those that do.
    pub(super) found: Vec<Own>,
}

impl Own {
    pub(super) fn titles(&self) -> String {
        let titles: Vec<String> =
            self.remedies.iter().map(|one| format!("\"{}\"", one.title)).collect();
        titles.join(" and ")
    }

    /// Whether the plan abstains from a set of the same kinds of changes.
    pub(super) fn is_abstained_from(&self, plan: &Plan) -> bool {
        let sorted = |mut kinds: Vec<String>| {
            kinds.sort_unstable();
            kinds
        };
        let own = self.remedies.iter().flat_map(|one| &one.kinds).map(|kind| (*kind).to_owned());
        let own = sorted(own.collect());
        let kind = |place: &usize| plan.catalogue[*place].kind.clone();
        let abstained = plan.closed.iter().filter(|one| one.verdict == "undetermined");
        abstained.into_iter().any(|one| sorted(one.changes.iter().map(kind).collect()) == own)
    }
}

/// Tries sets of own remedies, those alone that cost less than a limit. What the plan's maker forbade, and what a lock of the estate
/// forbids, is left out.
pub(super) fn tried(judge: &Judge<'_>, limit: Option<Cost>, bounds: Bounds) -> Tried {
    let start = Own { remedies: Vec::new(), world: judge.world.clone(), cost: Cost::default() };
    let mut tried = Tried { count: 0, found: Vec::new() };
    let mut layer = vec![start];
    for _ in 0..if limit.is_some() { bounds.own_edits_max } else { SET_MAX } {
        let mut next = Vec::new();
        for set in &layer {
            for remedy in judge.remedies(&set.world) {
                if tried.count >= bounds.own_sets_max {
                    return tried;
                }
                let Some(grown) = judge.grown(set, remedy) else { continue };
                if limit.is_some_and(|limit| grown.cost >= limit) {
                    continue;
                }
                tried.count += 1;
                match judge.verdict(&grown.world) {
                    Verdict::Reachable => tried.found.push(grown),
                    Verdict::Unreachable | Verdict::Partial | Verdict::Undetermined => {
                        next.push(grown);
                    }
                }
            }
        }
        if !tried.found.is_empty() {
            return tried;
        }
        layer = next;
    }
    tried
}

impl Judge<'_> {
    /// What opens the gates that are closed in a world, as far as it may be done.
    fn remedies(&self, world: &World) -> Vec<Remedy> {
        let of = |leg: &super::read::Leg| remedies(world, leg, &leg.ask(world).blockers);
        let is_allowed = |remedy: &Remedy| {
            let is_forbidden =
                |kind: &&str| self.plan.forbidden.iter().any(|one| one.eq_ignore_ascii_case(kind));
            !remedy.kinds.iter().any(is_forbidden)
                && !remedy.requests.iter().any(|request| !locks_on(self.world, request).is_empty())
                && !remedy.requests.iter().any(|request| self.repeats_untold(request))
        };
        let all = self.plan.legs.iter().flat_map(of);
        all.filter(is_allowed).collect()
    }

    /// Whether a request changes a resource of which something was not captured.
    fn repeats_untold(&self, request: &Request) -> bool {
        let id = ResourceId::parse(request.path.split('?').next().unwrap_or(""));
        let known = id.and_then(|id| body_of(self.world, &id.key()));
        known.is_some_and(is_untold)
    }

    /// A set with one more remedy; `None` where Azure would refuse it, or it does nothing.
    fn grown(&self, set: &Own, remedy: Remedy) -> Option<Own> {
        let mut world = set.world.clone();
        for request in &remedy.requests {
            match request.apply(&mut world) {
                Outcome::Made | Outcome::Changed => {}
                Outcome::AlreadySo | Outcome::Refused(_) => return None,
            }
        }
        let mut remedies = set.remedies.clone();
        remedies.push(remedy);
        let cost = self.cost_of(&remedies)?;
        Some(Own { remedies, world, cost })
    }

    /// What remedies cost; what they let through counts as much as can be where the checker cannot tell it exactly.
    fn cost_of(&self, remedies: &[Remedy]) -> Option<Cost> {
        let (mut sum, mut flows, mut is_exact) = (Cost::default(), Vec::<Opened>::new(), true);
        for request in remedies.iter().flat_map(|one| &one.requests) {
            let cost = price(self.world, request)?;
            sum.iter_mut().zip(cost).for_each(|(sum, one)| *sum += one);
            match opens(self.world, request) {
                Opens::This(these) => flows.extend(these),
                Opens::AtLeast(_) | Opens::Unread => is_exact = false,
            }
        }
        sum[EXPOSED] = if is_exact { count(&flows.iter().collect::<Vec<_>>()) } else { u128::MAX };
        Some(sum)
    }

    /// Whether the plan is sure, of the estate alone, that the source is not reached.
    pub(super) fn is_surely_closed(&self) -> bool {
        let closed = [Verdict::Unreachable, Verdict::Partial].map(word);
        self.plan.by_estate == self.plan.before && closed.contains(&self.plan.before.as_str())
    }
}

/// The locks of the estate that forbid a request, by their names in lower case.
pub(super) fn locks_on(world: &World, request: &Request) -> Vec<String> {
    let path = request.path.split('?').next().unwrap_or("").to_ascii_lowercase();
    const LOCKS: &str = "/providers/microsoft.authorization/locks/";
    let locks = world.bodies().filter_map(|(key, body)| Some((key.rsplit_once(LOCKS)?, body)));
    let forbids = |((scope, _), body): &((&str, &str), &Value)| {
        let level = text(body, &["properties", "level"]).map(str::to_ascii_lowercase);
        let is_held = path == *scope || path.starts_with(&format!("{scope}/"));
        is_held && (request.method == "DELETE" || level.as_deref() != Some("cannotdelete"))
    };
    locks.filter(forbids).map(|((_, name), _)| name.to_owned()).collect()
}
