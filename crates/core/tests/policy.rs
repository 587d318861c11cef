//! What a repair may not do: kinds that the user forbids, and resources that locks hold.

mod support;

use flexway_core::plan::{self, Plan};
use flexway_core::repair::Policy;
use serde_json::json;

/// The plan where no zone is linked to the copier's network, below locks of the group of the zones.
fn unlinked(forbidden: &[&str], level: Option<&str>) -> Plan {
    let mut resources = support::fixture("private-source");
    let link = "privatelink.postgres.database.azure.com/virtualNetworkLinks/target-link";
    support::edit(&mut resources, &format!("delete {link}"));
    if let Some(level) = level {
        let body = json!({ "type": "Microsoft.Authorization/locks", "properties": { "level": level },
            "id": "$dns/Microsoft.Authorization/locks/keep" });
        support::edit(&mut resources, &format!("add {body}"));
    }
    let estate = support::estate(&resources);
    let forbidden = forbidden.iter().map(|kind| (*kind).to_owned()).collect();
    let policy = Policy { forbidden, ignores_locks: false };
    plan::plan(&estate, &support::question(&estate), &policy)
}

fn kinds(plan: &Plan) -> Vec<&str> {
    plan.changes.iter().map(|change| change.kind).collect()
}

#[test]
fn what_is_forbidden_is_not_done() {
    assert_eq!(kinds(&unlinked(&[], None)), ["link-zone"]);
    let other = unlinked(&["link-zone"], None);
    assert!(!kinds(&other).contains(&"link-zone"));
    let none = unlinked(&["link-zone", "create-zone"], None);
    assert_eq!(kinds(&none), Vec::<&str>::new());
    assert!(
        none.refusal.is_some_and(|why| why.contains("changes of kind link-zone are forbidden"))
    );
    let relaxation = none.relaxation.expect("it could be mended");
    assert_eq!(relaxation.needs, ["changes of kind link-zone are forbidden"]);
    assert_eq!(relaxation.changes[0].kind, "link-zone");
}

#[test]
fn a_read_only_lock_bars_what_it_holds() {
    let plan = unlinked(&[], Some("ReadOnly"));
    assert!(!kinds(&plan).contains(&"link-zone"), "{:?}", kinds(&plan));
}

#[test]
fn a_lock_against_deletion_bars_no_addition() {
    assert_eq!(kinds(&unlinked(&[], Some("CanNotDelete"))), ["link-zone"]);
}
