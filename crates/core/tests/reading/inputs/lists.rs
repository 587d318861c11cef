//! Children that were captured by themselves, beside lists of their parents that are newer or older.

use flexway_core::diagnose::{PORT, Source};
use flexway_core::estate::load_dated;
use flexway_core::second::{self, World, ask};
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::support::{SUBSCRIPTION, causes, check, fixture, input, question};

/// The resource of the fixture whose id ends so.
fn one(suffix: &str) -> Value {
    let all = fixture("private-source");
    let is_it = |one: &Value| one["id"].as_str().is_some_and(|id| id.ends_with(suffix));
    all.into_iter().find(is_it).unwrap_or_else(|| panic!("{suffix} is in the fixture"))
}

fn child(parent: &Value, rest: &str, properties: &Value) -> Value {
    let (id, name) = (parent["id"].as_str().expect("an id"), rest.rsplit('/').next());
    json!({ "id": format!("{id}/{rest}"), "name": name, "properties": properties })
}

fn rule(access: &str) -> Value {
    json!({ "access": access, "direction": "Outbound", "priority": 200, "protocol": "*", "sourceAddressPrefix": "*",
            "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" })
}

/// The causes, and what is said of resources that were given more than once: the name, what counts, and whether it is gone.
fn answer(old: Vec<Value>, new: Value) -> (Vec<String>, Vec<(String, String, bool)>) {
    let mut estate = fixture("private-source");
    let ids: Vec<Value> = old.iter().map(|one| one["id"].clone()).collect();
    estate.retain(|one| !ids.contains(&one["id"]));
    estate.extend(old);
    let loaded = load_dated(vec![(2, input("new", new)), (1, input("old", json!(estate)))]);
    assert_eq!(loaded.problems, vec![]);
    let said = loaded.replaced.iter();
    let said = said.map(|one| (one.resource.name().to_owned(), one.kept.clone(), one.is_gone));
    let report = check(&loaded.estate);
    (causes(&report).into_iter().map(str::to_owned).collect(), said.collect())
}

fn said(name: &str, is_gone: bool) -> (String, String, bool) {
    (name.to_owned(), "new".to_owned(), is_gone)
}

#[test]
fn a_child_that_a_newer_list_does_not_hold_is_gone() {
    let mut vnet = one("virtualNetworks/target-net");
    vnet["properties"].as_object_mut().expect("an object").remove("subnets");
    let (causes, told) = answer(vec![], vnet);
    assert_eq!(causes, ["peering/missing"]);
    assert_eq!(told, [said("target-net", false), said("to-source", true)]);

    let group = one("target-nsg");
    let old = child(&group, "securityRules/shut", &rule("Deny"));
    let (causes, told) = answer(vec![old], group);
    assert_eq!(causes, Vec::<String>::new(), "the rule was deleted since");
    assert_eq!(told, [said("target-nsg", false), said("shut", true)]);
}

#[test]
fn of_a_child_and_an_element_of_a_list_the_newer_counts() {
    let group = one("target-nsg");
    let with = |access: &str| {
        let mut group = group.clone();
        let rule = child(&group, "securityRules/all", &rule(access));
        group["properties"]["securityRules"] = json!([rule]);
        group
    };
    let alone = |access: &str| child(&group, "securityRules/all", &rule(access));
    let (causes, told) = answer(vec![with("Allow")], alone("Deny"));
    assert_eq!(causes, ["filter/outbound-denied"]);
    assert_eq!(told, [said("all", false)]);
    let (causes, told) = answer(vec![alone("Deny")], with("Allow"));
    assert_eq!(causes, Vec::<String>::new());
    assert_eq!(told, [said("target-nsg", false), said("all", false)]);
    let (_, told) = answer(vec![alone("Allow")], with("Allow"));
    assert_eq!(told, [said("target-nsg", false)], "both say the same");

    let server = one("servers/old-db");
    let listed = &server["properties"]["privateEndpointConnections"][0];
    let mut refused = listed.clone();
    refused["properties"]["privateLinkServiceConnectionState"]["status"] = json!("Rejected");
    let (causes, told) = answer(vec![refused], server.clone());
    assert_eq!(causes, Vec::<String>::new(), "it was approved since");
    assert_eq!(told, [said("old-db", false), said("old-db-pe-1", false)]);
}

/// What a newer template tells of a child beside what Azure answered of its parent, and the causes then.
fn with_template(estate: Vec<Value>, child: [&str; 3], properties: &Value) -> Vec<String> {
    let [group, kind, name] = child;
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "resources": [{ "type": "Microsoft.Resources/deployments", "apiVersion": "2024-03-01", "name": "n",
            "subscriptionId": SUBSCRIPTION.rsplit('/').next(), "resourceGroup": group, "properties": {
            "mode": "Incremental", "expressionEvaluationOptions": { "scope": "inner" },
            "template": { "resources": [{ "type": format!("Microsoft.Network/{kind}"),
                "apiVersion": "2024-05-01", "name": name, "properties": properties }] } } }] });
    let is_alike = |age: u64| {
        let capture = (5, input("capture", json!(estate)));
        let loaded = load_dated(vec![capture, (age, input("template", template.clone()))]);
        assert_eq!(loaded.problems, vec![]);
        let told = loaded.replaced.iter().map(|one| (one.resource.name(), &*one.kept));
        let own = name.rsplit('/').next().unwrap_or(name);
        assert_eq!(told.collect::<Vec<_>>(), [(own, "capture")], "{name} {age}");
        causes(&check(&loaded.estate)).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let [older, same, newer] = [1, 5, 9].map(is_alike);
    assert!(older == same && same == newer, "{older:?} {same:?} {newer:?}");
    newer
}

/// However new a template or a state is: it adds nothing to a list that Azure answered, and changes nothing in it.
#[test]
fn a_template_adds_nothing_to_what_azure_lists() {
    let group = one("target-nsg");
    let shut = |rules: &[Value]| {
        let mut estate = fixture("private-source");
        let is_it = |one: &&mut Value| one["id"] == group["id"];
        let list = estate.iter_mut().find(is_it).expect("the group");
        list["properties"]["securityRules"] = json!(rules);
        estate
    };
    let deny = child(&group, "securityRules/shut", &rule("Deny"));
    let mut allow = rule("Allow");
    allow["priority"] = json!(100);
    let place = ["rg-target", "networkSecurityGroups/securityRules", "target-nsg/open"];
    let causes = with_template(shut(&[deny]), place, &allow);
    assert_eq!(causes, ["filter/outbound-denied"], "no rule is added");
    let open = child(&group, "securityRules/open", &allow);
    let causes = with_template(shut(&[open]), place, &rule("Deny"));
    assert_eq!(causes, Vec::<String>::new(), "no rule is changed");

    let mut estate = fixture("private-source");
    let half = one("target-net/virtualNetworkPeerings/to-source");
    estate.retain(|one| one["id"] != half["id"]);
    for network in &mut estate {
        if network["id"].as_str().is_some_and(|id| id.ends_with("/target-net")) {
            network["properties"]["virtualNetworkPeerings"] = json!([]);
        }
    }
    let place = ["rg-target", "virtualNetworks/virtualNetworkPeerings", "target-net/to-source"];
    let causes = with_template(estate, place, &half["properties"]);
    assert_eq!(causes, ["peering/missing"]);
}

const ZONE: &str = "privateDnsZones/privatelink.postgres.database.azure.com";

/// The zone of a later day, when it counted so many.
fn zone(field: &str, count: u64) -> Value {
    let mut zone = one(ZONE);
    zone["properties"][field] = json!(count);
    zone
}

#[test]
fn a_zone_that_counts_fewer_than_were_captured_ends_the_older_ones() {
    let links = zone("numberOfVirtualNetworkLinks", 1);
    let link = one(&format!("{ZONE}/virtualNetworkLinks/source-link"));
    let (causes, told) = answer(vec![], json!([links, link]));
    assert_eq!(causes, ["dns/zone-not-linked"]);
    assert!(told.contains(&said("target-link", true)), "{told:?}");
    let (causes, told) = answer(vec![], zone("numberOfRecordSets", 1));
    assert_eq!(causes, ["dns/record-missing"], "nothing but its SOA record");
    assert!(told.contains(&said("old-db", true)), "{told:?}");
}

#[test]
fn a_template_adds_nothing_to_what_a_zone_counts() {
    let mut estate = fixture("private-source");
    let link = one(&format!("{ZONE}/virtualNetworkLinks/target-link"));
    estate.retain(|one| one["id"] != link["id"]);
    for one in &mut estate {
        if one["id"].as_str().is_some_and(|id| id.ends_with(ZONE)) {
            one["properties"]["numberOfVirtualNetworkLinks"] = json!(1);
        }
    }
    let (kind, zone) = ("privateDnsZones/virtualNetworkLinks", ZONE.rsplit('/').next());
    let name = format!("{}/target-link", zone.expect("a name"));
    let causes = with_template(estate, ["rg-dns", kind, &name], &link["properties"]);
    assert_eq!(causes, ["dns/zone-not-linked"]);
}

#[test]
fn nobody_knows_which_of_the_older_ones_a_zone_counts() {
    let other =
        child(&one(ZONE), "A/other", &json!({ "aRecords": [{ "ipv4Address": "10.10.1.9" }] }));
    let cases = [("numberOfVirtualNetworkLinks", 1, None), ("numberOfRecordSets", 2, Some(other))];
    for (field, count, more) in cases {
        let mut estate = fixture("private-source");
        estate.extend(more);
        let new = (2, input("new", zone(field, count)));
        let loaded = load_dated(vec![(1, input("old", json!(estate))), new]);
        assert_eq!(loaded.problems.len(), 2, "{:?}", loaded.problems);
        assert!(loaded.problems.iter().all(|one| one.message.contains("its zone counts")));
        let report = check(&loaded.estate);
        assert_eq!((report.verdict, causes(&report)), (Verdict::Undetermined, vec![]), "{field}");
        let bodies = loaded.estate.ids().filter_map(|id| Some((id, loaded.estate.body(id)?)));
        let question = question(&loaded.estate);
        let Source::Server(source) = &question.source else { panic!("a server of Azure") };
        let answer = ask(&World::of(bodies), &question.copier_id(), source, PORT);
        assert_eq!(answer.verdict, second::Verdict::Undetermined, "{field}: the second reading");
    }
}

#[test]
fn a_page_of_a_list_says_that_the_list_goes_on() {
    let problems = |page: Value| {
        let loaded = load_dated(vec![(1, input("page", page))]);
        loaded.problems.into_iter().map(|one| one.message).collect::<Vec<_>>()
    };
    let all = fixture("private-source");
    let next = "https://management.azure.com/next";
    assert_eq!(problems(json!({ "value": all, "nextLink": null })), Vec::<String>::new());
    for page in
        [json!({ "value": all, "nextLink": next }), json!({ "data": all, "skip_token": "x" })]
    {
        let told = problems(page);
        assert!(told.len() == 1 && told[0].contains("a list that goes on"), "{told:?}");
    }
}

/// Two captures of one age that cannot both be true: one counts, and that is said.
#[test]
fn captures_of_one_age_that_contradict_each_other_are_told() {
    let network = one("/virtualNetworks/target-net");
    let subnet = one("target-net/subnets/postgres");
    let inside = |group: bool| {
        let (mut network, mut child) = (network.clone(), subnet.clone());
        if let (false, Some(fields)) = (group, child["properties"].as_object_mut()) {
            fields.remove("networkSecurityGroup");
        }
        network["properties"]["subnets"] = json!([child]);
        let mut estate = fixture("private-source");
        estate.retain(|one| one["id"] != network["id"]);
        estate.push(network);
        load_dated(vec![(1, input("all", json!(estate)))]).replaced.len()
    };
    assert_eq!((inside(true), inside(false)), (0, 1));
}
