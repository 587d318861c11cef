//! `plan` from the outside: what stands in a file when there is no plan, and what is said of inputs that are not what they should be.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name);
    path.to_str().expect("a path").to_owned()
}

fn flexway(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    command.args(arguments).env("COLUMNS", "80").output().expect("flexway runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder of one test; dropping it removes it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Scratch {
        let folder =
            std::env::temp_dir().join(format!("flexway-plans-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Scratch(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path").to_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).expect("written");
        self.path(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The flow of the fixture once its zone is not linked to the copier's network any more.
fn flow<'a>(estate: &'a str, unlinked: &'a str) -> Vec<&'a str> {
    vec!["--estate", estate, "--after", unlinked, "--source", "old-db", "--target", "new-db"]
}

#[test]
fn without_a_plan_nothing_is_there_that_succeeds() {
    let folder = Scratch::new("none");
    let (estate, unlinked) = (fixture("private-source.json"), fixture("inputs/unlink-plan.json"));
    let barred = ["--forbid", "link-zone", "--forbid", "create-zone"];
    let plan = |more: &[&str]| {
        flexway(&[&["plan"], &flow(&estate, &unlinked)[..], &barred, more].concat())
    };
    let script = folder.path("plan.sh");
    let answer = plan(&["--out", &script]);
    let said = text(&answer.stderr);
    assert_eq!(answer.status.code(), Some(1), "{said}");
    assert!(said.contains("no plan: `--forbid link-zone` forbids what is needed: "), "{said}");
    assert!(said.contains("\n  leave out `--forbid link-zone`\n"), "{said}");
    let run = Command::new("bash").arg(&script).output().expect("bash runs");
    let said = text(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(said.starts_with("no plan: `--forbid link-zone` forbids"), "{said}");
    for format in ["bicep", "terraform", "arm"] {
        let file = folder.path(format);
        let answer = plan(&["--format", format, "--out", &file]);
        let said = text(&answer.stderr);
        assert_eq!(answer.status.code(), Some(1), "{said}");
        assert!(said.contains("nothing written to ") && !Path::new(&file).exists(), "{said}");
    }
    let answer: Value = serde_json::from_slice(&plan(&["--json"]).stdout).expect("JSON alone");
    assert_eq!(answer["relaxation"]["needs"][0], "`--forbid link-zone`");
}

#[test]
fn a_script_tells_how_to_undo_and_verify_it() {
    let (estate, unlinked) = (fixture("private-source.json"), fixture("inputs/unlink-plan.json"));
    let answer = flexway(&[&["plan"], &flow(&estate, &unlinked)[..]].concat());
    let script = text(&answer.stdout);
    assert!(script.contains("# Simulated: unreachable before, reachable after.\n"), "{script}");
    assert!(script.contains("#    mends: dns/zone-not-linked\n"), "{script}");
    let undo = script.lines().find(|line| line.starts_with("#   az rest --method delete --uri "));
    assert!(undo.is_some_and(|line| line.contains("/virtualNetworkLinks/")), "{script}");
    let last = script.lines().last().expect("a line");
    let verify = "#   flexway check --estate NEW-CAPTURE --source old-db --target new-db";
    assert_eq!(last, verify, "{script}");
}

#[test]
fn wrong_inputs_are_told_apart() {
    let folder = Scratch::new("inputs");
    let estate = fixture("private-source.json");
    let servers = ["--source", "old-db", "--target", "new-db"];
    let fails = |arguments: &[&str], words: &[&str]| {
        let answer = flexway(arguments);
        let said = text(&answer.stderr);
        assert_eq!(answer.status.code(), Some(3), "{arguments:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
    };
    for other in [folder.file("hello.json", r#"{ "hello": 1 }"#), estate.clone()] {
        let after = [&["plan", "--estate", &estate, "--after", &other], &servers[..]].concat();
        fails(&after, &["it is neither a Terraform plan", "a capture is given with `--estate`"]);
    }
    let whole = std::fs::read_to_string(&estate).expect("the fixture");
    let half = folder.file("half.json", &whole[..whole.len() / 2]);
    let message = folder.file("az.json", "ERROR: Please run 'az login'.\n");
    for (file, why) in [
        (&half, "it ends in the middle, in line "),
        (&message, "az's own message: ERROR: Please run 'az login'."),
    ] {
        let plan = [&["plan", "--estate", file], &servers[..]].concat();
        fails(&plan, &[why, "capture it again"]);
    }
    let evil = whole.replace("target-nsg", "target\\u001b[2J\\u202ensg");
    let wrapped = folder.file("wrapped.json", &format!("{{ \"value\": {evil} }}"));
    for file in [folder.file("evil.json", &evil), wrapped] {
        let plan = [&["plan", "--estate", &file], &servers[..]].concat();
        fails(
            &plan,
            &["target\\u{1b}[2J\\u{202e}nsg\" holds a character that no name in Azure has"],
        );
    }
    // The one that JSON does not want escaped.
    let file = folder.file("delete.json", &whole.replace("target-nsg", "target\u{7f}nsg"));
    let plan = [&["plan", "--estate", &file], &servers[..]].concat();
    fails(&plan, &["target\\u{7f}nsg\" holds a character that no name in Azure has"]);
    for (source, told) in [
        ("old-bd", "did you mean `old-db`?"),
        ("target-net", "`target-net` is of type microsoft.network/virtualnetworks, no server"),
    ] {
        fails(&["plan", "--estate", &estate, "--source", source, "--target", "new-db"], &[told]);
    }
}

#[test]
fn examples_can_be_pasted_from_a_narrow_terminal() {
    for command in ["plan", "certify", "probe", "lab"] {
        let help = text(&flexway(&[command, "--help"]).stdout);
        let examples = help.split_once("Examples:\n").expect("examples").1;
        let examples = examples.split("\n\n").next().expect("examples");
        let mut goes_on = false;
        for line in examples.lines() {
            let starts = ["  flexway ", "  ssh relay flexway "];
            assert!(goes_on || starts.iter().any(|word| line.starts_with(word)), "{help}");
            goes_on = line.ends_with('\\');
        }
        assert!(!goes_on, "{help}");
    }
    let wrong = text(&flexway(&["check", "--format", "json"]).stderr);
    assert!(wrong.contains("similar argument exists: '--json'"), "{wrong}");
}

#[test]
fn a_dash_is_standard_output_and_no_file() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dash");
    std::fs::create_dir_all(&folder).expect("a folder");
    let estate = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_flexway"));
        command.args(arguments).arg("--estate").arg(&estate).current_dir(&folder);
        let output = command.args(["--source", "old-db", "--target", "new-db"]).output();
        let output = output.expect("flexway runs");
        assert!(!folder.join("-").exists(), "{arguments:?}");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for command in ["check", "trace"] {
        let (code, said) = run(&[command, "--svg", "-"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.starts_with("<svg") && said.trim_end().ends_with("</svg>"), "{said}");
        assert_eq!(run(&[command, "--svg", "-", "--json"]).0, Some(64));
    }
    assert_eq!(run(&["plan", "--out", "-"]), run(&["plan"]));
    assert_eq!(run(&["plan", "--svg", "-"]).0, Some(64));
    assert_eq!(run(&["plan", "--svg", "-", "--out", "-"]).0, Some(64));
}
