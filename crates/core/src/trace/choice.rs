//! Which of several ways is the one that is meant: of some endpoints, and of an endpoint and the public front door.

use std::sync::Arc;

use super::endpoint::{Status, View};
use super::gate::Gate;
use super::hop::{self, Joined, Shore};
use super::leg::Walker;
use super::resolve::Answer;
use super::start::Start;
use super::step::{Stage, Step, Verdict};
use super::{Leads, Path};
use crate::estate::Missing;

impl Path<'_> {
    /// The endpoint that a repair would lead to at the least cost. A connection that can be approved is nothing against two networks that
    /// have to be joined; one that was refused leads nowhere.
    pub(super) fn choose_endpoint(&self, start: &Start) -> Option<Arc<View>> {
        let rank = |view: &Arc<View>| {
            let is_dead = matches!(view.status, Status::Rejected | Status::Disconnected);
            let status = match view.status {
                Status::Approved => 0,
                Status::Unknown(_) => 1,
                Status::Pending | Status::Rejected | Status::Disconnected => 2,
            };
            let joined = self.joined_with(start, view);
            let is_elsewhere = !matches!(joined, Some(Joined::Same));
            let distance = distance(joined.as_ref());
            (view.wrong_end.is_some(), is_dead, distance, status, is_elsewhere)
        };
        match self.endpoints.as_slice() {
            // Most servers have one at most.
            [] => None,
            [only] => Some(only.clone()),
            several => several.iter().min_by_key(|view| rank(view)).cloned(),
        }
    }

    /// How the copier's network and an endpoint's are joined; `None` where the endpoint's place is not known.
    fn joined_with(&self, start: &Start, view: &View) -> Option<Joined> {
        let (vnet, subnet) = (view.vnet().ok()?, view.subnet.as_ref().ok()?);
        let near = Shore::of(&start.vnet, &start.subnet);
        Some(hop::join(self.estate, near, Shore::of(&vnet, subnet)))
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

    /// Whether an endpoint is out of reach or not approved, and the one that is meant is nearer, or approved and as near.
    pub fn is_overwritten(&self, named: &View) -> bool {
        let (Some(start), Some(meant)) = (self.start.as_ref(), self.endpoint()) else {
            return false;
        };
        if meant.id == named.id || meant.wrong_end.is_some() {
            return false;
        }
        let far = |view: &View| distance(self.joined_with(start, view).as_ref());
        match (far(named), far(meant)) {
            (NEAR | DOUBTFUL, NEAR) => {
                named.status == Status::Pending && meant.status == Status::Approved
            }
            (BROKEN, NEAR) => meant.status == Status::Approved,
            (APART, NEAR | BROKEN) => matches!(meant.status, Status::Approved | Status::Pending),
            _ => false,
        }
    }

    /// A public server whose endpoint serves others: where the copier cannot use that endpoint, or nobody knows where it stands, and
    /// would be let in publicly, the public way is the one that is meant. So it is where something else is closed on it, if it was
    /// made for the copier and nothing was done to join its network with the endpoint's.
    pub(super) fn see_shadow(&mut self) {
        let is_denied = self.name.as_ref().is_some_and(|name| name.answer == Answer::NoSuchName);
        // The zone is linked so that the names which it lacks are asked for publicly.
        let has_zone = self.name.as_ref().is_some_and(|name| name.zone.is_some());
        let is_let_out = self.leads == Leads::Fallback && has_zone;
        // Nobody answers, and what would be answered is not known.
        let is_unheard = self.leads == Leads::Nowhere && self.name.is_none();
        let (Some(private), Some(public)) = (&self.intended, &self.fallback) else { return };
        let is_nowhere = self.endpoint().is_some_and(|view| view.subnet.is_err());
        let is_apart = || is_nowhere || distance(private.joined.as_ref()) == APART;
        let is_out_of_use = is_nowhere || private.verdict() == Verdict::Unreachable;
        let is_open = public.verdict() == Verdict::Reachable;
        let is_made = || public.gate.as_ref().is_some_and(Gate::expects_caller);
        if !is_out_of_use || !(is_open || is_made() && is_apart()) {
            return;
        }
        if is_denied {
            self.is_shadowed = true;
            self.intended = self.fallback.take();
        } else if is_unheard {
            self.intended = self.fallback.take();
        } else if is_let_out && !is_open {
            self.leads = Leads::Intended;
            self.intended = self.fallback.take();
        }
    }
}

/// One network, or two that are peered.
const NEAR: u8 = 0;

/// Nobody knows whether the networks are joined.
const DOUBTFUL: u8 = 1;

/// A peering is there and broken.
const BROKEN: u8 = 2;

/// No peering is there.
const APART: u8 = 3;

/// What has to be done before packets come from one network into another, in steps.
fn distance(joined: Option<&Joined>) -> u8 {
    match joined {
        Some(Joined::Same | Joined::Peered { .. }) => NEAR,
        Some(Joined::Unknown(_)) | None => DOUBTFUL,
        Some(Joined::Apart { near: None, far: None, .. }) => APART,
        // A half that waits for the other one, or lost it, says that the networks are meant to be joined.
        Some(Joined::Broken(..) | Joined::Apart { .. }) => BROKEN,
    }
}
