//! Plans written for other tools, paths drawn as pictures, moves as a page: text out of plain data, nothing else.

pub mod bicep;
pub mod history;
pub mod svg;
pub mod terraform;

mod names;

use crate::change::Change;
use crate::diagnose::Copier;
use crate::id::ResourceId;
use crate::plan::Plan;

/// One file of a rendering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, without a folder.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// Where a request goes: the resource, the API version, and what else its query asks for.
struct Address {
    id: ResourceId,
    api: String,
    /// Query parameters but the API version.
    query: Vec<(String, String)>,
}

/// `None` for a request to something that is no resource, such as an action of one.
fn address(change: &Change) -> Option<Address> {
    let (path, query) = change.request.path.split_once('?')?;
    let id = ResourceId::parse(&names::canonical(path))?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut address = Address { id, api: String::new(), query: Vec::new() };
    for (name, value) in pairs.by_ref() {
        match name {
            "api-version" => address.api = value.to_owned(),
            _ => address.query.push((name.to_owned(), value.to_owned())),
        }
    }
    (!address.api.is_empty()).then_some(address)
}

/// What a declaration can say of a change.
enum Manner {
    /// The resource with this body: a plain PUT.
    Declared,
    /// A request of another sort: DELETE, POST, PATCH, an approval, or a PUT with parameters.
    Requested,
}

fn manner(change: &Change, address: &Address) -> Manner {
    let is_approval = address.id.resource_type().ends_with("/privateendpointconnections");
    match change.request.method == "PUT" && address.query.is_empty() && !is_approval {
        true => Manner::Declared,
        false => Manner::Requested,
    }
}

/// Whether the change makes something new: then deleting it takes it back.
fn is_new(change: &Change) -> bool {
    change.inverse.as_ref().is_some_and(|inverse| inverse.method == "DELETE")
}

/// Whether `later` speaks of what `earlier` is made to, or of its children.
fn depends(later: &Change, earlier: &Change) -> bool {
    let text = format!("{} {}", later.request.path, later.request.body).to_ascii_lowercase();
    let is_end = |letter: Option<char>| letter.is_none_or(|one| !names::is_in_name(one));
    let key = &*earlier.resource.key();
    text.match_indices(key).any(|(at, _)| is_end(text[at + key.len()..].chars().next()))
}

/// Whether two changes touch the same top resource, which Azure lets only one request change at a time.
fn share_top(one: &ResourceId, other: &ResourceId) -> bool {
    let top = |id: &ResourceId| {
        std::iter::successors(Some(id.clone()), ResourceId::parent).last().unwrap_or(id.clone())
    };
    top(one) == top(other)
}

/// What a plan is for, in two lines.
pub(crate) fn purpose(plan: &Plan) -> [String; 2] {
    let (source, target) = (plan.question.source.text(), &plan.question.target);
    let lines = match &plan.question.copier {
        Copier::Target => [format!("Lets the copier of {target}"), format!("reach {source}.")],
        copier => {
            let copier = copier.text();
            [format!("Lets the copier {copier}"), format!("reach {source} and {target}.")]
        }
    };
    lines.map(|line| one_line(&line))
}

/// First lines of every rendering, without comment marks.
fn head(plan: &Plan) -> Vec<String> {
    let word = |verdict| {
        let word = serde_json::to_value(verdict).ok();
        word.and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
    };
    let mut lines: Vec<String> = purpose(plan).into();
    if let Some(refusal) = &plan.refusal {
        lines.push(format!("No changes: {}", one_line(refusal)));
    } else if plan.changes.is_empty() {
        lines.push("Nothing to do: the copier reaches the source.".to_owned());
    } else {
        lines.push(format!("Simulated: {} before, {} after.", word(plan.before), word(plan.after)));
        lines.extend(plan.rest().map(|rest| format!("After it: {rest}.")));
    }
    lines
}

/// What to know of a change before making it, without comment marks.
pub(crate) fn remarks(number: usize, change: &Change) -> Vec<String> {
    let mut lines = vec![one_line(&format!("{number}. {}", change.title))];
    if change.downtime != "none" {
        lines.push(format!("   downtime: {}", change.downtime));
    }
    lines.extend(change.exposure.iter().map(|line| one_line(&format!("   lets through: {line}"))));
    lines.extend(change.affected.iter().map(|line| one_line(&format!("   touches: {line}"))));
    lines
}

/// A name or sentence of the estate must not end a comment.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}'], " ")
}
