//! What a plan tells beside its changes: what it touches, what it opens and mends, other ways, and how it is undone.

mod support;

use flexway_core::checks;
use flexway_core::plan::{self, Plan};
use flexway_core::repair::Policy;

/// The plan for an example of a page.
fn planned(title: &str, forbidden: &[&str]) -> Plan {
    let mut all = checks::ALL.iter().flat_map(|check| support::examples(check.page));
    let example = all.find(|one| one.title == title).expect("an example of that title");
    let estate = support::estate(&example.resources);
    let forbidden = forbidden.iter().map(|kind| (*kind).to_owned()).collect();
    let policy = Policy { forbidden, ignores_locks: false };
    plan::plan(&estate, &example.question(&estate), &policy)
}

fn affected(plan: &Plan) -> String {
    plan.to_json()["affected"].to_string()
}

#[test]
fn what_documents_leave_open_is_told_and_not_mended() {
    let plan = planned(
        "Another server lets all of Azure in: whether it still answers then nobody knows, and no rule is added there",
        &[],
    );
    assert_eq!(plan.safety.disputed.len(), 1);
    assert!(affected(&plan).contains("`web0` may stop answering subnet `postgres`"), "{plan:?}");
    let is_longer = |title: &str| {
        title.starts_with("let subnet `postgres` in by a VNet rule of `web0`, then turn")
    };
    assert!(plan.alternatives.iter().any(|one| is_longer(&one.title)), "{:?}", plan.alternatives);
}
