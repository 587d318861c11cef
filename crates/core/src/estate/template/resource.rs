//! The resources of a template: conditions, loops, children and nested deployments into bodies with ids.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::limits::Limits;
use super::place;
use super::references::DEPLOYMENTS;
use super::scope::{Local, Scope, Why};
use crate::estate::nested;
use crate::estate::read::{Found, Standing};
use crate::estate::unresolved::each_unresolved;
use crate::estate::{Origin, Problem};
use crate::id::ResourceId;

/// Deployments inside deployments: the limit of Azure Resource Manager is five.
const DEPLOYMENTS_DEEP_MAX: usize = 6;

/// Resources inside resources; types of Azure have at most five parts.
const CHILDREN_DEEP_MAX: usize = 6;

/// Resources of one file, loops multiplied out. A deployment may have 800.
const RESOURCES_MAX: usize = 20_000;

/// Problems of one file that are told; a template with more of them has one cause.
const PROBLEMS_MAX: usize = 1_000;

/// Reads all deployments of one file.
pub(super) struct Reader<'a> {
    root: &'a Map<String, Value>,
    origin: &'a Origin,
    pub(super) limits: &'a Limits,
    problems: &'a mut Vec<Problem>,
    deployed: Vec<Found>,
    depth: usize,
    said: usize,
    is_over_said: bool,
    is_location_reported: bool,
    /// Types, in lower case, of resources that were left out.
    left_out: BTreeSet<String>,
}

/// A resource around another one.
#[derive(Clone)]
struct Parent {
    kind: String,
    name: String,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        root: &'a Map<String, Value>,
        origin: &'a Origin,
        limits: &'a Limits,
        problems: &'a mut Vec<Problem>,
    ) -> Reader<'a> {
        Reader {
            root,
            origin,
            limits,
            problems,
            deployed: Vec::new(),
            depth: 0,
            said: 0,
            is_over_said: false,
            is_location_reported: false,
            left_out: BTreeSet::new(),
        }
    }

    /// What was read. A list whose elements may be written as resources of their own is not known where one of them was left out.
    pub(super) fn finish(mut self) -> Vec<Found> {
        let named: Vec<(ResourceId, &mut Value)> =
            self.deployed.iter_mut().map(|one| (one.id.clone(), &mut one.body)).collect();
        for (id, body) in named {
            nested::doubt(&id, body, &self.left_out);
        }
        self.deployed
    }

    /// Reads the resources of one deployment, whose template stands at `pointer`.
    pub(super) fn deployment(
        &mut self,
        scope: &Scope,
        resources: Option<&Value>,
        pointer: &str,
        locals: &[Local],
    ) {
        if self.depth >= DEPLOYMENTS_DEEP_MAX {
            let what = format!("more than {DEPLOYMENTS_DEEP_MAX} deployments inside each other");
            return self.problem(pointer, format!("{what}; this one is left out"));
        }
        self.depth += 1;
        self.resources(scope, resources, &format!("{pointer}/resources"), None, locals);
        self.depth -= 1;
    }

    /// Resources in a list, or by symbolic name.
    fn resources(
        &mut self,
        scope: &Scope,
        resources: Option<&Value>,
        pointer: &str,
        parent: Option<&Parent>,
        locals: &[Local],
    ) {
        let named: Vec<(String, &Value)> = match resources {
            Some(Value::Array(list)) => {
                list.iter().enumerate().map(|(index, one)| (index.to_string(), one)).collect()
            }
            Some(Value::Object(fields)) => {
                fields.iter().map(|(name, one)| (name.clone(), one)).collect()
            }
            _ => return,
        };
        for (step, resource) in named {
            let pointer = format!("{pointer}/{}", crate::estate::unresolved::escaped(&step));
            let Some(fields) = resource.as_object() else {
                self.problem(&pointer, "is not a resource; it is left out".to_owned());
                continue;
            };
            // An existing resource is named here and deployed elsewhere.
            if fields.get("existing") != Some(&Value::Bool(true)) {
                self.repeated(scope, fields, &pointer, parent, locals);
            }
        }
    }

    /// A resource, as often as its loop runs.
    fn repeated(
        &mut self,
        scope: &Scope,
        fields: &Map<String, Value>,
        pointer: &str,
        parent: Option<&Parent>,
        locals: &[Local],
    ) {
        let Some(copy) = fields.get("copy").filter(|copy| copy.is_object()) else {
            return self.one(scope, fields, pointer, parent, locals);
        };
        let name = copy.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
        match scope.count(copy, locals) {
            Ok(count) => {
                for index in 0..count {
                    let running = [locals, &[Local::Loop { name: name.clone(), index }]].concat();
                    self.one(scope, fields, pointer, parent, &running);
                    if self.is_over() {
                        return;
                    }
                }
            }
            Err(why) => {
                self.doubt(fields, parent);
                self.left_out(&format!("{pointer}/copy"), "resources of the loop", &why);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.limits.is_spent() || self.deployed.len() >= RESOURCES_MAX
    }

    fn one(
        &mut self,
        scope: &Scope,
        fields: &Map<String, Value>,
        pointer: &str,
        parent: Option<&Parent>,
        locals: &[Local],
    ) {
        if self.limits.charge(&Value::Null).is_err() || self.is_over() {
            if !std::mem::replace(&mut self.is_over_said, true) {
                let what = format!(
                    "the template makes more than {RESOURCES_MAX} resources, or too much else"
                );
                self.problem(pointer, format!("{what}; the rest is left out"));
            }
            return;
        }
        match scope.is_wanted(fields, locals) {
            Ok(true) => {}
            Ok(false) => return,
            Err(why) => {
                self.doubt(fields, parent);
                self.perhaps(scope, fields, pointer, parent, locals);
                return self.left_out(
                    &format!("{pointer}/condition"),
                    "resource with a condition",
                    &why,
                );
            }
        }
        let text = |name: &str| scope.known_text(fields, name, locals);
        if text("type").is_ok_and(|kind| kind.eq_ignore_ascii_case(DEPLOYMENTS)) {
            // What a deployment is called decides nothing.
            let name = text("name").unwrap_or_else(|_| place::GROUP.to_owned());
            return self.nested(scope, fields, &name, pointer, locals);
        }
        let (kind, name) = match text("type").and_then(|kind| Ok((kind, text("name")?))) {
            Ok((kind, name)) => whole_name(parent, kind, name),
            Err(why) => {
                self.doubt(fields, parent);
                return self.left_out(pointer, "resource whose name", &why);
            }
        };
        match scope.id_of(fields, &kind, &name, locals) {
            Ok(id) => self.deploy(scope, fields, (&id, &kind), pointer, locals),
            Err(why) => {
                self.doubt(fields, parent);
                return self.left_out(pointer, "resource whose name", &why);
            }
        }
        let depth = parent.map_or(0, |parent| parent.depth) + 1;
        if depth <= CHILDREN_DEEP_MAX {
            let place = format!("{pointer}/resources");
            let parent = Parent { kind, name, depth };
            self.resources(scope, fields.get("resources"), &place, Some(&parent), locals);
        }
    }

    /// Keeps a child that may be deployed or not as one of which nothing is known: its parent may have it.
    fn perhaps(
        &mut self,
        scope: &Scope,
        fields: &Map<String, Value>,
        pointer: &str,
        parent: Option<&Parent>,
        locals: &[Local],
    ) {
        let text = |name: &str| scope.known_text(fields, name, locals);
        let (Ok(kind), Ok(name)) = (text("type"), text("name")) else { return };
        let (kind, name) = whole_name(parent, kind, name);
        let Ok(id) = scope.id_of(fields, &kind, &name, locals) else { return };
        if id.parent().is_some() && !kind.eq_ignore_ascii_case(DEPLOYMENTS) {
            let body = json!({ "id": id.as_str(), "type": kind, "name": id.name() });
            self.keep(id, body, pointer);
        }
    }

    /// Resolves the body and keeps it; what in it is not known is said.
    fn deploy(
        &mut self,
        scope: &Scope,
        fields: &Map<String, Value>,
        (id, kind): (&ResourceId, &str),
        pointer: &str,
        locals: &[Local],
    ) {
        let body = scope.body(fields, (id, kind), locals);
        let mut said = Vec::new();
        each_unresolved(&body, pointer, &mut |place, why| {
            said.push((place.to_owned(), why.to_owned()))
        });
        for (place, why) in said {
            self.unknown(&place, &why);
        }
        self.keep(id.clone(), body, pointer);
    }

    fn keep(&mut self, id: ResourceId, body: Value, pointer: &str) {
        let place = self.in_file(pointer);
        let origin = Origin { file: self.origin.file.clone(), pointer: place };
        self.deployed.push(Found { id, body, origin, standing: Standing::Wanted });
    }

    fn unknown(&mut self, pointer: &str, why: &str) {
        // Nearly every template asks its resource group for the location, in every resource.
        let is_location = pointer.ends_with("/location") && why.contains(place::LOCATION);
        if why.is_empty()
            || (is_location && std::mem::replace(&mut self.is_location_reported, true))
        {
            return;
        }
        self.problem(pointer, format!("not resolved: {why}; it is read as not observed"));
    }

    /// Remembers the type of a resource that is left out.
    fn doubt(&mut self, fields: &Map<String, Value>, parent: Option<&Parent>) {
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or("").to_owned();
        let (kind, _) = whole_name(parent, kind, String::new());
        self.left_out.insert(kind.to_ascii_lowercase());
    }

    /// Remembers that a deployment is left out, which may hold anything.
    pub(super) fn doubt_all(&mut self) {
        self.left_out.extend(nested::listed_whole().map(str::to_owned));
    }

    pub(super) fn left_out(&mut self, pointer: &str, what: &str, why: &Why) {
        let why = if why.text().is_empty() { "it is made of a secret" } else { why.text() };
        self.problem(pointer, format!("{what} is not resolvable: {why}; it is left out"));
    }

    pub(super) fn problem(&mut self, pointer: &str, message: String) {
        self.said += 1;
        let message = match self.said {
            ..PROBLEMS_MAX => message,
            PROBLEMS_MAX => "more problems of this template are not listed".to_owned(),
            _ => return,
        };
        let pointer = self.in_file(pointer);
        self.problems.push(Problem { file: self.origin.file.to_string(), pointer, message });
    }

    /// The longest part of a pointer that the file has: below an expression there is nothing to point to.
    fn in_file(&self, pointer: &str) -> String {
        let mut pointer = pointer;
        loop {
            let first = pointer.strip_prefix('/').unwrap_or("").split('/').next().unwrap_or("");
            let rest = pointer.get(1 + first.len()..).unwrap_or("");
            let is_there = self.root.get(first).is_some_and(|value| value.pointer(rest).is_some());
            if is_there || pointer.is_empty() {
                return format!("{}{pointer}", self.origin.pointer);
            }
            pointer = pointer.rsplit_once('/').map_or("", |(before, _)| before);
        }
    }
}

/// Type and name with those of the resource around it, when they are written relative to it.
fn whole_name(parent: Option<&Parent>, kind: String, name: String) -> (String, String) {
    match parent {
        Some(parent) if !kind.contains('.') => {
            (format!("{}/{kind}", parent.kind), format!("{}/{name}", parent.name))
        }
        _ => (kind, name),
    }
}
