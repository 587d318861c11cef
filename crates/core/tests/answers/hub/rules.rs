//! What a firewall's rules do: classic ones, and those of policies.

use flexway_core::second::Verdict::{self, Partial, Reachable, Undetermined, Unreachable};
use serde_json::{Value, json};

use super::{NET, all_say, asked, by_policy, classic, filter, policy, rule, rule_of, set_rules};

/// What some classic collections do.
fn says(title: &'static str, verdict: Verdict, all: Value) -> (&'static str, Verdict, String) {
    (title, verdict, set_rules(all))
}

#[test]
fn rules_of_a_firewall_decide() {
    let pass = || rule("10.20.1.0/28", "10.10.2.0/28");
    let one = |rule: Value| json!([classic("a", 200, "Allow", &[rule])]);
    let with = |field: &str, value: Value| {
        let mut rule = pass();
        rule[field] = value;
        one(rule)
    };
    let deny = |priority: u64, rule: Value| {
        json!([classic("a", 200, "Allow", &[pass()]), classic("d", priority, "Deny", &[rule])])
    };
    let tcp = |from: &str, to: &str, port: &str| one(rule_of(&["TCP"], from, to, &[port]));
    let any = |from: &str| rule_of(&["Any"], from, "*", &["*"]);
    all_say(&[
        ("a rule", Reachable, String::new()),
        says("no rules at all", Unreachable, json!([])),
        says("rules that are not there", Undetermined, Value::Null),
        says("rules that are no list", Undetermined, json!({})),
        says("another port", Unreachable, tcp("*", "*", "1433")),
        says("a range of ports", Reachable, tcp("*", "*", "5000-5999")),
        says("no protocol of it", Unreachable, one(rule_of(&["UDP"], "*", "*", &["*"]))),
        says("any protocol", Reachable, one(any("*"))),
        says("half of the senders", Partial, one(any("10.20.1.0/29"))),
        says("senders from one to another", Partial, one(any("10.20.1.6-10.20.1.9"))),
        says("all senders by their ends", Reachable, one(any("10.20.1.4-10.20.1.14"))),
        says("a word that says nothing", Undetermined, one(any("somebody"))),
        says("another receiver", Unreachable, tcp("*", "10.10.3.0/24", "*")),
        says("services of Azure", Unreachable, tcp("*", "AzureCloud", "*")),
        says("a word for what is no service", Unreachable, tcp("*", "VirtualNetwork", "*")),
        says("names", Undetermined, {
            let mut rule = pass();
            rule["destinationAddresses"] = json!([]);
            rule["destinationFqdns"] = json!(["a.example"]);
            one(rule)
        }),
        says("no senders", Undetermined, with("sourceAddresses", json!([]))),
        says("no ports", Undetermined, with("destinationPorts", Value::Null)),
        says("a denial that comes first", Unreachable, deny(100, any("10.20.0.0/16"))),
        says("a denial that comes later", Reachable, deny(300, any("*"))),
        says("a denial of some", Partial, deny(100, any("10.20.1.8/29"))),
        says("a denial of the same turn", Undetermined, deny(200, any("*"))),
        says("a denial that may come first", Undetermined, deny(100, any("somebody"))),
        says(
            "no priority",
            Undetermined,
            json!([{ "name": "a", "properties":
            { "action": { "type": "Allow" }, "rules": [pass()] } }]),
        ),
        says("another action", Undetermined, json!([classic("a", 200, "Alert", &[pass()])])),
        says(
            "beside the name",
            Reachable,
            json!([{ "name": "a", "priority": 200,
            "action": { "type": "allow" }, "rules": [pass()] }]),
        ),
    ]);
    let denied = asked(&set_rules(deny(100, any("10.20.0.0/16"))));
    let blocker = denied.0.blockers.first().expect("a blocker");
    assert_eq!((blocker.stage, blocker.name.as_deref()), ("firewall", Some("d")));
    assert!(blocker.resource.ends_with("/azurefirewalls/firewall"), "{blocker:?}");
}

#[test]
fn policies_stand_before_each_other() {
    let pass = || rule("10.20.1.0/28", "10.10.2.0/28");
    let any = || rule_of(&["Any"], "*", "*", &["*"]);
    let allow = |priority| json!([filter("a", priority, "Allow", &[pass()])]);
    let deny = |priority| json!([filter("d", priority, "Deny", &[any()])]);
    let none = || json!({});
    let base =
        |name: &str| json!({ "basePolicy": { "id": format!("{NET}/firewallPolicies/{name}") } });
    let own = |groups: &[(u64, Value)], more: Value| {
        format!("{}\n{}", by_policy("own"), policy("own", groups, more))
    };
    let in_group = |addresses: &str| {
        let mut rule = pass();
        rule["sourceAddresses"] = json!([]);
        rule["sourceIpGroups"] = json!([format!("{NET}/ipGroups/copiers")]);
        let group = json!([filter("a", 100, "Allow", &[rule])]);
        format!("{}\n{addresses}", own(&[(100, group)], none()))
    };
    let addresses = |all: Value| {
        let id = format!("{NET}/ipGroups/copiers");
        format!("add {}", json!({ "id": id, "properties": { "ipAddresses": all } }))
    };
    let web = json!([{ "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "name": "w",
        "priority": 100, "action": { "type": "Deny" }, "rules": [{ "ruleType": "ApplicationRule",
        "name": "w", "sourceAddresses": ["*"], "targetFqdns": ["*"] }] }]);
    let nat = json!([{ "ruleCollectionType": "FirewallPolicyNatRuleCollection", "name": "n",
        "priority": 100, "action": { "type": "DNAT" }, "rules": [] }]);
    let both = |first: Value, second: Value| json!([first[0], second[0]]);
    let told = |title, verdict, edits| (title, verdict, edits);
    all_say(&[
        told("no such policy", Undetermined, by_policy("own")),
        told("a policy without groups", Unreachable, own(&[], none())),
        told("a rule", Reachable, own(&[(100, allow(100))], none())),
        told(
            "groups that are not told",
            Undetermined,
            own(&[(100, allow(100))], json!({ "ruleCollectionGroups": null })),
        ),
        told(
            "a group that is not there",
            Undetermined,
            format!("{}\ndelete own/ruleCollectionGroups/g0", own(&[(100, allow(100))], none())),
        ),
        told(
            "a group that is not listed",
            Unreachable,
            own(&[(200, allow(100)), (100, deny(100))], json!({ "ruleCollectionGroups": [] })),
        ),
        told(
            "a group that comes first",
            Unreachable,
            own(&[(200, allow(100)), (100, deny(900))], none()),
        ),
        told(
            "a collection that comes first",
            Reachable,
            own(&[(100, both(deny(300), allow(200)))], none()),
        ),
        told(
            "groups of one turn",
            Undetermined,
            own(&[(100, allow(100)), (100, deny(100))], none()),
        ),
        told("web sites", Unreachable, own(&[(100, web.clone())], none())),
        told("before web sites", Reachable, own(&[(200, allow(100)), (100, web)], none())),
        told("translations", Reachable, own(&[(200, allow(100)), (100, nat)], none())),
        told(
            "another sort",
            Undetermined,
            own(&[(200, allow(100)), (300, json!([{ "ruleCollectionType": "New" }]))], none()),
        ),
        told("a base that is not there", Undetermined, own(&[(100, allow(100))], base("base"))),
        told(
            "a base that denies",
            Unreachable,
            [own(&[(100, allow(100))], base("base")), policy("base", &[(900, deny(900))], none())]
                .join("\n"),
        ),
        told(
            "a base that allows",
            Reachable,
            [own(&[(100, deny(100))], base("base")), policy("base", &[(900, allow(900))], none())]
                .join("\n"),
        ),
        told(
            "a base without an end",
            Undetermined,
            [own(&[(100, allow(100))], base("base")), policy("base", &[], base("own"))].join("\n"),
        ),
        told("a list of addresses", Reachable, in_group(&addresses(json!(["10.20.1.0/28"])))),
        told(
            "one of some",
            Partial,
            in_group(&addresses(json!(["10.9.0.1", "10.20.1.0-10.20.1.7"]))),
        ),
        told("an empty one", Unreachable, in_group(&addresses(json!([])))),
        told("one that is not there", Undetermined, in_group("")),
    ]);
}
