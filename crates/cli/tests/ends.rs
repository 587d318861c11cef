//! How the ends of a flow may be written, and which addresses are refused: no server can have them.

use std::path::Path;
use std::process::{Command, Output};

fn check(estate: &str, source: &str, target: &str) -> Output {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    command.arg("check").arg("--estate").arg(fixtures.join(estate));
    command.args(["--source", source, "--target", target, "--json"]);
    command.output().expect("flexway runs")
}

fn answer(output: &Output) -> serde_json::Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {said}"))
}

#[test]
fn addresses_that_no_server_has_are_wrong_usage() {
    let refused = [
        ("127.0.0.1", "would dial itself"),
        ("0.0.0.0", "no server can have"),
        ("old-db:5432:1", "is neither a name nor an address"),
        ("10.10.1.4;x:5432", "is neither a name nor an address"),
        ("169.254.1.1:5432", "no server can have"),
        ("224.0.0.1", "no server can have"),
        ("255.255.255.255", "no server can have"),
        ("10.10.1.1", "of subnet `endpoints` for itself"),
        ("10.20.2.255", "of subnet `apps` for itself"),
    ];
    for (source, why) in refused {
        let output = check("private-source.json", source, "new-db");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{source}: {said}");
        assert!(said.contains(why), "{source}: {said}");
    }
    for source in ["10.10.1.20", "192.168.7.1", "203.0.113.9"] {
        assert_ne!(check("private-source.json", source, "new-db").status.code(), Some(64));
    }
}

#[test]
fn servers_are_known_by_any_of_their_names() {
    let whole = |name: &str| format!("{name}.postgres.database.azure.com");
    let plain = answer(&check("private-source.json", "old-db", "new-db"));
    for source in ["old-db:5432".to_owned(), whole("OLD-DB"), format!("{}:5432", whole("old-db"))] {
        let other = answer(&check("private-source.json", &source, &whole("new-db")));
        assert_eq!(other, plain, "{source}");
    }
    let other = answer(&check("private-source.json", "old-db:6432", "new-db"));
    assert_eq!((&other["source"], &other["port"]), (&plain["source"], &6432.into()));
}

#[test]
fn a_name_of_azure_that_no_server_has_is_no_host_elsewhere() {
    let names = [
        "old-bd.postgres.database.azure.com",
        "old-bd.postgres.database.azure.com:5432",
        "OLD-BD.privatelink.postgres.database.azure.com",
        "old-bd.postgres.database.usgovcloudapi.net",
        "old-bd.postgres.database.chinacloudapi.cn",
    ];
    for name in names {
        for (source, target) in [(name, "new-db"), ("old-db", name.trim_end_matches(":5432"))] {
            let output = check("private-source.json", source, target);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{source}: {said}");
            let name = name.trim_end_matches(":5432").to_ascii_lowercase();
            let why =
                format!("no server of the estate has the name `{name}`: did you mean `old-db`?");
            assert!(said.contains(&why), "{said}");
        }
    }
    let output = check("private-source.json", "wholly-other.postgres.database.azure.com", "new-db");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("azure.com`; servers in the estate:\n"), "{said}");
    let alias = "old-db.privatelink.postgres.database.azure.com.";
    let known = answer(&check("private-source.json", alias, "new-db"));
    assert!(known["source"].as_str().is_some_and(|id| id.ends_with("/servers/old-db")), "{known}");
}

#[test]
fn ports_are_read_once_and_in_words() {
    let said = |arguments: &[&str]| {
        let estate =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
        command.arg("check").arg("--estate").arg(estate).args(["--target", "new-db"]);
        let output = command.args(arguments).output().expect("flexway runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let refused: [(&[&str], &str); 5] = [
        (&["--source", ":5432"], "it names no host"),
        (
            &["--source", "old-db:5432", "--port", "6432"],
            "the source says 5432, `--port` says 6432",
        ),
        (
            &["--source", "10.1.2.3:6432", "--port", "5432"],
            "the source says 6432, `--port` says 5432",
        ),
        (&["--source", "old-db", "--port", "abc"], "give 1 to 65535"),
        (&["--source", "old-db", "--port", "0"], "give 1 to 65535"),
    ];
    for (arguments, why) in refused {
        let (code, said) = said(arguments);
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(said(&["--source", "old-db:6432", "--port", "6432"]).0, Some(1));
}

#[test]
fn facts_are_of_resources_alone() {
    for (source, target) in
        [("db.example.com", "new-db"), ("10.10.1.20", "new-db"), ("old-db", "new-db")]
    {
        let told = answer(&check("private-source.json", source, target));
        let ways =
            ["forward", "return"].map(|way| told["trace"][way].as_array().expect("steps").clone());
        let mut facts =
            ways.iter().flatten().flat_map(|step| step["facts"].as_array().expect("a list"));
        assert!(source == "db.example.com" || facts.clone().count() > 0, "{told}");
        assert!(facts.all(|fact| fact["resource"].is_string()), "{told}");
    }
}
