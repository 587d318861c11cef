//! docs/causes.md answers for every class of causes that providers enumerate: by a fault, by another
//! answer, or by a reason.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use flexway_core::checks;
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/causes.md");

/// Classes of facts/reachability.md 4 that are relevant: 40 of providers, 21 that no provider has.
const CLASSES: usize = 40 + 21;

/// One row: the class, its faults, and what is said of it.
struct Row {
    class: String,
    faults: Vec<String>,
    said: String,
}

/// The rows of the tables of the page: `| A1 name | faults in backticks | words |`.
fn rows() -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for line in PAGE.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 3, "{line}");
        let is_code = |word: &str| {
            word.len() == 2 && word.chars().nth(1).is_some_and(|digit| digit.is_ascii_digit())
        };
        let Some((code, class)) = cells[0].split_once(' ').filter(|(code, _)| is_code(code)) else {
            continue;
        };
        let faults = cells[1].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let row = Row { class: class.to_owned(), faults, said: cells[2].to_owned() };
        assert!(rows.insert(code.to_owned(), row).is_none(), "{code} stands twice");
    }
    rows
}

/// The enumeration, beside the project: it is not part of it.
fn enumeration() -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/facts/reachability-causes.json");
    if !path.is_file() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    let text = std::fs::read_to_string(&path).expect("a readable file");
    Some(serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn every_fault_of_the_page_exists() {
    for (code, row) in rows() {
        for fault in &row.faults {
            assert!(checks::find(fault).is_some(), "{code} {}: no fault `{fault}`", row.class);
        }
        assert!(!row.said.is_empty(), "{code}: neither how it is said nor why it is not");
        assert!(!row.class.is_empty(), "{code}: no name");
    }
    assert_eq!(rows().len(), CLASSES);
}

#[test]
fn every_fault_answers_for_a_class() {
    let named: BTreeSet<String> = rows().into_values().flat_map(|row| row.faults).collect();
    let missing: Vec<&str> =
        checks::ALL.iter().map(|check| check.fault).filter(|one| !named.contains(*one)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "faults that no class of docs/causes.md leads to");
}

#[test]
fn every_relevant_class_of_the_providers_is_in_the_page() {
    let Some(json) = enumeration() else { return };
    let rows = rows();
    let codes = json["codes"].as_array().expect("codes");
    let mut seen = BTreeSet::new();
    for one in codes.iter().filter(|one| one["relevant"] == true) {
        let class = one["class"].as_str().expect("a class");
        let (code, name) = class.split_once(' ').expect("a code and a name");
        let row = rows.get(code).unwrap_or_else(|| panic!("docs/causes.md lacks {class}"));
        assert_eq!(row.class, name, "{code} has another name in docs/causes.md");
        seen.insert(code.to_owned());
    }
    assert_eq!(seen.len(), 40, "relevant classes of the enumeration");
    println!("{} codes of {} classes are answered for", codes.len(), seen.len());
}
