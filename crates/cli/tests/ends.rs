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
