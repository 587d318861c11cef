//! What a move tells and does not fail for.

use crate::pair::Pair;

/// Materialized views that nobody refreshed, a column order that inheritance brings about, statistics
/// that cannot be gathered, and a check that looks into a table which is copied later, being smaller.
const SOURCE: &str = "
    CREATE TABLE t (a int);
    INSERT INTO t VALUES (1);
    CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n, sum(a) AS total FROM t;
    CREATE MATERIALIZED VIEW a_top AS SELECT n + 1 AS more FROM m;
    INSERT INTO t VALUES (2), (3);
    CREATE TABLE elder (a int, gone int);
    CREATE TABLE heir (x int) INHERITS (elder);
    ALTER TABLE elder DROP COLUMN gone;
    ALTER TABLE elder ADD COLUMN z int;
    INSERT INTO heir VALUES (1, 2, 3);
    CREATE TABLE limits (n int);
    CREATE FUNCTION small(n int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
        'BEGIN RETURN n < (SELECT max(l.n) FROM limits l); END';
    CREATE TABLE \"Un lucky\" (a int);
    INSERT INTO \"Un lucky\" VALUES (1);
    INSERT INTO limits VALUES (9);
    CREATE TABLE z_known (n int CHECK (n < 9));
    CREATE FUNCTION is_known(n int) RETURNS boolean LANGUAGE sql AS
        'SELECT EXISTS (SELECT FROM public.z_known k WHERE k.n = $1)';
    CREATE TABLE checked (n int CHECK (is_known(n)), filler text);
    INSERT INTO z_known VALUES (1), (2);
    INSERT INTO checked SELECT 1 + n % 2, repeat('x', 100) FROM generate_series(1, 1000) n;
    CREATE MATERIALIZED VIEW clock AS SELECT now() AS t;
    CREATE STATISTICS of_small ON (small(a)) FROM \"Un lucky\";
";

#[test]
fn what_is_no_difference_is_a_note() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d; CREATE ROLE r");
    pair.on_source("d", SOURCE);
    for sql in [
        "SET allow_in_place_tablespaces = on; CREATE TABLESPACE \"fast disk\" LOCATION ''",
        "ALTER DATABASE d SET default_tablespace = 'fast disk'",
        "ALTER ROLE r IN DATABASE d SET temp_tablespaces = pg_default, \"fast disk\"",
        "ALTER ROLE r SET default_tablespace = 'fast disk'; ALTER ROLE r SET work_mem = '9MB'",
    ] {
        pair.on_source("postgres", sql);
    }
    let stale = "d: materialized view public.m holds other rows than on the source";
    let words = [
        stale,
        "d: materialized view public.a_top holds other rows than on the source",
        "d: materialized view public.clock holds other rows than on the source, and others after each refresh",
        "d: the columns of table public.heir stand in another order on the target (a, x, z)",
        "d: the statistics of table public.Un lucky were not gathered",
        "d: the setting default_tablespace of the database is not carried",
        "d: the setting temp_tablespaces of role r in the database is not carried",
        "note: the setting default_tablespace of role r is not carried",
        "then: ANALYZE \"public\".\"Un lucky\"",
    ];
    let ran = pair.migrate(&["--json", "--jobs", "1"]).ended(0).says(&words);
    let report = ran.json();
    assert_eq!(report["verify"]["equal"], true, "{report}");
    let notes = report["notes"].to_string();
    assert!(notes.contains(stale) && notes.contains("Un lucky"), "{notes}");
    assert_eq!(pair.on_target("d", "SELECT n, total, more FROM m, a_top"), "3|6|4\n");
    let carried = "SELECT setconfig FROM pg_db_role_setting";
    assert_eq!(pair.on_target("d", carried), "{work_mem=9MB}\n");
    // Before 18 a target takes no statistics of another server.
    let statistics = &report["databases"][0]["statistics"];
    assert_eq!(statistics["carried"], 0, "{report}");
    assert!(statistics["gathered"].as_u64().unwrap() > 5, "{report}");
    let gathered = "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'heir'";
    assert_eq!(pair.on_target("d", gathered), "t\n");
    let report = pair.verify(&["--json"]).ended(0).says(&[stale]).json();
    assert!(report["notes"].to_string().contains(stale), "{report}");
    // The target's is the older one now.
    pair.on_target("d", "INSERT INTO t VALUES (4)");
    pair.on_source("d", "INSERT INTO t VALUES (4)");
    let ran = pair.verify(&[]).ended(1);
    let words = "differs: d: schema public.m: MATERIALIZED VIEW has other rows (1 on the source";
    assert!(ran.out.contains(words), "{}", ran.out);
    pair.on_source("d", "REFRESH MATERIALIZED VIEW m; REFRESH MATERIALIZED VIEW a_top");
    pair.on_target("d", "REFRESH MATERIALIZED VIEW m; REFRESH MATERIALIZED VIEW a_top");
    pair.verify(&[]).ended(0);
    // Of a view over a table that differs, the table is the difference.
    pair.on_target("d", "INSERT INTO t VALUES (5); REFRESH MATERIALIZED VIEW m");
    let report = pair.verify(&["--json"]).ended(1).says(&[stale]).json();
    let found = report["differences"].as_array().unwrap().iter();
    let names: Vec<_> = found.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["public.t"], "{report:#}");
}
