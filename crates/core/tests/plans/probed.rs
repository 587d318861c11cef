//! Plans that know what probes saw: nothing refuted is repaired, nothing proved broken is called reachable.

use flexway_core::diagnose;
use flexway_core::fusion::fuse;
use flexway_core::plan::{self, Plan};
use flexway_core::probes::{Observation, Rung, Symptom};
use flexway_core::repair::Policy;
use flexway_core::second::{Bounds, State, World, certify};
use flexway_core::trace::step::Verdict;

use crate::support;
use crate::support::observed::{DENIED, OWN_DNS, UNLINKED, blocked, through, with_address};

/// The plan for the edited fixture and one observation. Whatever it says, its certificate does not fail.
fn planned(edits: &[&str], seen: Observation) -> Plan {
    let mut resources = support::fixture("private-source");
    edits.iter().for_each(|edit| support::edit(&mut resources, edit));
    let estate = support::estate(&resources);
    let mut report = diagnose::check(&estate, &support::question(&estate));
    fuse(&estate, &mut report, &[seen]);
    let plan = plan::repair_of(&estate, &report, &Policy::default());
    let bodies = estate.ids().filter_map(|id| Some((id, estate.body(id)?)));
    let certified = certify(&World::of(bodies), &plan.to_json(), Bounds::default());
    for check in certified.expect("a plan").checks {
        assert_ne!(check.state, State::Fails, "{}: {}", check.name, check.detail);
    }
    plan
}

fn refusal(plan: &Plan) -> String {
    assert!(plan.changes.is_empty() && plan.before == plan.after);
    plan.refusal.as_ref().expect("a refusal").to_string()
}

#[test]
fn a_repair_that_the_probe_agrees_with_is_as_it_was() {
    let plan = planned(UNLINKED, with_address(blocked(Symptom::PublicAccessOff), "20.1.2.3"));
    assert_eq!((plan.before, plan.after), (Verdict::Unreachable, Verdict::Reachable));
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.to_json()["probes"]["agreement"], "agrees");
}

#[test]
fn a_contradiction_is_looked_into_before_anything_is_changed() {
    let table: [(&[&str], Observation); 4] = [
        (&[], blocked(Symptom::Silent)),
        (DENIED, through(Rung::SslRequest)),
        (DENIED, blocked(Symptom::Refused)),
        (UNLINKED, with_address(through(Rung::Auth), "10.10.1.4")),
    ];
    for (edits, seen) in table {
        let plan = planned(edits, seen);
        assert_eq!(plan.before, Verdict::Inconsistent);
        let words = refusal(&plan);
        assert!(words.starts_with("the estate and the probe contradict each other"), "{words}");
        let split = plan.fusion.as_ref().and_then(|fusion| fusion.split.as_ref());
        assert!(words.ends_with(&split.expect("a next probe").probe), "{words}");
        // No other way repairs what may be no fault.
        assert!(plan.alternatives.iter().all(|one| one.az.is_empty()));
    }
}

#[test]
fn what_the_probe_came_through_is_not_repaired() {
    let plan = planned(OWN_DNS, through(Rung::Auth));
    assert_eq!((plan.before, plan.after), (Verdict::Reachable, Verdict::Reachable));
    assert!(plan.changes.is_empty() && plan.refusal.is_none());
}

#[test]
fn what_no_request_mends_is_named_and_not_called_reachable() {
    let plan = planned(&[], blocked(Symptom::AuthorityUnknown));
    assert_eq!(plan.before, Verdict::Unreachable);
    let words = refusal(&plan);
    assert!(words.starts_with("nothing in the network is at fault: "), "{words}");
    // Another place to copy from meets the same certificate.
    assert!(words.contains("(tls/verification-failed)") && !words.contains("relay"), "{words}");
    let seen = with_address(blocked(Symptom::PublicAccessOff), "20.1.2.3");
    let plan = planned(OWN_DNS, seen);
    assert_eq!(plan.before, Verdict::Unreachable);
    let words = refusal(&plan);
    assert!(words.starts_with("no request to the network mends this: "), "{words}");
    assert!(words.contains("(dns/custom-server-not-forwarding)"), "{words}");
    assert_eq!(words.matches("--copier relay").count(), 1, "{words}");
}

/// Whether peering access alone closes the way is told otherwise by different documents.
const OPEN: &[&str] = &[
    "set target-net/subnets/postgres /properties/networkSecurityGroup null",
    "set target-net/virtualNetworkPeerings/to-source /properties/allowVirtualNetworkAccess false",
];

#[test]
fn what_the_estate_leaves_open_is_repaired_where_the_probe_proves_it_broken() {
    let plan = planned(OPEN, blocked(Symptom::Silent));
    assert_eq!((plan.before, plan.after), (Verdict::Unreachable, Verdict::Reachable));
    let titles: Vec<&str> = plan.changes.iter().map(|change| change.title.as_str()).collect();
    assert_eq!(titles, ["let traffic through peering `to-source` of network `target-net`"]);
    let plan = planned(OPEN, through(Rung::Auth));
    assert!(plan.after == Verdict::Reachable && plan.changes.is_empty());
    // A certificate is shown from beyond the peering, and a repair of the peering mends none.
    let plan = planned(OPEN, blocked(Symptom::AuthorityUnknown));
    assert!(refusal(&plan).contains("tls/verification-failed"), "{:?}", plan.refusal);
}
