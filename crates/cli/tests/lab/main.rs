//! `flexway lab` from the outside: a twin is built, used and taken away, also when its builder is killed.

#[path = "../agent/mod.rs"]
mod agent;
mod black_hole;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use flexway_lab::twin::tools;
use serde_json::Value;

const HOST: &str = "old-db.postgres.database.azure.com";

fn fixture(name: &str) -> String {
    format!("{}/../../fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// A folder for the twins of one test; dropping it ends them.
struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Option<Home> {
        if let Err(why) = tools::require() {
            eprintln!("{test} is skipped: failed to {why}");
            return None;
        }
        let folder =
            std::env::temp_dir().join(format!("flexway lab cli {} {test}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Some(Home(folder))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flexway"));
        command.arg("lab").args(arguments).env("FLEXWAY_LAB", &self.0);
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } =
            self.command(arguments).output().expect("flexway runs");
        let text = [stdout, stderr].concat();
        (status.code(), String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.run(&["down", "--all"]);
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Processes that have the folder in their command lines or work in it.
fn processes_in(folder: &Path) -> Vec<String> {
    let text = folder.display().to_string();
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let lines = entries.filter_map(|entry| {
        let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let cwd = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        (line.contains(&text) || cwd.starts_with(folder)).then(|| line.replace('\0', " "))
    });
    lines.collect()
}

#[test]
fn a_twin_runs_real_servers_and_goes_without_a_trace() {
    let Some(home) = Home::new("servers") else { return };
    let (code, text) = home.run(&["up", "--estate", &fixture("private-source")]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("PostgreSQL 11"), "{text}");
    // The target's own connection to the source, by its name, over the twin's networks.
    let tools = flexway_lab::installed::client_tools();
    let psql = tools.first().expect("client tools").program("psql");
    let ask =
        ["exec", "new-db", "--", psql.to_str().expect("a path"), "-h", HOST, "-d", "postgres"];
    let ask = [&ask[..], &["-Atc", "select inet_client_addr(), inet_server_addr()"]].concat();
    assert_eq!(home.run(&ask), (Some(0), "10.20.1.4|10.10.1.4\n".to_owned()));
    assert_eq!(home.run(&["exec", "old-db", "--", "sh", "-c", "exit 7"]).0, Some(7));
    let (code, text) = home.run(&["up", "--estate", &fixture("private-source")]);
    assert!(code == Some(3) && text.contains("stands already"), "{text}");
    let (_, text) = home.run(&["status", "--json"]);
    assert!(text.contains("\"schema\": \"flexway.lab/1\""), "{text}");
    assert_eq!(home.run(&["down"]).0, Some(0));
    assert_eq!(home.run(&["down"]), (Some(0), "twin `twin`: there is none\n".to_owned()));
    assert_eq!(processes_in(&home.0), Vec::<String>::new());
    assert_eq!(fs::read_dir(&home.0).expect("a folder").count(), 0);
}

#[test]
fn a_fault_that_is_set_is_found_and_its_plan_mends_the_twin() {
    let Some(home) = Home::new("break") else { return };
    let (code, text) = home.run(&["up", "--estate", &fixture("private-source")]);
    assert_eq!(code, Some(0), "{text}");
    let (broken, plan) = (home.0.join("broken.json"), home.0.join("plan.json"));
    let (broken, plan) = (broken.display().to_string(), plan.display().to_string());
    assert_eq!(home.run(&["break", "dns/zone-not-linked", "--out", &broken]).0, Some(0));
    let tools = flexway_lab::installed::client_tools();
    let psql = tools.first().expect("client tools").program("psql").display().to_string();
    let database = format!("host={HOST} dbname=postgres connect_timeout=2");
    let ask = ["exec", "new-db", "--", &psql, "-Atc", "select 1", &database];
    let (code, text) = home.run(&ask);
    assert!(code == Some(2) && text.contains("203.0.113.1"), "the public door is closed: {text}");
    let (_, text) = home.run(&["status"]);
    assert!(text.contains("publicNetworkAccess"), "{text}");
    let mut make = Command::new(env!("CARGO_BIN_EXE_flexway"));
    make.args(["plan", "--estate", &broken, "--source", "old-db", "--target", "new-db"]);
    make.args(["--format", "json", "--out", &plan]);
    assert!(make.status().expect("flexway runs").success());
    let (code, text) = home.run(&["apply", &plan]);
    assert!(code == Some(0) && text.contains("1 change made"), "{text}");
    assert_eq!(home.run(&ask), (Some(0), "1\n".to_owned()));
    fs::write(&broken, r#"{ "schema": "flexway.plan/1" }"#).expect("written");
    let (code, text) = home.run(&["apply", &broken]);
    assert!(code == Some(3) && text.contains("it is no plan: it has no `certificate`"), "{text}");
    // What a server refuses to a login is no matter of the path, and is said beside it.
    let flexway = ["exec", "new-db", "--", env!("CARGO_BIN_EXE_flexway")];
    let estate = fixture("private-source");
    let check =
        ["check", "--estate", &estate, "--source", "old-db", "--target", "new-db", "--probe"];
    let mut check = home.command(&[&flexway[..], &check].concat());
    check.env("FLEXWAY_SOURCE", format!("postgres://postgres:wrong@{HOST}/nowhere"));
    let socket = home.0.join("twin/s1.server/s").display().to_string();
    check.env("FLEXWAY_TARGET", format!("host='{socket}' user=postgres dbname=postgres"));
    let told = check.output().expect("flexway runs");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains("startup does not hold") || told.contains("login does not hold"),
        "{told}"
    );
    assert!(!told.contains("agrees with the estate"), "{told}");
    // A server that was ended by hand is shown so.
    let status_file = home.0.join("twin/s1.server/data/postmaster.pid");
    let end = ["exec", "new-db", "--", "sh", "-c", "kill -9 $(head -n 1 \"$0\")"];
    let status_file = status_file.display().to_string();
    assert_eq!(home.run(&[&end[..], &[status_file.as_str()]].concat()).0, Some(0));
    let (_, text) = home.run(&["status"]);
    assert!(text.contains("PostgreSQL 17, which has stopped"), "{text}");
    assert!(text.contains("PostgreSQL 11\n"), "{text}");
    // A server that stops answers nobody; its data is there when it starts again.
    assert_eq!(home.run(&["break", "server/not-ready"]).0, Some(0));
    let (code, text) = home.run(&ask);
    assert!(code == Some(2) && text.contains("refused"), "{text}");
    let (code, text) = home.run(&["break", "filter/inbound-denied"]);
    assert!(code == Some(64) && text.contains("nothing between"), "{text}");
    assert_eq!(home.run(&["down"]).0, Some(0));
}

#[test]
fn the_static_agent_sees_the_same_in_an_empty_folder() {
    let Some(home) = Home::new("agent") else { return };
    let (code, text) = home.run(&["up", "--estate", &fixture("private-source")]);
    assert_eq!(code, Some(0), "{text}");
    // Nothing is there but the program, what names the DNS server, and the kernel's devices.
    let bare = home.0.join("bare");
    for name in ["etc", "dev"] {
        fs::create_dir_all(bare.join(name)).expect("a folder");
    }
    agent::build(&bare);
    let bare = bare.display().to_string();
    const ENTER: &str = "cat /etc/resolv.conf > \"$0/etc/resolv.conf\"; \
        mount --bind /dev \"$0/dev\"; exec chroot \"$0\" /agent";
    let flexway = env!("CARGO_BIN_EXE_flexway");
    let url = format!("host={HOST} dbname=postgres user=postgres sslmode=require");
    let plan = ["probe", "--print-plan", "--from", "relay", "--source-url", &url];
    let plan = Command::new(flexway).args(plan).output().expect("flexway runs").stdout;
    let look = |words: &[&str]| {
        // Of the place's own settings, the file of certificates is not in the folder.
        let exec = ["exec", "new-db", "--", "env", "-u", "PGSSLROOTCERT"];
        let mut command = home.command(&[&exec[..], words].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("runs");
        child.stdin.take().expect("piped").write_all(&plan).expect("it reads");
        let told = child.wait_with_output().expect("it ends");
        let answer: Value = serde_json::from_slice(&told.stdout).expect("JSON");
        (told.status.code(), answer["observations"][0].clone())
    };
    let (_, seen) = look(&["sh", "-c", ENTER, &bare]);
    let (code, beside) = look(&[flexway, "probe", "--agent"]);
    assert_eq!(code, Some(0), "{beside}");
    assert_eq!(seen["addresses"][0], "10.10.1.4");
    assert_eq!(seen["rungs"][0]["evidence"]["resolver"], "this machine");
    assert_eq!(seen["rungs"][0]["evidence"]["answers"][0]["answer"], "found");
    let shown = |seen: &Value| {
        let rungs = seen["rungs"].as_array().expect("rungs").clone();
        let words = ["rung", "outcome", "detail", "symptom", "code", "faults"];
        { rungs }.iter().map(|rung| words.map(|word| rung[word].clone())).collect::<Vec<_>>()
    };
    // The one has the password file of the place, the other has none.
    assert_eq!(shown(&seen)[..5], shown(&beside)[..5]);
    assert_eq!(seen["rungs"][5]["symptom"], "no-password");
    assert_eq!(home.run(&["down"]).0, Some(0));
}

#[test]
fn a_killed_builder_leaves_no_process_and_no_twin() {
    let Some(home) = Home::new("killed") else { return };
    let estate = fixture("private-source");
    for pause_ms in [20, 60, 150, 400, 800] {
        let mut child = home.command(&["up", "--estate", &estate]).spawn().expect("flexway starts");
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        child.kill().and_then(|()| child.wait()).expect("it is killed");
        // On a fast machine it was done before.
        if home.run(&["status"]).0 == Some(0) {
            assert_eq!(home.run(&["down"]).0, Some(0));
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !processes_in(&home.0).is_empty() {
            assert!(std::time::Instant::now() < deadline, "{:?}", processes_in(&home.0));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    let (code, text) = home.run(&["up", "--no-servers", "--estate", &estate]);
    assert_eq!(code, Some(0), "what the killed ones left is in nobody's way: {text}");
    assert_eq!(home.run(&["down"]).0, Some(0));
}

#[test]
fn a_move_that_is_cut_off_says_how_and_goes_on_when_the_cable_is_back() {
    let Some(home) = Home::new("unplugged") else { return };
    let (code, text) = home.run(&["up", "--estate", &fixture("private-source")]);
    assert_eq!(code, Some(0), "{text}");
    let tools = flexway_lab::installed::client_tools();
    let psql = tools.first().expect("client tools").program("psql").display().to_string();
    let fill = "create table big(id int primary key, words text); \
        insert into big select i, repeat(md5(i::text), 8) from generate_series(1, 300000) i";
    for (database, sql) in [("postgres", "create database shop"), ("shop", fill)] {
        let make = ["exec", "old-db", "--", &psql, "-qd", database, "-c", sql];
        assert_eq!(home.run(&make), (Some(0), String::new()));
    }
    let (ledger, told) = (home.0.join("ledger.db"), home.0.join("told"));
    let ledger = ledger.display().to_string();
    let flexway = ["exec", "new-db", "--", env!("CARGO_BIN_EXE_flexway")];
    let with_servers = |words: &[&str]| {
        let mut command = home.command(&[&flexway[..], words, &["--ledger", &ledger]].concat());
        command.env("FLEXWAY_SOURCE", format!("postgres://postgres@{HOST}/postgres"));
        let socket = home.0.join("twin/s1.server/s").display().to_string();
        command.env("FLEXWAY_TARGET", format!("host='{socket}' user=postgres dbname=postgres"));
        command
    };
    let mut migrate = with_servers(&["migrate", "--database", "shop"]);
    let mut migrate =
        migrate.stderr(fs::File::create(&told).expect("a file")).spawn().expect("it starts");
    let wait_for = |words: &str| {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let text = fs::read_to_string(&told).expect("a file");
            if text.contains(words) {
                return;
            }
            assert!(Instant::now() < deadline, "no `{words}` in: {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    wait_for("copying 1 table");
    let reset = "add table ip hand; add chain ip hand in { type filter hook input priority 0; }; \
        add rule ip hand in tcp dport 5432 reject with tcp reset";
    assert_eq!(home.run(&["exec", "old-db", "--", "nft", reset]).0, Some(0));
    wait_for("is lost: it was reset");
    // Whoever kills the command's caller kills the command.
    migrate.kill().and_then(|()| migrate.wait()).expect("it is killed");
    assert_eq!(home.run(&["exec", "old-db", "--", "nft", "delete table ip hand"]).0, Some(0));
    let text_of = |mut command: Command| {
        let output = command.output().expect("flexway runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    // Nothing comes back at all: another sentence than for what refuses.
    assert_eq!(home.run(&["unplug", "old-db"]).0, Some(0));
    let (code, text) = text_of(with_servers(&["resume"]));
    assert!(code == Some(3) && text.contains("10.10.1.4 gave no answer"), "{text}");
    assert_eq!(home.run(&["plug", "old-db"]).0, Some(0));
    let (code, text) = text_of(with_servers(&["resume"]));
    assert!(code == Some(0) && text.contains("equal: 1 table with 300,000 rows"), "{text}");
    assert_eq!(home.run(&["down"]).0, Some(0));
}

#[test]
fn a_change_that_is_cut_off_is_taken_back() {
    let Some(home) = Home::new("cut-off") else { return };
    let (code, text) = home.run(&["up", "--no-servers", "--estate", &fixture("private-source")]);
    assert_eq!(code, Some(0), "{text}");
    let ask = ["exec", "new-db", "--", "getent", "hosts", HOST];
    for pause_ms in [10, 30, 60, 100, 150, 250] {
        let mut child = home.command(&["break", "peering/missing"]);
        let mut child = child.stderr(Stdio::null()).spawn().expect("flexway starts");
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        child.kill().and_then(|()| child.wait()).expect("it is killed");
        let (code, text) = home.run(&ask);
        assert!(code == Some(0) && text.contains("10.10.1.4"), "after {pause_ms} ms: {text}");
        let (code, text) = home.run(&["status"]);
        assert!(code == Some(0) && text.contains("new-db"), "after {pause_ms} ms: {text}");
    }
    assert_eq!(home.run(&["down"]).0, Some(0));
    assert_eq!(processes_in(&home.0), Vec::<String>::new());
}

#[test]
fn a_twin_ends_with_its_first_process() {
    let Some(home) = Home::new("ended") else { return };
    let (code, text) = home.run(&["up", "--no-servers", "--estate", &fixture("injected-source")]);
    assert_eq!(code, Some(0), "{text}");
    let state = fs::read_to_string(home.0.join("twin/twin.json")).expect("its state");
    let state: serde_json::Value = serde_json::from_str(&state).expect("JSON");
    let killed = Command::new("kill").args(["-9", &state["process"].to_string()]).status();
    assert!(killed.expect("kill runs").success());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(processes_in(&home.0), Vec::<String>::new());
    let (code, text) = home.run(&["status"]);
    assert!(code == Some(3) && text.contains("no twin `twin` stands here"), "{text}");
    assert_eq!(home.run(&["down"]), (Some(0), "twin `twin`: ended and removed\n".to_owned()));
}
