//! The second reading agrees with every page of docs/checks, before and after the plans that the
//! analyser makes, and says which addresses pass.

use std::net::Ipv4Addr;

use flexway_core::diagnose::{PORT, Question, Source, check};
use flexway_core::estate::{Estate, load};
use flexway_core::id::ResourceId;
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::second::{Answer, Verdict, World, ask, ask_host};
use serde_json::{Value, json};

use crate::support;

pub(crate) fn answer(estate: &Estate, question: &Question) -> Answer {
    let world = World::of(estate.ids().filter_map(|id| Some((id, estate.body(id)?))));
    let Source::Server(source) = &question.source else { panic!("examples ask about servers") };
    let ask = |server: &ResourceId, port| ask(&world, &question.copier_id(), server, port);
    let to_source = ask(source, question.port);
    match question.copier.has_two_flows() {
        true => to_source.and(ask(&question.target, PORT)),
        false => to_source,
    }
}

/// The second reading knows servers of Azure only.
fn is_of_servers(example: &support::Example) -> bool {
    example.host.is_none()
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reachable => "reachable",
        Verdict::Unreachable => "unreachable",
        Verdict::Partial => "partial",
        Verdict::Undetermined => "undetermined",
    }
}

#[test]
fn examples_of_every_page_agree() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for check in flexway_core::checks::ALL {
        for example in support::examples(check.page).into_iter().filter(is_of_servers) {
            count += 1;
            let estate = support::estate(&example.resources);
            let answer = answer(&estate, &example.question(&estate));
            let has_reason = answer.verdict == Verdict::Reachable
                || !answer.blockers.is_empty()
                || !answer.unknowns.is_empty();
            assert!(has_reason, "{}: a verdict without a reason", example.title);
            if word(answer.verdict) != example.expected[0] {
                let title = format!("{}: {}", check.fault, example.title);
                wrong.push(format!("{title}: {} expected, {answer:#?}", example.expected[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{count} examples");
}

#[test]
fn plans_of_every_page_are_confirmed() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for check in flexway_core::checks::ALL {
        for example in support::examples(check.page).into_iter().filter(is_of_servers) {
            let before = support::estate(&example.resources);
            let question = example.question(&before);
            let plan = plan::plan(&before, &question, &Policy::default());
            if plan.changes.is_empty() {
                continue;
            }
            count += 1;
            let after = plan.changes.iter().fold(before, |estate, change| change.apply(&estate));
            let answer = answer(&after, &question);
            let is_known = answer.verdict == Verdict::Undetermined
                && plan.after == flexway_core::trace::step::Verdict::Undetermined;
            if (answer.verdict == Verdict::Reachable) == is_known {
                let title = format!("{}: {}", check.fault, example.title);
                wrong.push(format!("{title}: {answer:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{count} plans");
}

fn address(text: &str) -> u32 {
    text.parse::<Ipv4Addr>().expect("an address").into()
}

fn half_denied(prefix: &str, denied: &str) -> Answer {
    let mut resources = support::fixture("private-source");
    let subnet = format!("set target-net/subnets/postgres /properties/addressPrefix \"{prefix}\"");
    support::edit(&mut resources, &subnet);
    let rule = json!({ "name": "deny", "properties": { "priority": 400, "direction": "Outbound",
        "access": "Deny", "protocol": "*", "sourceAddressPrefix": denied, "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*" } });
    let rules = format!("set networkSecurityGroups/target-nsg /properties/securityRules [{rule}]");
    support::edit(&mut resources, &rules);
    let estate = support::estate(&resources);
    answer(&estate, &support::question(&estate))
}

#[test]
fn the_addresses_that_pass_are_exact() {
    let answer = half_denied("10.20.1.0/28", "10.20.1.8/29");
    assert_eq!(answer.verdict, Verdict::Partial);
    assert_eq!(answer.passes, [(address("10.20.1.4"), address("10.20.1.7"))]);
    let blocker = answer.blockers.first().expect("a blocker");
    assert_eq!((blocker.stage, blocker.name.as_deref()), ("outbound", Some("deny")));
    assert!(blocker.resource.ends_with("/networksecuritygroups/target-nsg"));
}

#[test]
fn large_subnets_are_cut_where_rules_begin_and_end() {
    let answer = half_denied("10.20.0.0/16", "10.20.128.0/17");
    assert_eq!(answer.verdict, Verdict::Partial);
    assert_eq!(answer.passes, [(address("10.20.0.4"), address("10.20.127.255"))]);
}

#[test]
fn subnets_and_peerings_may_stand_in_their_network() {
    let resources = support::fixture("private-source");
    let is_inside = |body: &Value| {
        let id = body["id"].as_str().unwrap_or("");
        id.contains("/subnets/") || id.contains("/virtualNetworkPeerings/")
    };
    let (inside, mut outside): (Vec<Value>, Vec<Value>) =
        resources.into_iter().partition(|body| is_inside(body));
    for network in &mut outside {
        let id = network["id"].as_str().unwrap_or("").to_owned();
        for kind in ["subnets", "virtualNetworkPeerings"] {
            let start = format!("{id}/{kind}/");
            let mine = inside
                .iter()
                .filter(|body| body["id"].as_str().is_some_and(|id| id.starts_with(&start)));
            let mine: Vec<&Value> = mine.collect();
            if !mine.is_empty() {
                network["properties"][kind] = json!(mine);
            }
        }
    }
    let id = |body: &Value| ResourceId::parse(body["id"].as_str().unwrap_or("")).expect("an id");
    let ids: Vec<ResourceId> = outside.iter().map(id).collect();
    let find = |name: &str| ids.iter().find(|id| id.name() == name).expect("a server");
    let world = World::of(ids.iter().zip(&outside));
    let answer = ask(&world, find("new-db"), find("old-db"), 5432);
    assert_eq!(answer.verdict, Verdict::Reachable, "{answer:#?}");
}

/// Both readings come to that verdict after the edits, one a line.
fn both_say(expected: &str, edits: &str) {
    both_say_of("private-source", expected, edits);
}

/// The same of another fixture.
fn both_say_of(fixture: &str, expected: &str, edits: &str) {
    let mut resources = support::fixture(fixture);
    edits.lines().for_each(|edit| support::edit(&mut resources, edit));
    let loaded = load(vec![support::input("e.json", json!(resources))]);
    let question = support::question(&loaded.estate);
    let report = check(&loaded.estate, &question);
    assert_eq!(json!(report.verdict), expected, "{edits}: {:?}", support::causes(&report));
    assert_eq!(word(answer(&loaded.estate, &question).verdict), expected, "{edits}");
}

#[test]
fn what_is_not_told_is_fine_for_neither_reading() {
    let rule = |name: &str, access: &str, from: &str, to: &str| {
        json!({ "name": name, "properties": { "access": access, "direction": "Outbound", "protocol": "*",
            "priority": if access == "Allow" { 100 } else { 200 }, "sourceAddressPrefix": from, "sourcePortRange": "*",
            "destinationAddressPrefix": to, "destinationPortRange": "*" } })
    };
    let rules = |all: &[Value]| format!("set target-nsg /properties/securityRules {}", json!(all));
    let half = "set target-net/virtualNetworkPeerings/to-source /properties";
    both_say("undetermined", &format!("{half}/allowVirtualNetworkAccess null"));
    both_say("undetermined", &format!("{half}/remoteVirtualNetwork null"));
    let connection = "set old-db-pe /properties/privateLinkServiceConnections/0/properties";
    both_say("reachable", &format!("{connection}/privateLinkServiceId null"));
    both_say("reachable", &format!("{connection}/groupIds null"));
    both_say("reachable", "set old-db-pe /properties/privateLinkServiceConnections null");
    // Azure's own rule behind it lets the same packets pass.
    both_say("reachable", &rules(&[rule("a", "Allow", "", "*")]));
    both_say("undetermined", &rules(&[rule("a", "Deny", "", "*")]));
    let shut = rule("b", "Deny", "*", "*");
    both_say("undetermined", &rules(&[rule("a", "Allow", "", "*"), shut]));
    both_say("reachable", &rules(&[rule("a", "Allow", "*", "*")]));
    let by_tag = rules(&[rule("a", "Allow", "VirtualNetwork", "*"), rule("b", "Deny", "*", "*")]);
    both_say("reachable", &by_tag);
    let no_space = "set virtualNetworks/target-net /properties/addressSpace null";
    // A network that does not tell its space holds its own subnets, and nobody knows what else.
    both_say("reachable", &format!("{by_tag}\n{no_space}"));
    let to_tag = rules(&[rule("a", "Allow", "*", "VirtualNetwork"), rule("b", "Deny", "*", "*")]);
    both_say("reachable", &to_tag);
    both_say("undetermined", &format!("{to_tag}\n{no_space}"));
}

#[test]
fn what_cannot_be_read_is_a_fact_for_neither_reading() {
    let vnet = "set virtualNetworks/target-net /properties";
    for value in ["\"x\"", "7", "{}", "[\"x\"]", "[null]"] {
        let half = "delete target-net/virtualNetworkPeerings/to-source";
        both_say("undetermined", &format!("{half}\n{vnet}/virtualNetworkPeerings {value}"));
    }
    for value in ["[\"x\"]", "[null]", "[{}]"] {
        let list = "set servers/old-db /properties/privateEndpointConnections";
        both_say("undetermined", &format!("{list} {value}"));
    }
    let list = "set servers/old-db /properties/privateEndpointConnections";
    both_say_of("public-source", "reachable", &format!("{list} null"));
    for value in ["{}", "7", "\"x\""] {
        both_say_of("public-source", "undetermined", &format!("{list} {value}"));
    }
    both_say("undetermined", &format!("{vnet}/dhcpOptions \"x\""));
    both_say("undetermined", &format!("{vnet}/dhcpOptions {{\"dnsServers\":[null]}}"));
    both_say("undetermined", "set A/old-db /properties/aRecords [null]");
    for value in ["\"x\"", "7", "[]", "{\"enableProxy\": \"yes\"}"] {
        let firewall =
            "set virtualNetworks/target-net /properties/dhcpOptions/dnsServers [\"10.30.1.4\"]";
        let settings = format!("set firewallPolicies/rules /properties/dnsSettings {value}");
        both_say_of("hub-source", "undetermined", &format!("{firewall}\n{settings}"));
    }
    for prefix in ["\"0.0.0.0/0/0\"", "\"10.10.0.0/33\"", "\"\"", "7"] {
        let table = "set rg-target/providers/Microsoft.Network/routeTables/to-hub";
        let route = format!("{table} /properties/routes/0/properties/addressPrefix {prefix}");
        both_say_of("hub-source", "undetermined", &route);
    }
    let rules = "$dns/Microsoft.Network/dnsForwardingRulesets/rules";
    let link = format!(
        "add {{\"id\": \"{rules}/virtualNetworkLinks/target\", \"properties\": {{\"virtualNetwork\": {{\"id\": \
         \"$target/Microsoft.Network/virtualNetworks/target-net\"}}}}}}"
    );
    let rule_says = |verdict, own| {
        let rule =
            format!("add {{\"id\": \"{rules}/forwardingRules/own\", \"properties\": {own}}}");
        both_say(verdict, &format!("{link}\n{rule}"));
    };
    let server = r#"[{"ipAddress": "168.63.129.16"}]"#;
    rule_says("reachable", format!("{{\"domainName\": \"x.y.\", \"targetDnsServers\": {server}}}"));
    rule_says("undetermined", format!("{{\"domainName\": 5, \"targetDnsServers\": {server}}}"));
    let all = r#""domainName": "postgres.database.azure.com.", "targetDnsServers""#;
    rule_says("unreachable", format!("{{{all}: {server}}}"));
    rule_says("reachable", format!("{{{all}: {server}, \"forwardingRuleState\": \"Disabled\"}}"));
    rule_says("undetermined", format!("{{{all}: {server}, \"forwardingRuleState\": 7}}"));
    for value in ["null", "\"10.30.1.4\"", "[7]", "[{\"ipAddress\": \"::1\"}]"] {
        rule_says("undetermined", format!("{{{all}: {value}}}"));
    }
    for port in ["\"x\"", "-1", "65536", "5353"] {
        let value = format!("[{{\"ipAddress\": \"10.30.1.4\", \"port\": {port}}}]");
        rule_says("undetermined", format!("{{{all}: {value}}}"));
    }
}

#[test]
fn a_hub_of_which_a_part_is_not_told_may_lead_to_an_office() {
    const HOST: &str = "192.168.7.5";
    let hop = json!([{ "name": "office", "properties": { "addressPrefix": "192.168.0.0/16",
        "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.30.1.4" } }]);
    let led = format!(
        "set rg-target/providers/Microsoft.Network/routeTables/to-hub /properties/routes {hop}"
    );
    let rule = "set ruleCollectionGroups/network /properties/ruleCollections/0/rules/0";
    let both_say = |expected: &str, edit: &str| {
        let mut resources = support::fixture("hub-source");
        let allowed = format!("{rule}/destinationAddresses [\"192.168.0.0/16\"]");
        for edit in [&led, &allowed, edit] {
            support::edit(&mut resources, edit);
        }
        let loaded = load(vec![support::input("e.json", json!(resources))]);
        let mut question = support::question(&loaded.estate);
        question.source = Source::Host(HOST.to_owned());
        let report = check(&loaded.estate, &question);
        assert_eq!(json!(report.verdict), expected, "{edit}: {:?}", support::causes(&report));
        let world =
            World::of(loaded.estate.ids().filter_map(|id| Some((id, loaded.estate.body(id)?))));
        let answer = ask_host(&world, &question.copier_id(), HOST, question.port);
        assert_eq!(word(answer.verdict), expected, "{edit}");
    };
    let hub = "set virtualNetworks/hub /properties";
    both_say("unreachable", &format!("{hub}/subnets []"));
    for value in [
        "7",
        "null",
        "[null]",
        "[{}]",
        "[{\"name\": \"GatewaySubnet\"}]",
        "[{\"name\": \"RouteServerSubnet\"}]",
    ] {
        both_say("undetermined", &format!("{hub}/subnets {value}"));
    }
    for value in ["7", "null", "{\"addressPrefixes\": [null]}"] {
        both_say("undetermined", &format!("{hub}/addressSpace {value}"));
    }
}

/// A target behind a firewall of its network, whose one address the source lets in, and the gateway of a VPN beside it.
const BESIDE_A_GATEWAY: [&str; 12] = [
    r#"set firewallRules/office /properties {"startIpAddress":"20.50.60.70","endIpAddress":"20.50.60.70"}"#,
    "delete virtualNetworkRules/target",
    "set target-net/subnets/postgres /properties/serviceEndpoints []",
    r#"set target-net/subnets/postgres /properties/routeTable {"id":"$target/Microsoft.Network/routeTables/table"}"#,
    r#"add {"id":"$target/Microsoft.Network/routeTables/table","properties":{"routes":[{"name":"all","properties":{
        "addressPrefix":"0.0.0.0/0","nextHopType":"VirtualAppliance","nextHopIpAddress":"10.20.9.4"}}]}}"#,
    r#"add {"id":"$target/Microsoft.Network/virtualNetworks/target-net/subnets/AzureFirewallSubnet",
        "properties":{"addressPrefix":"10.20.9.0/26"}}"#,
    r#"add {"id":"$target/Microsoft.Network/publicIPAddresses/first","properties":{"ipAddress":"20.50.60.70"}}"#,
    r#"add {"id":"$target/Microsoft.Network/azureFirewalls/firewall","properties":{
        "ipConfigurations":[{"name":"first","properties":{"privateIPAddress":"10.20.9.4",
            "subnet":{"id":"$target/Microsoft.Network/virtualNetworks/target-net/subnets/AzureFirewallSubnet"},
            "publicIPAddress":{"id":"$target/Microsoft.Network/publicIPAddresses/first"}}}],
        "networkRuleCollections":[{"name":"own","properties":{"priority":100,"action":{"type":"Allow"},"rules":[
            {"name":"postgres","protocols":["TCP"],"sourceAddresses":["*"],"destinationAddresses":["*"],
             "destinationPorts":["5432"]}]}}]}}"#,
    r#"add {"id":"$target/Microsoft.Network/virtualNetworks/target-net/subnets/GatewaySubnet",
        "properties":{"addressPrefix":"10.20.8.0/27"}}"#,
    r#"add {"id":"$target/Microsoft.Network/virtualNetworkGateways/vpn","properties":{"gatewayType":"Vpn",
        "enableBgp":false,"ipConfigurations":[{"name":"one","properties":{"subnet":
            {"id":"$target/Microsoft.Network/virtualNetworks/target-net/subnets/GatewaySubnet"}}}]}}"#,
    r#"add {"id":"$target/Microsoft.Network/localNetworkGateways/office","properties":{
        "localNetworkAddressSpace":{"addressPrefixes":["192.168.0.0/16"]}}}"#,
    r#"add {"id":"$target/Microsoft.Network/connections/line","properties":{"connectionType":"IPsec",
        "enableBgp":false,"localNetworkGateway2":{"id":"$target/Microsoft.Network/localNetworkGateways/office"},
        "virtualNetworkGateway1":{"id":"$target/Microsoft.Network/virtualNetworkGateways/vpn"}}}"#,
];

#[test]
fn a_gateway_that_learns_nothing_takes_no_packets_of_a_firewall() {
    let beside_a_gateway = BESIDE_A_GATEWAY.map(|one| one.replace('\n', " ")).join("\n");
    both_say_of("public-source", "reachable", &beside_a_gateway);
    for edit in [
        "set virtualNetworkGateways/vpn /properties/enableBgp null",
        "set connections/line /properties/enableBgp true",
        "set connections/line /properties/virtualNetworkGateway1 null",
        "delete localNetworkGateways/office",
        "delete virtualNetworkGateways/vpn",
    ] {
        both_say_of("public-source", "undetermined", &format!("{beside_a_gateway}\n{edit}"));
    }
    let space =
        "set localNetworkGateways/office /properties/localNetworkAddressSpace/addressPrefixes";
    let site = r#"{"id":"$target/Microsoft.Network/localNetworkGateways/office"}"#;
    for edit in [
        &format!("{space} [\"0.0.0.0/0\"]"),
        &format!("{space} [\"x\"]"),
        &format!("set virtualNetworkGateways/vpn /properties/gatewayDefaultSite {site}"),
        "delete connections/line",
    ] {
        let mut resources = support::fixture("public-source");
        let edits = BESIDE_A_GATEWAY.into_iter().chain([edit]);
        edits.for_each(|edit| support::edit(&mut resources, edit));
        let loaded = load(vec![support::input("e.json", json!(resources))]);
        let question = support::question(&loaded.estate);
        let verdict = answer(&loaded.estate, &question).verdict;
        assert_eq!(verdict, Verdict::Undetermined, "{edit}");
    }
}
