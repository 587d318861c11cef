//! Finds resources in the JSON shapes that Azure and its clients print, and settles which of several captures counts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::kinds::is_known_type;
use super::shapes::{below, graph_table, is_listing, is_resource_without_id};
use super::{Estate, Facts, Origin, Problem};
use super::{merge, template, terraform, what_if};
use crate::id::ResourceId;

/// One input, parsed.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name, for messages.
    pub file: String,
    /// What it holds.
    pub json: Value,
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
}

/// How much an input knows of a resource. More knowledge counts before newer knowledge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// What a template or a plan wants: nothing that Azure adds is there.
    Wanted,
    /// What Terraform remembers: some of it.
    Remembered,
    /// What Azure answered.
    Observed,
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
/// is looked into.
///
/// The number of each input is its age: seconds since any fixed moment. The newest capture of a resource counts; of two equally new ones
/// the later in the list. What Azure answered counts before what a template or Terraform says.
pub fn load_dated(mut inputs: Vec<(u64, Input)>) -> Loaded {
    inputs.sort_by_key(|(age, _)| *age);
    let mut reader = Reader::default();
    inputs.retain(|(_, input)| !reader.is_parameters(input));
    for (age, input) in inputs {
        let before = (reader.found_count, reader.loaded.problems.len());
        let origin = Origin { file: input.file.clone(), pointer: String::new() };
        reader.age = age;
        reader.find(input.json, &origin);
        if before == (reader.found_count, reader.loaded.problems.len()) {
            reader.problem(&origin, "holds no Azure resource");
        }
    }
    reader.finish()
}

/// Where a resource of the estate comes from.
#[derive(Debug, Clone, Copy)]
struct Source {
    standing: Standing,
    age: u64,
}

#[derive(Default)]
struct Reader {
    loaded: Loaded,
    sources: BTreeMap<ResourceId, Source>,
    /// Children written inside their parents, oldest first.
    inline: Vec<(Source, Found)>,
    /// Files of parameters, by the name of the template that they are for.
    parameters: BTreeMap<String, Input>,
    found_count: usize,
    /// Age of the input that is being read.
    age: u64,
}

impl Reader {
    /// Sets a file of parameters aside for its template.
    fn is_parameters(&mut self, input: &Input) -> bool {
        let is_some = input.json.as_object().is_some_and(template::is_parameters);
        if is_some {
            let name = input.file.strip_suffix(".json").unwrap_or(&input.file);
            let base = name.strip_suffix(".parameters").unwrap_or(name);
            self.parameters.insert(format!("{base}.json"), input.clone());
        }
        is_some
    }

    fn problem(&mut self, origin: &Origin, message: impl Into<String>) {
        let Origin { file, pointer } = origin.clone();
        self.loaded.problems.push(Problem { file, pointer, message: message.into() });
    }

    fn find(&mut self, value: Value, origin: &Origin) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.into_iter().enumerate() {
                    self.find(item, &below(origin, &index.to_string()));
                }
            }
            Value::Object(object) => self.find_in_object(object, origin),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Shapes that have to be made into resources first; gives back what is none of them.
    fn find_made(
        &mut self,
        object: Map<String, Value>,
        origin: &Origin,
    ) -> Option<Map<String, Value>> {
        let problems = &mut self.loaded.problems;
        let found = if template::is_template(&object) {
            let parameters = self.parameters.remove(&origin.file);
            template::read(&object, parameters.as_ref().map(|one| &one.json), origin, problems)
        } else if what_if::is_result(&object) {
            what_if::read(&object, origin, problems)
        } else if terraform::is_terraform(&object) {
            let (found, ignored) = terraform::read(&object, origin, problems);
            self.loaded.ignored_count += ignored;
            self.found_count += ignored;
            found
        } else {
            return Some(object);
        };
        found.into_iter().for_each(|one| self.add(one));
        None
    }

    fn find_in_object(&mut self, object: Map<String, Value>, origin: &Origin) {
        let Some(object) = self.find_made(object, origin) else { return };
        let id = object.get("id").and_then(Value::as_str).and_then(ResourceId::parse);
        // az prints some children without type and properties: their ids tell the type.
        let is_known = |id: &ResourceId| is_known_type(&id.resource_type()) && !is_listing(&object);
        let has_body = object.get("properties").is_some_and(Value::is_object)
            || object.contains_key("type")
            || id.as_ref().is_some_and(is_known);
        match id {
            Some(_) if has_body && is_listing(&object) => {
                let message = "resource without its properties, as `az resource list` prints it; it counts as not observed";
                self.problem(origin, message);
            }
            Some(id) if has_body => {
                let (body, origin) = (Value::Object(object), origin.clone());
                self.add(Found { id, body, origin, standing: Standing::Observed });
            }
            _ if is_resource_without_id(&object) => {
                self.problem(origin, "resource without a readable id; it is left out");
            }
            _ => {
                if let Some(rows) = graph_table(&object) {
                    return self.find(rows, &below(origin, "rows"));
                }
                for (name, inner) in object {
                    // What a client sent is a wish, not an observation.
                    if name != "request" && name != "parameters" {
                        self.find(inner, &below(origin, &name));
                    }
                }
            }
        }
    }

    fn add(&mut self, found: Found) {
        self.found_count += 1;
        let source = Source { standing: found.standing, age: self.age };
        self.inline.extend(inline_children(&found).into_iter().map(|child| (source, child)));
        let id = found.id.clone();
        self.settle(found, source);
        let facts = self.loaded.estate.resource(&id).map(|one| &one.facts);
        if matches!(facts, Some(Facts::Other)) {
            self.loaded.ignored_count += 1;
        }
    }

    /// Puts a capture in place, unless there is one that counts more.
    fn settle(&mut self, found: Found, source: Source) {
        let Found { id, mut body, origin, .. } = found;
        if let (Some(known), Some(other)) =
            (self.loaded.estate.resource(&id), self.sources.get(&id))
        {
            let is_kept = source.standing < other.standing;
            if source.standing == other.standing && source.standing != Standing::Observed {
                // Each may know what the other does not: Terraform writes one subnet in several places.
                body = merge::united(&known.body, &body);
            } else {
                let (new, old) = (origin.file.clone(), known.origin.file.clone());
                let (kept, dropped) = if is_kept { (old, new) } else { (new, old) };
                self.loaded.replaced.push(Replaced { resource: id.clone(), kept, dropped });
            }
            if is_kept {
                return;
            }
        }
        self.sources.insert(id.clone(), source);
        self.loaded.estate.put(&id, body, origin, &mut self.loaded.problems);
    }

    /// Children written inside their parents count where they were not captured by themselves, or are newer or better known.
    fn finish(mut self) -> Loaded {
        for (source, found) in std::mem::take(&mut self.inline).into_iter().rev() {
            let is_wanted = match self.sources.get(&found.id) {
                Some(own) if own.standing != source.standing => source.standing > own.standing,
                Some(own) if source.standing == Standing::Observed => source.age > own.age,
                Some(_) => {
                    self.fill(&found);
                    false
                }
                None => true,
            };
            // Azure prints the same child alone and inside its parent.
            let is_same =
                self.loaded.estate.resource(&found.id).is_some_and(|own| own.body == found.body);
            if is_wanted && !is_same {
                self.settle(found, source);
            }
        }
        for (template, parameters) in std::mem::take(&mut self.parameters) {
            let origin = Origin { file: parameters.file, pointer: String::new() };
            let message =
                format!("parameters without a template: no `{template}` is among the inputs");
            self.problem(&origin, message);
        }
        self.loaded
    }

    /// Adds what a parent's body knows of its child to what the child's own says.
    fn fill(&mut self, found: &Found) {
        if let Some(own) = self.loaded.estate.resource(&found.id) {
            let body = merge::united(&found.body, &own.body);
            let origin = own.origin.clone();
            // What is wrong with either was said when it was read.
            self.loaded.estate.put(&found.id, body, origin, &mut Vec::new());
        }
    }
}

/// Subnets and peerings that are written inside their network, with more than their ids.
pub(crate) fn inline_children(found: &Found) -> Vec<Found> {
    let mut children = Vec::new();
    if found.id.resource_type() != "microsoft.network/virtualnetworks" {
        return children;
    }
    for list in ["subnets", "virtualNetworkPeerings"] {
        let nested = found.body.pointer(&format!("/properties/{list}"));
        let nested = nested.map(|value| ("/properties", value));
        let Some((prefix, items)) =
            nested.or_else(|| found.body.get(list).map(|value| ("", value)))
        else {
            continue;
        };
        for (index, child) in items.as_array().into_iter().flatten().enumerate() {
            let id = child.get("id").and_then(Value::as_str).and_then(ResourceId::parse);
            let is_whole =
                child.as_object().is_some_and(|fields| fields.len() > 2 && !is_listing(fields));
            if let (Some(id), true) = (id, is_whole) {
                // A body that was made has no such place in its file.
                let pointer = match found.standing {
                    Standing::Observed => {
                        format!("{}{prefix}/{list}/{index}", found.origin.pointer)
                    }
                    Standing::Remembered | Standing::Wanted => found.origin.pointer.clone(),
                };
                let origin = Origin { file: found.origin.file.clone(), pointer };
                let (body, standing) = (child.clone(), found.standing);
                children.push(Found { id, body, origin, standing });
            }
        }
    }
    children
}
