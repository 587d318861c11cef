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
    ] {
        let (verdict, causes, said) = with_rules(rules);
        assert_eq!((verdict, causes), expected, "{name}: {said:?}");
        assert!(said.len() == 1 && said[0].contains("security rule `odd`"), "{name}: {said:?}");
    }
    let (.., said) = with_rules(vec![allow(), odd(100, "Deny", six())]);
    let expected = "/1/properties/protocol `protocol` of security rule `odd` cannot be read; what it may catch counts as not decided";
    assert_eq!(said, [expected]);
}
