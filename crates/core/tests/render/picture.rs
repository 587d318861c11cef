//! Pictures of every page's examples: well-formed, told in words too, red only where something is dropped.

use flexway_core::diagnose::{Copier, Question, Report, Source};
use flexway_core::trace::step::{Outcome, Stage, Step};
use serde_json::json;

use crate::cases::{CASES, Case, case};
use crate::support;

/// An element's name, and its attributes.
type Element<'x> = (&'x str, Vec<(&'x str, &'x str)>);

/// Reads XML strictly enough for our own: elements pair, attributes are quoted and unique, entities
/// are known. Returns each element's name with its attributes, and each text with the name of its
/// element.
fn read<'x>(name: &str, xml: &'x str) -> (Vec<Element<'x>>, Vec<(&'x str, String)>) {
    let (mut open, mut elements, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        let inside = open.last().copied().unwrap_or("");
        if !text.trim().is_empty() {
            assert!(!text.contains('>') || inside == "style", "{name}: a stray sign: {text}");
            texts.push((inside, unescaped(name, text)));
        }
        let end = start + rest[start..].find('>').unwrap_or_else(|| panic!("{name}: no end"));
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{name}");
            continue;
        }
        let inner = tag.strip_suffix('/').unwrap_or(tag);
        let (kind, attributes) = inner.split_once(' ').unwrap_or((inner, ""));
        elements.push((kind, attributes_of(name, attributes)));
        if !tag.ends_with('/') {
            open.push(kind);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{name}: left open: {open:?}");
    (elements, texts)
}

fn attributes_of<'x>(name: &str, text: &'x str) -> Vec<(&'x str, &'x str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, tail) = rest.split_once("=\"").unwrap_or_else(|| panic!("{name}: {text}"));
        let (value, tail) = tail.split_once('"').unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(found.iter().all(|(other, _)| *other != key), "{name}: {key} twice");
        unescaped(name, value);
        found.push((key, value));
        rest = tail.trim_start();
    }
    found
}

fn unescaped(name: &str, text: &str) -> String {
    let known = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
    for (at, _) in text.match_indices('&') {
        assert!(known.iter().any(|(word, _)| text[at..].starts_with(word)), "{name}: {text}");
    }
    known.iter().fold(text.to_owned(), |text, (word, sign)| text.replace(word, sign))
}

/// Without what wrapping and marking names changes.
fn dense(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != '`').collect()
}

#[test]
fn pictures_are_well_formed_and_told_in_words() {
    for Case { name, report, plan, svg } in &*CASES {
        let (elements, texts) = read(name, svg);
        let (first, attributes) = &elements[0];
        let has = |key: &str, value: &str| attributes.contains(&(key, value));
        assert!(*first == "svg" && has("role", "img"), "{name}");
        assert!(has("aria-labelledby", "flexway-title flexway-description"), "{name}");
        assert_eq!((elements[1].0, elements[2].0), ("title", "desc"), "{name}");
        let forbidden = ["script", "foreignObject", "image", "a"];
        assert!(elements.iter().all(|(kind, _)| !forbidden.contains(kind)), "{name}");
        assert!(!svg.contains("href") && !svg.contains("url("), "{name}: it loads nothing");
        let description = dense(&texts.iter().find(|(kind, _)| *kind == "desc").expect("words").1);
        let shown: String = texts
            .iter()
            .filter(|(kind, _)| ["text", "tspan"].contains(kind))
            .map(|(_, text)| dense(text))
            .collect();
        for cause in report.causes() {
            assert!(description.contains(&dense(&cause.message)), "{name}: {}", cause.message);
            assert!(shown.contains(&dense(&cause.message)), "{name}: {}", cause.message);
        }
        for step in report.steps() {
            assert!(description.contains(&dense(&step.detail)), "{name}: {}", step.detail);
        }
        for change in &plan.changes {
            assert!(description.contains(&dense(&change.title)), "{name}: {}", change.title);
            assert!(shown.contains(&dense(&change.title)), "{name}: {}", change.title);
        }
        for line in plan.breaks() {
            assert!(description.contains(&dense(&line)), "{name}: {line}");
            assert!(shown.contains(&dense(&line)), "{name}: {line}");
        }
        if let Some(refusal) = plan.refusal.as_ref().filter(|_| report.causes().next().is_some()) {
            assert!(description.contains(&dense(&refusal.why)), "{name}: {refusal}");
            assert!(shown.contains(&dense(&refusal.why)), "{name}: {refusal}");
        }
    }
}

/// A repair that stops what works is not drawn as if it cost nothing.
#[test]
fn what_a_repair_breaks_stands_on_a_card_of_its_own() {
    let breaking: Vec<&Case> = CASES.iter().filter(|case| !case.plan.breaks().is_empty()).collect();
    assert!(!breaking.is_empty(), "examples of it");
    for case in breaking {
        let repaired = case.svg.split("tried on a copy").nth(1).expect("the repaired way");
        let card = repaired.split("<title>Breaks what works:").nth(1).expect("a card");
        assert!(
            card.split("</g>").next().is_some_and(|card| card.contains("card-doubt")),
            "{}",
            case.name
        );
    }
}

/// Gates that drop something: what one firewall does with several senders is one of them.
fn closed_gates(report: &Report) -> usize {
    let is_firewall = |step: &Step| {
        let id = step.resource.as_ref();
        id.is_some_and(|id| id.is_type("microsoft.network/azurefirewalls"))
    };
    let is_one = |one: &Step, other: &Step| {
        is_firewall(one) && (one.stage, &one.resource) == (other.stage, &other.resource)
    };
    let sides = report.flows.iter().flat_map(|flow| [&flow.forward, &flow.back]);
    let gates = sides.flat_map(|side| side.chunk_by(is_one));
    gates.filter(|gate| gate.iter().any(|step| step.shown() == Outcome::Drop)).count()
}

#[test]
fn red_stands_where_something_is_dropped_and_nowhere_else() {
    for Case { name, report, plan, svg } in &*CASES {
        let (shown, legend) = svg.split_once("<title>what the signs mean").expect("a legend");
        assert!(legend.contains("dot-part") && legend.contains("way-shut"), "{name}");
        let classes = shown.split(" class=\"").skip(1);
        let classes: Vec<&str> = classes.filter_map(|rest| rest.split('"').next()).collect();
        let is_red = |class: &&&str| class.contains("bad") || class.contains("follows");
        let steps = || report.steps();
        let drops = closed_gates(report);
        let signs = ["dot-bad", "dot-part", "dot-follows"];
        let crosses = classes.iter().filter(|class| signs.contains(class));
        let again = plan.rest().is_some();
        let count = crosses.count();
        assert!(
            count == drops || again && count > drops,
            "{name}: a cross for each drop: {count} of {drops}"
        );
        assert_eq!(classes.iter().any(|class| is_red(&class)), drops > 0, "{name}");
        let unknown = steps().filter(|step| step.shown() == Outcome::Unknown).count();
        // What a plan leaves open is drawn on the repaired way, too.
        let doubts = classes.iter().filter(|class| **class == "dot-doubt").count();
        assert!(doubts >= unknown && (doubts == unknown || plan.rest().is_some()), "{name}");
        let is_repaired = classes.contains(&"way-good");
        assert_eq!(is_repaired, !plan.changes.is_empty(), "{name}: the repaired path is drawn");
        let opened = classes.iter().filter(|class| **class == "dot-changed").count();
        let is_open = opened > 0 || plan.rest().is_some() && doubts > 0;
        assert!(is_open || plan.changes.is_empty(), "{name}: an opened gate");
        for number in 1..=plan.changes.len() {
            let is_badge = |class: &&&str| {
                **class == "badge-good" || plan.rest().is_some() && **class == "badge-doubt"
            };
            let badges = classes.iter().filter(is_badge).count();
            assert!(badges >= 2 * number, "{name}: each change has a badge at its gate and below");
        }
    }
}

#[test]
fn a_join_that_a_cause_stands_at_is_not_drawn_as_open() {
    let is_it = |case: &&Case| case.report.causes().any(|one| one.fault == "peering/access-off");
    let blamed: Vec<&Case> = CASES.iter().filter(is_it).collect();
    assert!(blamed.len() > 3, "examples of it");
    for Case { name, report, .. } in blamed {
        let mut joins = report.forward().filter(|step| step.stage == Stage::Hop);
        assert!(joins.any(|step| step.shown() != Outcome::Pass), "{name}");
    }
}

#[test]
fn every_colour_is_told_for_viewers_without_variables() {
    let Case { name, svg, .. } = &CASES[0];
    let style = svg.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
    let style = style.expect("a style");
    let parts = style.split_once("@media (prefers-color-scheme:dark)");
    let (light, dark) = parts.unwrap_or_else(|| panic!("{name}: no dark colours"));
    assert!(!style.contains("var(") && !style.contains('$'), "{name}: {style}");
    assert_eq!(light.matches(":#").count(), dark.matches(":#").count(), "{name}: {style}");
    assert!(light.contains(".bg{fill:#ffffff}") && dark.contains(".bg{fill:#0d1117}"), "{style}");
}

#[test]
fn odd_names_and_places_outside_are_drawn() {
    let mut resources = support::fixture("private-source");
    support::edit(
        &mut resources,
        "delete privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link",
    );
    let text = serde_json::to_string(&resources).expect("JSON");
    let text =
        text.replace("target-net", "a&b<c>'d' 日本語 and-a-name-that-is-much-longer-than-any-box");
    let resources: Vec<serde_json::Value> = serde_json::from_str(&text).expect("JSON");
    let estate = support::estate(&resources);
    let question = support::question(&estate);
    read("odd names", &case("odd names".to_owned(), &estate, &question).svg);
    let others = [
        Question { copier: Copier::Relay, ..question.clone() },
        Question { copier: Copier::Runtime(question.target.clone()), ..question.clone() },
        Question { source: Source::Host("db.example.com".to_owned()), ..question },
    ];
    for question in others {
        let drawn = case(format!("{question:?}"), &estate, &question);
        read(&drawn.name, &drawn.svg);
    }
}

/// A machine beyond a gateway has no front door: its box says where it is.
#[test]
fn a_place_beyond_a_gateway_is_named() {
    let boxes = |case: &Case| -> String {
        let (_, texts) = read(&case.name, &case.svg);
        texts.iter().map(|(_, text)| dense(text)).collect()
    };
    let is_private = |case: &&Case| match &case.report.question.source {
        Source::Host(host) => host.starts_with("192.168."),
        Source::Server(_) => false,
    };
    let (mut beyond, mut unknown) = (0, 0);
    for case in CASES.iter().filter(is_private) {
        let words = boxes(case);
        assert!(!words.contains("publicfrontdoor"), "{}", case.name);
        beyond += usize::from(words.contains("beyondgatewaygateway"));
        unknown += usize::from(words.contains("outsideeverynetworkthatwasobserved"));
    }
    assert!(beyond > 5 && unknown > 0, "{beyond} beyond a gateway, {unknown} nowhere");
}

#[test]
fn a_firewall_between_two_networks_stands_in_its_own() {
    let is_through = |case: &&Case| {
        let mut steps = case.report.forward().filter(|step| step.stage == Stage::Hop);
        steps.any(|step| step.detail.starts_with("Azure Firewall `firewall` "))
    };
    let mut drawn = 0;
    for case in CASES.iter().filter(is_through) {
        let (_, texts) = read(&case.name, &case.svg);
        let is_box = |(_, text): &(&str, String)| dense(text).contains("networkhub10.30.0.0/16");
        assert!(texts.iter().any(is_box), "{}", case.name);
        drawn += 1;
    }
    assert!(drawn > 10, "{drawn} ways through a hub");
}

/// The way to the source is open, the one to the target is closed: title, cause and repair stand at that one.
#[test]
fn a_runtime_server_is_shown_with_the_way_that_is_closed() {
    let subnet = "$target/Microsoft.Network/virtualNetworks/target-net/subnets/runner";
    let mut resources = support::fixture("private-source");
    for body in [
        json!({ "id": subnet, "properties": { "addressPrefix": "10.20.3.0/28" } }),
        json!({ "id": "$target/Microsoft.DBforPostgreSQL/flexibleServers/runner", "name": "runner",
            "properties": { "state": "Ready",
                "fullyQualifiedDomainName": "runner.postgres.database.azure.com",
                "network": { "delegatedSubnetResourceId": subnet } } }),
    ] {
        support::edit(&mut resources, &format!("add {body}"));
    }
    let rule = json!([{ "name": "deny", "properties": { "priority": 200, "direction": "Inbound",
        "access": "Deny", "protocol": "*", "sourceAddressPrefix": "10.20.3.0/28",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*" } }]);
    let line = format!("set networkSecurityGroups/target-nsg /properties/securityRules {rule}");
    support::edit(&mut resources, &line);
    let estate = support::estate(&resources);
    let runner = estate.find_server("runner").expect("a runtime server");
    let question = Question { copier: Copier::Runtime(runner), ..support::question(&estate) };
    let drawn = case("runtime".to_owned(), &estate, &question);
    let (_, texts) = read("runtime", &drawn.svg);
    let all: String = texts.iter().map(|(_, text)| dense(text)).collect();
    assert!(all.contains("runnercannotreachnew-db."), "{all}");
    // The way to the source stays as it is and is drawn once; that to the target is drawn as it is, and beside it as it will be.
    let ways: Vec<&str> = drawn.svg.split("<title>copier runner").collect();
    let is_changed = |way: &&str| way.contains("\"dot-changed\"");
    assert_eq!(ways.iter().map(is_changed).collect::<Vec<_>>(), [false, false, false, true]);
    assert!(all.contains("unchanged"), "{all}");
}
