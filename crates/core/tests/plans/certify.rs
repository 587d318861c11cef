//! The independent checker confirms the plans of every page of docs/checks, and refuses plans that
//! were tampered with.

mod changes;
mod refusals;
mod words;

use std::sync::LazyLock;

use flexway_core::checks::ALL;
use flexway_core::estate::Estate;
use flexway_core::id::ResourceId;
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::second::{Bounds, Certified, State, Unreadable, World, certify};
use serde_json::{Value, json};

use crate::support;

/// Examples of which the checker cannot tell everything, by title, with the checks that it leaves
/// open.
const OPEN: &[(&str, &[&str])] = &[
    // A subnet that was not captured may hold the address.
    (
        "The copier's network claims the address, and no subnet of it holds it",
        &["facts", "refusal"],
    ),
    // Refused without a change to try, though gates of that sort can be opened elsewhere.
    ("The first group of the policy denies, and no number is left before it", &["refusal"]),
    ("The copier's network claims the office's addresses too", &["refusal"]),
    ("The firewall of a hub gets the packets, and the hub has no gateway", &["refusal"]),
    ("The balancer stands in another region", &["refusal"]),
    (
        "The source's network was not captured: a rule that denies everything stands for itself",
        &["refusal"],
    ),
    (
        "A machine is dialled by its public address, and its rules let nobody of the internet in",
        &["refusal"],
    ),
    ("The same from a target with public access", &["refusal"]),
];

fn world(estate: &Estate) -> World {
    World::of(estate.ids().filter_map(|id| Some((id, estate.body(id)?))))
}

fn certified(estate: &Estate, plan: &Value) -> Certified {
    let world = world(estate);
    certify(&world, plan, Bounds::of(&world)).expect("a plan")
}

fn named(certified: &Certified, wanted: State) -> Vec<&str> {
    let checks = certified.checks.iter().filter(|check| check.state == wanted);
    checks.map(|check| check.name).collect()
}

/// An example with the plan for it.
struct Planned {
    title: String,
    resources: Vec<Value>,
    plan: Value,
}

/// All examples, planned once: in a build without optimisation that takes most of the time.
static ALL_PLANNED: LazyLock<Vec<Planned>> = LazyLock::new(|| {
    let (even, odd): (Vec<_>, Vec<_>) = (0..ALL.len()).partition(|index| index % 2 == 0);
    let run = |part: Vec<usize>| -> Vec<Planned> {
        part.into_iter().flat_map(|index| support::examples(ALL[index].page)).map(planned).collect()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| run(odd));
        let mut all = run(even);
        all.extend(other.join().expect("no panic"));
        all
    })
});

fn planned(example: support::Example) -> Planned {
    let estate = support::estate(&example.resources);
    let plan = plan::plan(&estate, &example.question(&estate), &Policy::default()).to_json();
    Planned { title: example.title, resources: example.resources, plan }
}

#[test]
fn plans_of_every_page_hold_where_the_checker_can_tell() {
    let judged = ALL_PLANNED
        .iter()
        .map(|one| (one.title.clone(), certified(&support::estate(&one.resources), &one.plan)));
    let found: Vec<(String, Certified)> =
        judged.filter(|(_, certified)| certified.holds() != Some(true)).collect();
    let wrong = found.iter().filter(|(_, one)| !named(one, State::Fails).is_empty());
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let open: Vec<(&str, Vec<&str>)> = found
        .iter()
        .map(|(title, certified)| (title.as_str(), named(certified, State::CouldNotTell)))
        .collect();
    let known: Vec<_> = OPEN.iter().map(|(title, checks)| (*title, checks.to_vec())).collect();
    let new: Vec<_> = open.iter().filter(|one| !known.contains(one)).collect();
    assert!(new.is_empty(), "the checker cannot tell: {new:#?}");
    let held: Vec<_> = known.iter().filter(|one| !open.contains(one)).collect();
    assert!(held.is_empty(), "the checker can tell now: {held:#?}");
}

#[test]
fn what_is_not_known_is_said_in_plain_words() {
    for (title, _) in OPEN {
        let (estate, plan) = example(title);
        for check in certified(&estate, &plan).checks {
            let doubled = [" at of ", " in of ", " of of ", " from of ", ", of "];
            let is_plain = doubled.iter().all(|one| !check.detail.contains(one));
            assert!(is_plain, "{title}: {}", check.detail);
        }
    }
}

/// An example by its title, with the plan for it.
fn example(title: &str) -> (Estate, Value) {
    let one = ALL_PLANNED.iter().find(|one| one.title == title).expect("an example of that title");
    (support::estate(&one.resources), one.plan.clone())
}

/// An example with the plan that is left where kinds of changes are forbidden.
fn planned_without(title: &str, kinds: &[&str]) -> (Estate, Value) {
    let (estate, _) = example(title);
    let forbidden = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let policy = Policy { forbidden, ignores_locks: false };
    let plan = plan::plan(&estate, &support::question(&estate), &policy).to_json();
    (estate, plan)
}

fn fails(estate: &Estate, plan: &Value, name: &str) {
    let certified = certified(estate, plan);
    assert!(named(&certified, State::Fails).contains(&name), "{name}: {certified:#?}");
    assert_eq!(certified.holds(), Some(false));
}

/// Titles of examples whose plans have several changes of different kinds.
const LONG: [&str; 5] = [
    "No zone at all",
    "The record is in a zone of another name, attached to nothing",
    "The source denies public access and has no endpoint",
    "Neither the rule nor the service endpoint is there",
    "The rule has the lowest number there is: it moves back",
];

#[test]
fn a_plan_that_lacks_a_change_does_not_suffice() {
    for title in LONG {
        let (estate, plan) = example(title);
        assert_eq!(certified(&estate, &plan).holds(), Some(true), "{title}");
        let count = plan["changes"].as_array().expect("changes").len();
        assert!(count > 1, "{title}");
        for index in 0..count {
            let mut shorter = plan.clone();
            shorter["changes"].as_array_mut().expect("changes").remove(index);
            fails(&estate, &shorter, "sufficiency");
        }
    }
}

#[test]
fn a_superfluous_change_is_found() {
    for title in LONG {
        let (estate, mut plan) = example(title);
        let zone = format!(
            "{}/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/example.org",
            support::SUBSCRIPTION
        );
        let more = json!({ "kind": "create-zone", "resource": zone, "title": "create a zone",
            "request": { "method": "PUT", "path": format!("{zone}?api-version=2024-06-01"),
                "body": { "location": "global" } } });
        plan["changes"].as_array_mut().expect("changes").push(more);
        fails(&estate, &plan, "irredundance");
    }
}

#[test]
fn a_dearer_repair_is_not_optimal() {
    for (title, kind) in [
        ("The source has public access too, and lets nobody in there", "link-zone"),
        ("The rule is not there", "add-vnet-rule"),
    ] {
        let (estate, cheap) = example(title);
        let forbidden = vec![kind.to_owned()];
        let policy = Policy { forbidden, ignores_locks: false };
        let mut dear = plan::plan(&estate, &support::question(&estate), &policy).to_json();
        assert_ne!(cheap["certificate"]["cost"], dear["certificate"]["cost"], "{title}");
        let allowed = certified(&estate, &dear);
        assert_eq!(allowed.holds(), Some(true), "{title}: nothing allowed is cheaper");
        let words = format!("without {kind}: ");
        assert!(allowed.checks.iter().any(|one| one.detail.starts_with(&words)), "{allowed:#?}");
        // Whether the plan lists the cheaper change, or whoever made it left that out.
        dear["forbidden"] = json!([]);
        fails(&estate, &dear, "optimality");
        dear["certificate"]["closed"] = json!([]);
        fails(&estate, &dear, "optimality");
        let own = dear["changes"].clone();
        let catalogue = dear["certificate"]["catalogue"].as_array_mut().expect("a catalogue");
        catalogue.retain(|one| {
            own.as_array().is_some_and(|own| own.iter().any(|own| own["request"] == one["request"]))
        });
        fails(&estate, &dear, "optimality");
    }
}

#[test]
fn costs_have_to_add_up() {
    let (estate, mut plan) = example(LONG[3]);
    plan["certificate"]["cost"]["interruptions"] = json!(0);
    fails(&estate, &plan, "optimality");
}

#[test]
fn what_breaks_has_to_be_said() {
    let (estate, plan) = example(
        "The same, with clients in the source's network: they lose the record, which the new endpoint takes",
    );
    assert_eq!(plan["certificate"]["safety"]["broken"].as_array().map(Vec::len), Some(1));
    let mut silent = plan.clone();
    silent["certificate"]["safety"]["broken"] = json!([]);
    silent["certificate"]["cost"]["broken_flows"] = json!(0);
    fails(&estate, &silent, "safety");

    let (estate, mut loud) = example("No zone at all");
    loud["certificate"]["safety"]["broken"] = plan["certificate"]["safety"]["broken"].clone();
    loud["certificate"]["cost"]["broken_flows"] = json!(1);
    fails(&estate, &loud, "safety");
}

#[test]
fn what_is_put_in_doubt_has_to_be_said() {
    let (estate, plan) = example(
        "Another server lets an office in: whether it answers the subnet nobody knows, and with the service endpoint it does not",
    );
    let doubtful = &plan["certificate"]["safety"]["doubtful"];
    assert_eq!(doubtful.as_array().map(Vec::len), Some(1), "{plan:#}");
    assert_eq!(certified(&estate, &plan).holds(), Some(true));
    let mut silent = plan.clone();
    silent["certificate"]["safety"]["doubtful"] = json!([]);
    assert_eq!(named(&certified(&estate, &silent), State::CouldNotTell), ["safety"]);

    // What worked, and what never did, is no matter of doubt.
    let (estate, mut loud) = example("No zone at all");
    loud["certificate"]["safety"]["doubtful"] = doubtful.clone();
    fails(&estate, &loud, "safety");
    let (estate, mut mild) = example(
        "The same, with clients in the source's network: they lose the record, which the new endpoint takes",
    );
    let broken = mild["certificate"]["safety"]["broken"].take();
    mild["certificate"]["safety"]["broken"] = json!([]);
    mild["certificate"]["safety"]["doubtful"] = broken;
    mild["certificate"]["cost"]["broken_flows"] = json!(0);
    fails(&estate, &mild, "safety");
}

#[test]
fn a_new_endpoint_asks_for_a_free_address() {
    let (estate, plan) = example("Both networks hold the same range");
    let asking = |configurations: Value| {
        let mut asking = plan.clone();
        asking["changes"][0]["request"]["body"]["properties"]["ipConfigurations"] = configurations;
        asking
    };
    let asked = &plan["changes"][0]["request"]["body"]["properties"]["ipConfigurations"];
    assert_eq!(asked.as_array().map(Vec::len), Some(1), "{plan:#}");
    assert_eq!(certified(&estate, &asking(asked.clone())).holds(), Some(true));
    // Azure gives another one then than the record says that a plan writes.
    let open = certified(&estate, &asking(json!([])));
    assert_eq!(named(&open, State::CouldNotTell).first(), Some(&"sufficiency"), "{open:#?}");
    let at = |address: &str| json!([{ "properties": { "privateIPAddress": address } }]);
    // Reserved by Azure; of another network.
    for lost in ["10.20.2.3", "10.10.1.4"] {
        fails(&estate, &asking(at(lost)), "facts");
    }
}

#[test]
fn an_estate_that_moved_is_noticed() {
    let (_, plan) = example("Link and record are missing: two causes");
    let healthy = support::estate(&support::fixture("private-source"));
    fails(&healthy, &plan, "facts");

    // Half of the plan was carried out by hand.
    let (_, half) = example("Only the source's network is linked");
    let (estate, _) = example("The zone is linked and empty");
    assert_eq!(half["before"], "unreachable");
    let certified = certified(&estate, &half);
    let facts = &certified.checks[0];
    assert_eq!((facts.name, facts.state), ("facts", State::Fails));
    assert!(
        facts.detail.contains("something of that name is there") || facts.detail.contains("linked"),
        "{facts:?}"
    );
}

#[test]
fn of_a_small_estate_every_set_of_sixteen_changes_is_tried() {
    let (estate, _) = example("No zone at all");
    assert!(Bounds::of(&world(&estate)).subsets_max >= 1 << 16);
    let id = |index| {
        let network = "providers/Microsoft.Network/virtualNetworks";
        ResourceId::parse(&format!("/subscriptions/s/resourceGroups/g/{network}/v{index}"))
    };
    let many: Vec<_> = (0..10_000).filter_map(id).collect();
    let large = World::of(many.iter().map(|id| (id, json!({}))));
    assert_eq!(Bounds::of(&large).subsets_max, Bounds::default().subsets_max);
}

#[test]
fn what_is_no_plan_is_said() {
    let (estate, plan) = example("No zone at all");
    let why = |world: &World, plan: &Value| {
        certify(world, plan, Bounds::default()).expect_err("nothing to check")
    };
    let world = world(&estate);
    assert!(matches!(why(&world, &json!([])), Unreadable::NotAPlan(_)));
    assert!(matches!(
        why(&world, &json!({ "schema": "flexway.check/1" })),
        Unreadable::NotAPlan(_)
    ));
    let mut other = plan.clone();
    other["schema"] = json!("flexway.plan/2");
    assert_eq!(why(&world, &other), Unreadable::OtherSchema("flexway.plan/2".to_owned()));
    assert!(matches!(why(&World::of::<Value>([]), &plan), Unreadable::NoServer(_)));
    // Each entry is tried on copies of the estate: a plan has a few, and what has thousands is none.
    for field in ["/changes", "/certificate/catalogue", "/certificate/closed"] {
        let mut long = plan.clone();
        let all = long.pointer_mut(field).and_then(Value::as_array_mut).expect("a list");
        let one = all.first().cloned().unwrap_or_else(|| json!({}));
        *all = vec![one; 9_000];
        assert!(matches!(why(&world, &long), Unreadable::NotAPlan(_)), "{field}");
    }
    for field in ["inverse", "request"] {
        for odd in [json!(7), json!("DELETE"), json!([])] {
            let mut other = plan.clone();
            other["changes"][0][field] = odd;
            assert!(matches!(why(&world, &other), Unreadable::NotAPlan(_)), "{field}");
        }
    }
    let mut other = plan.clone();
    other["changes"][0]["inverse"]["then"] = json!(7);
    assert!(matches!(why(&world, &other), Unreadable::NotAPlan(_)));
}

#[test]
fn other_ways_are_held_to_what_is_said_of_them() {
    let has_way = |one: &&Planned| {
        let ways = one.plan["alternatives"].as_array().into_iter().flatten();
        let is_whole = |way: &Value| {
            let first = &way["changes"][0];
            first["inverse"].is_object() && first["az"].is_array() && way["after"] == "reachable"
        };
        ways.take(1).any(is_whole)
    };
    let title = &ALL_PLANNED.iter().find(has_way).expect("a plan with another way").title;
    let (estate, plan) = example(title);
    assert_eq!(certified(&estate, &plan).holds(), Some(true), "{title}");
    for (pointer, value) in [
        ("/after", json!("partial")),
        ("/cost/exposed_flows", json!(1)),
        ("/cost/edits", json!(9)),
        ("/changes/0/kind", json!("add-nothing")),
        ("/changes/0/resource", json!("/subscriptions/none")),
        ("/changes/0/az", json!([])),
        ("/changes/0/inverse/path", json!("/subscriptions/none")),
    ] {
        let mut other = plan.clone();
        let place = other["alternatives"][0].pointer_mut(pointer).expect("a place");
        *place = value;
        fails(&estate, &other, "ways");
    }
}
