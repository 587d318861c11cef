//! Renderings of every page's plans hold together: each change once, brackets in pairs, nothing of
//! the estate taken for syntax.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use flexway_core::change::Change;
use flexway_core::plan::{self, Plan};
use flexway_core::render::terraform::{self, Azurerm};
use flexway_core::render::{az, bicep};
use flexway_core::repair::Policy;
use serde_json::json;

use crate::support;

/// What must never come out of an estate.
const SECRET: &str = "hunter2-of-the-estate";

/// The plan of every example that has one, of an estate in which a server's body holds a password.
static PLANS: LazyLock<Vec<(String, Plan)>> = LazyLock::new(|| {
    let mut plans = Vec::new();
    for check in flexway_core::checks::ALL {
        for example in support::examples(check.page) {
            let mut resources = example.resources;
            for server in resources.iter_mut().filter(|one| one["sku"].is_object()) {
                server["properties"]["administratorLoginPassword"] = json!(SECRET);
            }
            let estate = support::estate(&resources);
            let plan = plan::plan(&estate, &support::question(&estate), &Policy::default());
            plans.push((format!("{}: {}", check.fault, example.title), plan));
        }
    }
    assert!(plans.iter().filter(|(_, plan)| !plan.changes.is_empty()).count() > 30);
    plans
});

/// Walks code that is not ours to compile: brackets pair, strings end on their line, none holds a
/// template. Returns the strings.
fn strings(name: &str, text: &str, comment: &str, quote: char) -> Vec<String> {
    let mut open: Vec<char> = Vec::new();
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with(comment)) {
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '{' | '[' | '(' => open.push(letter),
                '}' | ']' | ')' => {
                    let pair = [('{', '}'), ('[', ']'), ('(', ')')];
                    let opened = open.pop().unwrap_or_else(|| panic!("{name}: {line}"));
                    assert!(pair.contains(&(opened, letter)), "{name}: {line}");
                }
                _ if letter == quote => found.push(string(name, line, &mut letters, quote)),
                _ => assert!(!"'\"`".contains(letter), "{name}: a stray quote: {line}"),
            }
        }
    }
    assert_eq!(open, Vec::<char>::new(), "{name}: brackets left open");
    found
}

/// The rest of a string after its opening quote, as it is written.
fn string(
    name: &str,
    line: &str,
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    quote: char,
) -> String {
    let mut text = String::new();
    loop {
        let letter = letters.next().unwrap_or_else(|| panic!("{name}: a string goes on: {line}"));
        match letter {
            '\\' => text.extend(['\\', letters.next().expect("an escaped letter")]),
            // Terraform doubles the sign to take a template's meaning away.
            '$' | '%' if quote == '"' && letters.clone().take(2).eq([letter, '{']) => {
                text.extend([letter, letters.next().expect("the second sign")]);
            }
            '$' | '%' => {
                let is_template = letters.peek() == Some(&'{') && (letter == '$' || quote == '"');
                assert!(!is_template, "{name}: a template: {line}");
                text.push(letter);
            }
            _ if letter == quote => return text,
            other => text.push(other),
        }
    }
}

/// Types and names that a Bicep file declares, `existing` ones left out.
fn declared(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(head) = line.strip_prefix("resource ").filter(|line| line.ends_with("' = {"))
        else {
            continue;
        };
        let kind = head.split('\'').nth(1).and_then(|kind| kind.split('@').next());
        let name = lines[index..].iter().find_map(|line| line.strip_prefix("  name: '"));
        let name = name.and_then(|name| name.strip_suffix('\'')).expect("a name");
        found.push((kind.expect("a type").to_ascii_lowercase(), name.to_owned()));
    }
    found
}

#[test]
fn bicep_makes_every_change_once() {
    for (name, plan) in &*PLANS {
        let files = bicep::files(plan);
        let code: Vec<_> = files.iter().filter(|file| file.name.ends_with(".bicep")).collect();
        let script = files.iter().find(|file| file.name == "deploy.sh");
        let mut made: Vec<(String, String)> = Vec::new();
        for file in &code {
            strings(name, &file.text, "//", '\'');
            made.extend(declared(&file.text));
            let deployments = script.map_or(1, |script| {
                script.text.matches(&format!("--template-file {}\n", file.name)).count()
            });
            assert_eq!(deployments, 1, "{name}: {} is deployed once", file.name);
        }
        // The script of Bicep is run as that of az is, and tells the same.
        if let Some(script) = script {
            let told = az::text(plan);
            for line in told.lines().filter(|line| line.starts_with('#')) {
                assert!(script.text.lines().any(|own| own == line), "{name}: {line}");
            }
        }
        let mut commands = 0;
        for change in &plan.changes {
            let named =
                |one: &Change| (one.resource.resource_type(), one.resource.name().to_owned());
            let own = named(change);
            let is_run = script.is_some_and(|script| script.text.contains(&change.az.join("\n")));
            commands += usize::from(is_run);
            // What is deleted may be made again.
            let is_made =
                |one: &&(String, String)| **one == own && change.request.method != "DELETE";
            let count = made.iter().filter(is_made).count() + usize::from(is_run);
            // Two networks may each have a half of that name.
            let is_alike = |one: &&Change| named(one) == own && one.request.method != "DELETE";
            let alike = plan.changes.iter().filter(is_alike).count();
            let wanted = if is_run { 1 } else { alike };
            assert_eq!(count, wanted, "{name}: {}", change.title);
        }
        assert_eq!(made.len() + commands, plan.changes.len(), "{name}");
        let page = bicep::text(plan);
        for change in &plan.changes {
            assert!(page.contains(&format!(". {}\n", change.title)), "{name}: {}", change.title);
        }
        let whole: String = files.iter().map(|file| file.text.as_str()).collect();
        assert!(!format!("{whole}{page}").contains(SECRET), "{name}: a secret got out");
    }
}

#[test]
fn terraform_makes_every_change_once_in_either_version() {
    for (name, plan) in &*PLANS {
        for version in [Azurerm::V4, Azurerm::V5] {
            let text = terraform::text(plan, version);
            strings(name, &text, "#", '"');
            let heads: Vec<&str> =
                text.lines().filter(|line| line.starts_with("resource \"")).collect();
            let labels: BTreeSet<&&str> = heads.iter().collect();
            assert_eq!(heads.len(), labels.len(), "{name}: every label once");
            let blocks = text.matches("\n  private_dns_zone_group {").count();
            let commands =
                plan.changes.iter().filter(|change| change.request.method == "DELETE").count();
            assert_eq!(heads.len() + blocks + commands, plan.changes.len(), "{name}\n{text}");
            for (index, change) in plan.changes.iter().enumerate() {
                let letter = char::from(b'A' + index as u8);
                let title = format!("\n# {letter}. {}\n", change.title);
                assert_eq!(text.matches(&title).count(), 1, "{name}: {title}");
            }
            let is_pinned = plan.changes.is_empty()
                || heads.is_empty()
                || text.matches("  version = \"~> ").count() >= 1;
            assert!(is_pinned, "{name}: providers are pinned");
            let is_gone = ["azurerm_postgresql_virtual_network_rule", "zone_name "];
            if version == Azurerm::V5 {
                assert!(is_gone.iter().all(|word| !text.contains(word)), "{name}: gone in 5");
            }
            assert!(!text.contains(SECRET), "{name}: a secret got out");
            // azapi reads what it updates first: nothing below an endpoint that is only being made.
            let made = plan.changes.iter().filter(|change| {
                change.request.method == "PUT"
                    && change.resource.resource_type() == "microsoft.network/privateendpoints"
            });
            for one in made {
                let below = format!("resource_id = \"{}/", one.resource.as_str());
                assert!(!text.contains(&below), "{name}: {text}");
            }
        }
    }
}

/// Nothing in the request for the use of a gateway refers to the half of the peering that lends it.
#[test]
fn a_gateway_is_lent_before_it_is_used() {
    let mut count = 0;
    for (name, plan) in &*PLANS {
        let uses = |one: &&Change| one.request.body["properties"]["useRemoteGateways"] == true;
        let lends = |one: &&Change| one.request.body["properties"]["allowGatewayTransit"] == true;
        let (user, lender) = (plan.changes.iter().find(uses), plan.changes.iter().find(lends));
        let Some((user, lender)) = user.zip(lender) else { continue };
        count += 1;
        let files = bicep::files(plan);
        let declares = |one: &Change| {
            let head = format!("  name: '{}'\n", one.resource.name());
            let place = files.iter().position(|file| file.text.contains(&head));
            place.unwrap_or_else(|| panic!("{name}: no file declares {}", one.resource))
        };
        assert!(declares(lender) < declares(user), "{name}: Bicep");
        for version in [Azurerm::V4, Azurerm::V5] {
            let text = terraform::text(plan, version);
            let blocks: Vec<&str> = text.split("\nresource ").collect();
            let own = blocks.iter().find(|block| block.contains("useRemoteGateways = true"));
            let own = own.unwrap_or_else(|| panic!("{name}: {text}"));
            assert!(own.contains("depends_on"), "{name}: {own}");
        }
    }
    assert!(count > 0, "no plan lends a gateway");
}

#[test]
fn every_subscription_and_group_is_named() {
    let own = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-dns";
    let other = "/subscriptions/99999999-2222-3333-4444-555555555555/resourceGroups/rg-dns";
    let text = json!(support::fixture("private-source")).to_string().replace(own, other);
    let mut resources: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    for half in ["source-net/virtualNetworkPeerings/to-target", "virtualNetworkLinks/target-link"] {
        let zone = "privatelink.postgres.database.azure.com/";
        let prefix = if half.starts_with("virtual") { zone } else { "" };
        support::edit(&mut resources, &format!("delete {prefix}{half}"));
    }
    let estate = support::estate(&resources);
    let plan = plan::plan(&estate, &support::question(&estate), &Policy::default());
    let text = terraform::text(&plan, Azurerm::V4);
    assert_eq!(text.matches("provider \"azurerm\" {").count(), 2, "{text}");
    assert_eq!(text.matches("alias           = \"subscription_2\"").count(), 1, "{text}");
    assert_eq!(text.matches(" = azurerm.subscription_2\n").count(), 1, "{text}");
    let files = bicep::files(&plan);
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["1-rg-source.bicep", "2-rg-dns.bicep", "deploy.sh"]);
    for subscription in ["11111111", "99999999"] {
        let word = format!("az deployment group create --subscription {subscription}");
        assert_eq!(files[2].text.matches(&word).count(), 1, "{}", files[2].text);
    }
    assert!(!bicep::is_one_file(&plan));
    assert_eq!(bicep::text(&plan).matches("// ----- step ").count(), 2);
}

#[test]
fn words_of_the_estate_are_no_syntax() {
    let odd = "it's \"${var.x}\" %{if} \\ $${y}\n}\u{7}";
    let with_rule = |(_, plan): &&(String, Plan)| {
        plan.changes.first().is_some_and(|change| change.kind == "add-rule")
    };
    let (name, plan) = PLANS.iter().find(with_rule).expect("a plan that adds a rule");
    let mut plan = plan.clone();
    let change = &mut plan.changes[0];
    change.request.body["properties"]["description"] = json!(odd);
    change.request.body["properties"]["$odd ${key}"] = json!(odd);
    change.title = format!("a title\n}} with {odd}");
    let files = bicep::files(&plan);
    let found = strings(name, &files[0].text, "//", '\'');
    let escaped = "it\\'s \"\\${var.x}\" %{if} \\\\ $\\${y}\\n}\\u{7}";
    assert_eq!(found.iter().filter(|text| *text == escaped).count(), 2, "{found:?}");
    let text = terraform::text(&plan, Azurerm::V4);
    let found = strings(name, &text, "#", '"');
    let escaped = "it's \\\"$${var.x}\\\" %%{if} \\\\ $$${y}\\n}\\u0007";
    assert_eq!(found.iter().filter(|text| *text == escaped).count(), 2, "{found:?}\n{text}");
}
