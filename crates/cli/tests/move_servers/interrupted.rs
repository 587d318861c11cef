//! Runs that end in the middle: killed, stopped, or with a server gone; the next one goes on.

use std::process::Command;

use serde_json::Value;

use crate::pair::{Pair, Ran};
use crate::sample;

const TABLES: u32 = 60;

fn tables_done(status: &Value) -> u64 {
    status["databases"][0]["tables_done"].as_u64().unwrap_or_default()
}

/// In the middle of the copy.
fn is_copying(status: &Value) -> bool {
    tables_done(status) >= 5
}

pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(sent.success(), "{name} to {pid}");
}

/// The files behind the target's tables: emptying a table gives it a new one.
fn files(pair: &Pair) -> Vec<String> {
    let sql =
        "SELECT relname, relfilenode FROM pg_class WHERE relname ~ '^t[0-9]+$' AND relkind = 'r'";
    pair.on_target("wide", sql).lines().map(str::to_owned).collect()
}

/// Files of tables that hold rows on the target: each is filled in one transaction.
fn filled(pair: &Pair) -> Vec<String> {
    files(pair)
        .into_iter()
        .filter(|line| {
            let name = line.split('|').next().unwrap();
            let count = pair.on_target("wide", &format!("SELECT count(*) FROM {name}"));
            count.trim() == sample::WIDE_ROWS.to_string()
        })
        .collect()
}

#[test]
fn after_kill_9_the_same_command_goes_on() {
    let pair = Pair::start(11, 17);
    sample::fill_wide(&pair, TABLES);
    let more = ["--database", "wide", "--jobs", "2"];
    let mut child = pair.begin(&more, is_copying);
    child.kill().unwrap();
    child.wait().unwrap();
    let status = pair.status().unwrap();
    assert_eq!(status["run"]["state"], "interrupted");
    let done = tables_done(&status);
    assert!((5..u64::from(TABLES)).contains(&done), "{done} tables were done: caught too late");
    let before = filled(&pair);
    let report = pair.migrate(&["--database", "wide", "--jobs", "2", "--json"]).ended(0).json();
    assert_eq!(report["verify"]["tables_compared"], TABLES);
    assert_eq!(report["verify"]["rows_compared"], TABLES * sample::WIDE_ROWS);
    let after = files(&pair);
    let kept = before.iter().filter(|file| after.contains(file)).count() as u64;
    // Two copies may have been committed whose records were not: those are done again.
    assert!(kept >= done, "{done} tables were recorded as done, only {kept} were left alone");
}

#[test]
fn ctrl_c_stops_cleanly_and_resume_goes_on() {
    let pair = Pair::start(15, 17);
    sample::fill_wide(&pair, TABLES);
    let child = pair.begin(&["--database", "wide", "--jobs", "1"], is_copying);
    let pid = child.id();
    // It stands still, with all that it holds, while others try.
    signal(pid, "STOP");
    let mut second = pair.command("migrate");
    second.arg("--ledger").arg(pair.ledger());
    Ran::of(second).ended(3).says(&[&format!("process {pid} works with it")]);
    let mut third = pair.command("migrate");
    third.args(["--database", "wide", "--overwrite", "--ledger"]);
    third.arg(pair.ledger().with_extension("other"));
    Ran::of(third).ended(3).says(&[
        "reserve database wide of the target",
        "flexway (server process ",
        "from 127.0.0.1 as postgres) moves something into it",
    ]);
    signal(pid, "INT");
    signal(pid, "CONT");
    let stopped = Ran::from(child.wait_with_output().unwrap()).ended(3);
    let stopped = stopped.says(&["asked to stop", "flexway resume --ledger"]);
    assert!(!stopped.err.contains("copy table"), "{}", stopped.err);
    let status = pair.status().unwrap();
    assert_eq!(status["run"]["state"], "stopped");
    assert!(tables_done(&status) < u64::from(TABLES), "it did not stop");
    assert_eq!(status["databases"][0]["items"], Value::Array(Vec::new()), "nothing runs or failed");
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'flexway'";
    assert_eq!(pair.on_source("postgres", sessions), "0\n");
    assert_eq!(pair.on_target("postgres", sessions), "0\n");
    let mut resume = pair.command("resume");
    resume.arg("--json").arg("--ledger").arg(pair.ledger());
    let report = Ran::of(resume).ended(0).json();
    assert_eq!(report["databases"].as_array().unwrap().len(), 1, "the choice was kept");
    assert_eq!(report["verify"]["tables_compared"], TABLES);
}

#[test]
fn ctrl_c_cancels_a_running_index_and_resume_builds_it() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d");
    let slow = "CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \
                'BEGIN PERFORM pg_catalog.pg_sleep(0.1); RETURN n; END'; \
                CREATE TABLE t AS SELECT generate_series(1, 60) AS a; \
                CREATE INDEX i ON t (slow(a))";
    pair.on_source("d", slow);
    let is_building = |status: &Value| status["databases"][0]["items"][0]["kind"] == "entry";
    let child = pair.begin(&["--database", "d"], is_building);
    signal(child.id(), "INT");
    Ran::from(child.wait_with_output().unwrap()).ended(3).says(&["asked to stop", "cancelled"]);
    assert_eq!(pair.on_target("d", "SELECT to_regclass('i') IS NULL"), "t\n");
    pair.migrate(&["--database", "d"]).ended(0);
    pair.assert_same("d", "SELECT pg_get_indexdef('i'::regclass)");
}

#[test]
fn a_source_that_crashes_and_comes_back_is_waited_for() {
    // From 17 on, a lost snapshot has another code.
    let mut pair = Pair::start(17, 17);
    sample::fill_wide(&pair, TABLES);
    let child = pair.begin(&["--database", "wide", "--jobs", "2"], is_copying);
    pair.source.kill9().unwrap();
    pair.source.start_again().unwrap();
    Ran::from(child.wait_with_output().unwrap()).ended(0).says(&["trying again in"]);
    pair.verify(&["--database", "wide"]).ended(0);
}

#[test]
fn a_target_that_crashes_and_comes_back_is_waited_for() {
    let mut pair = Pair::start(15, 17);
    sample::fill_wide(&pair, TABLES);
    let child = pair.begin(&["--database", "wide", "--jobs", "2"], is_copying);
    pair.target.kill9().unwrap();
    pair.target.start_again().unwrap();
    Ran::from(child.wait_with_output().unwrap()).ended(0).says(&["trying again in"]);
    pair.verify(&["--database", "wide"]).ended(0);
}
