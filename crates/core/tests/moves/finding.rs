//! Findings stay readable where a database is full of what they are about.

use flexway_core::assess::facts::{Census, Object};
use flexway_core::assess::{self, Finding};

use crate::assess::facts;

/// What is found where so many things have a security label.
fn labels(count: usize) -> Finding {
    let label = |number: usize| Object {
        name: format!("t{number}"),
        sql: format!("SECURITY LABEL ON TABLE t{number} IS NULL"),
        ..Object::default()
    };
    let mut facts = facts();
    let labels = (0..count).map(label).collect();
    facts.databases[0].census.insert(Census::SecurityLabels, Ok(labels));
    let findings = assess::judge(&facts).findings.into_iter();
    let mut found = findings.filter(|one| one.id == "schema/security-label");
    found.next().expect("labels are found")
}

#[test]
fn long_lists_are_cut_and_counted() {
    assert!(labels(12).message.ends_with(": t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 and 2 more"));
    assert!(labels(2).message.ends_with(": t0, t1"));
    assert_eq!(labels(12).fixes.len(), 12);
    assert_eq!(labels(999).fixes.len(), 200);
}
