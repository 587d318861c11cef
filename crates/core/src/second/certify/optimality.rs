//! Whether something cheaper would do: the sets that the certificate lists, and all others of its
//! catalogue.

use serde_json::json;

use super::super::verdict::{Answer, Blocker, Verdict};
use super::super::world::{World, last_name, set_field, text};
use super::read::{BROKEN_FLOWS, Change, Cost, EDITS, FIELDS, NEW_ENDPOINTS};
use super::safety;
use super::sets::Catalogue;
use super::{Bounds, Check, Judge, State, count, own, summed};
use crate::id::ResourceId;

/// What is wrong with a claim, and what could not be told of it.
#[derive(Default)]
struct Notes {
    wrong: Vec<String>,
    open: Vec<String>,
}

pub(super) fn check(judge: &Judge<'_>, bounds: Bounds) -> Check {
    let mut notes = Notes::default();
    let mut catalogue = Catalogue::of(judge);
    let listed = closed(judge, &mut catalogue, &mut notes);
    for change in &judge.plan.changes {
        if !judge.plan.catalogue.iter().any(|one| one.request == change.request) {
            notes.wrong.push(format!("\"{}\" is not in the catalogue as it is", change.title));
        }
    }
    let own: Vec<usize> = judge.plan.changes.iter().map(|change| catalogue.place(change)).collect();
    let (mut more, mut tried_alone) = (0, 0);
    match (judge.plan.cost, catalogue.cost(&own)) {
        (Some(stated), Some(sum)) => {
            check_sum(&mut notes, stated, sum, &judge.plan.changes);
            more = others(judge, &mut catalogue, stated, bounds, &mut notes);
            if notes.wrong.is_empty() && judge.plan.claims_reachable() {
                tried_alone = cheaper_of_own(judge, stated, bounds, &mut notes);
            }
        }
        _ => notes.open.push("the plan does not tell what each change costs".to_owned()),
    }
    if !judge.plan.is_complete {
        notes.open.push("the plan says that its search was cut".to_owned());
    }
    let sets = match listed + more {
        0 => "there is no cheaper set of changes".to_owned(),
        1 => "only doing nothing is cheaper, and that does not reach it".to_owned(),
        many => {
            let listed = of_listed(catalogue.changes.len());
            format!("none of {many} cheaper sets {listed} reaches it")
        }
    };
    let good = format!("{}{sets}{}", within(judge), and_own(tried_alone));
    summed("optimality", &notes.wrong, &notes.open, good)
}

/// The negative certificate: nothing that was tried does.
pub(super) fn refusal(judge: &Judge<'_>, bounds: Bounds) -> Check {
    let mut notes = Notes::default();
    if judge.plan.after != judge.plan.before {
        notes.wrong.push("a plan without changes changes the verdict".to_owned());
    }
    if let Some(link) = pending(judge) {
        let link = last_name(&link);
        let good =
            format!("link `{link}` of a zone is still being made, and may mend it by itself");
        return summed("refusal", &notes.wrong, &notes.open, good);
    }
    let mut catalogue = Catalogue::of(judge);
    let listed = closed(judge, &mut catalogue, &mut notes);
    if !judge.plan.is_complete {
        notes.open.push("the plan says that its search was cut".to_owned());
    }
    for (place, change) in judge.plan.catalogue.iter().enumerate() {
        if !judge.plan.closed.iter().any(|one| one.changes.contains(&place)) {
            let title = &change.title;
            notes.wrong.push(format!("the catalogue lists \"{title}\", and no set that was tried"));
        }
    }
    let (mut more, mut tried_alone) = (0, 0);
    if judge.is_surely_closed() {
        more = mending(&mut catalogue, bounds, &mut notes);
        let tried = own::tried(judge, None, bounds);
        tried_alone = tried.count;
        let (open, wrong): (Vec<_>, Vec<_>) =
            tried.found.iter().partition(|one| one.is_abstained_from(judge.plan));
        let words = |one: &&own::Own| format!("reachable with {}", one.titles());
        notes.wrong.extend(wrong.first().map(words));
        notes.open.extend(open.first().map(words));
    }
    if tried_alone == 0 {
        notes.open.extend(untried(judge));
    }
    let sets = match listed + more {
        0 | 1 => "the plan lists no changes to try".to_owned(),
        many => {
            let listed = of_listed(catalogue.changes.len());
            format!("none of {many} sets {listed} reaches it")
        }
    };
    let good = format!("{}{sets}{}", within(judge), and_own(tried_alone));
    summed("refusal", &notes.wrong, &notes.open, good)
}

/// A gate of a sort that changes open, where the plan lists none that was tried, and nothing that bars them, nor can the checker think of
/// one.
fn untried(judge: &Judge<'_>) -> Option<String> {
    const OPENED_BY_CHANGES: [&str; 6] =
        ["outbound", "inbound", "route", "return", "peering", "firewall"];
    let plan = judge.plan;
    let is_barred = plan.needs.is_some() || !plan.barred.is_empty();
    if !plan.catalogue.is_empty() || is_barred || !judge.is_surely_closed() {
        return None;
    }
    let closed: Vec<_> = plan.legs.iter().flat_map(|leg| leg.ask(judge.world).blockers).collect();
    // Rules of network managers are not the plan's to change. Where another gate stays closed, nothing helps.
    let may_open = |one: &&Blocker| {
        OPENED_BY_CHANGES.contains(&one.stage) && !one.resource.contains("/networkmanagers/")
    };
    let gate = closed.first().filter(|_| closed.iter().all(|one| may_open(&one)))?;
    Some(format!("the plan lists no change for what closes `{}`", last_name(&gate.resource)))
}

/// Tries every other set of the catalogue, the small ones first, until one mends; returns their number. That a repair has to be proved a
/// refusal says itself: what nobody knows counts as tried.
fn mending(catalogue: &mut Catalogue<'_>, bounds: Bounds, notes: &mut Notes) -> usize {
    let mut tried = 0;
    let mut layer: Vec<Vec<usize>> = vec![Vec::new()];
    while !layer.is_empty() {
        let next: Vec<Vec<usize>> =
            layer.iter().flat_map(|set| grown(set, catalogue.changes.len())).collect();
        for set in &next {
            if catalogue.known(set).is_some() {
                continue;
            }
            if tried >= bounds.refused_sets_max {
                return tried;
            }
            tried += 1;
            if catalogue.verdict(set) == Verdict::Reachable
                && !catalogue.rests_on_what_is_left_out(set)
            {
                notes.wrong.push(format!("reachable with {}", catalogue.titles(set)));
                return tried;
            }
        }
        layer = next;
    }
    tried
}

/// A set with one more change, of those behind its last one.
fn grown(set: &[usize], count: usize) -> impl Iterator<Item = Vec<usize>> {
    let first = set.last().map_or(0, |last| last + 1);
    (first..count).map(move |index| [set, &[index]].concat())
}

/// A link of a zone that is being made, where something else is known of a flow once it is done: until then nothing has to be changed.
fn pending(judge: &Judge<'_>) -> Option<String> {
    const LINKS: &str = "microsoft.network/privatednszones/virtualnetworklinks";
    let state = |body| text(body, &["properties", "virtualNetworkLinkState"]);
    let is_made = |body| state(body).is_some_and(|one| one.eq_ignore_ascii_case("InProgress"));
    let links = judge.world.all(LINKS).filter(|(_, body)| is_made(body)).map(|(key, _)| key);
    let answers = |world: &World| -> Vec<Answer> {
        judge.plan.legs.iter().map(|leg| leg.ask(world)).collect()
    };
    let decides = |link: &&str| {
        let mut done = judge.world.clone();
        done.edit(link, |body| set_field(body, "virtualNetworkLinkState", json!("Completed")));
        answers(judge.world) != answers(&done)
    };
    links.map(str::to_owned).find(|link| decides(&link.as_str()))
}

/// Of which changes sets were tried.
fn of_listed(count: usize) -> String {
    format!("of the {} that the plan lists", super::count(count, "change"))
}

/// What the checker tried of its own accord.
fn and_own(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => ", nor does the one edit that the checker thinks of".to_owned(),
        many => format!(", nor does one of {many} sets of edits that the checker thinks of"),
    }
}

/// What was left out of account: kinds that were forbidden, and what locks forbid.
fn within(judge: &Judge<'_>) -> String {
    let mut parts = Vec::new();
    if !judge.plan.forbidden.is_empty() {
        parts.push(format!("without {}", judge.plan.forbidden.join(" and ")));
    }
    let locks = judge.plan.barred.iter().filter(|by| by.starts_with("lock "));
    let locks: Vec<&str> = locks.map(String::as_str).collect();
    if !locks.is_empty() {
        parts.push(format!("with {} as they are", locks.join(" and ")));
    }
    if parts.is_empty() { String::new() } else { format!("{}: ", parts.join(", ")) }
}

/// Whether a set of the checker's own does at less cost; returns how many were tried.
fn cheaper_of_own(judge: &Judge<'_>, stated: Cost, bounds: Bounds, notes: &mut Notes) -> usize {
    let tried = own::tried(judge, Some(stated), bounds);
    for set in &tried.found {
        let broken = safety::look(judge, &set.world, bounds);
        let mut cost = set.cost;
        cost[BROKEN_FLOWS] = broken.range(judge.plan).1 as u128;
        if !broken.is_cut && cost < stated {
            let note = format!("cheaper, and it does: {}", set.titles());
            match set.is_abstained_from(judge.plan) {
                true => notes.open.push(note),
                false => notes.wrong.push(note),
            }
        }
    }
    tried.count
}

/// Judges the sets that the certificate lists; returns their number.
fn closed(judge: &Judge<'_>, catalogue: &mut Catalogue<'_>, notes: &mut Notes) -> usize {
    for one in &judge.plan.closed {
        let set: Vec<usize> = one
            .changes
            .iter()
            .map(|index| catalogue.place(&judge.plan.catalogue[*index]))
            .collect();
        if let (Some(stated), Some(sum)) = (one.cost, catalogue.cost(&set))
            && stated != sum
        {
            let titles = catalogue.titles(&set);
            notes.wrong.push(format!("the cost of {titles} is not the sum of its changes"));
        }
        let found = catalogue.verdict(&set);
        if let Some(why) = judge.misnamed(found, &one.verdict).filter(|_| !judge.does(found)) {
            notes.wrong.push(format!("with {} it is {why}", catalogue.titles(&set)));
        }
        match judge.not_enough(found, &one.verdict) {
            State::Holds => {}
            // Of a set that the plan abstains from it claims only that nothing proves it.
            State::Fails if one.verdict == "undetermined" => {
                let titles = catalogue.titles(&set);
                notes
                    .open
                    .push(format!("the plan abstains, the checker finds reachable: {titles}"));
            }
            State::Fails if judge.plan.refusal.is_some() => {
                notes.wrong.push(format!("reachable with {}", catalogue.titles(&set)));
            }
            State::Fails => notes.take(judge, catalogue, &set, "reachable with"),
            State::CouldNotTell => {
                notes.open.push(catalogue.doubt(&set));
            }
        }
    }
    judge.plan.closed.len()
}

fn check_sum(notes: &mut Notes, stated: Cost, sum: Cost, changes: &[Change]) {
    // What breaks is a matter of all changes together: safety judges it.
    for (index, field) in FIELDS.iter().enumerate().skip(1) {
        if stated[index] != sum[index] {
            let (stated, sum) = (stated[index], sum[index]);
            notes.wrong.push(format!("`{field}` is {stated}, and its changes add up to {sum}"));
        }
    }
    let endpoints = changes.iter().filter(|change| makes_endpoint(change)).count();
    for (index, counted) in [(EDITS, changes.len()), (NEW_ENDPOINTS, endpoints)] {
        let (field, stated) = (FIELDS[index], stated[index]);
        if stated != counted as u128 {
            notes.wrong.push(format!("`{field}` is {stated}, and the plan has {counted}"));
        }
    }
}

/// Whether a change makes a private endpoint, by what it asks for.
fn makes_endpoint(change: &Change) -> bool {
    let path = change.request.path.split('?').next().and_then(ResourceId::parse);
    change.request.method == "PUT"
        && path.is_some_and(|id| id.is_type("microsoft.network/privateendpoints"))
}

impl Notes {
    /// Takes down a set that does, where it costs less than the plan with what it breaks.
    fn take(
        &mut self,
        judge: &Judge<'_>,
        catalogue: &mut Catalogue<'_>,
        set: &[usize],
        what: &str,
    ) {
        let note = format!("{what} {}", catalogue.titles(set));
        match is_dearer(judge, catalogue, set) {
            State::Holds => {}
            _ if catalogue.rests_on_what_is_left_out(set) => {
                self.open.push(format!("{note}, if it stands on what is there"));
            }
            State::Fails => self.wrong.push(note),
            State::CouldNotTell => self.open.push(format!("{note}, if nothing breaks")),
        }
    }
}

/// Whether a set that does costs as much as the plan or more, with what it breaks.
fn is_dearer(judge: &Judge<'_>, catalogue: &mut Catalogue<'_>, set: &[usize]) -> State {
    let (Some(stated), Some(mut cost)) = (judge.plan.cost, catalogue.cost(set)) else {
        return State::Fails;
    };
    if cost >= stated {
        return State::Holds;
    }
    let after = catalogue.world(set);
    let broken = safety::look(judge, &after, Bounds::default());
    let range = broken.range(judge.plan);
    cost[BROKEN_FLOWS] = range.0 as u128;
    let least = cost;
    cost[BROKEN_FLOWS] = range.1 as u128;
    match (least >= stated, cost >= stated) {
        (true, _) => State::Holds,
        (false, true) => State::CouldNotTell,
        (false, false) => State::Fails,
    }
}

/// Tries every other set that costs less than the plan, the small ones first; returns their number.
fn others(
    judge: &Judge<'_>,
    catalogue: &mut Catalogue<'_>,
    stated: Cost,
    bounds: Bounds,
    notes: &mut Notes,
) -> usize {
    let mut tried = 0;
    let abstains: Vec<Vec<usize>> = judge
        .plan
        .closed
        .iter()
        .filter(|one| one.verdict == "undetermined" && !one.changes.is_empty())
        .map(|one| {
            one.changes.iter().map(|at| catalogue.place(&judge.plan.catalogue[*at])).collect()
        })
        .collect();
    let is_within = |part: &[usize], set: &[usize]| part.iter().all(|one| set.contains(one));
    let mut layer: Vec<Vec<usize>> = vec![Vec::new()];
    while !layer.is_empty() {
        let mut next = Vec::new();
        for set in &layer {
            let Some(cost) = catalogue.cost(set) else {
                notes.open.push("the catalogue does not tell what each change costs".to_owned());
                return tried;
            };
            // Costs only grow: what holds a set that is not cheaper is not cheaper either.
            if cost >= stated {
                continue;
            }
            if catalogue.known(set).is_none() {
                if tried >= bounds.subsets_max {
                    let words = count(tried, "set");
                    notes.open.push(format!("only {words} beside the closed ones were tried"));
                    return tried;
                }
                tried += 1;
                match catalogue.verdict(set) {
                    found if judge.does(found) => {
                        notes.take(judge, catalogue, set, "cheaper, and it does:");
                        if !notes.wrong.is_empty() {
                            return tried;
                        }
                    }
                    // Of what holds a set that it abstains from the plan claims no more.
                    Verdict::Undetermined if abstains.iter().any(|one| is_within(one, set)) => {}
                    Verdict::Undetermined => notes.open.push(catalogue.doubt(set)),
                    Verdict::Reachable | Verdict::Unreachable | Verdict::Partial => {}
                }
            }
            next.extend(grown(set, catalogue.changes.len()));
        }
        layer = next;
    }
    tried
}
