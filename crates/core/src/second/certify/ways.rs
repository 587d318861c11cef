//! Whether the other ways that a plan names do what it says of them.

use super::opened::{Opened, count as count_flows};
use super::own::locks_on;
use super::price::{Opens, opens, price};
use super::read::{
    BROKEN_FLOWS, EDITS, EXPOSED, FIELDS, INTERRUPTIONS, NEW_ENDPOINTS, PRIVILEGE, Way,
};
use super::sets::apply_in_order;
use super::{Bounds, Check, Judge, count, summed, word};
use super::{claims, commands, safety, undo};
use crate::second::verdict::Verdict;

/// `None` for a plan that names none.
pub(super) fn check(judge: &Judge<'_>, bounds: Bounds) -> Option<Check> {
    let all = &judge.plan.ways;
    if all.is_empty() || judge.plan.legs.is_empty() {
        return None;
    }
    let mut wrong: Vec<String> = all.iter().flat_map(|way| faults(judge, way, bounds)).collect();
    wrong.extend(unlifted(judge));
    let good = match all.len() {
        1 => "the other way does what the plan says of it".to_owned(),
        _ => format!("{} do what the plan says of them", count(all.len(), "other way")),
    };
    Some(summed("ways", &wrong, &[], good))
}

/// What is wrong with what is said of a way.
fn faults(judge: &Judge<'_>, way: &Way, bounds: Bounds) -> Vec<String> {
    let after = apply_in_order(judge.world, way.changes.iter());
    let mut wrong = after.refused;
    let verdict = judge.verdict(&after.world);
    if matches!(verdict, Verdict::Unreachable | Verdict::Partial) {
        wrong.push(format!("{} after the other way \"{}\"", word(verdict), way.title));
    }
    wrong.extend(way.after.as_deref().and_then(|after| judge.misnamed(verdict, after)));
    wrong.extend(claims::misnamed(judge, &way.changes));
    wrong.extend(commands::wrong(judge.world, &way.changes));
    wrong.extend(undo::undone(judge.world, &way.changes).0);
    let Some(stated) = way.cost else { return wrong };
    let mut told = |field: usize, is: u128| {
        if stated[field] != is {
            let (name, stated) = (FIELDS[field], stated[field]);
            wrong
                .push(format!("`{name}` of \"{}\" is {is}, and the plan says {stated}", way.title));
        }
    };
    let each = way.changes.iter().map(|change| price(judge.world, &change.request));
    if let Some(each) = each.collect::<Option<Vec<_>>>() {
        for field in [NEW_ENDPOINTS, PRIVILEGE, INTERRUPTIONS, EDITS] {
            told(field, each.iter().map(|cost| cost[field]).sum());
        }
    }
    let (flows, is_whole) = opened_by(judge, way);
    let exposed = count_flows(&flows.iter().collect::<Vec<_>>());
    if stated[EXPOSED] < exposed || is_whole && stated[EXPOSED] != exposed {
        told(EXPOSED, exposed);
    }
    let broken = safety::look(judge, &after.world, bounds).surely.len() as u128;
    if stated[BROKEN_FLOWS] < broken {
        told(BROKEN_FLOWS, broken);
    }
    wrong
}

/// The flows that a way lets through, and whether these are all.
fn opened_by(judge: &Judge<'_>, way: &Way) -> (Vec<Opened>, bool) {
    let (mut all, mut is_whole) = (Vec::new(), true);
    for change in &way.changes {
        match opens(&claims::ground(judge, &change.request), &change.request) {
            Opens::This(flows) => all.extend(flows),
            Opens::AtLeast(flows) => {
                all.extend(flows);
                is_whole = false;
            }
            Opens::Unread => is_whole = false,
        }
    }
    (all, is_whole)
}

/// What was forbidden, is made by the way that what is barred stands against, and is not named as what has to be lifted.
fn unlifted(judge: &Judge<'_>) -> Vec<String> {
    let Some(needs) = &judge.plan.needs else { return Vec::new() };
    let barred = judge.plan.ways.last().map_or(&[][..], |way| &way.changes);
    let forbidden = barred
        .iter()
        .map(|change| &change.kind)
        .filter(|kind| judge.plan.forbidden.iter().any(|one| one.eq_ignore_ascii_case(kind)));
    let lacking = forbidden.filter(|kind| !needs.contains(&format!("`--forbid {kind}`")));
    let mut wrong: Vec<String> =
        lacking.map(|kind| format!("`needs` does not name {kind}")).collect();
    let is_named = |lock: &String| {
        let words = format!("lock `{lock}`");
        needs.iter().any(|one| one.to_ascii_lowercase().starts_with(&words))
    };
    // One of several locks is enough to stand in the way.
    let locks = barred.iter().map(|change| locks_on(judge.world, &change.request));
    let unnamed = locks.filter(|all| !all.iter().any(is_named));
    wrong.extend(
        unnamed
            .flat_map(|all| all.into_iter().next())
            .map(|lock| format!("`needs` does not name lock `{lock}`")),
    );
    if !needs.is_empty() && !needs.iter().any(|one| judge.plan.barred.contains(one)) {
        wrong.push("`barred` holds nothing of what `needs` names".to_owned());
    }
    wrong
}
