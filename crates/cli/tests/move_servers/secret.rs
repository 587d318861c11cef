//! Passwords on the command line are gone from it before anything else happens.

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;

use crate::pair::{Folder, Ran, flexway};

#[test]
fn ps_shows_no_password_and_a_second_process_is_told_of_the_first() {
    let folder = Folder::new();
    let ledger = folder.path().join("x.ledger");
    // A server that takes the connection and says nothing, so that the program stands still.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url =
        format!("postgres://a:hidden-word@127.0.0.1:{}/d", silent.local_addr().unwrap().port());
    let command = || {
        let mut command = flexway(folder.path());
        command.args(["migrate", "--jobs", "3", "--source-url", &url]);
        command.arg(format!("--target-url={url}")).arg("--ledger").arg(&ledger);
        command
    };
    let mut child = command().stderr(Stdio::piped()).spawn().unwrap();
    let _connection = silent.accept().unwrap();
    let shown = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    let shown = String::from_utf8_lossy(&shown).replace('\0', " ");
    let second = Ran::of(command()).ended(3);
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(!shown.contains("hidden-word"), "{shown}");
    assert!(shown.contains("migrate --jobs 3"), "{shown}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("hidden-word"));
    second.says(&["works with it"]);
}
