//! Estates as wholes: what Azure really prints loads, and taking something away never makes things look better.

#![allow(clippy::disallowed_methods, reason = "reads and writes files, as core must not")]

mod runtime;
mod silent;
#[path = "../support/mod.rs"]
mod support;
mod told;

use std::path::{Path, PathBuf};

use flexway_core::diagnose::{self, Report};
use flexway_core::estate::{Input, Loaded, load};
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

/// Recorded estates, where they stand beside the project.
fn recorded() -> Option<Vec<PathBuf>> {
    let folder = support::root().join("../shared/estates");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return None;
    }
    let mut files = Vec::new();
    collect(&folder, &mut files);
    assert!(files.len() > 100, "the folder holds the recorded estates");
    Some(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files);
        } else if entry
            .extension()
            .is_some_and(|extension| extension == "json" || extension == "tfstate")
        {
            files.push(entry);
        }
    }
}

fn read(file: &Path) -> Loaded {
    let text = std::fs::read_to_string(file).expect("readable");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    load(vec![Input { file: file.display().to_string(), json }])
}

/// Ids with a body that the file holds, found by a walk that shares nothing with the reader.
fn ids_in(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| ids_in(item, ids)),
        Value::Object(fields) => {
            if let (Some(Value::String(id)), true) =
                (fields.get("id"), fields.contains_key("properties"))
                && id.to_ascii_lowercase().starts_with("/subscriptions/")
            {
                return ids.push(id.to_ascii_lowercase());
            }
            fields.values().for_each(|inner| ids_in(inner, ids));
        }
        _ => {}
    }
}

#[test]
fn every_recorded_estate_loads_without_silent_loss() {
    for file in recorded().unwrap_or_default() {
        let loaded = read(&file);
        let name = file.display();
        let said = !loaded.problems.is_empty();
        assert!(!loaded.estate.is_empty() || said, "{name}: nothing was read and nothing was said");
        let is_estate = file.parent().is_some_and(|folder| folder.ends_with("estates"));
        let is_plain = is_estate
            && !name.to_string().contains(".origin.")
            && !name.to_string().contains(".observed.");
        if !is_plain || name.to_string().contains(".azcli.") {
            continue;
        }
        let mut ids = Vec::new();
        ids_in(
            &serde_json::from_str(&std::fs::read_to_string(&file).expect("text")).expect("JSON"),
            &mut ids,
        );
        for id in ids {
            assert!(loaded.estate.ids().any(|known| known.key() == id), "{name}: {id} was lost");
        }
        assert_eq!(loaded.problems, vec![], "{name}");
    }
}

#[test]
fn az_output_says_the_same_as_arm() {
    let Some(files) = recorded() else { return };
    let mut pairs = 0;
    for file in files.iter().filter(|file| file.to_string_lossy().ends_with(".azcli.json")) {
        let arm = PathBuf::from(file.to_string_lossy().replace(".azcli.json", ".json"));
        let (from_az, from_arm) = (read(file).estate, read(&arm).estate);
        for id in from_az.ids() {
            let (Some(az), Some(arm)) = (from_az.resource(id), from_arm.resource(id)) else {
                continue;
            };
            // Pointers differ by `/properties`; everything that decides is the same.
            let plain = |facts: String| {
                facts
                    .replace("/properties", "")
                    .replace("ListedFlat", "Listed")
                    .to_ascii_lowercase()
            };
            let (az, arm) = (plain(format!("{:?}", az.facts)), plain(format!("{:?}", arm.facts)));
            assert_eq!(az, arm, "{id}");
            pairs += 1;
        }
    }
    assert!(pairs > 100, "only {pairs} resources were compared");
}

/// Every example estate of the pages, and the fixtures themselves.
fn worlds() -> Vec<(String, Vec<Value>)> {
    let mut worlds: Vec<(String, Vec<Value>)> =
        ["private-source", "public-source", "injected-source"]
            .map(|name| (name.to_owned(), support::fixture(name)))
            .into();
    let mut public = support::fixture("private-source");
    support::edit(&mut public, "set servers/old-db /properties/publicNetworkAccess \"Enabled\"");
    worlds.push(("public source with endpoint".to_owned(), public));
    for check in flexway_core::checks::ALL {
        for example in support::examples(check.page) {
            worlds.push((format!("{}: {}", check.fault, example.title), example.resources));
        }
    }
    // Each resource of each world is taken away: a world of thousands would take minutes and show nothing else.
    worlds.retain(|(_, resources)| resources.len() < 200);
    worlds
}

#[test]
fn taking_a_resource_away_never_makes_the_source_reachable() {
    let mut tried = 0;
    for (name, resources) in worlds() {
        let whole = support::estate(&resources);
        let question = support::question(&whole);
        let before = diagnose::check(&whole, &question);
        assert_its_causes_agree(&name, &before);
        for index in 0..resources.len() {
            let mut fewer = resources.clone();
            let gone = fewer.remove(index);
            let estate = load(vec![Input { file: "fewer".to_owned(), json: json!(fewer) }]).estate;
            let report = diagnose::check(&estate, &question);
            let place = format!("{name}\nwithout {}", gone["id"]);
            assert_its_causes_agree(&place, &report);
            let may_be_reachable = before.verdict == Verdict::Reachable
                || is_endpoint(&gone) && lists_no_endpoint(&resources);
            assert!(may_be_reachable || report.verdict != Verdict::Reachable, "{place}");
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried} deletions");
}

fn is_endpoint(body: &Value) -> bool {
    body["type"] == "Microsoft.Network/privateEndpoints"
}

/// Whether a server says that it has no endpoint: one that leads to it contradicts that, and nothing is doubtful without.
fn lists_no_endpoint(resources: &[Value]) -> bool {
    resources.iter().any(|body| body["properties"]["privateEndpointConnections"] == json!([]))
}

fn assert_its_causes_agree(place: &str, report: &Report) {
    let has_cause = report.causes().next().is_some();
    match report.verdict {
        Verdict::Unreachable | Verdict::Partial => assert!(has_cause, "{place}: no cause"),
        Verdict::Undetermined => assert!(!report.missing.is_empty(), "{place}: nothing missing"),
        Verdict::Reachable | Verdict::Inconsistent => assert!(!has_cause, "{place}: a cause"),
    }
}

/// A field that a template or plan does not resolve is less knowledge, like a resource taken away.
#[test]
fn a_field_that_is_not_resolved_never_makes_the_source_reachable() {
    let unresolved = json!({ "$unresolved": "a test" });
    let mut tried = 0;
    for (name, resources) in worlds() {
        let whole = support::estate(&resources);
        let question = support::question(&whole);
        if diagnose::verdict(&whole, &question) == Verdict::Reachable {
            continue;
        }
        for index in 0..resources.len() {
            let fields = resources[index]["properties"].as_object().cloned().unwrap_or_default();
            for field in fields.keys() {
                // Where the server does not tell, the endpoint's own word counts: a template never tells it.
                let is_of_endpoint =
                    is_endpoint(&resources[index]) && lists_no_endpoint(&resources);
                if field == "privateEndpointConnections" || is_of_endpoint {
                    continue;
                }
                let mut less = resources.clone();
                less[index]["properties"][field] = unresolved.clone();
                let estate =
                    load(vec![Input { file: "less".to_owned(), json: json!(less) }]).estate;
                let verdict = diagnose::verdict(&estate, &question);
                assert_ne!(
                    verdict,
                    Verdict::Reachable,
                    "{name}\n{} {field}",
                    resources[index]["id"]
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried} fields");
}

/// Whether the copier reaches the source after a plan, or nothing is known to be in its way any more.
fn opens(plan: &plan::Plan) -> bool {
    plan.after == Verdict::Reachable
        || (plan.before, plan.after) == (Verdict::Unreachable, Verdict::Undetermined)
}

#[test]
fn a_plan_that_changes_something_leaves_nothing_known_to_be_closed() {
    for (name, resources) in worlds() {
        let estate = support::estate(&resources);
        let plan = plan::plan(&estate, &support::question(&estate), &Policy::default());
        let is_whole = plan.changes.is_empty() || opens(&plan);
        assert!(is_whole, "{name}: {:?}", plan.after);
        assert_eq!(
            plan.refusal.is_some(),
            plan.before != Verdict::Reachable && plan.changes.is_empty(),
            "{name}"
        );
    }
}

/// The guide's rows 3, 4 and 5, each step taken away from a healthy estate: the diagnosis names that step and nothing else.
#[test]
fn each_step_of_the_guide_is_named_when_it_is_missing() {
    let link = "delete privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link";
    let record = "delete privatelink.postgres.database.azure.com/A/old-db";
    let group = "delete privateDnsZoneGroups/default";
    let pending = "set servers/old-db /properties/privateEndpointConnections/0/properties/\
        privateLinkServiceConnectionState/status \"Pending\"";
    let deny = "set networkSecurityGroups/target-nsg /properties/securityRules [{\"name\":\"d\",\"properties\":{\
        \"priority\":200,\"direction\":\"Outbound\",\"access\":\"Deny\",\"protocol\":\"Tcp\",\"sourceAddressPrefix\":\"*\",\
        \"sourcePortRange\":\"*\",\"destinationAddressPrefix\":\"*\",\"destinationPortRange\":\"5432\"}}]";
    let steps: [(&[&str], &str); 7] = [
        (&[pending], "endpoint/pending"),
        (&["delete source-net/virtualNetworkPeerings/to-target"], "peering/missing"),
        (&["delete target-net/virtualNetworkPeerings/to-source"], "peering/missing"),
        (&[deny], "filter/outbound-denied"),
        (&[link], "dns/zone-not-linked"),
        (&[record, group], "dns/record-missing"),
        (&[record], "dns/record-missing"),
    ];
    // A public front door answers only where the estate proves that the zone is not linked.
    let count = |edits: &[&str]| {
        let links = if edits.contains(&link) { 1 } else { 2 };
        let zone = "privateDnsZones/privatelink.postgres.database.azure.com";
        format!("set {zone} /properties/numberOfVirtualNetworkLinks {links}")
    };
    let public = "set servers/old-db /properties/publicNetworkAccess \"Enabled\"";
    let rows: [(u8, &[&str]); 2] = [(4, &[public]), (5, &[])];
    for (row, public) in rows {
        for (edits, fault) in steps {
            let mut resources = support::fixture("private-source");
            support::edit(&mut resources, &count(edits));
            public.iter().chain(edits).for_each(|line| support::edit(&mut resources, line));
            let estate = support::estate(&resources);
            let report = diagnose::check(&estate, &support::question(&estate));
            let causes: Vec<&str> = report.causes().map(|one| one.fault).collect();
            assert_eq!(causes, [fault], "row {row}: {edits:?}");
            assert_eq!(report.guide.as_ref().map(|guide| guide.row), Some(row));
            assert_eq!(report.code, Some("ST008"));
        }
    }
}

/// Judges every pair of servers of an estate; nothing may panic, and every verdict has its reason.
fn judge_all(name: &str, estate: &flexway_core::estate::Estate, with_plans: bool) -> usize {
    use flexway_core::diagnose::{Copier, Question, Source};
    use flexway_core::estate::server::Server;
    let servers: Vec<_> = estate.all::<Server>().map(|(id, _)| id.clone()).collect();
    let mut count = 0;
    for (source, target) in servers.iter().flat_map(|one| servers.iter().map(move |two| (one, two)))
    {
        if source == target {
            continue;
        }
        let question = Question {
            source: Source::Server(source.clone()),
            target: target.clone(),
            copier: Copier::Target,
            port: diagnose::PORT,
        };
        let report = diagnose::check(estate, &question);
        let is_planned = !with_plans || {
            let plan = plan::plan(estate, &question, &Policy::default());
            plan.changes.is_empty() || opens(&plan)
        };
        let has_reason = match report.verdict {
            Verdict::Reachable => report.causes().next().is_none(),
            Verdict::Undetermined => !report.missing.is_empty(),
            Verdict::Unreachable | Verdict::Partial | Verdict::Inconsistent => {
                report.causes().next().is_some()
            }
        };
        assert!(
            has_reason && is_planned,
            "{name}: {source} <- {target}: {:?} {:?}",
            report.verdict,
            report.flows
        );
        count += 1;
    }
    count
}

#[test]
fn every_pair_of_recorded_servers_is_judged() {
    let Some(files) = recorded() else { return };
    let pairs: usize = files
        .iter()
        .map(|file| judge_all(&file.display().to_string(), &read(file).estate, true))
        .sum();
    assert!(pairs > 50, "{pairs} pairs");
    // All of them as one estate: servers of many subscriptions, none of which knows the other.
    let inputs = files.iter().map(|file| {
        let text = std::fs::read_to_string(file).expect("readable");
        Input { file: file.display().to_string(), json: serde_json::from_str(&text).expect("JSON") }
    });
    judge_all("all", &load(inputs.collect()).estate, false);
}

/// Replaces, drops or doubles one node of a body, chosen by a small generator: the same ones in every run.
fn mutate(value: &mut Value, random: &mut u64) {
    let next = |random: &mut u64, bound: usize| {
        // Knuth's multiplier; the high bits are the random ones.
        *random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 33) as usize % bound.max(1)
    };
    match value {
        Value::Array(items) if !items.is_empty() && next(random, 4) > 0 => {
            let index = next(random, items.len());
            mutate(&mut items[index], random);
        }
        Value::Object(fields) if !fields.is_empty() && next(random, 8) > 0 => {
            let index = next(random, fields.len());
            if let Some(inner) = fields.values_mut().nth(index) {
                mutate(inner, random);
            }
        }
        other => {
            *other = match next(random, 7) {
                0 => Value::Null,
                1 => json!(-1),
                2 => json!(""),
                3 => json!("*"),
                4 => json!([other.clone(), other.clone()]),
                5 => json!({ "properties": other.clone() }),
                _ => json!("10.0.0.0/99"),
            }
        }
    }
}

#[test]
fn broken_bodies_are_reported_and_never_panic() {
    let mut random = 20_261_122;
    let mut said = 0;
    for (name, resources) in worlds().into_iter().take(12) {
        for round in 0..150 {
            let mut broken = json!(resources);
            for _ in 0..=round % 4 {
                mutate(&mut broken, &mut random);
            }
            let loaded = load(vec![Input { file: "broken".to_owned(), json: broken }]);
            said += loaded.problems.len();
            judge_all(&name, &loaded.estate, true);
        }
    }
    assert!(said > 100, "{said} problems were said");
}
