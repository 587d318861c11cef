//! `check --pairs`: many pairs in one run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn estate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json")
}

/// Writes a file for as long as something is done with it.
fn with_file<T>(name: &str, bytes: &[u8], then: impl FnOnce(&Path) -> T) -> T {
    let file = std::env::temp_dir().join(format!("flexway-pairs-{name}-{}", std::process::id()));
    std::fs::write(&file, bytes).expect("written");
    let done = then(&file);
    std::fs::remove_file(&file).expect("removed");
    done
}

fn check(pairs: &Path, estate: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
    command.arg("check").arg("--pairs").arg(pairs).arg("--estate").arg(estate).args(more);
    command.output().expect("flexway runs")
}

/// Runs the pairs of a text, from a file of its own.
fn pairs(name: &str, text: &str, more: &[&str]) -> Output {
    with_file(name, text.as_bytes(), |file| check(file, &estate(), more))
}

#[test]
fn an_estate_may_come_through_a_pipe() {
    let list = std::fs::read_to_string(estate()).expect("the fixture");
    for (name, text) in [("list", list.clone()), ("page", format!("{{\"value\": {list}}}"))] {
        let pipe = std::env::temp_dir().join(format!("flexway-pipe-{name}-{}", std::process::id()));
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        let told = std::thread::scope(|scope| {
            let written = scope.spawn(|| std::fs::write(&pipe, &text));
            let told = with_file(name, b"old-db,new-db", |pairs| check(pairs, &pipe, &[]));
            written.join().expect("no panic").expect("written");
            told
        });
        std::fs::remove_file(&pipe).expect("removed");
        assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
    }
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
    assert!(table.starts_with("reachable     old-db <- new-db\nnot judged"), "{table}");
    assert!(table.ends_with("3 pairs: 1 reachable, 1 unreachable, 1 not judged\n"), "{table}");
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

#[test]
fn files_may_be_written_by_powershell() {
    let utf16 = |text: &str, to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(to_bytes).collect()
    };
    let whole = std::fs::read_to_string(estate()).expect("the fixture");
    let ends = "source,target\r\nold-db,new-db\r\n";
    let code = |name: &str, estate: &[u8], ends: &[u8]| {
        with_file(&format!("{name}-estate"), estate, |estate| {
            with_file(name, ends, |ends| {
                let told = check(ends, estate, &[]);
                (told.status.code(), String::from_utf8_lossy(&told.stderr).into_owned())
            })
        })
    };
    for (name, to_bytes) in
        [("little", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("big", u16::to_be_bytes)]
    {
        let (found, said) = code(name, &utf16(&whole, to_bytes), &utf16(ends, to_bytes));
        assert_eq!(found, Some(0), "{said}");
    }
    let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
    assert_eq!(code("marked", &marked(&whole), &marked(ends)).0, Some(0));
    let mut broken = utf16(&whole, u16::to_le_bytes);
    broken.pop();
    let (found, said) = code("cut", &broken, ends.as_bytes());
    assert_eq!(found, Some(3));
    assert!(said.contains("it is UTF-16 and ends inside a character"), "{said}");
    let mut broken = utf16(ends, u16::to_le_bytes);
    broken.extend([0x00, 0xdc]);
    let (found, said) = code("half", whole.as_bytes(), &broken);
    assert_eq!(found, Some(3));
    let place = broken.len() - 2;
    assert!(said.contains(&format!("UTF-16 with half a character at byte {place};")), "{said}");
}

#[test]
fn a_file_in_another_encoding_is_refused_with_the_place() {
    let bytes = b"[{\"id\": \"caf\xe9\"}]";
    for estate_is_it in [true, false] {
        let told = with_file(&format!("latin-{estate_is_it}"), bytes, |file| match estate_is_it {
            true => with_file("latin-pairs", b"old-db,new-db", |pairs| check(pairs, file, &[])),
            false => check(file, &estate(), &[]),
        });
        let said = String::from_utf8_lossy(&told.stderr).into_owned();
        assert_eq!(told.status.code(), Some(3), "{said}");
        assert!(said.contains(": it is neither UTF-8 nor UTF-16 (byte 12)"), "{said}");
    }
}

#[test]
fn the_copier_is_the_target_another_server_or_a_host() {
    let told = |copier: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
        let flow = ["--source", "old-db", "--target", "new-db", "--copier", copier, "--json"];
        let told = command.arg("check").arg("--estate").arg(estate()).args(flow).output();
        let told = told.expect("flexway runs");
        let answer: Value = serde_json::from_slice(&told.stdout).unwrap_or_default();
        (told.status.code(), answer["copier"].clone())
    };
    assert_eq!(told("new-db"), (Some(0), "target".into()), "the target by its name");
    assert_eq!(told("old-db").0, Some(64), "nothing copies on the source");
    for host in ["[2001:db8::5]:5432", "2001:db8::5", "10.0.0.300"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
        let flow = ["--source", host, "--target", "new-db"];
        let told = command.arg("check").arg("--estate").arg(estate()).args(flow).output();
        assert_eq!(told.expect("flexway runs").status.code(), Some(64), "{host}");
    }
    let mut swapped = Command::new(env!("CARGO_BIN_EXE_flexway"));
    let flow = ["--source", "new-db", "--target", "old-db"];
    let swapped = swapped.arg("check").arg("--estate").arg(estate()).args(flow).output();
    let swapped = swapped.expect("flexway runs");
    let said = String::from_utf8_lossy(&swapped.stderr);
    assert_eq!(swapped.status.code(), Some(64), "{said}");
    assert!(said.contains("target `old-db` is a Single Server"), "{said}");
    assert_eq!(told("old-db-pe.nic").0, Some(3), "an endpoint's interface is no machine's");
    assert_eq!(told("").0, Some(3));
}

#[test]
fn the_source_may_be_given_by_its_endpoint_or_as_a_machine() {
    let group =
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-target/providers";
    let vm = format!("{group}/Microsoft.Compute/virtualMachines/pg-vm");
    let subnet = format!("{group}/Microsoft.Network/virtualNetworks/target-net/subnets/apps");
    let address = json!({ "privateIPAddress": "10.20.2.8", "subnet": { "id": subnet } });
    let machine = json!({
        "id": format!("{group}/Microsoft.Network/networkInterfaces/pg-nic"),
        "properties": { "virtualMachine": { "id": vm }, "ipConfigurations": [{ "properties": address }] },
    })
    .to_string();
    with_file("machine.json", machine.as_bytes(), |machine| {
        let source = |given: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
            command.arg("check").arg("--estate").arg(estate()).arg("--estate").arg(machine);
            let told = command.args(["--source", given, "--target", "new-db", "--json"]).output();
            let told: Value =
                serde_json::from_slice(&told.expect("flexway runs").stdout).unwrap_or_default();
            let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
            (text("source"), text("source_address"))
        };
        let (server, _) = source("old-db");
        assert!(server.ends_with("/servers/old-db"), "{server}");
        assert_eq!(source("10.10.1.4").0, server, "the address of its endpoint");
        for given in ["pg-vm", "pg-vm:5433", "pg-nic", &vm] {
            let name = given.trim_end_matches(":5433").to_owned();
            assert_eq!(source(given), (name, "10.20.2.8".to_owned()));
        }
    });
}

#[test]
fn lines_tell_a_port_and_a_copier_of_their_own() {
    let text = "old-db:6432,new-db\nold-db,new-db\n{\"source\":\"old-db\",\"target\":\"new-db\",\"copier\":\"relay\",\"port\":6000}";
    let told = pairs("ports", text, &["--port", "7000"]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let starts = [
        "old-db:6432 <- new-db  ",
        "old-db <- new-db (port 7000)  ",
        "old-db <- new-db (port 6000, copier relay)  ",
    ];
    for (line, start) in told.lines().zip(starts) {
        assert!(
            line.split_once("  ").is_some_and(|(_, rest)| rest.trim_start().starts_with(start)),
            "{told}"
        );
    }
}

#[test]
fn what_is_no_pair_is_said_in_words() {
    let answer = pairs("semicolons", "source;target\nold-db;new-db\n", &[]);
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(said.contains("line 1 has `;` between its columns: put a comma there"), "{said}");
    let answer = pairs("arrays", r#"[["old-db","new-db"]]"#, &[]);
    let said = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(said.contains("pair 1 is no object with `source` and `target`"), "{said}");
    let answer = check(Path::new("-"), Path::new("-"), &[]);
    let said = String::from_utf8_lossy(&answer.stderr).into_owned();
    assert_eq!(answer.status.code(), Some(64), "{said}");
    assert!(said.contains("cannot both come from it"), "{said}");
}
