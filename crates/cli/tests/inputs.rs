//! What is said of inputs that hold no resource, or one of another shape.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with the fixture, edited, and other files.
fn folder(name: &str, edit: (&str, &str), others: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("inputs-{name}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json");
    let text = std::fs::read_to_string(fixture).expect("the fixture");
    let estate = text.replace(edit.0, edit.1);
    assert!(edit.0.is_empty() || estate != text, "{} is there", edit.0);
    std::fs::write(folder.join("estate.json"), estate).expect("written");
    for (name, text) in others {
        std::fs::write(folder.join(name), text).expect("written");
    }
    folder
}

fn check(estate: &Path) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    command.arg("check").arg("--estate").arg(estate);
    let output = command.args(["--source", "old-db", "--target", "new-db"]).output();
    let output = output.expect("flexway runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn a_list_of_nothing_is_no_trouble_and_an_error_of_azure_is_told() {
    let error =
        r#"{"error": {"code": "AuthorizationFailed", "message": "the client may not read it"}}"#;
    let others =
        [("a.json", "[]\n"), ("b.json", r#"{"value": []}"#), ("c.json", error), ("d.json", "{}")];
    let (output, said) = check(&folder("nothing", ("", ""), &others));
    assert_eq!(output.status.code(), Some(0), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        matches!(lines[..], [one, two]
        if one.ends_with("c.json: holds an error of Azure, AuthorizationFailed: the client may not read it")
        && two.ends_with("d.json: holds no Azure resource")),
        "{said}"
    );
}

#[test]
fn a_field_of_another_shape_is_told_with_its_place() {
    let name = format!("shape-{}", std::process::id());
    let text = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json"),
    );
    let mut list: serde_json::Value = serde_json::from_str(&text.expect("it")).expect("JSON");
    let servers = list.as_array_mut().expect("a list").iter_mut();
    let mut servers =
        servers.filter(|one| one["id"].as_str().is_some_and(|id| id.ends_with("/new-db")));
    servers.next().expect("the target")["properties"]["network"] = "none".into();
    let folder = folder(&name, ("", ""), &[]);
    std::fs::write(folder.join("estate.json"), list.to_string()).expect("written");
    let (output, said) = check(&folder);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let place = "/properties/network: is not an object; nothing is read of it";
    assert_eq!(said.matches(place).count(), 1, "{said}");
    assert!(said.contains("estate.json#/"), "{said}");
}

#[test]
fn hidden_files_of_a_folder_are_not_read() {
    let others = [("._estate.json", "\0\x05\x16\x07"), (".old.json", "[]")];
    let (output, said) = check(&folder("hidden", ("", ""), &others));
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.starts_with("note: not read, since hidden: "), "{said}");
    assert!(said.contains("/._estate.json, ") && said.lines().count() == 1, "{said}");
}

#[test]
fn a_folder_of_empty_files_says_so() {
    let folder = folder("empty", ("", ""), &[("a.json", "")]);
    std::fs::write(folder.join("estate.json"), "").expect("written");
    let (output, said) = check(&folder);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("every .json file in the folder is empty"), "{said}");
}

#[test]
fn text_around_the_json_is_told_with_its_line() {
    let around = |name: &str, before: &str, after: &str| {
        let folder = folder(name, ("", ""), &[]);
        let file = folder.join("estate.json");
        let text = std::fs::read_to_string(&file).expect("the fixture");
        std::fs::write(&file, format!("{before}{text}{after}")).expect("written");
        let (output, said) = check(&folder);
        assert_eq!(output.status.code(), Some(3), "{said}");
        (said, text.lines().count())
    };
    let is_told = |said: &str, line: usize| {
        said.contains(&format!("text stands around the JSON, in line {line}\n"))
            && said.contains("--only-show-errors")
    };
    let (said, _) = around("bracket", "\n[Warning] this output may show secrets\n", "");
    assert!(is_told(&said, 2), "{said}");
    let (said, _) =
        around("colour", "\u{1b}[33mCommand group is in preview\u{1b}[0m\n", "\u{1b}[0m");
    assert!(is_told(&said, 1), "{said}");
    let (said, lines) = around("behind", "", "WARNING: 2 updates are available\n");
    assert!(is_told(&said, lines + 1), "{said}");
    for (name, behind) in [("cut", "{ \"id\" "), ("bracket-more", "]"), ("comma", ", []")] {
        let (said, _) = around(name, "", behind);
        assert!(!said.contains("text stands around"), "{said}");
    }
}

#[test]
fn a_single_server_is_captured_by_a_command_that_exists() {
    let folder = folder("unknown", ("", ""), &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    command.arg("check").arg("--estate").arg(folder).args(["--target", "new-db", "--source"]);
    let output = command.arg("gone.postgres.database.azure.com").output().expect("flexway runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("/providers/Microsoft.DBforPostgreSQL/servers?api-version="), "{said}");
    assert!(!said.contains("az postgres server"), "{said}");
}

#[test]
fn comments_are_left_out_and_what_is_wrong_beside_them_keeps_its_line() {
    let (slashes, stars) = ("// who made this: \"us\"\n[", "[ /* 1\n */");
    for (name, from, to, code) in [
        ("slashes", "[", slashes, 0),
        ("stars", "[", stars, 0),
        ("inside", "\"old-db\"", "\"old-db\" // the old one: https://example.com", 0),
        ("wrong", "[", "[ // one\n ?", 3),
    ] {
        let folder = folder(&format!("comments-{name}"), ("", ""), &[]);
        let file = folder.join("estate.json");
        let text = std::fs::read_to_string(&file).expect("the fixture");
        assert!(text.contains(from), "{from}");
        // A fixture that stands in one line would lose the rest of it.
        let to = if name == "inside" { format!("{to}\n") } else { to.to_owned() };
        std::fs::write(&file, text.replacen(from, &to, 1)).expect("written");
        let (output, said) = check(&folder);
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        assert!(code == 0 || said.contains("line 2"), "{said}");
    }
}

#[test]
fn captures_of_one_time_that_contradict_each_other_are_told() {
    let folder = folder("one-time", ("", ""), &[]);
    let text = std::fs::read_to_string(folder.join("estate.json")).expect("the fixture");
    std::fs::write(folder.join("later.json"), text.replace("\"Ready\"", "\"Disabled\""))
        .expect("written");
    for name in ["estate.json", "later.json"] {
        let file = std::fs::File::options().write(true).open(folder.join(name)).expect("the file");
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        file.set_modified(time).expect("a time");
    }
    let (_, said) = check(&folder);
    let told = said
        .lines()
        .filter(|line| line.starts_with("warning: ") && line.contains("are of one time"));
    assert!(told.count() >= 1, "{said}");
    assert!(
        said.contains("`old-db`: ") && said.contains("captures say the same as others do"),
        "{said}"
    );
}
