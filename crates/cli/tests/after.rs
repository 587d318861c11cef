//! `--after`, and several captures of one resource: the binary says which files its answer rests on.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

fn flexway(verb: &str, estates: &[&Path], more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    command.arg(verb).args(["--source", "old-db", "--target", "new-db"]);
    for estate in estates {
        command.arg("--estate").arg(estate);
    }
    command.args(more).output().expect("flexway runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_plan_is_judged_before_it_is_applied() {
    let (estate, plan) = (fixture("private-source.json"), fixture("inputs/unlink-plan.json"));
    let plan = plan.to_str().expect("a path");
    let before = flexway("check", &[&estate], &["--json"]);
    assert_eq!(before.status.code(), Some(0), "{}", text(&before.stderr));
    let after = flexway("check", &[&estate], &["--after", plan, "--json"]);
    assert_eq!(after.status.code(), Some(1), "{}", text(&after.stderr));
    let answer: Value = serde_json::from_slice(&after.stdout).expect("JSON alone");
    assert_eq!(answer["verdict"], "unreachable");
    assert_eq!(answer["findings"][0]["fault"], "dns/zone-not-linked");
    assert_eq!(answer["after"][0], plan);
    for verb in ["check", "trace"] {
        let told = text(&flexway(verb, &[&estate], &["--after", plan]).stdout);
        assert!(told.contains(&format!("after   {plan}")), "{told}");
    }
    let repair = flexway("plan", &[&estate], &["--after", plan]);
    assert_eq!(repair.status.code(), Some(0), "{}", text(&repair.stderr));
    let script = text(&repair.stdout);
    assert!(script.starts_with("#!/usr/bin/env bash\n# To be run after"), "{script}");
    assert!(script.contains("az network private-dns link vnet create"), "{script}");
    let repair = flexway("plan", &[&estate], &["--after", plan, "--json"]);
    let answer: Value = serde_json::from_slice(&repair.stdout).expect("JSON alone");
    assert_eq!((&answer["after"], &answer["after_files"][0]), (&"reachable".into(), &plan.into()));
}

#[test]
fn the_newest_file_counts_and_is_named() {
    let folder = std::env::temp_dir().join(format!("flexway-after-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (old, new) = (folder.join("old.json"), folder.join("new.json"));
    let whole = std::fs::read_to_string(fixture("private-source.json")).expect("the fixture");
    std::fs::write(&old, whole.replace("\"Connected\"", "\"Disconnected\"")).expect("written");
    std::fs::write(&new, &whole).expect("written");
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let file = std::fs::File::options().append(true).open(&old).expect("opened");
    file.set_modified(an_hour_ago).expect("an older file");
    for order in [[&*old, &*new], [&*new, &*old]] {
        let answer = flexway("check", &order, &["--json"]);
        let said = text(&answer.stderr);
        assert_eq!(answer.status.code(), Some(0), "{said}");
        let answer: Value = serde_json::from_slice(&answer.stdout).expect("JSON alone");
        let replaced = answer["replaced"].as_array().expect("a list");
        assert_eq!(replaced.len(), 21, "every resource of the fixture");
        let path = |file: &Path| Value::from(file.to_str().expect("a path"));
        assert!(
            replaced.iter().all(|one| one["kept"] == path(&new) && one["dropped"] == path(&old))
        );
        assert!(said.contains("new.json counts, not"), "{said}");
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_folder_of_template_and_parameters_is_an_estate() {
    let folder = fixture("inputs");
    let pair = [folder.join("estate.json"), folder.join("estate.parameters.json")];
    let answer = flexway("check", &[&pair[0], &pair[1]], &["--json"]);
    assert_eq!(answer.status.code(), Some(2), "{}", text(&answer.stderr));
    let answer: Value = serde_json::from_slice(&answer.stdout).expect("JSON alone");
    assert_eq!(answer["problems"], Value::Array(Vec::new()));
}

#[test]
fn of_a_folder_all_that_is_read_counts_and_the_rest_is_named() {
    let folder = std::env::temp_dir().join(format!("flexway-folder-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let whole = std::fs::read_to_string(fixture("private-source.json")).expect("the fixture");
    let rows: Vec<Value> = serde_json::from_str(&whole).expect("a list");
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    std::fs::write(folder.join("rows.ndjson"), lines).expect("written");
    std::fs::write(folder.join("failed.json"), "").expect("written");
    std::fs::write(folder.join("more.json.gz"), [0x1f, 0x8b, 8]).expect("written");
    std::os::unix::fs::symlink(&folder, folder.join("again")).expect("linked");
    let answer = flexway("check", &[&folder], &[]);
    let said = text(&answer.stderr);
    assert_eq!(answer.status.code(), Some(0), "{said}");
    let ends =
        |line: &str, end: &str| said.lines().any(|one| one.starts_with(line) && one.ends_with(end));
    assert!(ends("warning: empty, and left out: ", "/failed.json"), "{said}");
    assert!(ends("note: not read, ", "/more.json.gz"), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
    for (name, bytes, expected) in [
        ("packed", &[0x1f, 0x8b, 8][..], "gunzip"),
        ("tfplan", b"PK\x03\x04rest", "terraform show -json"),
        ("loud.json", b"WARNING: this is a preview\n[]", "2>&1"),
    ] {
        let file = folder.join(name);
        std::fs::write(&file, bytes).expect("written");
        let answer = flexway("check", &[&file], &[]);
        let said = text(&answer.stderr);
        assert!(answer.status.code() == Some(3) && said.contains(expected), "{name}: {said}");
    }
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_preview_that_failed_tells_its_error() {
    let file = std::env::temp_dir().join(format!("flexway-preview-{}.json", std::process::id()));
    let preview = r#"{"status":"Failed","changes":null,"error":{"code":"InvalidTemplate","message":"no such type"}}"#;
    std::fs::write(&file, preview).expect("written");
    let estate = fixture("private-source.json");
    let answer = flexway("check", &[&estate], &["--after", file.to_str().expect("a path")]);
    let said = text(&answer.stderr);
    assert_eq!(answer.status.code(), Some(3), "{said}");
    assert!(said.contains("the preview failed: InvalidTemplate: no such type"), "{said}");
    std::fs::remove_file(&file).expect("removed");
}
