//! A reader that goes away, as `head` does, changes nothing about how a command ends.

use std::path::Path;
use std::process::{Command, Stdio};

const FLEXWAY: &str = env!("CARGO_BIN_EXE_flexway");
const AGENT: &str = env!("CARGO_BIN_EXE_flexway-agent");

/// The exit code of a command whose output and messages nobody reads, or everybody.
fn code(program: &str, arguments: &[&str], is_read: bool) -> Option<i32> {
    let stream = || {
        if is_read {
            return Stdio::null();
        }
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        Stdio::from(writer)
    };
    let mut command = Command::new(program);
    command.args(arguments).env_remove("FLEXWAY_SOURCE").env_remove("FLEXWAY_TARGET");
    command.stdin(Stdio::null()).stdout(stream()).stderr(stream());
    command.status().expect("it runs").code()
}

#[test]
fn nobody_has_to_listen() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let estate = fixtures.join("private-source.json");
    let estate = estate.to_str().expect("a path");
    // Given twice: both commands say so on standard error.
    let flow = ["--estate", estate, "--estate", estate, "--source", "old-db", "--target", "new-db"];
    let check = [&["check"], &flow[..]].concat();
    let plan = [&["plan"], &flow[..]].concat();
    let nobody = "postgres://a@127.0.0.1:1/d";
    let verify = ["verify", "--source-url", nobody, "--target-url", nobody];
    let as_json = [&verify[..], &["--json"]].concat();
    let cases: [(&str, &[&str], i32); 9] = [
        (FLEXWAY, &check, 0),
        (FLEXWAY, &plan, 0),
        (FLEXWAY, &["explain", "no-such-word"], 64),
        (FLEXWAY, &["explain", "--list"], 0),
        (FLEXWAY, &["no-such-command"], 64),
        (FLEXWAY, &verify, 3),
        (FLEXWAY, &as_json, 3),
        (AGENT, &["no-such-option"], 64),
        (AGENT, &[], 3),
    ];
    for (program, arguments, expected) in cases {
        for is_read in [true, false] {
            let code = code(program, arguments, is_read);
            assert_eq!(code, Some(expected), "{arguments:?}, read: {is_read}");
        }
    }
}

/// A file that does not take the report is another matter than a reader that has seen enough.
#[test]
fn a_report_that_no_file_holds_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
    let nobody = "postgres://a@127.0.0.1:1/d";
    let mut command = Command::new(FLEXWAY);
    command.args(["verify", "--json", "--source-url", nobody, "--target-url", nobody]);
    let ended = command.stdout(full).output().expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(said.contains("failed to print the report"), "{said}");
    assert_eq!(ended.status.code(), Some(3), "{said}");
}
