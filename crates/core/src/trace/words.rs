//! Gates put into words: each outcome as a step of the path, with the facts it read.

use crate::estate::network::Peering;
use crate::estate::{Estate, Missing};
use crate::id::ResourceId;
use crate::trace::breaks::Break;
use crate::trace::endpoint::{Status, View};
use crate::trace::hop::Joined;
use crate::trace::step::{Stage, Step};

pub(super) fn admit_step(estate: &Estate, view: &View) -> Step {
    let (resource, pointer) = &view.status_from;
    let what = match (&view.status, &view.wrong_end) {
        (_, Some(end)) => format!("leads to {}", end.words()),
        (Status::Approved, None) => "is approved".to_owned(),
        (Status::Pending, None) => "waits for approval".to_owned(),
        (Status::Rejected, None) => "was rejected".to_owned(),
        (Status::Disconnected, None) => "was removed on the server's side".to_owned(),
        (Status::Unknown(missing), None) => return Step::unknown(Stage::Admit, missing.clone()),
    };
    let detail = estate.words(|| format!("private endpoint `{}` {what}", view.id.name()));
    let is_open = view.status == Status::Approved && view.wrong_end.is_none();
    let step = if is_open { Step::pass } else { Step::drop };
    step(Stage::Admit, Some(&view.id), detail).read(resource, pointer)
}

/// The way back where nothing stands in it.
pub(super) fn replies_step() -> Step {
    Step::pass(Stage::Return, None, "replies pass: security groups are stateful")
}

/// The steps of a join: one, or one for each reason why a peering does not carry the traffic, in their order.
pub(super) fn hop_steps(
    estate: &Estate,
    joined: &Joined,
    near: &ResourceId,
    far: &ResourceId,
) -> Vec<Step> {
    let (near_name, far_name) = (near.name(), far.name());
    let step = match joined {
        Joined::Same => {
            let detail = estate.words(|| format!("both ends are in network `{near_name}`"));
            Step::pass(Stage::Hop, Some(near), detail)
        }
        Joined::Peered { near, far } => {
            let detail = estate
                .words(|| format!("networks `{near_name}` and `{far_name}` are peered both ways"));
            Step::pass(Stage::Hop, Some(near), detail).read(near, "").read(far, "")
        }
        Joined::Broken(breaks, unread) => {
            let unread = unread.iter().map(|missing| Step::unknown(Stage::Hop, missing.clone()));
            return breaks.iter().map(break_step).chain(unread).collect();
        }
        Joined::Apart { other_way: Some(missing), .. } => {
            Step::unknown(Stage::Hop, missing.clone())
        }
        Joined::Apart { near: near_half, far: far_half, other_way: None, breaks, .. } => {
            let detail = estate.words(|| match (near_half, far_half) {
                (None, None) => format!("networks `{near_name}` and `{far_name}` are not peered"),
                (Some(half), None) => lone_half(estate, half, far),
                (_, Some(half)) => lone_half(estate, half, near),
            });
            let lacking = [near, far]
                .into_iter()
                .fold(Step::drop(Stage::Hop, Some(near), detail), |step, vnet| {
                    step.read(vnet, estate.locate(vnet, "", "virtualNetworkPeerings"))
                });
            let lacking = [near_half, far_half]
                .into_iter()
                .flatten()
                .fold(lacking, |step, half| step.read(half, ""));
            return std::iter::once(lacking).chain(breaks.iter().map(break_step)).collect();
        }
        Joined::Unknown(missing) => Step::unknown(Stage::Hop, missing.clone()),
    };
    vec![step]
}

/// A half of a peering to a network that holds none in return.
pub(crate) fn lone_half(estate: &Estate, half: &ResourceId, other: &ResourceId) -> String {
    let state = estate.find::<Peering>(half).and_then(|facts| facts.state.as_deref());
    let state = match state {
        Some(state) if !state.eq_ignore_ascii_case("connected") => format!("is {state}"),
        Some(_) | None => "stands alone".to_owned(),
    };
    let (name, owner, other) = (half.name(), half.name_at(0), other.name());
    format!("peering `{name}` of network `{owner}` {state}: network `{other}` has no peering back")
}

fn break_step(broken: &Break) -> Step {
    let half = &broken.half;
    let detail =
        format!("peering `{}` of network `{}` {}", half.name(), half.name_at(0), broken.words());
    let step = Step::drop(Stage::Hop, Some(&broken.half), detail);
    // Answers to some senders are lost.
    let dropped_part = broken.lost_part.clone().filter(|_| !broken.is_near);
    Step { dropped_part, ..step }.read(&broken.half, &broken.pointer)
}

/// What becomes of packets where a half does not allow virtual network access: rules decide, where some act on its side.
pub(super) fn access_step(broken: &Break, is_filtered: bool) -> Step {
    let detail = format!(
        "peering `{}` does not allow virtual network access: the tag VirtualNetwork leaves the other network out",
        broken.half.name()
    );
    let step = match is_filtered {
        true => Step::pass(Stage::Hop, Some(&broken.half), detail),
        false => {
            let missing = Missing::other(
                format!(
                    "whether packets pass peering `{}` without virtual network access",
                    broken.half.name()
                ),
                "documents disagree where no security group acts: allow virtual network access, or probe",
            );
            Step { detail, ..Step::unknown(Stage::Hop, missing) }
        }
    };
    step.read(&broken.half, &broken.pointer)
}
