//! What an input holds and cannot be read, or says that there is more of: only what hangs on it is open, in both readings.

use flexway_core::diagnose::{PORT, Source};
use flexway_core::estate::{Loaded, load};
use flexway_core::second::{self, World, ask};
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::support::{causes, check, fixture, input, question};

/// The verdict and the causes; the second reading must say the same.
fn answer(loaded: &Loaded) -> (Verdict, Vec<String>) {
    let report = check(&loaded.estate);
    let bodies = loaded.estate.ids().filter_map(|id| Some((id, loaded.estate.body(id)?)));
    let question = question(&loaded.estate);
    let Source::Server(source) = &question.source else { panic!("a server of Azure") };
    let other = ask(&World::of(bodies), &question.copier_id(), source, PORT).verdict;
    let same = match report.verdict {
        Verdict::Reachable => second::Verdict::Reachable,
        Verdict::Unreachable => second::Verdict::Unreachable,
        _ => second::Verdict::Undetermined,
    };
    assert_eq!(other, same, "the second reading");
    (report.verdict, causes(&report).into_iter().map(str::to_owned).collect())
}

fn rule(name: &str, priority: u32, access: &str, edits: Value) -> Value {
    let mut rule = json!({ "name": name, "properties": {
        "priority": priority, "access": access, "direction": "Outbound", "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*",
    } });
    for (field, value) in edits.as_object().expect("an object") {
        rule["properties"][field] = value.clone();
    }
    rule
}

/// The answer with these rules in the target's group, and what was said of them.
fn with_rules(rules: Vec<Value>) -> (Verdict, Vec<String>, Vec<String>) {
    let mut estate = fixture("private-source");
    let group = estate.iter_mut().find(|one| one["name"] == "target-nsg").expect("a group");
    group["properties"]["securityRules"] = json!(rules);
    let loaded = load(vec![input("estate", json!(estate))]);
    let said = loaded.problems.iter().map(|one| {
        let place =
            one.pointer.split_once("/properties/securityRules").map_or("", |(_, rest)| rest);
        format!("{place} {}", one.message)
    });
    let said: Vec<String> = said.collect();
    let (verdict, causes) = answer(&loaded);
    (verdict, causes, said)
}

#[test]
fn a_rule_that_cannot_be_read_leaves_open_what_it_could_decide() {
    let deny = || rule("deny-all", 400, "Deny", json!({ "protocol": "*" }));
    let allow = || rule("allow", 200, "Allow", json!({ "destinationPortRange": "5432" }));
    let odd = |priority: u32, access: &str, edits| rule("odd", priority, access, edits);
    let (open, shut) = (Verdict::Undetermined, vec!["filter/outbound-denied".to_owned()]);
    let six = || json!({ "protocol": "6" });
    for (name, rules, expected) in [
        (
            "other direction",
            vec![
                odd(100, "Deny", json!({ "direction": "Inbound", "protocol": "Sctp" })),
                allow(),
                deny(),
            ],
            (Verdict::Reachable, vec![]),
        ),
        (
            "behind the decider",
            vec![allow(), odd(300, "Deny", json!({ "destinationPortRange": "all" })), deny()],
            (Verdict::Reachable, vec![]),
        ),
        (
            "other addresses",
            vec![
                odd(
                    100,
                    "Deny",
                    json!({ "protocol": "6", "destinationAddressPrefix": "10.99.0.0/16" }),
                ),
                allow(),
                deny(),
            ],
            (Verdict::Reachable, vec![]),
        ),
        (
            "other port",
            vec![
                odd(
                    100,
                    "Deny",
                    json!({ "sourceAddressPrefix": "10.0.0.0/40", "destinationPortRange": "443" }),
                ),
                allow(),
                deny(),
            ],
            (Verdict::Reachable, vec![]),
        ),
        (
            "allows what is allowed",
            vec![odd(100, "Allow", six()), allow(), deny()],
            (Verdict::Reachable, vec![]),
        ),
        (
            "denies what is denied",
            vec![odd(100, "Deny", six()), deny()],
            (Verdict::Unreachable, shut.clone()),
        ),
        ("may come first", vec![odd(100, "Deny", six()), allow()], (open, vec![])),
        ("may allow", vec![odd(100, "Allow", six()), deny()], (open, vec![])),
        ("no access", vec![odd(100, "Maybe", json!({})), allow()], (open, vec![])),
        ("no number", vec![odd(300, "Deny", json!({ "priority": null })), allow()], (open, vec![])),
        (
            "no number, behind what is the same",
            vec![odd(300, "Deny", json!({ "priority": null })), deny()],
            (Verdict::Unreachable, shut),
        ),
        (
            "no addresses",
            vec![odd(100, "Deny", json!({ "sourceAddressPrefix": null })), allow()],
            (open, vec![]),
        ),
        (
            "no direction",
            vec![allow(), odd(300, "Deny", json!({ "direction": "Both" }))],
            (open, vec![]),
        ),
        (
            "no number, and it names Azure's resolver",
            vec![
                allow(),
                odd(
                    300,
                    "Deny",
                    json!({ "priority": null, "protocol": "*",
                    "destinationAddressPrefix": "AzurePlatformDNS" }),
                ),
            ],
            (open, vec![]),
        ),
    ] {
        let (verdict, causes, said) = with_rules(rules);
        assert_eq!((verdict, causes), expected, "{name}: {said:?}");
        assert!(said.len() == 1 && said[0].contains("security rule `odd`"), "{name}: {said:?}");
    }
    let (.., said) = with_rules(vec![allow(), odd(100, "Deny", six())]);
    let expected = "/1/properties/protocol `protocol` of security rule `odd` cannot be read; what it may catch counts as not decided";
    assert_eq!(said, [expected]);
}

/// The estate without some of its resources, which stand on a page of their own.
fn on_a_page(name: &str, suffixes: &[&str], page: impl Fn(Vec<Value>) -> Value) -> Loaded {
    let ends =
        |one: &Value, suffix: &str| one["id"].as_str().is_some_and(|id| id.ends_with(suffix));
    let mut estate = fixture(name);
    for one in &mut estate {
        // A list of zones counts their links; without that nothing tells how many there are.
        if let Some(fields) = one["properties"].as_object_mut() {
            fields.retain(|name, _| !name.starts_with("numberOf"));
        }
    }
    let (listed, rest) =
        estate.into_iter().partition(|one| suffixes.iter().any(|suffix| ends(one, suffix)));
    let rest: Vec<Value> = rest;
    load(vec![input("rest", json!(rest)), input("page", page(listed))])
}

#[test]
fn what_may_stand_on_the_next_page_is_not_absent() {
    const ZONE: &str = "privateDnsZones/privatelink.postgres.database.azure.com";
    let links = [
        format!("{ZONE}/virtualNetworkLinks/source-link"),
        format!("{ZONE}/virtualNetworkLinks/target-link"),
    ];
    let suffixes: Vec<&str> = links.iter().map(String::as_str).collect();
    let without = |list: &[Value]| list[..list.len() - 1].to_vec();
    let next = "https://management.azure.com/next";
    type Paged = fn(Vec<Value>) -> Value;
    let pages: [(&str, Paged); 3] = [
        (
            "nextLink",
            |list| json!({ "value": list, "nextLink": "https://management.azure.com/next" }),
        ),
        (
            "skip_token",
            |list| json!({ "count": list.len(), "data": list, "skip_token": "x", "total_records": 7 }),
        ),
        ("total_records", |list| json!({ "count": list.len(), "data": list, "total_records": 7 })),
    ];
    let shut = (Verdict::Unreachable, vec!["dns/zone-not-linked".to_owned()]);
    let whole = on_a_page("private-source", &suffixes, |list| json!({ "value": without(&list) }));
    assert_eq!((answer(&whole), whole.problems.len()), (shut.clone(), 0));
    for (name, page) in pages {
        let loaded = on_a_page("private-source", &suffixes, |list| page(without(&list)));
        assert_eq!(answer(&loaded), (Verdict::Undetermined, vec![]), "{name}");
        let said: Vec<&str> = loaded.problems.iter().map(|one| one.message.as_str()).collect();
        assert!(said.len() == 1 && said[0].contains("a list that goes on"), "{name}: {said:?}");
        let missing = check(&loaded.estate).missing;
        let is_it = |what: &str| what.contains("all virtual network links of zone");
        assert!(missing.iter().any(|one| is_it(&one.what)), "{name}: {missing:?}");
    }
    // All rows of a query are here, on two pages.
    let loaded = on_a_page("private-source", &suffixes, |list| {
        let page = |rows: &[Value], token: Option<&str>| json!({ "count": 1, "data": rows, "skip_token": token, "total_records": 2 });
        json!([page(&list[..1], Some("x")), page(&list[1..], None)])
    });
    assert_eq!((answer(&loaded), loaded.problems.len()), ((Verdict::Reachable, vec![]), 0));
    // A rule of another subnet, and perhaps more.
    let rules = |more: Value| {
        on_a_page(
            "public-source",
            &["virtualNetworkRules/target", "firewallRules/office"],
            |list| {
                let text = json!(list)
                    .to_string()
                    .replace("virtualNetworkRules/target", "virtualNetworkRules/apps");
                let list: Value =
                    serde_json::from_str(&text.replace("subnets/postgres", "subnets/apps"))
                        .expect("JSON");
                json!({ "value": list, "nextLink": more })
            },
        )
    };
    assert_eq!(answer(&rules(Value::Null)).0, Verdict::Unreachable);
    let loaded = rules(json!(next));
    assert_eq!(answer(&loaded), (Verdict::Undetermined, vec![]));
    let missing = check(&loaded.estate).missing;
    assert!(missing.iter().any(|one| one.help.contains("the rest")), "{missing:?}");
    // What a network lists inside itself is whole, whatever a page of its peerings says.
    let mut estate = fixture("private-source");
    let page = estate.iter().find(|one| one["name"] == "to-source").cloned();
    estate.retain(|one| one["name"] != "to-source");
    for one in &mut estate {
        if one["name"] == "target-net" {
            one["properties"]["virtualNetworkPeerings"] = json!([page]);
        }
    }
    let more = json!({ "value": [page], "nextLink": next });
    let loaded = load(vec![input("rest", json!(estate)), input("page", more)]);
    assert_eq!(answer(&loaded), (Verdict::Reachable, vec![]));
}

/// What Terraform read of others is old, and not whole: it is said that it does not count.
#[test]
fn data_sources_of_a_state_are_passed_over_and_told() {
    let read = |kind: &str| {
        json!({ "mode": "data", "type": kind, "name": "it", "values": {}, "instances": [],
        "address": format!("module.hub.data.{kind}.it") })
    };
    let both = [read("azurerm_virtual_network"), read("azurerm_subnet")];
    let inner = json!({ "resources": [read("azurerm_client_config")], "child_modules": [{ "resources": both }] });
    let shown = json!({ "format_version": "1.0", "values": { "root_module": inner } });
    let file = json!({ "version": 4, "terraform_version": "1.9.0", "lineage": "l", "resources": [both[0]] });
    let said = |state: Value| -> Vec<String> {
        let loaded = load(vec![input("state", state)]);
        loaded.problems.into_iter().map(|one| one.message).collect()
    };
    let rest = "what they read has to be captured";
    let first = "such as `module.hub.data.azurerm_virtual_network.it`";
    assert_eq!(said(shown), [format!("2 data sources are passed over, {first}: {rest}")]);
    assert_eq!(said(file), [format!("1 data source is passed over, {first}: {rest}")]);
}
