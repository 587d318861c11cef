//! Which of several ways is the one that is meant: of some endpoints, and of an endpoint and the public front door.

use std::sync::Arc;

use super::endpoint::{Status, View};
use super::hop::{self, Joined, Shore};
use super::leg::{Leg, Walker};
use super::resolve::Answer;
use super::start::Start;
use super::step::{Stage, Step, Verdict};
use super::{Leads, Path};
use crate::estate::Missing;

impl Path<'_> {
    /// The endpoint that a repair would lead to: approved before pending, near before far.
    pub(super) fn choose_endpoint(&self, start: &Start) -> Option<Arc<View>> {
        let rank = |view: &Arc<View>| {
            let status = match view.status {
                Status::Approved => 0,
                Status::Unknown(_) => 1,
                Status::Pending => 2,
                Status::Rejected | Status::Disconnected => 3,
            };
            let distance = match (&view.subnet, view.vnet()) {
                (Ok(subnet), Ok(vnet)) => {
                    let near = Shore::of(&start.vnet, &start.subnet);
                    match hop::join(self.estate, near, Shore::of(&vnet, subnet)) {
                        Joined::Same => 0,
                        Joined::Peered { .. } => 1,
                        Joined::Unknown(_) => 2,
                        Joined::Broken(..) | Joined::Apart { .. } => 3,
                    }
                }
                _ => 2,
            };
            (view.wrong_end.is_some(), status, distance)
        };
        match self.endpoints.as_slice() {
            // Most servers have one at most.
            [] => None,
            [only] => Some(only.clone()),
            several => several.iter().min_by_key(|view| rank(view)).cloned(),
        }
    }

    /// A record with addresses of several endpoints, of which some can be reached and some not: which one a client tries first is
    /// not told.
    pub(super) fn see_mixed(&mut self, walker: &Walker) {
        let views = self.named_endpoints();
        if views.len() < 2 {
            return;
        }
        let verdicts: Vec<Verdict> =
            views.iter().map(|view| walker.endpoint(view).verdict()).collect();
        let works = |verdict: &Verdict| *verdict == Verdict::Reachable;
        if verdicts.iter().any(works) && !verdicts.iter().all(works) {
            let missing = Missing::other(
                "which of the record's addresses the copier tries: not all of them can be reached",
                "leave only the address in the record that the copier's network can reach",
            );
            if self.leads == self.would_lead {
                self.opening.push(Step::unknown(Stage::Name, missing.clone()));
                self.leads = Leads::Unknown(missing.clone());
            }
            self.would_lead = Leads::Unknown(missing);
        }
    }

    /// Whether an endpoint is out of reach or not approved, and the one that is meant is approved and near.
    pub fn is_overwritten(&self, named: &View) -> bool {
        let near = |view: &View| {
            let start = self.start.as_ref()?;
            let (vnet, subnet) = (view.vnet().ok()?, view.subnet.as_ref().ok()?);
            let near = Shore::of(&start.vnet, &start.subnet);
            Some(hop::join(self.estate, near, Shore::of(&vnet, subnet)))
        };
        let is_better = |meant: &View| {
            meant.id != named.id
                && meant.status == Status::Approved
                && meant.wrong_end.is_none()
                && matches!(near(meant), Some(Joined::Same | Joined::Peered { .. }))
        };
        let is_far = || matches!(near(named), Some(Joined::Apart { .. } | Joined::Broken(..)));
        (named.status == Status::Pending || is_far()) && self.endpoint().is_some_and(is_better)
    }

    /// A public server whose endpoint serves others: where the copier cannot use that endpoint and would be let in publicly, the
    /// public way is the one that is meant.
    pub(super) fn see_shadow(&mut self) {
        let is_denied = self.name.as_ref().is_some_and(|name| name.answer == Answer::NoSuchName);
        let verdict_of = |leg: &Option<Leg>| leg.as_ref().map(Leg::verdict);
        if is_denied
            && verdict_of(&self.fallback) == Some(Verdict::Reachable)
            && verdict_of(&self.intended) == Some(Verdict::Unreachable)
        {
            self.is_shadowed = true;
            self.intended = self.fallback.take();
        }
    }
}
