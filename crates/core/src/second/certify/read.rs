//! The plan and its certificate, as `flexway plan --format json` writes them.

use std::fmt;

use serde_json::Value;

use super::super::apply::Request;
use super::super::world::{at, flag, list, text, texts};
use super::opened::{Opened, opened};
use crate::id::ResourceId;

/// The schema that is read.
const SCHEMA: &str = "flexway.plan/1";

/// Why nothing could be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The file is no plan; with what it lacks.
    NotAPlan(String),
    /// A plan of another version.
    OtherSchema(String),
    /// The estate lacks a server that the plan is about.
    NoServer(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::NotAPlan(lacks) => write!(out, "it is no plan: {lacks}"),
            Unreadable::OtherSchema(schema) => {
                write!(out, "it is of schema `{schema}`, and {SCHEMA} is what can be checked")
            }
            Unreadable::NoServer(server) => {
                write!(out, "the estate does not hold server {server}, which the plan is about")
            }
        }
    }
}

/// Costs, in the order of [`FIELDS`].
pub(super) type Cost = [u128; FIELDS.len()];

/// What makes up a cost, in the order of its weight.
pub(super) const FIELDS: [&str; 6] =
    ["broken_flows", "new_endpoints", "exposed_flows", "privilege", "interruptions", "edits"];

/// Places of some in the list.
pub(super) const BROKEN_FLOWS: usize = 0;
pub(super) const NEW_ENDPOINTS: usize = 1;
pub(super) const EXPOSED: usize = 2;
pub(super) const PRIVILEGE: usize = 3;
pub(super) const INTERRUPTIONS: usize = 4;
pub(super) const EDITS: usize = 5;

/// One change.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) kind: String,
    pub(super) resource: String,
    pub(super) title: String,
    pub(super) downtime: String,
    pub(super) safety: String,
    pub(super) request: Request,
    /// The same as commands.
    pub(super) az: Vec<String>,
    /// The request that takes it back.
    pub(super) inverse: Option<Request>,
    /// What puts back, when all is taken back, what the change wrote over.
    pub(super) restored: Option<Request>,
    /// What it costs by itself; `None` where the plan does not tell it.
    pub(super) cost: Option<Cost>,
    /// What it lets through; `None` where the plan does not tell it.
    pub(super) opens: Option<Vec<Opened>>,
}

/// A set of changes that does not do, by places in the catalogue.
pub(super) struct Closed {
    pub(super) changes: Vec<usize>,
    pub(super) cost: Option<Cost>,
    pub(super) verdict: String,
}

/// The plan without one of its changes, as claimed.
pub(super) struct Without {
    pub(super) title: String,
    pub(super) verdict: String,
    pub(super) broken: Option<u64>,
}

/// Another way.
pub(super) struct Way {
    pub(super) title: String,
    pub(super) changes: Vec<Change>,
    pub(super) cost: Option<Cost>,
    /// The verdict that it leads to; `None` where the plan does not tell it.
    pub(super) after: Option<String>,
}

/// From where to where.
pub(super) struct Leg {
    pub(super) copier: ResourceId,
    pub(super) to: Goal,
    pub(super) port: u16,
}

/// What the copier has to reach.
pub(super) enum Goal {
    Server(ResourceId),
    /// A machine, by its address or name.
    Machine(String),
}

pub(super) struct Plan {
    /// Empty where the second reading cannot follow: from a relay host.
    pub(super) legs: Vec<Leg>,
    pub(super) before: String,
    /// What the estate alone says, where observations say otherwise.
    pub(super) by_estate: String,
    pub(super) after: String,
    pub(super) changes: Vec<Change>,
    pub(super) refusal: Option<String>,
    /// Kinds of changes that were forbidden.
    pub(super) forbidden: Vec<String>,
    /// What stood in the way of changes, each once, in words.
    pub(super) barred: Vec<String>,
    /// What is left without each change.
    pub(super) without: Vec<Without>,
    pub(super) cost: Option<Cost>,
    /// Whether it says that the source is reached.
    pub(super) is_sufficient: bool,
    /// Flows that it says are let through, in words.
    pub(super) exposure: Vec<String>,
    /// What it says that it touches besides, in words.
    pub(super) affected: Vec<String>,
    /// Other ways, and the one that what is barred stands against.
    pub(super) ways: Vec<Way>,
    /// What has to be lifted for that one; `None` where there is none.
    pub(super) needs: Option<Vec<String>>,
    pub(super) is_complete: bool,
    pub(super) closed: Vec<Closed>,
    pub(super) catalogue: Vec<Change>,
    /// Flows that are said to break: subnet and server, in lower case.
    pub(super) broken: Vec<(String, String)>,
    /// Flows of which it says that nobody knows whether they break.
    pub(super) disputed: Vec<(String, String)>,
    /// Flows of which it says that nobody knows whether they worked, and that something new stands in the way of.
    pub(super) doubtful: Vec<(String, String)>,
    /// Flows that are said to work from then on.
    pub(super) opened: Vec<(String, String)>,
    /// Whether the planner says that it did not look at all flows.
    pub(super) is_cut: bool,
}

impl Plan {
    /// Whether both of its words say that the source is reached.
    pub(super) fn claims_reachable(&self) -> bool {
        self.after == "reachable" && self.is_sufficient
    }
}

/// PostgreSQL's port, on which a runtime server reaches the target.
pub(super) const PORT: u16 = 5432;

/// The requests of a plan's changes.
pub(in crate::second) fn requests(json: &Value) -> Result<Vec<Request>, Unreadable> {
    Ok(read(json)?.changes.into_iter().map(|change| change.request).collect())
}

/// Reads a plan.
pub(super) fn read(json: &Value) -> Result<Plan, Unreadable> {
    let lacks = |what: &str| Unreadable::NotAPlan(what.to_owned());
    let schema = text(json, &["schema"])
        .ok_or_else(|| lacks("it has no `schema`; `flexway plan --format json` writes one"))?;
    if schema != SCHEMA {
        return Err(match schema.starts_with("flexway.plan/") {
            true => Unreadable::OtherSchema(schema.to_owned()),
            false => lacks(&format!("its schema is `{schema}`")),
        });
    }
    let certificate = at(json, &["certificate"]).ok_or_else(|| lacks("it has no `certificate`"))?;
    let word = |path: &[&str]| text(json, path).map(str::to_owned);
    let changes = |value: &Value, field: &str| -> Result<Vec<Change>, Unreadable> {
        let all =
            list(value, &[field]).ok_or_else(|| lacks(&format!("it has no list `{field}`")))?;
        let all = bounded(all, field)?;
        let read = |one| {
            let why = "has no request, or one to take it back that cannot be read";
            change(one).ok_or_else(|| lacks(&format!("an entry of `{field}` {why}")))
        };
        all.iter().map(read).collect()
    };
    let words = |path: &[&str]| texts(json, path).into_iter().map(str::to_owned).collect();
    let verdict = |one: &Value| text(one, &["verdict"]).unwrap_or("").to_owned();
    let without = |one: &Value| Without {
        title: text(one, &["without"]).unwrap_or("").to_owned(),
        verdict: verdict(one),
        broken: at(one, &["broken_flows"]).and_then(Value::as_u64),
    };
    let mut others = Vec::new();
    for one in bounded(optional(json, &["alternatives"])?, "alternatives")? {
        if !optional(one, &["changes"])?.is_empty() {
            others.push(one);
        }
    }
    let ways = others.into_iter().chain(at(json, &["relaxation"])).map(|one| {
        let title = text(one, &["title"]).unwrap_or("what is barred").to_owned();
        let cost = at(one, &["cost"]).and_then(cost);
        let after = text(one, &["after"]).map(str::to_owned);
        Ok(Way { title, changes: changes(one, "changes")?, cost, after })
    });
    let catalogue = changes(certificate, "catalogue")?;
    let closed = list(certificate, &["closed"]).ok_or_else(|| lacks("it has no list `closed`"))?;
    let closed = bounded(closed, "closed")?.iter().map(|one| {
        let places = optional(one, &["changes"])?;
        let place = |value: &Value| {
            usize::try_from(value.as_u64()?).ok().filter(|index| *index < catalogue.len())
        };
        let places: Option<Vec<usize>> = places.iter().map(place).collect();
        let changes = places
            .ok_or_else(|| lacks("a closed set names a change that is not in the catalogue"))?;
        Ok(Closed { changes, cost: at(one, &["cost"]).and_then(cost), verdict: verdict(one) })
    });
    let key = |one: &Value, end: &str| text(one, &[end]).unwrap_or("").to_ascii_lowercase();
    let flows = |field| -> Result<Vec<(String, String)>, Unreadable> {
        let all = bounded(optional(certificate, &["safety", field])?, FLOWS)?.iter();
        Ok(all.map(|one| (key(one, "from"), key(one, "to"))).collect())
    };
    Ok(Plan {
        legs: legs(json).ok_or_else(|| lacks("it does not name its servers by their ids"))?,
        by_estate: word(&["probes", "before"]).or_else(|| word(&["before"])).unwrap_or_default(),
        before: word(&["before"]).ok_or_else(|| lacks("it has no verdict `before`"))?,
        after: word(&["after"]).ok_or_else(|| lacks("it has no verdict `after`"))?,
        changes: changes(json, "changes")?,
        refusal: word(&["refusal"]),
        forbidden: words(&["forbidden"]),
        barred: barred(json),
        without: optional(certificate, &["irredundant"])?.iter().map(without).collect(),
        cost: at(certificate, &["cost"]).and_then(cost),
        is_sufficient: flag(certificate, &["sufficient"]) == Some(true),
        exposure: words(&["exposure"]),
        affected: words(&["affected"]),
        ways: ways.collect::<Result<_, _>>()?,
        needs: at(json, &["relaxation"]).map(|_| words(&["relaxation", "needs"])),
        is_complete: flag(certificate, &["complete"]) == Some(true),
        closed: closed.collect::<Result<_, _>>()?,
        broken: flows("broken")?,
        disputed: flows("disputed")?,
        doubtful: flows("doubtful")?,
        opened: flows("opened")?,
        is_cut: flag(certificate, &["safety", "is_cut"]) == Some(true),
        catalogue,
    })
}

/// What stood in the way of changes, each once.
fn barred(json: &Value) -> Vec<String> {
    let all = list(json, &["barred"]).unwrap_or(&[]).iter();
    let mut barred: Vec<String> =
        all.filter_map(|one| text(one, &["by"])).map(str::to_owned).collect();
    barred.sort_unstable();
    barred.dedup();
    barred
}

fn legs(json: &Value) -> Option<Vec<Leg>> {
    let target = ResourceId::parse(text(json, &["target"])?)?;
    let copier = text(json, &["copier"])?;
    let port = u16::try_from(at(json, &["port"])?.as_u64()?).ok()?;
    let source = text(json, &["source"])?;
    let source =
        ResourceId::parse(source).map_or_else(|| Goal::Machine(source.to_owned()), Goal::Server);
    if copier == "target" {
        return Some(vec![Leg { copier: target, to: source, port }]);
    }
    let Some(runtime) = ResourceId::parse(copier) else { return Some(Vec::new()) };
    Some(vec![
        Leg { copier: runtime.clone(), to: source, port },
        Leg { copier: runtime, to: Goal::Server(target), port: PORT },
    ])
}

/// A list that a plan may lack, and then has nothing in; something else in its place is no such plan.
fn optional<'p>(json: &'p Value, path: &[&str]) -> Result<&'p [Value], Unreadable> {
    let no_list = || Unreadable::NotAPlan(format!("`{}` is no list", path.join(".")));
    match at(json, path) {
        None => Ok(&[]),
        Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(no_list),
    }
}

/// Entries of a list, of which each is tried on a copy of the estate: more than a plan ever has would keep the checker for hours.
fn bounded<'p>(all: &'p [Value], field: &str) -> Result<&'p [Value], Unreadable> {
    let most = MOST.iter().find(|(one, _)| *one == field).map_or(usize::MAX, |(_, most)| *most);
    match all.len() <= most {
        true => Ok(all),
        false => Err(Unreadable::NotAPlan(format!("`{field}` has more than {most} entries"))),
    }
}

/// Each list of flows.
const FLOWS: &str = "safety";

/// Entries of each list at most; a search looks at fewer sets than that.
const MOST: [(&str, usize); 5] = [
    ("changes", 128),
    ("catalogue", 2_048),
    ("closed", 8_192),
    ("alternatives", 256),
    (FLOWS, 8_192),
];

fn change(json: &Value) -> Option<Change> {
    // What is there has to be readable.
    let inverse = |path: &[&str]| match at(json, path) {
        Some(value) => request(value).map(Some),
        None => Some(None),
    };
    Some(Change {
        kind: text(json, &["kind"])?.to_owned(),
        resource: text(json, &["resource"]).unwrap_or("").to_owned(),
        title: text(json, &["title"]).unwrap_or("").to_owned(),
        downtime: text(json, &["downtime"]).unwrap_or("").to_owned(),
        safety: text(json, &["safety"]).unwrap_or("").to_owned(),
        request: request(at(json, &["request"])?)?,
        az: texts(json, &["az"]).into_iter().map(str::to_owned).collect(),
        inverse: inverse(&["inverse"])?,
        restored: inverse(&["inverse", "then"])?,
        cost: at(json, &["cost"]).and_then(cost),
        opens: list(json, &["opens"]).and_then(|all| all.iter().map(opened).collect()),
    })
}

fn request(json: &Value) -> Option<Request> {
    Some(Request {
        method: text(json, &["method"])?.to_owned(),
        path: text(json, &["path"])?.to_owned(),
        body: at(json, &["body"]).cloned().unwrap_or(Value::Null),
    })
}

fn cost(json: &Value) -> Option<Cost> {
    let mut cost = Cost::default();
    for (place, field) in cost.iter_mut().zip(FIELDS) {
        *place = number(json.get(field)?)?;
    }
    Some(cost)
}

/// A count; what exceeds 64 bits is written as text.
pub(super) fn number(value: &Value) -> Option<u128> {
    match value.as_u64() {
        Some(number) => Some(number.into()),
        None => value.as_str()?.parse().ok(),
    }
}
