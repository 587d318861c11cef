//! What the gates of a path come to.

use super::leg::Leg;
use super::resolve::{Answer, Resolution};
use super::step::{self, Outcome, Stage, Step, Verdict};
use super::{Access, Leads, Path};
use crate::address::AddressSet;

impl Path<'_> {
    /// Whether a gate other than security rules drops the packets, and rules have no say in which way is taken.
    pub fn is_closed_beyond_rules(&self) -> bool {
        let is_rule = |step: &Step| matches!(step.stage, Stage::FilterOut | Stage::FilterIn);
        let has_one_way = self.fallback.is_none()
            && self.dns_denial.is_none()
            && self.dns_server.is_none()
            && !self.astray.iter().any(Resolution::is_lost)
            && self.named_endpoints().len() < 2;
        let closes = |step: &Step| step.outcome == Outcome::Drop && !is_rule(step);
        has_one_way && self.steps_there().chain(&self.listen_step()).any(closes)
    }

    /// Whether the copier can reach the server.
    pub fn verdict(&self) -> Verdict {
        let listen = self.listen_step();
        let taken = self.taken();
        let back = taken.into_iter().flat_map(|leg| &leg.back);
        let steps = self.steps_there().chain(&listen).chain(back);
        let nobody = AddressSet::default();
        let senders = taken.map_or(&nobody, |leg| &leg.senders);
        let verdict = step::verdict(steps.clone(), senders);
        // With two ways open, one closed way proves nothing.
        let two_ways = matches!(self.leads, Leads::Unknown(_))
            && (matches!(self.to_access, Ok(Access::PublicWithEndpoint) | Err(_))
                || self.may_have_unlisted());
        if verdict == Verdict::Unreachable && two_ways {
            // Whichever way the name leads, both ends have to run and one has to listen.
            let is_of_both = |one: &Step| matches!(one.stage, Stage::Mode | Stage::Listen);
            let is_shut = { steps }.any(|one| one.outcome == Outcome::Drop && is_of_both(one));
            let is_shut = is_shut || self.are_ways_closed();
            return if is_shut { verdict } else { Verdict::Undetermined };
        }
        verdict
    }

    /// Whether the front door and the only endpoint are both out of reach.
    fn are_ways_closed(&self) -> bool {
        let is_closed =
            |leg: &Option<Leg>| leg.as_ref().map(Leg::verdict) == Some(Verdict::Unreachable);
        let is_named = |name: &Resolution| {
            let is_doubtful = name.unproven.is_some() || name.is_link_pending;
            matches!(name.answer, Answer::Addresses(_)) && !is_doubtful && !self.lists_no_endpoint()
        };
        // A record leads to the endpoint, or to nobody.
        let has_one_way = || self.name.as_ref().is_some_and(is_named);
        is_closed(&self.intended)
            && (is_closed(&self.fallback) || has_one_way())
            && self.live_endpoints().count() == 1
    }
}
