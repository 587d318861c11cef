//! The way past a firewall that lets packets pass: as what they arrive, and how answers come back.

use flexway_core::diagnose;
use flexway_core::second::Verdict::{self, Reachable, Undetermined, Unreachable};
use serde_json::{Value, json};

use super::{
    FIREWALL, NET, SOURCE, TARGET, all_say, asked, by_policy, classic, filter, half, policy, put,
    rule, rule_of, set_rules, table,
};
use crate::second::answer;
use crate::support;

#[test]
fn a_firewall_keeps_or_gives_addresses() {
    let allow = json!([filter("a", 100, "Allow", &[rule("*", "*")])]);
    let with = |snat: Value, edits: &str| {
        let own = policy("own", &[(100, allow.clone())], json!({ "snat": snat }));
        format!("{}\n{own}\n{edits}", by_policy("own"))
    };
    let based = |own: Value, base: Value| {
        let id = json!({ "id": format!("{NET}/firewallPolicies/base") });
        let own = policy("own", &[(100, allow.clone())], json!({ "snat": own, "basePolicy": id }));
        format!("{}\n{own}\n{}", by_policy("own"), policy("base", &[], json!({ "snat": base })))
    };
    let always = || json!({ "privateRanges": ["255.255.255.255/32"] });
    let no_way_back = "set source-net/subnets/postgres /properties/routeTable null";
    let to_firewall = format!(
        "add {}\nset source-net/subnets/postgres /properties/routeTable {}",
        json!({ "id": format!("{SOURCE}/routeTables/all"),
            "properties": table("10.0.0.0/8", "VirtualAppliance", Some("10.30.1.4")) }),
        json!({ "id": format!("{SOURCE}/routeTables/all") }),
    );
    let lets = |from: &str| {
        let rule = |name: &str, priority: u64, access: &str, from: &str| {
            json!({ "name": name, "properties": { "priority": priority, "direction": "Inbound",
                "access": access, "protocol": "*", "sourceAddressPrefix": from,
                "sourcePortRange": "*", "destinationAddressPrefix": "*",
                "destinationPortRange": "*" } })
        };
        let rules = json!([rule("a", 100, "Allow", from), rule("d", 200, "Deny", "*")]);
        format!("set source-nsg /properties/securityRules {rules}")
    };
    let off = "set source-net/virtualNetworkPeerings/to-hub /properties/allowForwardedTraffic false
set hub/virtualNetworkPeerings/to-source-net /properties/allowForwardedTraffic false";
    let told = |title, verdict, edits: String| (title, verdict, edits);
    all_say(&[
        told("kept", Reachable, with(Value::Null, &lets("10.20.1.0/28"))),
        told("kept, as nobody allows", Unreachable, with(Value::Null, &lets("10.30.1.0/26"))),
        told(
            "by Azure's word",
            Reachable,
            with(json!({ "privateRanges": ["IANAPrivateRanges"] }), &lets("10.20.1.0/28")),
        ),
        told("given", Reachable, with(always(), no_way_back)),
        told(
            "given, and the peerings take none",
            Reachable,
            with(always(), &format!("{no_way_back}\n{off}")),
        ),
        told("given, as nobody allows", Unreachable, with(always(), &lets("10.20.1.0/28"))),
        told("given, as is allowed", Reachable, with(always(), &lets("10.30.1.0/26"))),
        told("given, as is allowed in part", Undetermined, with(always(), &lets("10.30.1.0/27"))),
        told("given, and answers go by a shorter route", Reachable, with(always(), &to_firewall)),
        told(
            "given, and the range is another one",
            Reachable,
            with(json!({ "privateRanges": ["10.10.0.0/17"] }), ""),
        ),
        told(
            "learned",
            Undetermined,
            with(
                json!({ "privateRanges": ["10.20.0.0/16"], "autoLearnPrivateRanges": "Enabled" }),
                "",
            ),
        ),
        told(
            "not learned",
            Reachable,
            with(
                json!({ "privateRanges": ["10.20.0.0/16"], "autoLearnPrivateRanges": "Disabled" }),
                "",
            ),
        ),
        told("what cannot be read", Undetermined, with(json!({ "privateRanges": ["some"] }), "")),
        told("not told", Reachable, with(json!({}), "")),
        told("a base", Reachable, based(Value::Null, Value::Null)),
        told("a base that tells", Undetermined, based(Value::Null, always())),
        told("a policy with a base", Undetermined, based(always(), Value::Null)),
        told(
            "classic",
            Undetermined,
            format!(
                "set {FIREWALL}/additionalProperties {}",
                json!({ "Network.SNAT.PrivateRanges": "10.0.0.0/8" })
            ),
        ),
    ]);
}

#[test]
fn peerings_take_what_a_firewall_forwards() {
    let set = |half: &str, to: &str| format!("set {half} /properties/allowForwardedTraffic {to}");
    let source = "source-net/virtualNetworkPeerings/to-hub";
    let target = "target-net/virtualNetworkPeerings/to-hub";
    let [to_source, to_target] =
        ["source", "target"].map(|name| format!("hub/virtualNetworkPeerings/to-{name}-net"));
    let both = |one: &str, other: &str| format!("{}\n{}", set(one, "false"), set(other, "false"));
    let told = |title, verdict, edits: String| (title, verdict, edits);
    all_say(&[
        told("the hub's alone", Reachable, both(&to_source, &to_target)),
        told("the receiver's alone", Unreachable, set(source, "false")),
        told("that of answers alone", Unreachable, set(target, "false")),
        told("both of the receiver", Unreachable, both(source, &to_source)),
        told("both of the sender", Unreachable, both(target, &to_target)),
        told("not told", Undetermined, set(source, "null")),
        told("no peering with the receiver", Unreachable, format!("delete {source}")),
        told("none with the sender", Unreachable, format!("delete {to_target}")),
    ]);
    let off = asked(&both(source, &to_source));
    let names: Vec<_> = off.0.blockers.iter().filter_map(|one| one.name.as_deref()).collect();
    assert_eq!(names, ["allowForwardedTraffic"]);
}

#[test]
fn answers_come_back_the_same_way() {
    let peer = |group: &str, name: &str, other: &str, space: &str| {
        let id = format!("{group}/virtualNetworks/{name}/virtualNetworkPeerings/direct");
        format!("add {}", json!({ "id": id, "properties": half(other, space) }))
    };
    let joined = [
        peer(TARGET, "target-net", &format!("{SOURCE}/virtualNetworks/source-net"), "10.10.0.0/16"),
        peer(SOURCE, "source-net", &format!("{TARGET}/virtualNetworks/target-net"), "10.20.0.0/16"),
    ]
    .join("\n");
    let without = |name: &str| format!("set {name}/subnets/postgres /properties/routeTable null");
    let route = |field: &str, value: &str| {
        format!("set source-net-table /properties/routes/0/properties/{field} \"{value}\"")
    };
    let seat = |hop: &str, prefix: &str| {
        let id = format!("{NET}/routeTables/seat");
        let body = json!({ "id": id, "properties": table(prefix, hop, Some("10.30.1.4")) });
        let refer = json!({ "id": id });
        format!("add {body}\nset hub/subnets/AzureFirewallSubnet /properties/routeTable {refer}")
    };
    let second = |address: &str| {
        let place = json!({ "name": "ip", "properties": { "privateIPAddress": address,
            "subnet": { "id": format!("{SOURCE}/virtualNetworks/source-net/subnets/AzureFirewallSubnet") } } });
        let id = format!("{SOURCE}/virtualNetworks/source-net/subnets/AzureFirewallSubnet");
        let subnet = json!({ "id": id, "properties": { "addressPrefix": "10.10.9.0/26" } });
        let id = format!("{SOURCE}/azureFirewalls/second");
        let firewall = json!({ "id": id, "properties": { "ipConfigurations": [place] } });
        format!("add {subnet}\nadd {firewall}")
    };
    let machines = json!({ "properties": { "addressPrefix": "10.10.8.0/24" },
        "id": format!("{SOURCE}/virtualNetworks/source-net/subnets/machines") });
    let machine = format!("add {machines}\n{}", route("nextHopIpAddress", "10.10.8.4"));
    let asymmetric = |edits: &str| {
        let answer = asked(edits);
        assert_eq!(answer.0.verdict, Unreachable, "{edits}: {answer:#?}");
        let mut stages = answer.0.blockers.iter().map(|one| one.stage);
        assert!(stages.any(|one| one == "return"), "{edits}: {answer:#?}");
    };
    asymmetric(&without("source-net"));
    asymmetric(&format!("{joined}\n{}", without("source-net")));
    asymmetric(&format!("{joined}\n{}", without("target-net")));
    asymmetric(&format!("{joined}\n{}\n{}", without("target-net"), set_rules(Value::Null)));
    asymmetric(&route("nextHopType", "None"));
    let other = format!("{}\n{}", second("10.10.9.4"), route("nextHopIpAddress", "10.10.9.4"));
    asymmetric(&other);
    asymmetric(&seat("None", "10.20.0.0/16"));
    let told = |title, verdict, edits: String| (title, verdict, edits);
    all_say(&[
        told(
            "past it both ways",
            Reachable,
            format!("{joined}\n{}\n{}", without("target-net"), without("source-net")),
        ),
        told(
            "by a shorter route",
            Reachable,
            route("addressPrefix", "0.0.0.0/0").replace("0.0.0.0/0", "10.0.0.0/8"),
        ),
        told("by some machine", Undetermined, machine.clone()),
        told("the firewall's own route out", Reachable, seat("Internet", "0.0.0.0/0")),
        told(
            "the firewall's own route to itself",
            Undetermined,
            seat("VirtualAppliance", "10.10.0.0/16"),
        ),
        told("the firewall's own route to nowhere", Unreachable, seat("None", "10.10.0.0/16")),
        // A half that was not captured may have a longer route than that for all private addresses.
        told("past it, or by it", Undetermined, {
            let wide = "set target-net-table /properties/routes/0/properties/addressPrefix";
            format!(
                "{joined}\ndelete target-net/virtualNetworkPeerings/direct\n{wide} \"10.0.0.0/8\""
            )
        }),
        // Rules that deny are as sure where the way back is not known.
        told("denied", Unreachable, format!("{machine}\n{}", set_rules(json!([])))),
    ]);
}

#[test]
fn rules_decide_on_the_way_to_the_public_door() {
    let seat = format!("{TARGET}/virtualNetworks/target-net/subnets/AzureFirewallSubnet");
    let public = format!("{TARGET}/publicIPAddresses/first");
    let place = json!({ "name": "first", "properties": { "privateIPAddress": "10.20.9.4",
        "subnet": { "id": seat }, "publicIPAddress": { "id": public } } });
    let says = |title: &str, expected: Verdict, rules: Value| {
        let mut all = support::fixture("public-source");
        for edit in [
            "set firewallRules/office /properties {\"startIpAddress\":\"20.50.60.70\",\"endIpAddress\":\"20.50.60.70\"}",
            "delete virtualNetworkRules/target",
            "set target-net/subnets/postgres /properties/serviceEndpoints []",
        ] {
            support::edit(&mut all, edit);
        }
        put(&mut all, &seat, json!({ "addressPrefix": "10.20.9.0/26" }));
        put(&mut all, &public, json!({ "ipAddress": "20.50.60.70" }));
        let firewall = json!({ "ipConfigurations": [place], "networkRuleCollections": rules });
        put(&mut all, &format!("{TARGET}/azureFirewalls/firewall"), firewall);
        let routes = format!("{TARGET}/routeTables/table");
        put(&mut all, &routes, table("0.0.0.0/0", "VirtualAppliance", Some("10.20.9.4")));
        let refer = json!({ "id": routes });
        support::edit(
            &mut all,
            &format!("set target-net/subnets/postgres /properties/routeTable {refer}"),
        );
        let estate = super::estate(&all);
        let answer = answer(&estate, &support::question(&estate));
        assert_eq!(answer.verdict, expected, "{title}: {answer:#?}");
        let checked = diagnose::verdict(&estate, &support::question(&estate));
        assert_eq!(format!("{checked:?}"), format!("{expected:?}"), "{title}");
    };
    let to = |word: &str| json!([classic("a", 200, "Allow", &[rule("*", word)])]);
    says("not known", Undetermined, Value::Null);
    says("everywhere", Reachable, to("*"));
    says("everywhere, as a prefix", Reachable, to("0.0.0.0/0"));
    says("private addresses", Unreachable, to("10.0.0.0/8"));
    says("some addresses", Undetermined, to("40.0.0.0/8"));
    says("the service", Reachable, to("Sql"));
    says("the service in the source's region", Reachable, to("Sql.WestEurope"));
    says("the service elsewhere", Unreachable, to("Sql.NorthEurope"));
    says("all of Azure", Reachable, to("AzureCloud"));
    says("another service", Undetermined, to("Storage"));
    says("nowhere", Unreachable, json!([]));
}

/// What is not as it should be, or leads on.
#[test]
fn a_firewall_may_do_something_else() {
    let set = |field: &str, value: Value| format!("set {FIREWALL}/{field} {value}");
    let second = json!([{ "name": "ip", "properties":
        { "privateIPAddress": "10.30.2.4", "subnet": { "id": format!("{NET}/virtualNetworks/hub/subnets/second") } } }]);
    let chained = [
        format!(
            "add {}",
            json!({ "id": format!("{NET}/virtualNetworks/hub/subnets/second"), "properties": { "addressPrefix": "10.30.2.0/26" } })
        ),
        format!(
            "add {}",
            json!({ "id": format!("{NET}/azureFirewalls/second"), "properties": { "ipConfigurations": second } })
        ),
        format!(
            "add {}",
            json!({ "id": format!("{NET}/routeTables/on"), "properties": table("10.10.0.0/16", "VirtualAppliance", Some("10.30.2.4")) })
        ),
        format!(
            "set {} /properties/routeTable {}",
            "hub/subnets/AzureFirewallSubnet",
            json!({ "id": format!("{NET}/routeTables/on") })
        ),
        format!(
            "set routeTables/source-net-table /properties {}",
            table("10.20.0.0/16", "VirtualAppliance", Some("10.30.2.4"))
        ),
    ];
    all_say(&[
        ("failed", Undetermined, set("provisioningState", json!("Failed"))),
        ("updating", Reachable, set("provisioningState", json!("Updating"))),
        ("another one behind it", Undetermined, chained.join("\n")),
    ]);
}

#[test]
fn questions_to_a_dns_server_behind_the_firewall_are_left_open() {
    let subnet = format!("{SOURCE}/virtualNetworks/source-net/subnets/names");
    let id = format!("{SOURCE}/dnsResolvers/resolver/inboundEndpoints/in");
    let place = json!({ "subnet": { "id": subnet }, "privateIpAddress": "10.10.8.4" });
    let lines = [
        json!({ "id": subnet, "properties": { "addressPrefix": "10.10.8.0/24" } }),
        json!({ "id": id, "properties": { "ipConfigurations": [place] } }),
    ]
    .map(|body| format!("add {body}"));
    let ask = "set virtualNetworks/target-net /properties/dhcpOptions/dnsServers [\"10.10.8.4\"]";
    let with = |rules: &[Value]| {
        let passed = [rule("*", "*")].iter().chain(rules).cloned().collect::<Vec<_>>();
        let rules = set_rules(json!([classic("let", 200, "Allow", &passed)]));
        format!("{}\n{ask}\n{rules}", lines.join("\n"))
    };
    let of = |protocol: &str| [rule_of(&[protocol], "*", "*", &["53"])];
    all_say(&[
        ("no rule", Undetermined, with(&[])),
        ("a rule for UDP", Undetermined, with(&of("UDP"))),
        ("a rule for TCP", Undetermined, with(&of("TCP"))),
    ]);
}
