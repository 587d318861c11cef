//! Moves a database full of everything between majors, finds no difference, and finds each that is
//! made afterwards.

mod move_world;

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::CopyProgress;
use flexway_core::port::{Databases, Servers};
use move_world::{ALONE, DATABASE, World, ask, copy, differences, fill, move_all, run, start};

/// Statements that break equality, and what the comparison must say, nothing else.
const CHANGES: [(&str, &str); 14] = [
    (
        "REFRESH MATERIALIZED VIEW app.a_top WITH NO DATA",
        "schema app.a_top: MATERIALIZED VIEW holds no data on the target",
    ),
    (
        "COMMENT ON EXTENSION hstore IS 'theirs'",
        "schema hstore: comment on EXTENSION differs on the target",
    ),
    (
        "REFRESH MATERIALIZED VIEW app.never",
        "schema app.never: MATERIALIZED VIEW holds data on the target only",
    ),
    (
        "SET TimeZone = 'UTC'; REFRESH MATERIALIZED VIEW app.daily",
        "schema app.daily: MATERIALIZED VIEW has other rows (2 on the source, 1 on the target): refresh \
         it on both and verify again; it may be older than its tables, or depend on settings",
    ),
    (
        "UPDATE app.customers SET f8 = f8 + 1e-12 WHERE id = 77",
        "table app.customers: 2000 rows, 2000 rows",
    ),
    ("DELETE FROM app.no_columns WHERE ctid = '(0,3)'", "table app.no_columns: 7 rows, 6 rows"),
    ("DROP INDEX app.customers_doc", "schema app.customers_doc: INDEX is missing on the target"),
    (
        "REVOKE SELECT ON app.eggs FROM reader",
        "schema app.TABLE eggs: ACL is missing on the target",
    ),
    (
        "CREATE OR REPLACE VIEW app.rich AS SELECT c.id, c.name, c.amount FROM app.customers c \
         WHERE c.amount > 11",
        "schema app.rich: VIEW differs on the target",
    ),
    (
        "SELECT setval('app.lone', 500)",
        "sequence app.lone: stands at 897 on the source, at 500 on the target",
    ),
    (
        "SELECT lo_put(4000000003, 2000000, 'x'); GRANT UPDATE ON LARGE OBJECT 4000000003 TO PUBLIC",
        "large object 4000000003: differs in content, grants",
    ),
    ("SELECT lo_create(4000000009)", "large object 4000000009: is only on the target"),
    ("ALTER ROLE owner_a CREATEROLE", "role owner_a: differs in CREATEROLE"),
    (
        "REVOKE owner_a FROM \"Odd Role %\"",
        "role Odd Role %: membership in owner_a is missing or differs on the target",
    ),
];

fn moves(source: u32, target: u32) {
    let Some(world) = start(source, target) else { return };
    fill(&world);
    let (roles, contents) = move_all(&world, false);
    assert_eq!(roles.created, ["Odd Role %", "owner_a", "reader"]);
    assert_eq!(roles.notes, Vec::<String>::new());
    assert_eq!(contents.large_object_count, 4);
    let views: Vec<_> = contents.materialized_views.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(views, ["z_base", "a_top", "daily", "said"]);
    assert_eq!(ask(&world.target, DATABASE, "SELECT total FROM app.a_top"), "2000");
    assert_eq!(differences(&world), Vec::<String>::new());
    let rights = "SELECT c.relacl::text FROM pg_class c WHERE c.relname IN ('heir', 'log', 'scratch') \
                  ORDER BY c.relname";
    let rest = if target >= 17 { "arwxtm" } else { "arwxt" };
    let expected = format!("{{owner_a={rest}/owner_a,reader=r/owner_a}},{{}},{{reader=r/owner_a}}");
    assert_eq!(ask(&world.target, DATABASE, rights), expected);
    let without = "SELECT count(*) FROM pg_default_acl WHERE defaclacl::text = '{}'";
    assert_eq!(ask(&world.target, DATABASE, without), "1");

    again_changes_nothing(&world);
    let mut expected: Vec<&str> = CHANGES.iter().map(|(_, words)| *words).collect();
    for (sql, _) in CHANGES {
        run(&world.target, DATABASE, sql);
    }
    let mut found = differences(&world);
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);

    let (roles, _) = move_all(&world, true);
    assert_eq!(roles.created, Vec::<String>::new());
    assert_eq!(differences(&world), Vec::<String>::new());
}

/// Statements that change the last digits of numbers inside of other types: the text before 12
/// hides some, the comparison must not.
const LAST_DIGITS: [&str; 7] = [
    "f8s[3] = f8s[3] + 1e-16",
    "spot = point(spot[0] + 2e-15, spot[1])",
    "spread = app.floats(lower(spread) + 2e-15, upper(spread))",
    "pairs = array_append(pairs[1:2], ROW(NULL, 'y')::app.pair)",
    "one = ROW((one).x * 1.0000000000000003, 'x')::app.pair",
    "share = share + 2e-15",
    "f4 = f4 + 0.000001",
];

#[test]
fn last_digits_count_between_11_and_18() {
    let Some(world) = start(11, 18) else { return };
    fill(&world);
    move_all(&world, false);
    let open = world.mover.open(DATABASE).expect("open");
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let (tables, _) = open.compare().tables().expect("tables");
    let table = tables.iter().find(|table| table.name == "customers").expect("customers");
    let compare = || open.compare().table(table, None, &progress, &stop).expect("compare");
    let mut before = compare();
    assert!(before.is_equal());
    for change in LAST_DIGITS {
        run(&world.target, DATABASE, &format!("UPDATE app.customers SET {change} WHERE id = 51"));
        let now = compare();
        assert_eq!(now.source_hash, before.source_hash);
        assert_ne!(now.target_hash, before.target_hash, "after {change}");
        before = now;
    }
}

/// Servers before 12 write more digits of the same number, in all that holds constants.
#[test]
fn constants_are_the_same_between_11_and_18() {
    let Some(world) = start(11, 18) else { return };
    run(
        &world.source,
        "postgres",
        "CREATE DATABASE d; ALTER DATABASE d SET extra_float_digits = -3",
    );
    let constants = "CREATE TABLE p (f float8) PARTITION BY RANGE (f); \
        CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('-Infinity') TO (0.1); \
        CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM (0.1) TO (1.1); \
        CREATE TABLE l (r float4) PARTITION BY LIST (r); CREATE TABLE l_1 PARTITION OF l FOR VALUES IN ('0.1', '1e-7'); \
        CREATE TABLE t (c float8 DEFAULT '0.30000000000000004', d float8 DEFAULT '0.1', r float4 DEFAULT '0.1', \
          at point DEFAULT '(0.1,0.30000000000000004)', many float8[] DEFAULT '{0.1,0.2}', \
          CHECK (c <> '0.1'::float8), CHECK (d < '1e-5'::float8 OR true)); \
        CREATE INDEX i ON t (c) WHERE d > '0.7'::float8; \
        CREATE VIEW v AS SELECT t.c FROM t WHERE t.r = '0.1'::float4; \
        CREATE FUNCTION f(x float8 DEFAULT '0.1') RETURNS float8 LANGUAGE sql AS 'SELECT $1'; \
        CREATE DOMAIN small AS float8 DEFAULT '0.1' CHECK (value < '0.7'); \
        CREATE RULE r AS ON UPDATE TO t WHERE new.c = '0.1'::float8 DO INSTEAD NOTHING";
    run(&world.source, "d", constants);
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    copy(&*open);
    assert_eq!(open.compare().schema().expect("compare"), []);
    open.schema().pre_data(3).expect("stands already");
    run(&world.target, "d", "ALTER TABLE t ALTER d SET DEFAULT '0.10000000000000002'");
    assert_eq!(open.compare().schema().expect("compare").len(), 1);
}

/// Steps may be repeated: roles, schema, entries.
fn again_changes_nothing(world: &World) {
    let roles = world.mover.copy_roles(&[], false).expect("roles again");
    assert_eq!(roles.created, Vec::<String>::new());
    let open = world.mover.open(DATABASE).expect("open");
    open.schema().pre_data(3).expect("pre-data stands");
    for entry in open.schema().post_data().expect("post-data") {
        open.schema().apply(&entry, ALONE, &AtomicBool::new(false)).expect("entry stands");
    }
    let mut tables = open.data().contents().expect("contents").tables;
    tables.retain(|table| ["felt_low", "moods"].contains(&table.name.as_str()));
    assert_eq!(tables.len(), 2, "partitions are copied as one");
    let refusal = world.mover.prepare(DATABASE, false).expect_err("a full database is not touched");
    assert!(refusal.why.contains("holds"), "{refusal}");
    drop(open);
    assert_eq!(differences(world), Vec::<String>::new());
}

#[test]
fn from_11_to_17() {
    moves(11, 17);
}

#[test]
fn from_15_to_18() {
    moves(15, 18);
}

#[test]
fn from_15_to_15() {
    moves(15, 15);
}
