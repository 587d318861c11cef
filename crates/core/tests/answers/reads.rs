//! What a diagnosis says it read is all that it read: whatever else changes, the answer stays.

use flexway_core::checks;
use flexway_core::diagnose;
use serde_json::Value;

use crate::support;

/// The estates of all pages.
fn worlds() -> Vec<Vec<Value>> {
    let pages = checks::ALL.iter().flat_map(|check| support::examples(check.page));
    pages.map(|example| example.resources).filter(|one| one.len() < 200).collect()
}

#[test]
fn what_was_not_read_does_not_matter() {
    let (mut unread, mut all) = (0, 0);
    for resources in worlds() {
        let estate = support::estate(&resources);
        let question = support::question(&estate);
        let (before, reads) = estate.watch(|estate| diagnose::check(estate, &question));
        for id in estate.ids() {
            let mut after = estate.clone();
            after.remove(id);
            all += 1;
            if reads.meets(&after.writes_since(&estate)) {
                continue;
            }
            unread += 1;
            let answer = diagnose::check(&after, &question).to_json();
            assert_eq!(before.to_json(), answer, "{id} was not read");
        }
    }
    assert!(unread > 100 && unread < all / 2, "{unread} of {all} resources were not read");
}

#[test]
fn copies_hold_their_own_changes() {
    let estate = support::estate(&support::fixture("private-source"));
    let (count, question) = (estate.len(), support::question(&estate));
    let before = diagnose::check(&estate, &question).to_json();
    let ids: Vec<_> = estate.ids().cloned().collect();
    let mut empty = estate.clone();
    ids.iter().for_each(|id| empty.remove(id));
    assert!(empty.is_empty());
    assert_eq!(estate.len(), count);
    assert_eq!(diagnose::check(&estate, &question).to_json(), before);
    let mut again = empty.clone();
    for id in &ids {
        let body = estate.body(id).expect("a resource").into_owned();
        let origin = estate.resource(id).expect("a resource").origin.clone();
        again.put(id, body, origin, &mut Vec::new());
    }
    assert_eq!(diagnose::check(&again, &question).to_json(), before);
    assert!(empty.is_empty());
}
