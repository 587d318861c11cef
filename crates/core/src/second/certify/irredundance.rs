//! Whether each change is needed: the plan without it, one by one.

use super::read::Change;
use super::sets::apply_in_order;
use super::{Bounds, Check, Judge, State, safety, summed};
use crate::second::verdict::Verdict;

pub(super) fn check(judge: &Judge<'_>, bounds: Bounds) -> Check {
    let all: &[Change] = &judge.plan.changes;
    let (mut wrong, mut open) = (Vec::new(), Vec::new());
    if judge.plan.without.len() != all.len() {
        wrong.push("`irredundant` does not speak of each change once".to_owned());
    }
    for (index, change) in all.iter().enumerate() {
        let title = &change.title;
        let rest = all.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, one)| one);
        let after = apply_in_order(judge.world, rest).world;
        let judged = judge.ask(&after);
        let told = judge.plan.without.get(index);
        let claimed = told.map_or("", |told| told.verdict.as_str());
        if told.is_some_and(|told| told.title != *title) {
            wrong.push(format!("`irredundant` does not speak of \"{title}\" in its turn"));
        }
        let state = judge.not_enough(judged.verdict, claimed);
        let is_same = state != State::Fails || judged.verdict == Verdict::Reachable;
        if let Some(why) = judge.misnamed(judged.verdict, claimed).filter(|_| is_same) {
            wrong.push(format!("without \"{title}\" it is {why}"));
        }
        match state {
            State::Holds => {}
            // Where the plan abstains it claims only that nothing proves the rest to be enough.
            State::Fails if claimed == "undetermined" && !judge.may_open() => {
                open.push(format!("the plan abstains without \"{title}\""));
            }
            // A change may be there to keep alive what the others would break.
            State::Fails => {
                match safety::is_worse(judge, &after, told.and_then(|one| one.broken), bounds) {
                    State::Holds => {}
                    State::Fails => wrong.push(format!("reachable without \"{title}\" too")),
                    State::CouldNotTell => {
                        open.push(format!("whether more breaks without \"{title}\""))
                    }
                }
            }
            State::CouldNotTell => open.push(format!("without \"{title}\": {}", judged.why)),
        }
    }
    let good = match all.len() {
        1 => "without the change it is not reachable".to_owned(),
        many => format!(
            "without any one of the {many} changes it is not reachable, or more stops working"
        ),
    };
    summed("irredundance", &wrong, &open, good)
}
