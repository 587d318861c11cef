//! What `flexway assess` says of servers, logins and rights, and that its advice holds.

use serde_json::Value;

use crate::assessed::{assess, of_pair};
use crate::pair::Pair;

/// Messages and fixes of the findings of one validation.
fn told(report: &Value, id: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let mut all = Vec::new();
    for one in findings.iter().filter(|one| one["id"] == id) {
        all.push(one["message"].as_str().unwrap().to_owned());
        let fixes = one["fixes"].as_array().unwrap();
        all.extend(fixes.iter().map(|fix| fix["run"].as_str().unwrap().to_owned()));
    }
    all
}

/// What role and database set for themselves is carried: only what the server itself has differs.
#[test]
fn the_servers_settings_are_told_from_those_of_roles_and_databases() {
    let pair = Pair::start(15, 17);
    pair.on_source(
        "postgres",
        "ALTER ROLE postgres SET work_mem = '7MB'; ALTER DATABASE postgres SET DateStyle = 'SQL, DMY'; \
         ALTER ROLE ALL SET extra_float_digits = 0; CREATE ROLE reader LOGIN PASSWORD 'pass'; \
         ALTER ROLE reader SET IntervalStyle = sql_standard",
    );
    for sql in ["DateStyle = 'ISO, YMD'", "work_mem = '5MB'", "search_path = app, \"$user\""] {
        pair.on_source("postgres", &format!("ALTER SYSTEM SET {sql}"));
    }
    pair.on_source("postgres", "SELECT pg_reload_conf()");
    let id = "server/parameters-differ";
    let report = of_pair(&pair, &[]).1;
    let expected = [
        "settings of the server differ: DateStyle (ISO, YMD here, ISO, MDY there), \
         search_path (app, \"$user\" here, \"$user\", public there)",
        "ALTER SYSTEM SET DateStyle = 'ISO, YMD'",
        "ALTER SYSTEM SET search_path = 'app', '$user'",
        "settings of the server differ: work_mem (5120kB here, 4096kB there)",
        "ALTER SYSTEM SET work_mem = '5120'",
    ];
    assert_eq!(told(&report, id), expected, "{report:#}");
    for fix in expected.iter().filter(|one| one.starts_with("ALTER")) {
        pair.on_target("postgres", fix);
    }
    pair.on_target("postgres", "SELECT pg_reload_conf()");
    let report = of_pair(&pair, &[]).1;
    assert_eq!(told(&report, id), [""; 0], "{report:#}");

    // Whoever may not read the files does not see behind what is set for him.
    let mut command = pair.command("assess");
    let url = format!("postgres://reader:pass@127.0.0.1:{}/postgres", pair.source.port());
    command.env("FLEXWAY_SOURCE", url);
    let report = assess(command).1;
    let words =
        "settings of the server are not compared: DateStyle, IntervalStyle, extra_float_digits";
    assert_eq!(told(&report, id), [words], "{report:#}");
    pair.on_target("postgres", "ALTER ROLE postgres SET default_transaction_read_only = on");
    let report = of_pair(&pair, &[]).1;
    let told = told(&report, "server/target-read-only");
    assert!(told.len() == 1 && told[0].contains("is on for the login at the target"), "{report:#}");
}
