//! A connection string where a server or a file is to be named: no message repeats it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SECRET: &str = "sesame-91";

fn estate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json")
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flexway")).args(arguments).output().expect("flexway runs")
}

/// Both streams, which must not hold the secret.
fn said(output: &Output, about: &str) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|one| String::from_utf8_lossy(one));
    let said = format!("{out}{err}");
    assert!(!said.contains(SECRET), "{about}: {said}");
    said
}

#[test]
fn an_argument_that_may_hold_a_password_is_not_repeated() {
    let estate = estate();
    let estate = estate.to_str().expect("a path");
    let url = format!("postgres://u:{SECRET}@h/db");
    let (pairs, login) = (format!("host=h user=u password={SECRET}"), format!("u:{SECRET}@h"));
    for text in [&*url, &*pairs, &*login] {
        let flow = |source, target, copier| {
            [
                "check", "--estate", estate, "--source", source, "--target", target, "--copier",
                copier,
            ]
        };
        let joined = format!("--source={text}");
        let calls: [&[&str]; 7] = [
            &flow(text, "new-db", "target"),
            &flow("old-db", text, "target"),
            &flow("old-db", "new-db", text),
            &["plan", "--estate", estate, &joined, "--target", "new-db", "--json"],
            &["probe", text],
            &["check", "--estate", estate, "--port", text],
            &["verify", text],
        ];
        for call in calls {
            let output = run(call);
            let said = said(&output, &call.join(" "));
            assert_eq!(output.status.code(), Some(64), "{said}");
            assert!(said.contains("it looks like a connection string"), "{said}");
            assert!(said.contains("ARM id") && said.contains("--source-url"), "{said}");
        }
    }
    let rest: [&[&str]; 4] = [
        &["check", "--estate", &url, "--source", "old-db", "--target", "new-db"],
        &["status", "--ledger", &url],
        &["explain", &url],
        &["probe", "--print-plan", "--resource", &url, "--source-url", "postgres://u@h/db"],
    ];
    for call in rest {
        let output = run(call);
        said(&output, &call.join(" "));
        assert_eq!(output.status.code(), Some(64), "{call:?}");
    }
}

#[test]
fn pairs_that_may_hold_a_password_are_named_by_their_place() {
    let files = [
        format!("old-db,new-db\npostgres://u:{SECRET}@h/db,new-db\n"),
        format!("old-db,new-db\nold-db,host=h password={SECRET}\n"),
        format!("old-db,new-db\npostgres://u:{SECRET}@h/db\n"),
        format!("old-db,new-db\n{{\"source\": \"u:{SECRET}@h\", \"target\": \"new-db\"}}\n"),
        format!(
            "old-db,new-db\n{{\"source\": \"a\", \"target\": \"b\", \"port\": \"x://{SECRET}\"}}"
        ),
        format!("old-db,new-db\n{{\"source\": \"a\", \"target\": \"b\", \"x://{SECRET}\": 1}}"),
    ];
    for (index, text) in files.iter().enumerate() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("secret-{index}.csv"));
        std::fs::write(&file, text).expect("written");
        let (estate, file) = (estate(), file.to_str().expect("a path").to_owned());
        for more in [&[] as &[&str], &["--json"], &["--json", "--full"]] {
            let mut call = vec!["check", "--pairs", &file, "--estate"];
            call.push(estate.to_str().expect("a path"));
            call.extend(more);
            let output = run(&call);
            let said = said(&output, text);
            assert_eq!(output.status.code(), Some(3), "{said}");
            assert!(said.contains("line 2"), "{said}");
        }
    }
}
