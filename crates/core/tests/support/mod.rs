//! Estates for tests: a healthy fixture with edits.

#![allow(dead_code, reason = "each user needs some of it")]
#![allow(clippy::disallowed_methods, reason = "tests read files")]

pub(crate) mod observed;
pub(crate) mod undoing;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use flexway_core::change::{Change, Edit};
use flexway_core::diagnose::{self, Copier, PORT, Question, Report, Source};
use flexway_core::estate::{Estate, Input, load};
use flexway_core::finding::Certainty;
use flexway_core::trace;
use flexway_core::trace::leg::Way;
use flexway_core::trace::step::Fact;
use serde_json::{Value, json};

/// Begins a line of an `expect` block that quotes the answer.
const SAYS: &str = "says ";

/// Short words for the groups of the fixtures.
const GROUPS: [(&str, &str); 4] = [
    (
        "$source",
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-source/providers",
    ),
    (
        "$target",
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-target/providers",
    ),
    ("$dns", "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-dns/providers"),
    ("$hub", "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-hub/providers"),
];

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The resources of a fixture.
pub(crate) fn fixture(name: &str) -> Vec<Value> {
    let path = root().join(format!("fixtures/{name}.json"));
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).expect("a fixture is an array of resources")
}

/// The estate of some resources; nothing in them may be unreadable.
pub(crate) fn estate(resources: &[Value]) -> Estate {
    let loaded = load(vec![Input { file: "fixture".to_owned(), json: json!(resources) }]);
    assert_eq!(loaded.problems, vec![], "fixtures are well formed");
    loaded.estate
}

/// The one resource whose id ends with `/suffix`.
fn position(resources: &[Value], suffix: &str) -> usize {
    let wanted = format!("/{}", suffix.to_ascii_lowercase());
    let ends = |one: &Value| {
        one["id"].as_str().is_some_and(|id| id.to_ascii_lowercase().ends_with(&wanted))
    };
    let found: Vec<usize> = (0..resources.len()).filter(|index| ends(&resources[*index])).collect();
    assert_eq!(found.len(), 1, "`{suffix}` has to name one resource");
    found[0]
}

/// Applies one line: `delete SUFFIX`, `set SUFFIX POINTER JSON`, `add JSON`, or `repeat COUNT JSON` with `#` for the number.
pub(crate) fn edit(resources: &mut Vec<Value>, line: &str) {
    let line =
        GROUPS.iter().fold(line.trim().to_owned(), |line, (short, long)| line.replace(short, long));
    let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
    match verb {
        "delete" => {
            let gone = resources.remove(position(resources, rest));
            count_less(resources, gone["id"].as_str().expect("an id"));
        }
        "set" => {
            let mut words = rest.splitn(3, char::is_whitespace);
            let mut word = |what| words.next().unwrap_or_else(|| panic!("{line}: no {what}"));
            let (suffix, pointer, json) = (word("a resource"), word("a pointer"), word("a value"));
            let value: Value =
                serde_json::from_str(json).unwrap_or_else(|why| panic!("{json}: {why}"));
            let index = position(resources, suffix);
            let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
            let place = resources[index]
                .pointer_mut(parent)
                .unwrap_or_else(|| panic!("no {parent} in {suffix}"));
            match place.as_array_mut() {
                Some(list) => list[name.parse::<usize>().expect("an index")] = value,
                None => place[name] = value,
            }
        }
        "add" => {
            resources
                .push(serde_json::from_str(rest).unwrap_or_else(|why| panic!("{rest}: {why}")));
            count_more(resources);
        }
        "repeat" => {
            let (count, body) = rest.split_once(' ').expect("a count and a value");
            for number in 0..count.parse::<usize>().expect("a count") {
                edit(resources, &format!("add {}", body.replace('#', &number.to_string())));
            }
        }
        _ => panic!("unknown edit `{line}`"),
    }
}

/// The zone of a record set that was deleted counts one less.
fn count_less(resources: &mut [Value], gone: &str) {
    let Some((zone, _)) = gone.rsplit_once("/A/") else { return };
    let count = resources.iter_mut().find(|one| one["id"] == zone);
    if let Some(count) = count.and_then(|zone| zone.pointer_mut("/properties/numberOfRecordSets")) {
        *count = json!(count.as_u64().expect("a count") - 1);
    }
}

/// A zone counts the last resource, where it is one of its links or record sets; of those it has one from the start.
fn count_more(resources: &mut [Value]) {
    let id = resources.last().and_then(|one| one["id"].as_str()).expect("an id").to_owned();
    let mut parts = id.rsplitn(3, '/').skip(1);
    let (Some(kind), Some(zone)) = (parts.next(), parts.next()) else { return };
    let is_link = |kind: &str| kind == "virtualNetworkLinks";
    let (field, others) = match is_link(kind) {
        true => ("numberOfVirtualNetworkLinks", 0),
        false => ("numberOfRecordSets", 1),
    };
    let is_counted = |one: &&Value| {
        let rest = one["id"].as_str().and_then(|id| id.strip_prefix(zone)?.strip_prefix('/'));
        let own = rest.and_then(|rest| rest.split_once('/'));
        own.is_some_and(|(own, _)| is_link(own) == is_link(kind))
    };
    let least = resources.iter().filter(is_counted).count() as u64 + others;
    let zone = resources.iter_mut().find(|one| one["id"] == zone);
    if let Some(count) = zone.and_then(|zone| zone["properties"].get_mut(field)) {
        *count = count.as_u64().map_or_else(|| count.clone(), |known| json!(known.max(least)));
    }
}

/// An example of a page: an estate, and what is expected of it.
pub(crate) struct Example {
    pub(crate) title: String,
    pub(crate) resources: Vec<Value>,
    pub(crate) port: u16,
    /// A source outside the fixture: the address of a machine.
    pub(crate) host: Option<String>,
    /// The machine that copies, where the target does not.
    pub(crate) copier: Option<String>,
    pub(crate) expected: Vec<String>,
    /// Words that the answer has to hold: `says WORDS`.
    pub(crate) said: Vec<String>,
}

/// The examples of a page of docs/checks.
pub(crate) fn examples(page: &str) -> Vec<Example> {
    let Some((_, part)) = page.split_once("\n## Examples\n") else { return Vec::new() };
    part.split("\n### ").skip(1).map(example).collect()
}

fn example(text: &str) -> Example {
    let title = text.lines().next().unwrap_or("").to_owned();
    let block = |word: &str| -> Vec<String> {
        let start =
            text.find(&format!("```{word}")).unwrap_or_else(|| panic!("{title}: no {word} block"));
        text[start..].lines().take_while(|line| *line != "```").map(str::to_owned).collect()
    };
    let estate = block("estate");
    // "private-source", "private-source port 6432", "private-source from 192.168.7.5", or "private-source copier relay-1".
    let head: Vec<&str> = estate[0].trim_start_matches("```estate").split_whitespace().collect();
    let mut resources = fixture(head[0]);
    let after = |word| head.windows(2).find(|pair| pair[0] == word).map(|pair| pair[1]);
    let port = after("port").map_or(PORT, |port| port.parse().expect("a port"));
    let host = after("from").map(str::to_owned);
    let copier = after("copier").map(str::to_owned);
    for line in estate.iter().skip(1).filter(|line| !line.trim().is_empty()) {
        edit(&mut resources, line);
    }
    let lines = block("expect").split_off(1);
    let (said, expected): (Vec<String>, Vec<String>) =
        lines.into_iter().partition(|line| line.starts_with(SAYS));
    let said = said.iter().map(|line| line[SAYS.len()..].to_owned()).collect();
    Example { title, resources, port, host, copier, expected, said }
}

impl Example {
    /// What the example asks of its estate.
    pub(crate) fn question(&self, estate: &Estate) -> Question {
        let asked = question(estate);
        let source = self.host.clone().map_or(asked.source.clone(), Source::Host);
        let host = self.copier.as_ref().map(|name| estate.find_host(name).expect("a host"));
        let copier = host.map_or(asked.copier.clone(), Copier::Host);
        Question { source, copier, port: self.port, ..asked }
    }
}

/// The flow of a fixture: its `old-...` server to `new-db`.
pub(crate) fn question(estate: &Estate) -> Question {
    let source = ["old-db", "old-flex"].iter().find_map(|name| estate.find_server(name).ok());
    Question {
        source: Source::Server(source.expect("a source")),
        target: estate.find_server("new-db").expect("a target"),
        copier: Copier::Target,
        port: PORT,
    }
}

/// The same flow, asked of an estate in which one of the servers may be missing.
pub(crate) fn question_of(resources: &[Value]) -> Question {
    question(&estate(resources))
}

/// Where the fixtures are.
pub(crate) const SUBSCRIPTION: &str = "/subscriptions/11111111-2222-3333-4444-555555555555";

/// An input with a name.
pub(crate) fn input(file: &str, json: Value) -> Input {
    Input { file: file.to_owned(), json }
}

/// The JSON of a file.
pub(crate) fn parse(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(text.trim_start_matches('\u{feff}')).expect("JSON")
}

/// One of our own templates, states and plans.
pub(crate) fn ours(name: &str) -> Input {
    input(name, parse(&root().join("fixtures/inputs").join(name)))
}

/// The answer to the question that the fixtures are made for.
pub(crate) fn check(estate: &Estate) -> Report {
    diagnose::check(estate, &question(estate))
}

/// The faults that block.
pub(crate) fn causes(report: &Report) -> Vec<&str> {
    report.causes().map(|cause| cause.fault).collect()
}

/// Faults that follow each other while a repair of several steps is half made.
const STAGES: [&[&str]; 4] = [
    &[
        "peering/missing",
        "peering/not-transitive",
        "peering/initiated",
        "peering/disconnected",
        "peering/mesh-excluded",
        "route/none",
    ],
    &[
        "dns/zone-name-wrong",
        "dns/record-missing",
        "dns/zone-not-linked",
        "dns/forwarder-network-not-linked",
    ],
    &["server/vnet-rule-missing", "server/vnet-rule-not-ready", "server/service-endpoint-missing"],
    &["filter/inbound-denied", "filter/two-level-conflict"],
];

/// Faults that a plan mends and the diagnosis does not name: causes of what is left when all other changes are made. A change that is
/// part of a way to mend a cause which is named belongs to that one; a plan that leads another way than the one that is meant mends what
/// is closed there; and what one setting stops in several places is named once.
pub(crate) fn hidden_causes(
    estate: &Estate,
    report: &Report,
    changes: &[Change],
) -> BTreeSet<&'static str> {
    let after = changes.iter().fold(estate.clone(), |estate, change| change.apply(&estate));
    if way_meant(estate, &report.question) != way_meant(&after, &report.question) {
        return BTreeSet::new();
    }
    let is_named = |fault: &&str| {
        let stages = STAGES.iter().find(|stages| stages.contains(fault));
        let own = [*fault];
        let known = stages.map_or(own.as_slice(), |stages| *stages);
        report.causes().any(|cause| known.contains(&cause.fault))
    };
    let is_in = |change: &Change, all: &[Change]| {
        all.iter().any(|one| one.kind == change.kind && one.resource == change.resource)
    };
    let belongs = |change: &Change| {
        let fixes = report.causes().flat_map(|cause| &cause.fixes);
        let mut made = fixes.filter(|fix| fix.changes.iter().all(|one| is_in(one, changes)));
        made.any(|fix| is_in(change, &fix.changes))
    };
    let mut hidden = BTreeSet::new();
    for left_out in (0..changes.len()).filter(|index| !belongs(&changes[*index])) {
        let others = changes.iter().enumerate().filter(|(index, _)| *index != left_out);
        let rest = others.fold(estate.clone(), |estate, (_, change)| change.apply(&estate));
        let rest = diagnose::check(&rest, &report.question);
        hidden.extend(rest.causes().map(|cause| cause.fault).filter(|fault| !is_named(fault)));
    }
    hidden.retain(|fault| !follows_a_setting(estate, report, fault));
    hidden
}

/// Whether a fault is named as a consequence, and is gone once the one setting that its cause stands at is taken out.
fn follows_a_setting(estate: &Estate, report: &Report, fault: &str) -> bool {
    let consequences = report.findings.iter().filter(|one| one.fault == fault);
    let causes = consequences.filter_map(|one| one.consequence_of);
    let settings = causes.flat_map(|cause| report.causes().filter(move |one| one.fault == cause));
    settings.into_iter().any(|cause| {
        let Some(Fact { resource: id, pointer }) = &cause.place else { return false };
        let Some((holder, name)) = pointer.rsplit_once('/') else { return false };
        let Some(mut body) = estate.body(id).map(|body| body.into_owned()) else { return false };
        match body.pointer_mut(holder) {
            Some(Value::Array(list)) => {
                list.remove(name.parse::<usize>().expect("a place in a list"));
            }
            Some(Value::Object(fields)) => {
                fields.remove(name);
            }
            _ => return false,
        }
        let edits = vec![Edit::Put(id.clone(), body)];
        let mut changes =
            report.findings.iter().flat_map(|one| &one.fixes).flat_map(|fix| &fix.changes);
        let Some(change) = changes.next().cloned() else { return false };
        let without = Change { edits, ..change }.apply(estate);
        let rest = diagnose::check(&without, &report.question);
        rest.findings.iter().all(|one| one.fault != fault || one.certainty != Certainty::Certain)
    })
}

/// The way that is meant: the server's front door, or the private endpoint by its id.
fn way_meant(estate: &Estate, question: &Question) -> Option<String> {
    let Source::Server(source) = &question.source else { return None };
    let path = trace::path(estate, &question.copier_id(), source, question.port).ok()?;
    Some(match &path.intended?.way {
        Way::Endpoint(view) => view.id.key().to_owned(),
        Way::Injected(_) | Way::Machine(_) | Way::Beyond(_) => "the network".to_owned(),
        Way::Public => "the front door".to_owned(),
    })
}
