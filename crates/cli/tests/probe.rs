//! `flexway probe` and `check --probe` as users call them: real servers, exit codes, plans for agents.

mod agent;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flexway_lab::{Options, Server, installed};
use serde_json::Value;

fn server(major: u32) -> Server {
    let settings = vec![("wal_level".to_owned(), "logical".to_owned())];
    let options = Options { settings, ..Options::default() };
    Server::start(&installed::find(major).expect("installed"), &options).expect("started")
}

/// Runs the program without the caller's own settings; `input` goes to its standard input.
fn flexway(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    program(env!("CARGO_BIN_EXE_flexway"), arguments, variables, input)
}

fn program(path: &str, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(path);
    for name in ["FLEXWAY_SOURCE", "FLEXWAY_TARGET", "PGPASSWORD", "PGPASSFILE", "PGHOST"] {
        command.env_remove(name);
    }
    command.args(arguments).envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("flexway runs");
    // What is wrongly used ends without reading.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("{why}: {}", text(&output.stderr)))
}

fn fixture() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/private-source.json");
    path.display().to_string()
}

/// A folder of its own, removed with its value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("flexway-agent-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file of its own, removed with its value.
struct Saved(PathBuf);

impl Saved {
    fn new(name: &str, bytes: &[u8]) -> Saved {
        let path = std::env::temp_dir().join(format!("flexway-{name}-{}", std::process::id()));
        std::fs::write(&path, bytes).expect("written");
        Saved(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for Saved {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn the_ladder_in_text_and_json_with_its_exit_codes() {
    let server = server(17);
    let url = server.url("postgres");
    let told = flexway(&["probe", "--json"], &[("FLEXWAY_SOURCE", &url)], "");
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
    let answer = json(&told);
    assert_eq!(answer["schema"], "flexway.probe/1");
    let seen = &answer["observations"][0];
    assert_eq!(seen["schema"], "flexway.observation/1");
    assert_eq!(seen["rungs"].as_array().map(Vec::len), Some(7));
    assert_eq!(seen["seen_as"], "127.0.0.1");
    assert!(!text(&told.stdout).contains(server.password()));

    let port = server.port().to_string();
    let told = flexway(&["probe", &format!("127.0.0.1:{port}")], &[], "");
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stdout));
    assert!(text(&told.stdout).starts_with("holds  up to ssl-request\n"), "{}", text(&told.stdout));

    let wrong = url.replace(server.password(), "s3cret");
    let told = flexway(&["probe", "--source-url", &wrong], &[], "");
    assert_eq!(told.status.code(), Some(1));
    let shown = text(&told.stdout);
    assert!(shown.starts_with("blocked  at login\n"), "{shown}");
    assert!(!shown.contains("s3cret") && shown.contains("fix: check user and password"), "{shown}");

    let codes = [
        (&["probe"][..], 64),
        (&["probe", "postgres://a:b@c/d"], 64),
        (&["probe", "host:0"], 64),
        (&["probe", "--up-to", "roof", "host"], 64),
        (&["probe", "--agent"], 3),
        (&["probe", "--from", "target", "127.0.0.1"], 64),
        (&["probe", "--from", "target", "--idle", "3", "127.0.0.1"], 64),
        (&["probe", "127.0.0.1:1"], 1),
    ];
    for (arguments, code) in codes {
        let told = flexway(arguments, &[], "");
        assert_eq!(told.status.code(), Some(code), "{arguments:?}: {}", text(&told.stderr));
    }
}

#[test]
fn a_host_without_a_route_is_told_from_a_silent_one() {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", env!("CARGO_BIN_EXE_flexway"), "probe"]);
    let told = command.args(["--up-to", "tcp", "--json", "192.0.2.1"]).output().expect("unshare");
    if told.stdout.is_empty() {
        // Some systems keep namespaces from ordinary users.
        eprintln!("skipped: a_host_without_a_route: {}", text(&told.stderr).trim());
        return;
    }
    assert_eq!(told.status.code(), Some(1));
    assert_eq!(json(&told)["observations"][0]["rungs"][1]["symptom"], "unreachable");
}

#[test]
fn an_agent_carries_out_a_plan_that_holds_no_password() {
    let server = server(17);
    let url = server.url("postgres");
    let plan = flexway(
        &["probe", "--print-plan", "--from", "relay", "--up-to", "login"],
        &[("FLEXWAY_SOURCE", &url)],
        "",
    );
    let plan = text(&plan.stdout);
    assert!(!plan.contains(server.password()), "{plan}");
    let own = Folder::new();
    let static_agent = agent::build(&own.0).display().to_string();
    let agents =
        [(env!("CARGO_BIN_EXE_flexway"), &["probe", "--agent"][..]), (&*static_agent, &[])];
    for (path, words) in agents {
        let agent = |variables: &[(&str, &str)], plan: &str| program(path, words, variables, plan);
        let told = agent(&[("PGPASSWORD", server.password())], &plan);
        assert_eq!(told.status.code(), Some(0), "{}", text(&told.stderr));
        let seen = &json(&told)["observations"][0];
        assert_eq!(seen["vantage"]["place"], "relay");
        assert_eq!(seen["rungs"][5]["outcome"], "pass");
        assert_eq!(seen["rungs"][6]["outcome"], "not-seen");
        let told = agent(&[], &plan);
        assert_eq!(told.status.code(), Some(1));
        assert_eq!(json(&told)["observations"][0]["rungs"][5]["symptom"], "no-password");
        // The server of its own FLEXWAY_TARGET dials.
        let inside = plan.replace("\"relay\"", "\"target\"");
        let told = agent(&[("FLEXWAY_TARGET", &url)], &inside);
        assert_eq!(json(&told)["observations"][0]["vantage"]["place"], "target");
        let cut = &plan[..plan.len() / 2];
        let socket = plan.replace("127.0.0.1", "/tmp");
        let newer = plan.replace("flexway.probe-plan/1", "flexway.probe-plan/9");
        let codes = [("", 3), (cut, 3), (&newer, 3), (&inside, 64), (&socket, 64)];
        for (plan, code) in codes {
            let told = agent(&[], plan);
            assert_eq!(told.status.code(), Some(code), "{plan}: {}", text(&told.stderr));
            assert!(told.stdout.is_empty() && text(&told.stderr).starts_with("error: failed to "));
        }
    }
    assert_eq!(program(&static_agent, &["plan.json"], &[], &plan).status.code(), Some(64));
    assert!(
        text(&program(&static_agent, &["--version"], &[], "").stdout)
            .starts_with("flexway-agent 0.")
    );
}

#[test]
fn check_probes_from_inside_the_target() {
    let (mut source, target) = (server(15), server(17));
    let estate = fixture();
    let url = source.url("postgres").replace("127.0.0.1", "localhost");
    let dialled = format!("localhost:{}", source.port());
    let arguments =
        ["check", "--estate", &estate, "--source", &dialled, "--target", "new-db", "--json"];
    let alone = flexway(&arguments, &[], "");
    assert_eq!(alone.status.code(), Some(2), "{}", text(&alone.stdout));
    let target_url = target.url("postgres");
    let variables = [("FLEXWAY_SOURCE", url.as_str()), ("FLEXWAY_TARGET", target_url.as_str())];
    let probed = flexway(&[&arguments[..], &["--probe"]].concat(), &variables, "");
    assert_eq!(probed.status.code(), Some(0), "{}", text(&probed.stdout));
    let answer = json(&probed);
    assert_eq!(answer["verdict"], "reachable");
    assert_eq!(answer["probes"]["agreement"], "decides");
    assert_eq!(answer["probes"]["witnesses"][0]["flow"], "to-source");

    source.stop().expect("stopped");
    let probed = flexway(&[&arguments[..], &["--probe"]].concat(), &variables, "");
    assert_eq!(probed.status.code(), Some(1), "{}", text(&probed.stdout));
    let answer = json(&probed);
    assert_eq!(answer["verdict"], "unreachable");
    assert_eq!(answer["findings"][0]["fault"], "host/not-listening");
}

#[test]
fn check_reads_observations_and_says_which_count() {
    let port = server(17).port();
    let seen = flexway(&["probe", &format!("127.0.0.1:{port}"), "--json"], &[], "");
    // The server is gone: the probe is blocked, and from the wrong place, too.
    let mut answer = json(&seen);
    let utf16 =
        "\u{feff}".encode_utf16().chain(text(&seen.stdout).encode_utf16().collect::<Vec<_>>());
    let file = Saved::new("seen", &utf16.flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    let estate = fixture();
    let arguments = ["check", "--estate", &estate, "--source", "old-db", "--target", "new-db"];
    let told = flexway(&[&arguments[..], &["--observations", file.path()]].concat(), &[], "");
    assert_eq!(told.status.code(), Some(0));
    assert!(text(&told.stdout).contains("does not count: it stood on"), "{}", text(&told.stdout));

    let one = &mut answer["observations"][0];
    one["vantage"] =
        serde_json::json!({ "place": "target", "host": "new-db.postgres.database.azure.com" });
    one["to"] = serde_json::json!({ "host": "old-db.postgres.database.azure.com", "port": 5432 });
    let told =
        flexway(&[&arguments[..], &["--observations", "-"]].concat(), &[], &answer.to_string());
    assert_eq!(told.status.code(), Some(1));
    let shown = text(&told.stdout);
    assert!(shown.starts_with("inconsistent\n"), "{shown}");
    assert!(
        shown.contains("what would explain it") && shown.contains("to tell them apart"),
        "{shown}"
    );
    // The path and many pairs take them, too.
    let file = Saved::new("seen-inside", answer.to_string().as_bytes());
    let trace = [&["trace"], &arguments[1..], &["--observations", file.path()]].concat();
    let told = flexway(&trace, &[], "");
    assert_eq!(told.status.code(), Some(1));
    assert!(text(&told.stdout).contains("contradicts the estate"), "{}", text(&told.stdout));
    let plan = [&["plan"], &arguments[1..], &["--observations", file.path()]].concat();
    let told = flexway(&plan, &[], "");
    assert_eq!(told.status.code(), Some(1));
    let script = text(&told.stdout);
    assert!(script.contains("no plan: the estate and the probe contradict"), "{script}");
    assert!(text(&told.stderr).starts_with("no plan: the estate and the probe contradict"));
    let pairs = ["check", "--estate", &estate, "--pairs", "-", "--observations", file.path()];
    let told = flexway(&pairs, &[], "old-db,new-db\n");
    let shown = text(&told.stdout);
    assert!(shown.starts_with("inconsistent"), "{shown}");
    assert_eq!(told.status.code(), Some(1), "{shown}");
    let told = flexway(&[&arguments[..], &["--observations", "-"]].concat(), &[], "[1]");
    assert_eq!(told.status.code(), Some(3));
}
