//! `flexway verify` after somebody changed the target.

use crate::assessed::{assess, mend};
use crate::pair::{Pair, Ran};
use crate::sample;

#[test]
fn tampering_is_found_and_named() {
    let pair = Pair::start(11, 17);
    sample::fill(&pair);
    pair.on_source(
        "shop",
        "CREATE TABLE app.felt (state app.state, n int) PARTITION BY HASH (state); \
         CREATE TABLE app.felt_0 PARTITION OF app.felt FOR VALUES WITH (MODULUS 2, REMAINDER 0); \
         CREATE TABLE app.felt_1 PARTITION OF app.felt FOR VALUES WITH (MODULUS 2, REMAINDER 1); \
         INSERT INTO app.felt SELECT (ARRAY['new', 'paid', 'sent'])[1 + n % 3]::app.state, n \
         FROM generate_series(1, 30) n",
    );
    pair.migrate(&[]).ended(0);
    pair.verify(&[]).ended(0);
    pair.on_target(
        "shop",
        "UPDATE app.blobs SET body = set_byte(body, 7, 1 - (get_byte(body, 7) & 1)) WHERE id = 50;
         UPDATE app.blobs SET body = 'x' WHERE id = 51;
         UPDATE app.blobs SET id = 1000 WHERE id = 7;
         UPDATE app.felt SET n = 0 WHERE n = 7;
         DELETE FROM app.nothing;
         DROP INDEX app.orders_customer;
         CREATE TABLE app.extra (a int);
         SELECT setval('app.orders_id_seq', 1);",
    );
    pair.on_target("postgres", "DROP DATABASE \"Blog 2\"");
    pair.on_target("postgres", "ALTER ROLE clerk NOLOGIN");
    let ran = pair.verify(&["--json"]).ended(1);
    let report = ran.json();
    assert_eq!(report["schema"], "flexway.verify/1");
    assert_eq!(report["equal"], false);
    let found: Vec<String> = report["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            let word = |key: &str| found[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}: {}", word("database"), word("kind"), word("name"), word("detail"))
        })
        .collect();
    let all = found.join("\n");
    for expected in [
        "Blog 2 database Blog 2: is not on the target",
        "shop table app.blobs: the content differs, 100 rows on both sides: 2 changed, 1 only on the \
         source, 1 only on the target; to see them among a few others, on both: SELECT * FROM ONLY \
         \"app\".\"blobs\" WHERE hashtext(",
        "shop table app.felt: the content differs, 30 rows on both sides: 1 only on the source, 1 only \
         on the target, without a primary key a changed row is one of each",
        "shop table app.nothing: 1 rows on the source, 0 on the target",
        "shop table app.extra: is only on the target",
        "- role clerk: differs in LOGIN",
        "orders_customer",
        "orders_id_seq",
    ] {
        assert!(all.contains(expected), "no {expected:?} in\n{all}");
    }
    let detail =
        report["differences"].as_array().unwrap().iter().find(|found| found["name"] == "app.blobs");
    let detail = detail.unwrap()["detail"].as_str().unwrap();
    let query = detail.rsplit_once(": ").unwrap().1.replacen('*', "id", 1);
    assert_eq!(pair.on_source("shop", &query), "7\n50\n51\n");
    assert_eq!(pair.on_target("shop", &query), "50\n51\n1000\n");
    let plain = pair.verify(&["--database", "shop"]).ended(1);
    assert!(plain.out.contains("differs: shop: table app.blobs"), "{}", plain.out);
    // The database names this role in its grants.
    assert!(plain.out.contains("differs: role clerk: differs in LOGIN"), "{}", plain.out);
}

/// A difference of one database is said although another fails, and what helps fits what differs.
#[test]
fn differences_are_said_beside_failures_and_old_results_are_dated() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE one; CREATE DATABASE two");
    pair.on_source("one", "CREATE TABLE t AS SELECT 1 AS a");
    pair.on_source(
        "two",
        "CREATE FUNCTION calls(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \
         'BEGIN IF current_setting(''server_version_num'')::int > 160000 THEN RAISE ''not here''; END IF; \
         RETURN n; END'; CREATE TABLE t AS SELECT 4711 AS a; CREATE INDEX ON t (calls(a))",
    );
    // Only the target has this: its schema differs.
    pair.on_target("postgres", "CREATE DATABASE one");
    pair.on_target("one", "CREATE EXTENSION hstore");
    let ran =
        pair.migrate(&[]).ended(3).says(&["FLEXWAY_SOURCE and FLEXWAY_TARGET, or --source-url"]);
    assert!(ran.out.contains("differs: one: schema hstore: EXTENSION"), "{}\n{}", ran.out, ran.err);
    let ran = pair.migrate(&["--database", "one"]).ended(1);
    let ran = ran.says(&["help: the content is equal; mend on the target what differs"]);
    assert!(!ran.err.contains("was the source written to"), "{}", ran.err);
    pair.on_target("one", "DROP EXTENSION hstore");
    pair.migrate(&["--database", "one"]).ended(0);
    pair.on_target("one", "DROP TABLE t");
    let ran = pair.migrate(&["--database", "one"]).ended(0);
    for words in
        ["by an earlier run, verified 20", "no content was compared now: see flexway verify"]
    {
        assert!(ran.out.contains(words), "no {words:?} in {}", ran.out);
    }
    pair.on_target("one", "CREATE TABLE t AS SELECT 2 AS a");
    pair.verify(&["--database", "one"]).ended(1);
}

/// The move builds an index meanwhile, which takes a minute on the target.
#[test]
fn a_comparison_beside_a_move_says_so() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d");
    let slow = "CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \
        'BEGIN IF current_setting(''server_version_num'')::int > 160000 THEN PERFORM pg_sleep(0.1); \
        END IF; RETURN n; END'; CREATE TABLE t AS SELECT generate_series(1, 600) AS a; CREATE INDEX ON t (slow(a))";
    pair.on_source("d", slow);
    let is_copied = |status: &serde_json::Value| status["databases"][0]["tables_done"] == 1;
    let mut child = pair.begin(&[], is_copied);
    let ran = pair.verify(&["--json"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let told = "moves database d just now: what it has not brought yet differs";
    let notes = ran.ended(1).says(&[told]).json()["notes"].to_string();
    assert!(notes.contains("flexway (server process "), "{notes}");
}

/// Also when nothing differs in what could be.
#[test]
fn what_cannot_be_compared_is_not_known() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d; CREATE ROLE reader LOGIN PASSWORD 'pass'");
    pair.on_source("d", "CREATE TABLE t AS SELECT 1 AS a; GRANT SELECT ON t TO reader");
    pair.migrate(&[]).ended(0);
    let as_reader = || {
        let mut command = pair.command("verify");
        let url = format!("postgres://reader:pass@127.0.0.1:{}/d", pair.source.port());
        command.env("FLEXWAY_SOURCE", url).args(["--database", "d", "--json"]);
        Ran::of(command)
    };
    as_reader().ended(0);
    pair.on_source("d", "REVOKE SELECT ON t FROM reader");
    let ran = as_reader().ended(2).says(&["not known; ", "permission denied for table t"]);
    assert_eq!(ran.json()["equal"], false);
}

/// An event trigger that refuses everything is a part of what is compared, and has no say in it.
#[test]
fn event_triggers_do_not_disturb_a_comparison() {
    for target in [15, 17] {
        let pair = Pair::start(15, target);
        pair.on_source("postgres", "CREATE DATABASE d");
        // Views and functions that newer versions spell otherwise, and a materialized view that is stale.
        pair.on_source(
            "d",
            "CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 2); \
             CREATE VIEW v AS SELECT t.a, t.b FROM t WHERE t.a > 0; \
             CREATE MATERIALIZED VIEW m AS SELECT sum(a) AS n FROM t; INSERT INTO t VALUES (3, 4); \
             CREATE RULE r AS ON DELETE TO t DO ALSO UPDATE t SET a = old.a WHERE t.b = old.b; \
             CREATE FUNCTION no() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not %'', tg_tag; END'; \
             CREATE EVENT TRIGGER refusing ON ddl_command_start EXECUTE FUNCTION no(); \
             CREATE EVENT TRIGGER always ON ddl_command_end EXECUTE FUNCTION no(); \
             ALTER EVENT TRIGGER always ENABLE ALWAYS",
        );
        let note = "materialized view public.m holds other rows than on the source";
        pair.migrate(&[]).ended(0).says(&[note]);
        pair.verify(&[]).ended(0).says(&[note]);
        pair.assert_same("d", "SELECT evtname, evtenabled FROM pg_event_trigger ORDER BY 1");
    }
}

/// What they write would be a difference of the move's own making.
#[test]
fn triggers_on_login_see_nothing_of_the_move() {
    let pair = Pair::start(17, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source(
        "d",
        "CREATE TABLE seen (at timestamptz); \
         CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS \
           'BEGIN INSERT INTO public.seen VALUES (clock_timestamp()); END'; \
         CREATE EVENT TRIGGER sees ON login EXECUTE FUNCTION see(); ALTER EVENT TRIGGER sees ENABLE ALWAYS",
    );
    pair.migrate(&[]).ended(0);
    pair.verify(&["--database", "d"]).ended(0);
    pair.on_source("postgres", "CREATE ROLE reader LOGIN PASSWORD 'pass'");
    pair.on_source("d", "GRANT SELECT ON seen TO reader; GRANT INSERT ON seen TO PUBLIC");
    let as_reader = |command: &str| {
        let mut command = pair.command(command);
        let url = format!("postgres://reader:pass@127.0.0.1:{}/postgres", pair.source.port());
        command.env("FLEXWAY_SOURCE", url).args(["--database", "d"]);
        command
    };
    let mut assessing = as_reader("assess");
    assessing.arg("--overwrite");
    let (code, report) = assess(assessing);
    let words = "event triggers on login fire in sessions of the move on the source: sees";
    assert!(code == Some(0) && report.to_string().contains(words), "{report:#}");
    mend(&pair, &report, "privilege/login-trigger");
    pair.on_source("d", "TRUNCATE seen");
    let mut moving = as_reader("migrate");
    moving.arg("--overwrite").arg("--ledger").arg(pair.ledger().with_extension("new"));
    Ran::of(moving).ended(0);
    Ran::of(as_reader("verify")).ended(0);
    let rows = "SELECT count(*) FROM seen";
    // The questions come by superusers whom nobody keeps quiet.
    assert_eq!(
        (pair.on_source("d", rows), pair.on_target("d", rows)),
        ("1\n".into(), "1\n".into())
    );
}

/// Its text would have a character for each bit, and no server holds a text of 1 GB. The binary form has 136 MB.
#[test]
fn what_has_no_text_is_compared_by_digests() {
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    let parts = vec!["B'1'::bit(83886080)"; 13].join(" || ");
    pair.on_source(
        "d",
        &format!("CREATE TABLE t (k int PRIMARY KEY, f float8, v varbit); INSERT INTO t VALUES (1, 0.1, {parts})"),
    );
    pair.migrate(&[]).ended(0);
    pair.verify(&[]).ended(0);
    pair.on_target("d", "UPDATE t SET v = set_bit(v, 7, 1)");
    let differing = pair.verify(&[]).ended(1).out;
    let words = "public.t: the content differs, 1 rows on both sides: 1 changed";
    assert!(differing.contains(words), "{differing}");
}
