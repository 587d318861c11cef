//! What `status` says of a copy that goes on: how fast, how long still, and what it waits for.

use crate::pair::Pair;

/// A target that takes each of 400 rows of 96 kB in no less than 30 ms: the check is fast while the source is filled.
const SLOW: &str = "
    CREATE FUNCTION slow(n int) RETURNS bool LANGUAGE sql AS 'SELECT true';
    CREATE TABLE t (n int CHECK (public.slow(n)), body text);
    ALTER TABLE t ALTER body SET STORAGE EXTERNAL;
    INSERT INTO t SELECT n, repeat(md5(n::text), 3000) FROM generate_series(1, 400) n;
    CREATE OR REPLACE FUNCTION slow(n int) RETURNS bool LANGUAGE sql AS
        'SELECT pg_catalog.pg_sleep(0.03) IS NOT NULL';
";

#[test]
fn a_copy_says_how_long_it_takes_and_that_the_target_is_slow() {
    let pair = Pair::start(18, 18);
    pair.on_source("postgres", SLOW);
    let child = pair.begin(&[], |status| {
        let pace = &status["databases"][0]["pace"];
        pace["bottleneck"] == "target" && pace["seconds_left"].is_number()
    });
    let status = pair.status().unwrap();
    let pace = &status["databases"][0]["pace"];
    let number = |name: &str| pace[name].as_f64().unwrap_or_else(|| panic!("no {name}: {status}"));
    assert!(number("bytes_per_second") > 0.0);
    assert!(number("seconds_left_min") <= number("seconds_left"), "{pace}");
    let table = &pace["tables"][0];
    assert_eq!(table["name"], "public.t");
    assert!(table["rows"].as_u64().unwrap() > 0 && table["bytes"].as_u64().unwrap() > 0, "{pace}");
    let ended = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}");
    let after = pair.status().unwrap();
    assert!(after["databases"][0]["pace"].is_null(), "{after}");
}
