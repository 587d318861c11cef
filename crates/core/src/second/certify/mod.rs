//! The independent checker of a plan's certificate: applies the plan's own requests to raw bodies
//! and asks the second reading. Nothing of the planner takes part.

mod affected;
mod claims;
mod commands;
mod facts;
mod irredundance;
mod opened;
mod optimality;
mod own;
mod past;
mod price;
mod read;
mod remedies;
mod remedy;
mod safety;
mod sets;
mod settings;
mod syntax;
mod through;
mod undo;
mod ways;

pub use read::Unreadable;
pub(super) use read::requests;
use serde::Serialize;
use serde_json::Value;

use super::ask;
use super::machine::ask_machine;
use super::verdict::{Answer, Verdict};
use super::world::{World, last_name};
use read::{Goal, Leg, Plan, read};
use sets::apply_in_order;

/// How far the checker looks; what is left out is said aloud.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Sets of changes that are tried beside those that the certificate lists.
    pub subsets_max: usize,
    /// Flows that are judged before and after.
    pub flows_max: usize,
    /// Edits of the checker's own that are tried together against a plan that does.
    pub own_edits_max: usize,
    /// Sets of them that are judged.
    pub own_sets_max: usize,
    /// Sets of a refusal's catalogue that are tried beside those that it lists.
    pub refused_sets_max: usize,
}

impl Default for Bounds {
    /// Four thousand sets take some seconds, and hold every set of up to three of thirty changes.
    fn default() -> Bounds {
        Bounds {
            subsets_max: SUBSETS,
            flows_max: 4096,
            own_edits_max: 1,
            own_sets_max: 96,
            refused_sets_max: 256,
        }
    }
}

/// Sets that are tried of an estate of any size.
const SUBSETS: usize = 4096;

/// Sets that are tried at most: every one of sixteen changes.
const SUBSETS_MAX: usize = 1 << 16;

/// Bodies in all worlds that are made for them: each is a copy of the estate, and these take some seconds.
const COPIES: usize = 10_000_000;

impl Bounds {
    /// Of a small estate more sets take as long as of a large one a few.
    pub fn of(world: &World) -> Bounds {
        let affordable = COPIES / world.len().max(1);
        Bounds { subsets_max: affordable.clamp(SUBSETS, SUBSETS_MAX), ..Bounds::default() }
    }
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The claim was proved.
    Holds,
    /// The claim is wrong.
    Fails,
    /// The second reading abstains from something that decides.
    CouldNotTell,
}

/// One claim of the certificate.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// `facts`, `claims`, `undo`, `commands`, `sufficiency`, `irredundance`, `optimality`, `safety`, `refusal` or
    /// `ways`.
    pub name: &'static str,
    /// What came of it.
    pub state: State,
    /// What was done, or what is wrong and why.
    pub detail: String,
}

/// The checked certificate.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The checks, in the order of [`Check::name`].
    pub checks: Vec<Check>,
}

impl Certified {
    /// Whether all checks hold; `None` when none fails and some could not be told.
    pub fn holds(&self) -> Option<bool> {
        let any = |state| self.checks.iter().any(|check| check.state == state);
        match (any(State::Fails), any(State::CouldNotTell)) {
            (true, _) => Some(false),
            (false, true) => None,
            (false, false) => Some(true),
        }
    }
}

/// Checks a plan against the estate that it was made from.
///
/// # Errors
/// [`Unreadable`] when the JSON is no plan of the known version, or is about other servers.
pub fn certify(world: &World, plan: &Value, bounds: Bounds) -> Result<Certified, Unreadable> {
    let plan = read(plan)?;
    for leg in &plan.legs {
        let goal = match &leg.to {
            Goal::Server(server) => Some(server),
            Goal::Machine(_) => None,
        };
        for server in std::iter::once(&leg.copier).chain(goal) {
            if world.body(&server.key()).is_none() {
                return Err(Unreadable::NoServer(server.as_str().to_owned()));
            }
        }
    }
    let mut judge = Judge { plan: &plan, world, is_less_sure: false };
    let abstains = judge.ask(world).verdict == Verdict::Undetermined;
    judge.is_less_sure = abstains && plan.by_estate != "undetermined";
    let mut checks = vec![facts::check(&judge)];
    if !plan.changes.is_empty() {
        let after = judge.after();
        checks.push(claims::check(&judge));
        checks.push(undo::check(&judge));
        checks.push(commands::check(&judge));
        checks.push(sufficiency(&judge, &after));
        checks.push(irredundance::check(&judge, bounds));
        checks.push(optimality::check(&judge, bounds));
        checks.push(safety::check(&judge, &after.world, bounds));
    } else if plan.refusal.is_some() {
        checks.push(optimality::refusal(&judge, bounds));
    } else {
        checks.push(nothing_to_do(&judge));
    }
    checks.extend(ways::check(&judge, bounds));
    Ok(Certified { checks })
}

/// The question, ready to be asked of changed worlds.
struct Judge<'p> {
    plan: &'p Plan,
    world: &'p World,
    /// Whether the plan is sure of the verdict as things stand, and the checker is not.
    is_less_sure: bool,
}

/// A verdict with its reasons.
struct Judged {
    verdict: Verdict,
    /// Whether some of it is not known.
    is_open: bool,
    why: String,
}

/// A world after requests, and those that were refused.
struct After {
    world: World,
    refused: Vec<String>,
}

impl Leg {
    /// Whether the copier reaches this one.
    fn ask(&self, world: &World) -> Answer {
        match &self.to {
            Goal::Server(server) => ask(world, &self.copier, server, self.port),
            Goal::Machine(host) => ask_machine(world, &self.copier.key(), host, self.port),
        }
    }
}

impl Judge<'_> {
    /// Whether the copier reaches every server that it has to.
    fn ask(&self, world: &World) -> Judged {
        let answers: Vec<Answer> = self.plan.legs.iter().map(|leg| leg.ask(world)).collect();
        let Some(verdict) = answers.iter().map(|one| self.partly(one)).reduce(Verdict::and) else {
            let why = "a relay host's place is not in the estate".to_owned();
            return Judged { verdict: Verdict::Undetermined, is_open: true, why };
        };
        let is_open = answers.iter().any(|one| one.verdict == Verdict::Undetermined);
        Judged { verdict, is_open, why: reasons(&answers) }
    }

    /// The verdict alone: one server that is surely not reached decides.
    fn verdict(&self, world: &World) -> Verdict {
        let mut sum = None;
        for leg in &self.plan.legs {
            let found = self.partly(&leg.ask(world));
            if found == Verdict::Unreachable {
                return found;
            }
            sum = Some(sum.map_or(found, |before: Verdict| before.and(found)));
        }
        sum.unwrap_or(Verdict::Undetermined)
    }

    /// Whether the plan claims no more than that nothing is known to be closed after it, of a flow that can be followed.
    fn may_open(&self) -> bool {
        self.plan.after == "undetermined"
            && !self.plan.changes.is_empty()
            && !self.plan.legs.is_empty()
    }

    /// The verdict of an answer, with what is known to be closed told apart: of a machine nothing is known to be open.
    fn partly(&self, answer: &Answer) -> Verdict {
        let is_partly_closed =
            answer.drops_some || self.asks_machine() && !answer.blockers.is_empty();
        match answer.verdict {
            Verdict::Undetermined if is_partly_closed => Verdict::Partial,
            verdict => verdict,
        }
    }

    fn asks_machine(&self) -> bool {
        self.plan.legs.iter().any(|leg| matches!(leg.to, Goal::Machine(_)))
    }

    /// Whether a verdict is what the plan claims to reach.
    fn does(&self, verdict: Verdict) -> bool {
        verdict == Verdict::Reachable || verdict == Verdict::Undetermined && self.may_open()
    }

    /// What a verdict says of the claim that a set of changes does not do. Where nobody can tell whether it does, and the plan says
    /// so too, it does not: a repair has to be proved.
    fn not_enough(&self, found: Verdict, claimed: &str) -> State {
        match found {
            Verdict::Undetermined
                if self.is_less_sure && ["unreachable", "partial"].contains(&claimed) =>
            {
                State::CouldNotTell
            }
            found if self.does(found) => State::Fails,
            Verdict::Undetermined if claimed != "undetermined" => State::CouldNotTell,
            Verdict::Unreachable | Verdict::Partial | Verdict::Undetermined => State::Holds,
            Verdict::Reachable => State::Fails,
        }
    }

    /// What is wrong with the word for a verdict, where both sides are sure. Of the senders of a set that does not do the two readings may
    /// let some pass or none.
    fn misnamed(&self, found: Verdict, claimed: &str) -> Option<String> {
        const SHUT: [&str; 2] = ["unreachable", "partial"];
        let all =
            [Verdict::Reachable, Verdict::Unreachable, Verdict::Partial, Verdict::Undetermined];
        let is_word = all.map(word).contains(&claimed);
        let is_sure = found != Verdict::Undetermined && claimed != word(Verdict::Undetermined);
        let is_same =
            claimed == word(found) || [claimed, word(found)].iter().all(|one| SHUT.contains(one));
        (!is_word || is_sure && !is_same)
            .then(|| format!("{}, and the plan says \"{claimed}\"", word(found)))
    }

    /// The world after all changes, in their order.
    fn after(&self) -> After {
        apply_in_order(self.world, self.plan.changes.iter())
    }
}

/// Reasons that are shown of an answer.
const REASONS_MAX: usize = 3;

/// Why an answer is what it is: what is not known when that decides, else what blocks.
fn reasons(answers: &[Answer]) -> String {
    let mut words: Vec<String> = Vec::new();
    for answer in answers {
        if answer.verdict == Verdict::Undetermined {
            words.extend(answer.unknowns.iter().map(|one| format!("not known: {}", short(one))));
        } else {
            words.extend(answer.blockers.iter().map(|one| {
                let name = one.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
                format!("{} at `{}`{name}", one.stage, last_name(&one.resource))
            }));
        }
    }
    let is_open = answers.iter().any(|one| one.verdict == Verdict::Undetermined);
    if words.is_empty() && is_open {
        let mut gates = answers.iter().flat_map(|one| &one.blockers);
        let gate =
            gates.next().map(|one| format!("{} at `{}`", one.stage, last_name(&one.resource)));
        let gate = gate.unwrap_or_else(|| "a gate".to_owned());
        words.push(format!("not known: whether {gate} is on the way that packets take"));
    }
    words.truncate(REASONS_MAX);
    words.join("; ")
}

/// A sentence with names in place of ids.
fn short(text: &str) -> String {
    let name = |word: &str| match word.starts_with("/subscriptions/") {
        true => format!("`{}`", last_name(word)),
        false => word.to_owned(),
    };
    text.split(' ').map(name).collect::<Vec<_>>().join(" ")
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reachable => "reachable",
        Verdict::Unreachable => "unreachable",
        Verdict::Partial => "partial",
        Verdict::Undetermined => "undetermined",
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn sufficiency(judge: &Judge<'_>, after: &After) -> Check {
    let judged = judge.ask(&after.world);
    let refused = match after.refused.as_slice() {
        [] => String::new(),
        all => format!("; refused: {}", all.join("; ")),
    };
    let changes = count(judge.plan.changes.len(), "change");
    let (state, detail) = match judged.verdict {
        Verdict::Reachable if !after.refused.is_empty() => {
            (State::Fails, format!("reachable, though not every change can be made{refused}"))
        }
        Verdict::Reachable if judge.may_open() && !judge.plan.is_sufficient => {
            (State::CouldNotTell, format!("reachable with {changes}; the plan leaves it open"))
        }
        Verdict::Reachable if !judge.plan.claims_reachable() => {
            (State::Fails, format!("reachable with {changes}, and the plan says otherwise"))
        }
        Verdict::Reachable => (State::Holds, format!("reachable with {changes}")),
        Verdict::Undetermined
            if judge.may_open() && !judge.plan.is_sufficient && after.refused.is_empty() =>
        {
            let why = judged.why;
            (State::Holds, format!("with {changes} nothing is known to be closed; {why}"))
        }
        Verdict::Undetermined => {
            (State::CouldNotTell, format!("after {changes}: {}{refused}", judged.why))
        }
        Verdict::Unreachable | Verdict::Partial => {
            let verdict = word(judged.verdict);
            (State::Fails, format!("{verdict} after {changes}: {}{refused}", judged.why))
        }
    };
    Check { name: "sufficiency", state, detail }
}

/// What is wrong decides; else what is open; else all is good.
fn summed(name: &'static str, wrong: &[String], open: &[String], good: String) -> Check {
    let shown = |all: &[String]| {
        let more = all.len().saturating_sub(REASONS_MAX);
        let mut text = all.iter().take(REASONS_MAX).cloned().collect::<Vec<_>>().join("; ");
        if more > 0 {
            text.push_str(&format!("; and {more} more"));
        }
        text
    };
    let (state, detail) = match (wrong, open) {
        ([], []) => (State::Holds, good),
        ([], open) => (State::CouldNotTell, shown(open)),
        (wrong, _) => (State::Fails, shown(wrong)),
    };
    Check { name, state, detail }
}

fn nothing_to_do(judge: &Judge<'_>) -> Check {
    let judged = judge.ask(judge.world);
    let (state, detail) = match judged.verdict {
        Verdict::Reachable => (State::Holds, "reachable as it is".to_owned()),
        Verdict::Undetermined => (State::CouldNotTell, judged.why),
        Verdict::Unreachable | Verdict::Partial => (State::Fails, judged.why),
    };
    Check { name: "sufficiency", state, detail }
}
