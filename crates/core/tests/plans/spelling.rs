//! An estate as az prints it, without `properties` and with fields of its own, gets the plans of the same estate as ARM answers it, and
//! their requests are written as ARM takes them.

use flexway_core::change::peering;
use flexway_core::checks::ALL;
use flexway_core::diagnose::{Question, check};
use flexway_core::estate::{Estate, Input, load};
use flexway_core::id::ResourceId;
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::second::{Bounds, State, World, certify};
use flexway_core::trace::step::Fact;
use serde_json::{Map, Value, json};

use crate::support;

/// As ARM answers: what stands inside a resource has an id of its own, and tells its state.
fn answered(parent: &str, list: &str, value: &Value) -> Value {
    let mut body = value.clone();
    let name = value["name"].as_str().filter(|_| value["properties"].is_object());
    let own = value["id"].as_str().map(str::to_owned);
    let id = own.or_else(|| Some(format!("{parent}/{list}/{}", name?)));
    let fields = body.get_mut("properties").and_then(Value::as_object_mut);
    if let (Some(id), Some(fields)) = (&id, fields) {
        fields.entry("provisioningState").or_insert_with(|| json!("Succeeded"));
        for (list, items) in fields.iter_mut() {
            for one in items.as_array_mut().into_iter().flatten() {
                *one = answered(id, list, one);
            }
        }
        body["id"] = json!(id);
    }
    body
}

/// As az prints it: what stands in `properties` stands beside the name, whatever has an id tells its resource group, and what is not
/// set is null.
fn printed(value: &Value) -> Value {
    let Value::Object(fields) = value else {
        return match value {
            Value::Array(items) => items.iter().map(printed).collect(),
            other => other.clone(),
        };
    };
    let mut out = Map::new();
    for (name, inner) in fields {
        match inner {
            Value::Object(own) if name == "properties" => {
                out.extend(own.iter().map(|(name, one)| (name.clone(), printed(one))));
            }
            _ => drop(out.insert(name.clone(), printed(inner))),
        }
    }
    if let Some(id) = fields.get("id").and_then(Value::as_str).and_then(ResourceId::parse) {
        out.insert("resourceGroup".to_owned(), json!(id.resource_group()));
        out.insert("description".to_owned(), Value::Null);
    }
    Value::Object(out)
}

fn loaded(resources: &[Value]) -> Estate {
    load(vec![Input { file: "capture".to_owned(), json: json!(resources) }]).estate
}

/// The resources of an example as ARM answers them, and as az prints them.
fn spellings(resources: &[Value]) -> [Vec<Value>; 2] {
    let answers: Vec<Value> = resources.iter().map(|one| answered("", "", one)).collect();
    let prints = all_printed(&answers);
    [answers, prints]
}

fn all_printed(resources: &[Value]) -> Vec<Value> {
    let tells = |one: &Value| one["properties"].as_object().is_some_and(|own| own.len() > 2);
    resources.iter().map(|one| if tells(one) { printed(one) } else { one.clone() }).collect()
}

/// The plan, and what of its certificate does not hold.
fn planned(estate: &Estate, question: &Question) -> (Value, Vec<String>) {
    let plan = plan::plan(estate, question, &Policy::default()).to_json();
    let world = World::of(estate.ids().filter_map(|id| Some((id, estate.body(id)?))));
    let certified = certify(&world, &plan, Bounds::default()).expect("a plan");
    let lost = certified.checks.iter().filter(|one| one.state != State::Holds);
    (plan, lost.map(|one| format!("{}: {}", one.name, one.detail)).collect())
}

/// Words of az that ARM does not take, and settings that stand beside `properties`.
fn misplaced(body: &Value, place: &str, wrong: &mut Vec<String>) {
    match body {
        Value::Array(items) => items.iter().for_each(|one| misplaced(one, place, wrong)),
        Value::Object(fields) => {
            let is_child = fields.contains_key("id") && fields.contains_key("name");
            for (name, inner) in fields {
                let is_own = ["id", "name", "properties"].contains(&name.as_str());
                if name == "resourceGroup" || inner.is_null() || is_child && !is_own {
                    wrong.push(format!("{place}: {name}"));
                }
                misplaced(inner, name, wrong);
            }
        }
        _ => {}
    }
}

#[test]
fn what_az_prints_is_planned_as_what_arm_answers() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for example in ALL.iter().flat_map(|check| support::examples(check.page)) {
        let question = example.question(&support::estate(&example.resources));
        let [answers, prints] = spellings(&example.resources);
        let (arm, arm_lost) = planned(&loaded(&answers), &question);
        let (az, az_lost) = planned(&loaded(&prints), &question);
        for field in ["changes", "refusal", "after", "alternatives"] {
            if arm[field] != az[field] {
                let (arm, az) = (&arm[field], &az[field]);
                wrong.push(format!("{}: {field}\n{arm:#}\n{az:#}", example.title));
            }
        }
        if arm_lost != az_lost {
            wrong.push(format!("{}: {arm_lost:?} {az_lost:?}", example.title));
        }
        // People leave out the ids of what stands inside a resource.
        let (short, short_lost) = planned(&loaded(&all_printed(&example.resources)), &question);
        if (&short["after"], &short_lost) != (&az["after"], &az_lost) {
            let ends = [&short, &az].map(|plan| &plan["after"]);
            wrong.push(format!("{}: {ends:?} {short_lost:?} {az_lost:?}", example.title));
        }
        for change in az["changes"].as_array().into_iter().flatten() {
            count += 1;
            for request in [&change["request"], &change["inverse"]] {
                misplaced(&request["body"], &example.title, &mut wrong);
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 100, "{count} changes");
}

#[test]
fn every_pointer_leads_to_what_was_read() {
    let (mut lost, mut count) = (Vec::new(), 0);
    for example in ALL.iter().flat_map(|check| support::examples(check.page)) {
        let question = example.question(&support::estate(&example.resources));
        for resources in spellings(&example.resources) {
            let estate = loaded(&resources);
            let report = check(&estate, &question);
            let steps = report.steps();
            let places = report.findings.iter().filter_map(|one| one.place.as_ref());
            for Fact { resource, pointer } in steps.flat_map(|step| &step.facts).chain(places) {
                count += 1;
                // A zone that a record speaks for is named, and was not captured.
                let is_there = match estate.body(resource) {
                    Some(body) => body.pointer(pointer).is_some(),
                    None => pointer.is_empty(),
                };
                if !is_there {
                    lost.push(format!("{}: `{pointer}` of {resource}", example.title));
                }
            }
        }
    }
    assert!(lost.is_empty(), "{} of {count}\n{}", lost.len(), lost.join("\n"));
    assert!(count > 1000, "{count} pointers");
}

#[test]
fn what_is_changed_twice_is_repeated_whole() {
    let half = "target-net/virtualNetworkPeerings/to-source";
    let resources = support::fixture("private-source");
    let is_half = |one: &&Value| one["id"].as_str().is_some_and(|id| id.ends_with(half));
    let arm = resources.iter().find(is_half).expect("a half");
    let id = ResourceId::parse(arm["id"].as_str().expect("an id")).expect("an id");
    let repeated = |body: Value| {
        let estate = loaded(&[body]);
        let changed = peering::allow_access(&estate, &id).apply(&estate);
        peering::set_flag(&changed, &id, "allowForwardedTraffic").request.body
    };
    assert_eq!(repeated(printed(arm)), repeated(arm.clone()));
}

/// The letters of a command that a shell does not take as they are.
fn bare(command: &str) -> String {
    let (mut bare, mut quote, mut letters) = (String::new(), None, command.chars());
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None | Some('"'), '\\') => drop(letters.next()),
            (Some('"'), '$') | (None, '(' | ')' | '$' | ';' | '&' | '|' | '<' | '>') => {
                bare.push(letter);
            }
            _ => {}
        }
    }
    bare.extend(quote);
    bare
}

#[test]
fn commands_that_tell_what_to_capture_can_be_pasted() {
    let text = json!(support::fixture("private-source")).to_string();
    let text = text.replace("rg-dns", "rg_dns(shared)").replace("rg-source", "rg $(source)");
    let resources: Vec<Value> = serde_json::from_str(&text).expect("an array");
    let question = support::question_of(&resources);
    let mut commands = Vec::new();
    for left_out in 0..resources.len() {
        let mut rest = resources.clone();
        rest.remove(left_out);
        let report = check(&loaded(&rest), &question);
        for missing in &report.missing {
            let parts = missing.help.split('`').skip(1).step_by(2);
            commands.extend(parts.filter(|part| part.starts_with("az ")).map(str::to_owned));
        }
    }
    let odd = commands.iter().filter(|one| one.contains('(')).count();
    assert!(odd > 3, "{odd} commands name such a group: {commands:#?}");
    for command in commands {
        assert_eq!(bare(&command), "", "{command}");
    }
}

/// What to capture where a group has another name, the source is a row of Resource Graph, and some resources were not captured.
fn helps(fixture: &str, left_out: &[&str], (plain, odd): (&str, &str)) -> String {
    let mut resources = support::fixture(fixture);
    support::edit(&mut resources, "set servers/old-db /subscriptionId \"s\"");
    let is_left_out = |id: &str| left_out.iter().any(|end| id.ends_with(end));
    resources.retain(|one| !one["id"].as_str().is_some_and(is_left_out));
    let text = json!(resources).to_string().replace(plain, odd);
    let resources: Vec<Value> = serde_json::from_str(&text).expect("an array");
    let report = check(&loaded(&resources), &support::question_of(&resources));
    let helps: Vec<String> = report.missing.into_iter().map(|one| one.help).collect();
    helps.join("\n")
}

#[test]
fn a_name_is_one_word() {
    for (name, word) in [("rg-dns", "rg-dns"), ("a(b)", "'a(b)'"), ("it's", r"'it'\''s'")] {
        let helps = helps("private-source", &["/A/old-db"], ("rg-dns", name));
        assert!(helps.contains(&format!(" --resource-group {word} ")), "{helps}");
    }
    // Resource Graph has no rules of servers: they are listed by the server's id, between double quotes.
    let rules = ["/virtualNetworkRules/target", "/firewallRules/office"];
    for (name, inside) in [("a(b)", "a(b)"), ("$(c)", r"\$(c)"), ("`d`", r"\`d\`")] {
        let helps = helps("public-source", &rules, ("rg-source", name));
        assert!(helps.contains(&format!("/resourceGroups/{inside}/providers/")), "{helps}");
    }
}
