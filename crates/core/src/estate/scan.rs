//! Finds resources in the JSON shapes that Azure and its clients print, one input at a time: inputs may be scanned side by side.

use std::io::{self, Read};
use std::sync::Arc;

use serde::de::Error as _;
use serde_json::{Map, Value};

use super::effective::{self, Effective};
use super::elements::{STEP, each_element, take_value};
use super::governance::registration_id;
use super::json::{Fields, Json, NULL};
use super::kinds::{counts_unread, is_known_type, read_facts};
use super::packed::Body;
use super::pages::Page;
use super::read::{Found, Input, Standing};
use super::shapes::{below, error_of_arm, graph_table, is_listing, is_resource_without_id};
use super::shared::Shared;
use super::{Origin, Problem, Resource, name_check, template, terraform, what_if};
use crate::id::ResourceId;

/// What one input holds, before it is settled which of several captures counts.
#[derive(Debug)]
pub struct Scanned {
    pub(super) origin: Origin,
    pub(super) pieces: Vec<Piece>,
    /// Parameters for a template, which may stand in another input.
    pub(super) parameters: Option<Input>,
    pub(super) ignored_count: usize,
    /// It is a list of nothing, as az prints it where there is none of a kind.
    pub(super) is_empty_list: bool,
}

/// Something in an input, in the order in which it stands there.
#[derive(Debug)]
pub(super) enum Piece {
    Captured(Captured),
    /// What a plan or a preview will make: it is not there yet.
    Planned(Vec<Captured>, Origin),
    /// A template waits for its parameters.
    Template(Map<String, Value>, Origin),
    /// A list of which there is more.
    Page(Page),
    /// What Azure applies.
    Evidence(Effective),
    Problem(Problem),
}

/// A resource in an input, read.
#[derive(Debug)]
pub(super) struct Captured {
    pub(super) id: ResourceId,
    pub(super) resource: Arc<Resource>,
    pub(super) standing: Standing,
    /// What could not be read in it.
    pub(super) problems: Vec<Problem>,
    /// Children written inside it.
    pub(super) inline: Vec<Captured>,
}

impl Captured {
    /// Reads the body of a resource, and what is written inside it. The text of the body is kept as it stands, where it is at hand.
    pub(super) fn read(
        id: ResourceId,
        (body, text): (&Json, Option<&str>),
        origin: Origin,
        standing: Standing,
        shared: &mut Shared,
    ) -> Captured {
        let mut problems = Vec::new();
        let halves = unread_halves(&id, body, &origin, standing, &mut problems);
        let inline = inline_children(&id, body, &origin, standing, |text| shared.id(text));
        let mut inline: Vec<Captured> = inline
            .into_iter()
            .map(|(id, body, origin)| Captured::read(id, (body, None), origin, standing, shared))
            .collect();
        inline.extend(halves.into_iter().map(|(id, origin)| {
            let standing = Standing::Named;
            let named = Captured::read(id, (&NULL, None), origin, standing, shared);
            Captured { problems: Vec::new(), ..named }
        }));
        let facts = read_facts(&id, body, &origin, shared, &mut problems);
        let body = text.map_or_else(|| Body::of_json(body), Body::of_text);
        let resource = Arc::new(Resource { body, origin, facts });
        Captured { id, resource, standing, problems, inline }
    }

    pub(super) fn found(found: Found, shared: &mut Shared) -> Captured {
        let Found { id, body, origin, standing } = found;
        Captured::read(id, (&Json::from(&body), None), origin, standing, shared)
    }
}

/// Scans the text of an input, as [`Input::parse`] takes it.
///
/// # Errors
/// The text is no JSON, or a name in it is none of Azure's.
pub fn scan(file: &str, text: &str) -> Result<Scanned, serde_json::Error> {
    if !name_check::is_plain(text) {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Json>().flatten();
        if let Some(why) = values.find_map(|json| name_check::refusal(&json)) {
            return Err(serde_json::Error::custom(why));
        }
    }
    if let Ok(Some(scanned)) = scan_list(file, text.as_bytes(), &mut Vec::new()) {
        return Ok(scanned);
    }
    let mut scanner = Scanner::new(file);
    let mut rest = text;
    match take_value(&mut rest).filter(|_| rest.is_empty()) {
        Some((value, own)) => scanner.take(&value, Some(own)),
        // Anything unusual is read again as a whole, which tells what is wrong with it.
        None => return Ok(scan_value(Input::parse(file, text)?)),
    }
    Ok(scanner.scanned)
}

/// Scans an input that is a list, element by element as it is read: a large capture is never in memory as a whole. `None` for
/// anything else.
///
/// # Errors
/// The input cannot be read, or a name in it is none of Azure's.
pub fn scan_list(
    file: &str,
    input: impl Read,
    window: &mut Vec<u8>,
) -> io::Result<Option<Scanned>> {
    let mut scanner = Scanner::new(file);
    let origin = scanner.scanned.origin.clone();
    let (mut index, mut refused) = (0, None);
    let is_list = each_element(input, window, STEP, |element, own| {
        if refused.is_none() && !name_check::is_plain(own) {
            refused = name_check::refusal(element);
        }
        scanner.find(element, Some(own), &below(&origin, &index.to_string()));
        index += 1;
    })?;
    scanner.scanned.is_empty_list = index == 0;
    match refused {
        Some(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        None => Ok(is_list.then_some(scanner.scanned)),
    }
}

/// Scans an input that was parsed.
pub(super) fn scan_value(input: Input) -> Scanned {
    let mut scanner = Scanner::new(&input.file);
    scanner.take(&Json::from(&input.json), None);
    scanner.scanned
}

struct Scanner {
    scanned: Scanned,
    shared: Shared,
}

impl Scanner {
    fn new(file: &str) -> Scanner {
        let origin = Origin { file: file.into(), pointer: String::new() };
        let scanned = Scanned {
            origin,
            pieces: Vec::new(),
            parameters: None,
            ignored_count: 0,
            is_empty_list: false,
        };
        Scanner { scanned, shared: Shared::default() }
    }

    /// Takes a whole input; with its text, where that is at hand.
    fn take(&mut self, json: &Json, text: Option<&str>) {
        if template::is_parameters(json) {
            let file = self.scanned.origin.file.to_string();
            self.scanned.parameters = Some(Input { file, json: json.to_value() });
            return;
        }
        let list = json.list().or_else(|| json.get("value")?.list());
        self.scanned.is_empty_list = list.is_some_and(<[Json]>::is_empty);
        let origin = self.scanned.origin.clone();
        self.find(json, text, &origin);
    }

    fn problem(&mut self, origin: &Origin, message: &str) {
        self.scanned.pieces.push(Piece::Problem(origin.problem(message)));
    }

    fn find(&mut self, value: &Json, text: Option<&str>, origin: &Origin) {
        match value {
            Json::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.find(item, None, &below(origin, &index.to_string()));
                }
            }
            Json::Object(fields) if !self.finds_made(value, origin) => {
                self.find_in_object(value, fields, text, origin);
            }
            _ => {}
        }
    }

    /// Shapes that have to be made into resources first; false for what is none of them.
    fn finds_made(&mut self, json: &Json, origin: &Origin) -> bool {
        let (is_template, is_result) = (template::is_template(json), what_if::is_result(json));
        if !is_template && !is_result && !terraform::is_terraform(|name| json.has(name)) {
            return false;
        }
        let Value::Object(object) = json.to_value() else { return false };
        if is_template {
            self.scanned.pieces.push(Piece::Template(object, origin.clone()));
            return true;
        }
        let is_plan = terraform::is_plan(|name| json.has(name));
        let is_planned = is_result || is_plan;
        let mut problems = Vec::new();
        if is_plan {
            terraform::say_unread(&object, origin, &mut problems);
        }
        let found = if is_result {
            what_if::read(&object, origin, &mut problems)
        } else {
            let (found, ignored) = terraform::read(&object, origin, &mut problems);
            self.scanned.ignored_count += ignored;
            found
        };
        self.scanned.pieces.extend(problems.into_iter().map(Piece::Problem));
        let found = found.into_iter().map(|one| Captured::found(one, &mut self.shared));
        match is_planned {
            true => self.scanned.pieces.push(Piece::Planned(found.collect(), origin.clone())),
            false => self.scanned.pieces.extend(found.map(Piece::Captured)),
        }
        true
    }

    fn find_in_object(
        &mut self,
        object: &Json,
        fields: &Fields,
        text: Option<&str>,
        origin: &Origin,
    ) {
        let named = object.get("id").and_then(Json::as_str);
        let provider = named.filter(|_| object.has("registrationState")).and_then(registration_id);
        if let Some(id) = provider {
            let (origin, body) = (origin.clone(), (object, text));
            let captured = Captured::read(id, body, origin, Standing::Observed, &mut self.shared);
            return self.scanned.pieces.push(Piece::Captured(captured));
        }
        let id = named.and_then(|id| self.shared.id(id));
        // az prints some children without type and properties: their ids tell the type.
        let is_known = |id: &ResourceId| is_known_type(&id.resource_type()) && !is_listing(object);
        let has_body = object.get("properties").is_some_and(|inner| inner.fields().is_some())
            || object.has("type")
            || id.as_ref().is_some_and(is_known);
        match id {
            Some(id) if has_body && is_listing(object) => {
                let message = "resource without its properties, as `az resource list` prints it; it counts as not observed";
                self.problem(origin, message);
                if counts_unread(&id.resource_type()) {
                    let (origin, shared) = (origin.clone(), &mut self.shared);
                    let named = Captured::read(id, (object, text), origin, Standing::Named, shared);
                    let named = Captured { problems: Vec::new(), ..named };
                    self.scanned.pieces.push(Piece::Captured(named));
                }
            }
            Some(id) if has_body => {
                let (origin, shared) = (origin.clone(), &mut self.shared);
                let (standing, body) = (Standing::Observed, (object, text));
                let captured = Captured::read(id, body, origin, standing, shared);
                self.scanned.pieces.push(Piece::Captured(captured));
            }
            _ if is_resource_without_id(object) => {
                self.problem(origin, "resource without a readable id; it is left out");
            }
            _ => {
                if let Some(error) = error_of_arm(object) {
                    return self.problem(origin, &format!("holds an error of Azure, {error}"));
                }
                if let Some(evidence) = effective::read(object, origin) {
                    return self.scanned.pieces.push(Piece::Evidence(evidence));
                }
                let page = Page::of(object, origin);
                self.scanned.pieces.extend(page.map(Piece::Page));
                if let Some(rows) = graph_table(object) {
                    return self.find(&rows, None, &below(origin, "rows"));
                }
                for (name, inner) in fields {
                    // What a client sent is a wish, not an observation.
                    if name != "request" && name != "parameters" {
                        self.find(inner, None, &below(origin, name));
                    }
                }
            }
        }
    }
}

/// Halves of peerings that stand in the list of a network that was captured, and cannot be read: each may lead anywhere.
fn unread_halves(
    id: &ResourceId,
    body: &Json,
    origin: &Origin,
    standing: Standing,
    problems: &mut Vec<Problem>,
) -> Vec<(ResourceId, Origin)> {
    const LIST: &str = "virtualNetworkPeerings";
    if standing != Standing::Observed || !id.is_type("microsoft.network/virtualnetworks") {
        return Vec::new();
    }
    let nested = body.get("properties").and_then(|inner| inner.get(LIST));
    let prefix = if nested.is_some() { "/properties" } else { "" };
    let Some(value) = nested.or_else(|| body.get(LIST)).filter(|value| !value.is_null()) else {
        return Vec::new();
    };
    let place = |step: &str| Origin {
        file: origin.file.clone(),
        pointer: format!("{}{prefix}/{LIST}{step}", origin.pointer),
    };
    let Some(items) = value.list() else {
        problems.push(place("").problem("is not a list; it is read as not observed"));
        return vec![(id.child(LIST, "unreadable"), place(""))];
    };
    let mut unread = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let own = item.get("id").and_then(Json::as_str).and_then(ResourceId::parse);
        if own.is_none() || is_listing(item) {
            let place = place(&format!("/{index}"));
            problems.push(place.problem("peering cannot be read; it counts as not observed"));
            unread.push((own.unwrap_or_else(|| id.child(LIST, &index.to_string())), place));
        }
    }
    unread
}

/// Subnets and peerings that are written inside their network, with more than their ids.
pub(super) fn inline_children<'j, 'a>(
    id: &ResourceId,
    body: &'j Json<'a>,
    origin: &Origin,
    standing: Standing,
    mut read_id: impl FnMut(&str) -> Option<ResourceId>,
) -> Vec<(ResourceId, &'j Json<'a>, Origin)> {
    let mut children = Vec::new();
    if !id.is_type("microsoft.network/virtualnetworks") {
        return children;
    }
    for list in ["subnets", "virtualNetworkPeerings"] {
        let nested = body.get("properties").and_then(|inner| inner.get(list));
        let nested = nested.map(|value| ("/properties", value));
        let Some((prefix, items)) = nested.or_else(|| body.get(list).map(|value| ("", value)))
        else {
            continue;
        };
        for (index, child) in items.list().into_iter().flatten().enumerate() {
            let id = child.get("id").and_then(Json::as_str).and_then(&mut read_id);
            let is_whole =
                child.fields().is_some_and(|fields| fields.len() > 2) && !is_listing(child);
            if let (Some(id), true) = (id, is_whole) {
                // A body that was made has no such place in its file.
                let pointer = match standing {
                    Standing::Observed => format!("{}{prefix}/{list}/{index}", origin.pointer),
                    Standing::Remembered | Standing::Wanted | Standing::Named => {
                        origin.pointer.clone()
                    }
                };
                children.push((id, child, Origin { file: origin.file.clone(), pointer }));
            }
        }
    }
    children
}
