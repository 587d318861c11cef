//! Settles which of several captures of a resource counts.

mod children;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::effective::{self, Effective};
use super::json::{Json, NULL};
use super::kinds::read_facts;
use super::packed::Body;
use super::pages::{self, Page};
use super::scan::{Captured, Piece, Scanned, scan_value};
use super::shared::Shared;
use super::{Estate, Facts, Map, Missing, Origin, Problem, Resource};
use super::{merge, nested, template};
use crate::id::ResourceId;

/// One input, parsed.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name, for messages.
    pub file: String,
    /// What it holds.
    pub json: Value,
}

impl Input {
    /// Parses a text: one JSON value, or one after the other, as line-wise exports write them.
    ///
    /// # Errors
    /// The text is no JSON.
    pub fn parse(file: &str, text: &str) -> Result<Input, serde_json::Error> {
        let values = serde_json::Deserializer::from_str(text).into_iter();
        let mut values: Vec<Value> = values.collect::<Result<_, _>>()?;
        let json = if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
        Ok(Input { file: file.to_owned(), json })
    }
}

/// What the inputs gave.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The resources.
    pub estate: Estate,
    /// Everything that could not be read.
    pub problems: Vec<Problem>,
    /// Resources that were captured more than once, and which capture counts.
    pub replaced: Vec<Replaced>,
    /// Resources of types that decide nothing here.
    pub ignored_count: usize,
    /// The ages of the oldest and the newest input, in seconds since 1970; `None` where no input tells its age.
    pub observed: Option<(u64, u64)>,
    /// What a plan does not tell of where it goes: its changes may be to what was captured, and are not in the estate.
    pub unplaced: Option<Missing>,
}

/// A resource of which two captures were given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Replaced {
    /// The resource.
    pub resource: ResourceId,
    /// The file whose capture counts.
    pub kept: String,
    /// The file whose capture does not.
    pub dropped: String,
    /// Whether the capture that counts is one of the parent, whose list does not hold the resource.
    pub is_gone: bool,
    /// What the two say.
    pub says: Says,
}

/// What two captures of one resource say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// The same.
    Same,
    /// One counts more, or is newer.
    Differs,
    /// They differ and are of one time: the order of the inputs decides which counts.
    Contradicts,
}

/// How much an input knows of a resource. More knowledge counts before newer knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Nothing but that it is there.
    Named,
    /// What a template or a plan wants: nothing that Azure adds is there.
    Wanted,
    /// What Terraform remembers: some of it.
    Remembered,
    /// What Azure answered.
    Observed,
}

impl Standing {
    /// Whether others than Azure say it: however new, it adds nothing to what Azure told in full.
    fn is_secondhand(self) -> bool {
        matches!(self, Standing::Wanted | Standing::Remembered)
    }
}

/// A resource in an input.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) id: ResourceId,
    pub(crate) body: Value,
    pub(crate) origin: Origin,
    pub(crate) standing: Standing,
}

/// Reads resources out of inputs of the same age: of two captures the later one in the list counts.
pub fn load(inputs: Vec<Input>) -> Loaded {
    load_dated(inputs.into_iter().map(|input| (0, input)).collect())
}

/// Reads resources out of arrays, `{"value": [...]}` pages, az output, Resource Graph answers and wrappers around them, ARM templates
/// with their parameters, what-if results, Terraform states and plans. Whatever has an ARM id and a body is a resource; everything else
/// is looked into. The number of each input is its age, as [`settle`] tells.
pub fn load_dated(inputs: Vec<(u64, Input)>) -> Loaded {
    settle(inputs.into_iter().map(|(age, input)| (age, scan_value(input))).collect())
}

/// Puts inputs together. The number of each is its age: seconds since any fixed moment. The newest capture of a resource counts; of two
/// equally new ones the later in the list. What Azure answered counts before what a template or Terraform says.
pub fn settle(mut inputs: Vec<(u64, Scanned)>) -> Loaded {
    inputs.sort_by_key(|(age, _)| *age);
    let mut settler = Settler::default();
    // What is read from elsewhere than a file has no time.
    let mut told = inputs.iter().map(|(age, _)| *age).filter(|age| (1..u64::MAX).contains(age));
    settler.loaded.observed = told.next().map(|first| (first, told.next_back().unwrap_or(first)));
    inputs.retain_mut(|(_, input)| {
        let Some(parameters) = input.parameters.take() else { return true };
        let name = parameters.file.strip_suffix(".json").unwrap_or(&parameters.file);
        let base = name.strip_suffix(".parameters").unwrap_or(name);
        settler.parameters.insert(format!("{base}.json"), parameters);
        false
    });
    let count = inputs.iter().map(|(_, input)| input.pieces.len()).sum();
    settler.resources.reserve(count);
    settler.sources.reserve(count);
    let is_of_now = |piece: &Piece| matches!(piece, Piece::Captured(_) | Piece::Page(_));
    settler.has_captures = inputs.iter().any(|(_, input)| input.pieces.iter().any(is_of_now));
    for (age, input) in inputs {
        settler.age = age;
        settler.take(input);
    }
    settler.finish()
}

/// Where a resource of the estate comes from.
#[derive(Debug, Clone, Copy)]
struct Source {
    standing: Standing,
    age: u64,
}

#[derive(Default)]
struct Settler {
    loaded: Loaded,
    resources: Map<ResourceId, Arc<Resource>>,
    sources: Map<ResourceId, Source>,
    /// Children written inside their parents, oldest first.
    inline: Vec<(Source, Captured)>,
    /// Files of parameters, by the name of the template that they are for.
    parameters: BTreeMap<String, Input>,
    /// Pages of lists of which there is more.
    pages: Vec<Page>,
    /// What Azure applies, for comparison.
    evidence: Vec<Effective>,
    /// Whether some input tells what is there.
    has_captures: bool,
    /// Age of the input that is being read.
    age: u64,
}

impl Settler {
    fn problem(&mut self, origin: &Origin, message: impl Into<String>) {
        self.loaded.problems.push(origin.problem(message));
    }

    fn take(&mut self, input: Scanned) {
        self.loaded.ignored_count += input.ignored_count;
        if input.pieces.is_empty() && input.ignored_count == 0 && !input.is_empty_list {
            self.problem(&input.origin, "holds no Azure resource");
        }
        for piece in input.pieces {
            match piece {
                Piece::Captured(one) => self.add(one),
                Piece::Planned(_, origin) if self.has_captures => self.problem(
                    &origin,
                    "tells what is yet to be: left out beside what was captured; give it with `--after`",
                ),
                Piece::Planned(all, _) => all.into_iter().for_each(|one| self.add(one)),
                Piece::Problem(problem) => self.loaded.problems.push(problem),
                Piece::Page(page) => self.pages.push(page),
                Piece::Evidence(evidence) => self.evidence.push(evidence),
                Piece::Template(object, origin) => {
                    let parameters = self.parameters.remove(&*origin.file);
                    let parameters = parameters.as_ref().map(|one| &one.json);
                    let problems = &mut self.loaded.problems;
                    let before = problems.len();
                    let found = template::read(&object, parameters, &origin, problems);
                    if found.is_empty() && problems.len() == before {
                        self.problem(&origin, "holds no Azure resource");
                    }
                    let mut shared = Shared::default();
                    found.into_iter().for_each(|one| self.add(Captured::found(one, &mut shared)));
                }
            }
        }
    }

    fn add(&mut self, mut captured: Captured) {
        let source = Source { standing: captured.standing, age: self.age };
        self.inline.extend(captured.inline.drain(..).map(|child| {
            let standing = child.standing;
            (Source { standing, ..source }, child)
        }));
        let id = captured.id.clone();
        self.settle(captured, source);
        let facts = self.resources.get(&id).map(|one| &one.facts);
        if matches!(facts, Some(Facts::Other)) && source.standing != Standing::Named {
            self.loaded.ignored_count += 1;
        }
    }

    /// Puts a capture in place, unless there is one that counts more.
    fn settle(&mut self, mut captured: Captured, source: Source) {
        let id = captured.id.clone();
        if let (Some(known), Some(other)) = (self.resources.get(&id), self.sources.get(&id)) {
            let is_kept = source.standing < other.standing;
            let is_named = [source.standing, other.standing].contains(&Standing::Named);
            if is_named {
                // It is told that nothing was read of it.
            } else if source.standing == other.standing && source.standing != Standing::Observed {
                // Each may know what the other does not: Terraform writes one subnet in several places.
                captured = captured.over(known);
            } else {
                let (new, old) = (&captured.resource.origin, &known.origin);
                let (kept, dropped) = if is_kept { (old, new) } else { (new, old) };
                let says = match captured.resource.body.value() == known.body.value() {
                    true => Says::Same,
                    false if (source.standing, source.age) == (other.standing, other.age) => {
                        Says::Contradicts
                    }
                    false => Says::Differs,
                };
                self.loaded.replaced.push(Replaced { says, ..Replaced::of(&id, kept, dropped) });
            }
            if is_kept {
                return;
            }
        }
        self.sources.insert(id, source);
        self.put(captured);
    }

    fn put(&mut self, captured: Captured) {
        self.loaded.problems.extend(captured.problems);
        self.resources.insert(captured.id, captured.resource);
    }

    /// Children written inside their parents count where they were not captured by themselves, or are newer or better known.
    fn finish(mut self) -> Loaded {
        for (source, child) in std::mem::take(&mut self.inline).into_iter().rev() {
            let (Some(own), Some(known)) =
                (self.sources.get(&child.id), self.resources.get(&child.id))
            else {
                self.settle(child, source);
                continue;
            };
            let is_wanted = match source.standing {
                standing if own.standing != standing => standing > own.standing,
                Standing::Observed => {
                    let bodies = [&known.body, &child.resource.body].map(|body| body.value());
                    if source.age == own.age && children::contradicts(&bodies[0], &bodies[1]) {
                        let (kept, dropped) = (&known.origin, &child.resource.origin);
                        let one = Replaced::of(&child.id, kept, dropped);
                        self.loaded.replaced.push(Replaced { says: Says::Contradicts, ..one });
                    }
                    source.age > own.age
                }
                Standing::Remembered | Standing::Wanted | Standing::Named => {
                    let both = child.below(known);
                    self.put(both);
                    continue;
                }
            };
            // Azure prints the same child alone and inside its parent.
            if is_wanted && known.body.value() != child.resource.body.value() {
                self.settle(child, source);
            }
        }
        self.compare_with_parents();
        self.leave_pages_open();
        self.loaded.problems.extend(effective::held_against(&self.evidence, &self.resources));
        for (template, parameters) in std::mem::take(&mut self.parameters) {
            let origin = Origin { file: parameters.file.into(), pointer: String::new() };
            let message =
                format!("parameters without a template: no `{template}` is among the inputs");
            self.problem(&origin, message);
        }
        self.loaded.estate = Estate::of(self.resources);
        self.loaded
    }
}

impl Settler {
    /// Puts something unknown where a page that was not captured may hold something. What Azure lists inside a parent is whole.
    fn leave_pages_open(&mut self) {
        let pages = pages::open(std::mem::take(&mut self.pages));
        if pages.is_empty() {
            return;
        }
        let parents = self.resources.keys().cloned().collect();
        for (id, origin) in pages::untold(&pages, &parents) {
            let listing = id.parent().and_then(|parent| self.resources.get(&parent));
            let is_listed = nested::may_be_listed(&id)
                && listing.is_some_and(|one| nested::told(&id, &one.body.value()).is_some());
            if !is_listed {
                let (body, shared) = ((&NULL, None), &mut Shared::default());
                let named = Captured::read(id, body, origin.clone(), Standing::Named, shared);
                self.resources.insert(named.id, named.resource);
            }
        }
        for page in &pages {
            let message = "a page of a list that goes on; what stands on the next one is not observed: capture the rest";
            self.problem(&page.origin, message);
        }
    }
}

impl Replaced {
    fn of(resource: &ResourceId, kept: &Origin, dropped: &Origin) -> Replaced {
        let [kept, dropped] = [kept, dropped].map(|origin| origin.file.to_string());
        let (is_gone, says) = (false, Says::Differs);
        Replaced { resource: resource.clone(), kept, dropped, is_gone, says }
    }
}

impl Captured {
    /// With what another capture knows and this one does not.
    fn over(self, lower: &Resource) -> Captured {
        let body = merge::united(&lower.body.value(), &self.resource.body.value());
        let origin = self.resource.origin.clone();
        self.made_of(body, origin)
    }

    /// What another capture knows, with what this one knows beside it. What is wrong with either was said when it was read.
    fn below(self, upper: &Resource) -> Captured {
        let body = merge::united(&self.resource.body.value(), &upper.body.value());
        Captured { problems: Vec::new(), ..self.made_of(body, upper.origin.clone()) }
    }

    fn made_of(self, body: Value, origin: Origin) -> Captured {
        let mut problems = Vec::new();
        let shared = &mut Shared::default();
        let body = Json::from(&body);
        let facts = read_facts(&self.id, &body, &origin, shared, &mut problems);
        let resource = Arc::new(Resource { body: Body::of_json(&body), origin, facts });
        Captured { resource, problems, ..self }
    }
}
