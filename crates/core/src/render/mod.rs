//! Plans written for other tools, paths drawn as pictures, moves as a page: text out of plain data, nothing else.

pub mod az;
pub mod bicep;
pub mod history;
pub mod svg;
pub mod terraform;

mod names;

use crate::change::{Change, Safety};
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

/// Whether `later` lets a network use the gateway that `earlier` lends: Azure refuses it before, and nothing in the request says so.
fn follows(later: &Change, earlier: &Change) -> bool {
    let properties = &later.request.body["properties"];
    let lender = properties["remoteVirtualNetwork"]["id"].as_str().and_then(ResourceId::parse);
    let is_half =
        earlier.resource.is_type("microsoft.network/virtualnetworks/virtualnetworkpeerings");
    properties["useRemoteGateways"] == true && is_half && earlier.resource.parent() == lender
}

/// Whether two changes touch the same top resource, which Azure lets only one request change at a time.
fn share_top(one: &ResourceId, other: &ResourceId) -> bool {
    let top = |id: &ResourceId| {
        std::iter::successors(Some(id.clone()), ResourceId::parent).last().unwrap_or(id.clone())
    };
    top(one) == top(other)
}

/// What a plan is for.
fn purpose(plan: &Plan) -> String {
    let question = &plan.question;
    let (source, target) = (plan.given.source_name(question), question.target.name());
    let port = question.port;
    let (copier, goals) = match &question.copier {
        Copier::Target => {
            (format!("the copier of `{target}`"), format!("`{source}` on port {port}"))
        }
        Copier::Relay => ("a relay host".to_owned(), format!("`{source}` and `{target}`")),
        Copier::Runtime(_) | Copier::Host(_) => {
            let copier = format!("copier `{}`", plan.given.copier_name(question));
            (copier, format!("`{source}` on port {port} and `{target}`"))
        }
    };
    one_line(&match plan.refusal {
        Some(_) => format!("No repair for the way of {copier} to {goals}."),
        None if plan.rest().is_some() => {
            format!("Opens what is known to be closed on the way of {copier} to {goals}.")
        }
        None => format!("Lets {copier} reach {goals}."),
    })
}

/// First lines of every rendering, without comment marks.
fn head(plan: &Plan) -> Vec<String> {
    let word = |verdict| {
        let word = serde_json::to_value(verdict).ok();
        word.and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
    };
    let mut lines = vec![purpose(plan)];
    if let Some(refusal) = &plan.refusal {
        lines.push(format!("No plan: {}", one_line(&refusal.why)));
        lines.extend(refusal.help.iter().map(|line| one_line(&format!("  {line}"))));
    } else if plan.changes.is_empty() {
        lines.push("Nothing to do: the copier reaches the source.".to_owned());
    } else {
        lines.push(format!("Simulated: {} before, {} after.", word(plan.before), word(plan.after)));
        lines.extend(plan.rest().map(|rest| format!("After it: {rest}.")));
        lines.extend(
            plan.breaks().iter().map(|line| one_line(&format!("Breaks what works: {line}."))),
        );
    }
    lines
}

/// The mark of a change, in scripts and pictures alike: causes have numbers.
fn letter(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    match index / 26 {
        0 => last.to_string(),
        many => format!("{}{last}", letter(many - 1)),
    }
}

/// What to know of a change before making it, without comment marks.
fn remarks(plan: &Plan, index: usize) -> Vec<String> {
    let change = &plan.changes[index];
    let mut lines = vec![one_line(&format!("{}. {}", letter(index), change.title))];
    lines.extend(
        about(plan, index, str::to_owned).iter().map(|line| one_line(&format!("   {line}"))),
    );
    lines
}

/// What a change mends, opens, touches and stops, a line each; what an earlier one has said is not said again.
fn about(plan: &Plan, index: usize, name: impl Fn(&str) -> String) -> Vec<String> {
    let change = &plan.changes[index];
    let mends: Vec<String> = plan.mends(index).into_iter().map(name).collect();
    let mut lines = Vec::new();
    if !mends.is_empty() {
        lines.push(format!("mends: {}", mends.join(", ")));
    }
    if plan.settles(index) {
        lines.push("settles: whether rules by tag let these packets pass".to_owned());
    }
    let earlier = || plan.changes[..index].iter().flat_map(|one| &one.exposure);
    let is_said = |line: &String| earlier().any(|known| is_same_way(&known.to_string(), line));
    let opened = change.exposure.iter().map(ToString::to_string);
    // The title of a rule says whom it lets where.
    let opened = opened.filter(|line| change.kind != "add-rule" || !line.ends_with("/tcp"));
    lines.extend(opened.filter(|line| !is_said(line)).map(|line| format!("lets through: {line}")));
    lines.extend(change.affected.iter().map(|line| format!("touches: {line}")));
    if change.downtime != "none" {
        lines.push(format!("downtime: {}", change.downtime));
    }
    if change.safety == Safety::Review {
        lines.push("review: it may touch more than this flow".to_owned());
    }
    lines
}

/// Whether two lines let the same through: both halves of a peering do, each from its own side.
fn is_same_way(one: &str, other: &str) -> bool {
    let turned = one.split_once(" <-> ").map(|(from, to)| format!("{to} <-> {from}"));
    one == other || turned.as_deref() == Some(other)
}

/// Lines as comments of a shell.
fn shell_comment(lines: &[String]) -> String {
    lines.iter().map(|line| format!("# {line}").trim_end().to_owned() + "\n").collect()
}

/// A name or sentence of the estate must not end a comment.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}'], " ")
}
