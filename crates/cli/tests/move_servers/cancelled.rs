//! A move that is given up, while it runs or after it was killed.

use serde_json::Value;

use crate::pair::{Pair, Ran};
use crate::sample;

const IS_THERE: &str = "SELECT count(*) FROM pg_database WHERE datname = 'wide'";

fn is_copying(status: &Value) -> bool {
    status["databases"][0]["tables_done"].as_u64().unwrap_or_default() >= 3
}

fn cancel(pair: &Pair, how: &str) -> Ran {
    let mut command = pair.command("cancel");
    command.args([how, "--json", "--ledger"]).arg(pair.ledger());
    Ran::of(command)
}

#[test]
fn a_running_move_is_stopped_and_its_database_dropped() {
    let pair = Pair::start(15, 17);
    sample::fill_wide(&pair, 60);
    let child = pair.begin(&["--database", "wide", "--jobs", "1"], is_copying);
    let report = cancel(&pair, "--drop").ended(0).json();
    assert_eq!(report["databases"][0]["outcome"], "dropped");
    Ran::from(child.wait_with_output().unwrap()).ended(3).says(&["asked to stop"]);
    assert_eq!(pair.on_target("postgres", IS_THERE), "0\n");
    assert_eq!(pair.status().unwrap()["run"]["state"], "cancelled");
    pair.migrate(&["--database", "wide"]).ended(0).says(&["equal"]);
    let report = cancel(&pair, "--drop").ended(0).json();
    assert_eq!(report["databases"][0]["outcome"], "complete", "what is verified stays");
    assert_eq!(pair.on_target("postgres", IS_THERE), "1\n");
}

#[test]
fn a_killed_move_can_be_kept_as_far_as_it_had_come() {
    let pair = Pair::start(15, 17);
    sample::fill_wide(&pair, 60);
    let mut child = pair.begin(&["--database", "wide", "--jobs", "1"], is_copying);
    child.kill().unwrap();
    child.wait().unwrap();
    let report = cancel(&pair, "--keep").ended(0).json();
    let kept = &report["databases"][0];
    assert_eq!((&kept["outcome"], kept["tables"].as_u64()), (&Value::from("kept"), Some(60)));
    assert!((3..60).contains(&kept["tables_done"].as_u64().unwrap()), "{kept}");
    let notes = "SELECT count(*) FROM pg_namespace WHERE nspname = 'flexway_progress'";
    assert_eq!(pair.on_target("wide", notes), "0\n");
    assert_eq!(pair.on_target("wide", "SELECT count(*) FROM t1 WHERE id < 0"), "0\n");
    pair.migrate(&["--database", "wide"]).ended(3).says(&["--overwrite"]);
}
