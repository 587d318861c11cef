//! `certify`: the binary's answers, exit codes and errors over plans that it wrote itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name);
    path.to_str().expect("a path").to_owned()
}

fn flexway(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flexway")).args(arguments).output().expect("flexway runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file of one test.
fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("flexway-certify-{}-{name}", std::process::id()))
}

#[test]
fn a_plan_of_ours_is_certified() {
    let (estate, unlink) = (fixture("private-source.json"), fixture("inputs/unlink-plan.json"));
    let file = scratch("plan.json");
    let plan = file.to_str().expect("a path");
    let servers = ["--source", "old-db", "--target", "new-db", "--format", "json", "--out", plan];
    let place = ["--estate", &estate, "--after", &unlink];
    let made = flexway(&[&["plan"], &place[..], &servers[..]].concat());
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));

    let good = flexway(&[&["certify", plan], &place[..]].concat());
    let told = text(&good.stdout);
    assert_eq!(good.status.code(), Some(0), "{told}{}", text(&good.stderr));
    assert!(told.ends_with("the certificate holds\n"), "{told}");
    assert!(told.contains("   ok  enough "), "{told}");

    let json = flexway(&[&["certify", plan, "--json"], &place[..]].concat());
    let answer: Value = serde_json::from_slice(&json.stdout).expect("JSON alone");
    assert_eq!(answer["schema"], "flexway.certify/1");
    assert_eq!((&answer["plan"], &answer["holds"]), (&plan.into(), &true.into()));
    let names: Vec<&str> = answer["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "facts",
            "claims",
            "undo",
            "commands",
            "sufficiency",
            "irredundance",
            "optimality",
            "safety",
            "ways"
        ]
    );
    assert_eq!(answer["checks"][0]["state"], "holds");

    let bare = flexway(&["certify", plan, "--estate", &estate]);
    let told = text(&bare.stderr);
    assert_eq!(bare.status.code(), Some(64), "{told}");
    assert!(told.contains("unlink-plan.json") && told.contains("--after FILE"), "{told}");

    // Without the change that broke it, the estate is another one.
    let mut claimed: Value =
        serde_json::from_slice(&std::fs::read(&file).expect("a plan")).expect("JSON");
    claimed["after_files"] = Value::Null;
    std::fs::write(&file, claimed.to_string()).expect("a plan");
    let moved = flexway(&["certify", plan, "--estate", &estate]);
    let told = text(&moved.stdout);
    assert_eq!(moved.status.code(), Some(1), "{told}");
    assert!(told.contains("FAILS  estate") && told.contains("not the one"), "{told}");

    let other = flexway(&["certify", plan, "--estate", plan]);
    assert_eq!(other.status.code(), Some(3), "{}", text(&other.stderr));
    let other = flexway(&["certify", plan, "--estate", &fixture("public-source.json")]);
    assert_ne!(other.status.code(), Some(0), "{}", text(&other.stdout));
    std::fs::remove_file(&file).expect("removed");
}

#[test]
fn what_is_no_plan_is_refused_in_words() {
    let estate = fixture("private-source.json");
    let refused = |plan: &str| {
        let answer = flexway(&["certify", plan, "--estate", &estate]);
        assert_eq!(answer.status.code(), Some(3), "{}", text(&answer.stdout));
        assert!(answer.stdout.is_empty());
        text(&answer.stderr)
    };
    let why = refused(&estate);
    assert!(why.contains("it is no plan"), "{why}");
    let file = scratch("other.json");
    std::fs::write(&file, r#"{ "schema": "flexway.plan/9" }"#).expect("written");
    let why = refused(file.to_str().expect("a path"));
    assert!(why.contains("flexway.plan/9") && why.contains("make the plan again"), "{why}");
    std::fs::remove_file(&file).expect("removed");
    std::fs::write(&file, "#!/usr/bin/env bash\n").expect("written");
    let why = refused(file.to_str().expect("a path"));
    assert!(why.contains("read plan ") && why.contains("it is not JSON"), "{why}");
    std::fs::remove_file(&file).expect("removed");
    let why = refused("/no/such/plan.json");
    assert!(why.contains("read plan /no/such/plan.json"), "{why}");

    assert_eq!(flexway(&["certify"]).status.code(), Some(64));
    assert_eq!(flexway(&["certify", "-", "--estate", "-"]).status.code(), Some(64));
    let help = text(&flexway(&["certify", "--help"]).stdout);
    assert!(help.contains("flexway certify repair.json --estate capture/"), "{help}");
}
