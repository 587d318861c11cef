//! `check --pairs`: many pairs in one run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Runs the pairs of a text, from a file of its own.
fn pairs(name: &str, text: &str, more: &[&str]) -> Output {
    let file: PathBuf =
        std::env::temp_dir().join(format!("flexway-pairs-{name}-{}", std::process::id()));
    std::fs::write(&file, text).expect("written");
    let estate = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    command.arg("check").arg("--pairs").arg(&file).arg("--estate").arg(estate).args(more);
    let output = command.output().expect("flexway runs");
    std::fs::remove_file(&file).expect("removed");
    output
}

#[test]
fn every_pair_has_its_answer() {
    let text = "source,target\nold-db,new-db\n\n# a note\nno-such,new-db\n{\"source\": \"old-db\", \"target\": \"new-db\", \"port\": 1}\n";
    let told = pairs("all", text, &["--json"]);
    let answer: Value = serde_json::from_slice(&told.stdout).expect("JSON alone");
    assert_eq!(answer["schema"], "flexway.pairs/1");
    let verdicts: Vec<&Value> =
        answer["pairs"].as_array().expect("a list").iter().map(|pair| &pair["verdict"]).collect();
    assert_eq!(
        verdicts,
        ["reachable".into(), Value::Null, "unreachable".into()].iter().collect::<Vec<_>>()
    );
    assert!(answer["pairs"][1]["error"].as_str().is_some_and(|why| why.contains("no-such")));
    let totals = &answer["totals"];
    assert_eq!((&totals["pairs"], &totals["unread"]), (&3.into(), &1.into()));
    let table = pairs("table", text, &[]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.starts_with("reachable     old-db <- new-db\nnot read"), "{table}");
    assert!(table.ends_with("3 pairs: 1 reachable, 1 unreachable, 1 unread\n"), "{table}");
}

#[test]
fn the_worst_pair_ends_the_run() {
    let code = |name: &str, text: &str| pairs(name, text, &[]).status.code();
    assert_eq!(code("good", "old-db,new-db"), Some(0));
    assert_eq!(
        code("bad", "{\"source\": \"old-db\", \"target\": \"new-db\", \"port\": 1}\nold-db,new-db"),
        Some(1)
    );
    assert_eq!(code("unread", "old-db,new-db\nno-such,new-db"), Some(3));
    assert_eq!(code("empty", "# nothing\n"), Some(3));
    assert_eq!(code("words", "old-db"), Some(3));
    assert_eq!(code("field", r#"[{"source": "old-db", "target": "new-db", "prot": 1}]"#), Some(3));
}
