//! What newer versions lack: `flexway assess` names each use of it, and once that is mended the move
//! goes through.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::assessed::{mend, of_pair};
use crate::pair::Pair;

const ID: &str = "schema/built-in-removed";

/// Each use in another kind of stored definition; `fine` uses what was moved or given other types.
const OLD: &str = "
    CREATE TABLE with_oids (a int) WITH OIDS;
    CREATE VIEW of_oid AS SELECT oid, a FROM with_oids;
    CREATE MATERIALIZED VIEW kept_oid AS SELECT oid FROM with_oids;
    ALTER TABLE with_oids ADD PRIMARY KEY (oid);
    CREATE INDEX sum_oid ON with_oids ((oid::bigint + a));
    CREATE VIEW catalogs AS SELECT c.oid, c.relname, c.relhasoids FROM pg_class c
        JOIN pg_attrdef d ON d.adrelid = c.oid
        WHERE EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.consrc <> '');
    CREATE VIEW counters AS WITH b AS (SELECT buffers_clean, buffers_checkpoint,
        checkpoints_req FROM pg_stat_bgwriter) SELECT b.buffers_clean FROM b;
    CREATE VIEW shapes AS SELECT point '(1,1)' @ box '((0,0),(2,2))' AS inside;
    CREATE TABLE times (a int DEFAULT 3 !, n int, CHECK (n > ('2001-01-01'::abstime)::int));
    CREATE INDEX factorials ON times ((!! n::bigint));
    CREATE DOMAIN large AS numeric DEFAULT 4 ! CHECK (VALUE > 2 !);
    CREATE FUNCTION since(abstime) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION more(n numeric DEFAULT 4 !) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE AGGREGATE gathered(interval) (SFUNC = interval_accum, STYPE = interval[], INITCOND = '{0,0}');
    CREATE RULE also AS ON INSERT TO times DO ALSO SELECT pg_is_in_backup();
    CREATE FUNCTION fired() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER firing BEFORE INSERT ON times FOR EACH ROW WHEN (pg_is_in_backup())
        EXECUTE PROCEDURE fired();
    CREATE POLICY seen ON times USING (pg_is_in_backup());
    CREATE ROLE backer;
    GRANT EXECUTE ON FUNCTION pg_start_backup(text, boolean, boolean) TO backer;
    GRANT EXECUTE ON FUNCTION pg_terminate_backend(int) TO backer;
    CREATE OPERATOR +! (LEFTARG = anyarray, RIGHTARG = anyelement, PROCEDURE = array_append);
    CREATE VIEW named AS SELECT 'abstimein'::regproc AS f, 'pg_class'::regclass AS c, 'int4'::regtype AS t;
    CREATE FUNCTION careful() RETURNS int LANGUAGE sql SET operator_precedence_warning = on
        SET my.own = 'x' SET work_mem = '1MB' AS 'SELECT 1';
    CREATE EXTENSION pg_stat_statements;
    CREATE VIEW slowest AS SELECT query, total_time FROM pg_stat_statements;
    CREATE VIEW fine AS SELECT c.oid, c.relname, array_append(a.attacl, NULL) AS acl, u.valuntil
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_user u ON u.usesysid = c.relowner
        WHERE ':relid 1136 :funcid 4099 ' <> c.relname;
";

const USED: [&str; 15] = [
    "column buffers_checkpoint of pg_stat_bgwriter, column checkpoints_req of pg_stat_bgwriter: \
     view public.counters",
    "column consrc of pg_constraint, column relhasoids of pg_class: view public.catalogs",
    "column oid of tables made WITH OIDS: index public.sum_oid, materialized view public.kept_oid, \
     table constraint with_oids_pkey on public.with_oids, view public.of_oid",
    "column total_time of pg_stat_statements 1.12: view public.slowest",
    "function abstimein(cstring): view public.named",
    "function array_append(anyarray, anyelement): operator \
     public.+!(pg_catalog.anyarray,pg_catalog.anyelement)",
    "function interval_accum(interval[], interval): aggregate public.gathered(interval)",
    "function pg_is_in_backup(): policy seen on public.times, rule also on public.times, trigger firing on \
     public.times",
    "function pg_start_backup(text, boolean, boolean): the rights of backer on \
     pg_start_backup(text,boolean,boolean)",
    "function pg_terminate_backend(integer): the rights of backer on pg_terminate_backend(integer)",
    "setting operator_precedence_warning: function public.careful()",
    "operator !! bigint: index public.factorials",
    "operator bigint !: default value for public.times.a, domain constraint large_check on public.large, \
     domain public.large, function public.more(numeric)",
    "operator point @ box: view public.shapes",
    "type abstime: function public.since(pg_catalog.abstime), table constraint times_n_check on public.times",
];

/// What is lacking, and what uses it.
fn uses(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap();
    let message = |one: &Value| {
        let message = one["message"].as_str().unwrap();
        let (_, rest) = message.split_once(" has no ").unwrap();
        rest.replacen(", which is used by ", ": ", 1)
    };
    findings.iter().filter(|one| one["id"] == ID).map(message).collect()
}

#[test]
fn what_is_gone_is_named_with_all_that_use_it() {
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", OLD);
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(uses(&report), USED.map(str::to_owned).into(), "{report:#}");
    mend(&pair, &report, ID);
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, uses(&report).len()), (Some(0), 0), "{report:#}");
    pair.migrate(&[]).ended(0);
    pair.assert_same("d", "SELECT pg_get_viewdef('fine'::regclass)");
}

/// Names that newer versions take for something that they make along, and settings that they lack.
const NAMES: &str = "
    CREATE TYPE timer AS RANGE (subtype = time); CREATE TYPE timer_multirange AS (a int);
    CREATE TYPE range_of AS RANGE (subtype = int); CREATE TABLE multirange_of (a range_of);
    CREATE TYPE free AS RANGE (subtype = int); CREATE TABLE free_of (a free[]);
    CREATE DOMAIN above AS int CONSTRAINT above_not_null CHECK (VALUE > 0) NOT NULL;
    CREATE FUNCTION counted() RETURNS bigint LANGUAGE plpgsql
        AS 'BEGIN RETURN (SELECT b.CHECKPOINTS_timed FROM pg_stat_bgwriter b); END';
    CREATE FUNCTION fine() RETURNS text LANGUAGE sql
        AS 'SELECT ''checkpoints_timed, my_pg_start_backup()''::text FROM pg_stat_database';
    CREATE TABLE kept (a int NOT NULL, CONSTRAINT kept_a_not_null CHECK (a > 0));
    CREATE CAST (int AS bytea) WITH INOUT; CREATE CAST (bytea AS bigint) WITH INOUT; CREATE CAST (bytea AS json) WITH INOUT;
    ALTER DATABASE d SET operator_precedence_warning = on;
    ALTER ROLE postgres IN DATABASE d SET force_parallel_mode = on;
";

#[test]
fn names_and_settings_that_newer_versions_take_otherwise() {
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", NAMES);
    let report = of_pair(&pair, &[]).1;
    let findings = report["findings"].as_array().unwrap();
    let said = findings.iter().map(|one| one["message"].as_str().unwrap());
    let said: Vec<&str> = said.filter(|one| one.contains("PostgreSQL 18")).collect();
    let expected = [
        "PostgreSQL 18 takes no casts that it has itself: cast (bytea AS bigint), cast (integer AS bytea)",
        "PostgreSQL 18 takes no checks with the name of the NOT NULL of their domain: constraint \
         above_not_null of public.above",
        "PostgreSQL 18 takes no range types whose multirange would have the name of another type: type \
         public.range_of, type public.timer",
        "bodies of functions have words for what PostgreSQL 18 has no more: function public.counted() (column \
         checkpoints_timed of pg_stat_bgwriter)",
        "PostgreSQL 18 has no setting force_parallel_mode of role postgres in database d, setting \
         operator_precedence_warning of database d",
    ];
    assert_eq!(said, expected, "{report:#}");
    mend(&pair, &report, "schema/not-in-version");
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("ready")), "{report:#}");
    let note = "PostgreSQL 18 has no setting force_parallel_mode of role postgres in database d";
    pair.migrate(&[]).ended(0).says(&[note]);
    pair.verify(&[]).ended(0).says(&[note]);
    mend(&pair, &report, "left/unknown-setting");
    assert!(!of_pair(&pair, &[]).1.to_string().contains("unknown-setting"));
    // What the target knows counts.
    pair.on_source("postgres", "ALTER DATABASE d SET work_mem = '7MB'");
    pair.verify(&[]).ended(1);
}

/// Names of code: of a library that 18 does not come with, of a function that it has no more, and of what both have.
const CODE: &str = "
    CREATE FUNCTION written(text, text, boolean) RETURNS bigint LANGUAGE c
        AS '$libdir/adminpack', 'pg_file_write';
    CREATE FUNCTION renamed(text, text) RETURNS boolean LANGUAGE c AS '$libdir/adminpack', 'pg_file_rename';
    CREATE TABLE uses (a text, b boolean DEFAULT renamed('a', 'b')); CREATE VIEW shows AS SELECT renamed(a, a) AS c FROM uses;
    CREATE MATERIALIZED VIEW keeps AS SELECT c FROM shows WITH NO DATA; CREATE INDEX \"of /* keeps\" ON keeps (c);
    CREATE FUNCTION backed(text, boolean, boolean) RETURNS pg_lsn LANGUAGE internal AS 'pg_start_backup';
    CREATE FUNCTION added(int, int) RETURNS int LANGUAGE internal AS 'int4pl';
    CREATE FUNCTION stored(cstring) RETURNS text LANGUAGE c AS '$libdir/hstore', 'hstore_in';
    CREATE EXTENSION adminpack;
";

#[test]
fn code_that_the_target_does_not_have_is_named() {
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", CODE);
    pair.on_source("d", "DROP EXTENSION adminpack");
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().filter(|one| one["id"] == "schema/code-missing");
    let found: Vec<&str> = found.map(|one| one["message"].as_str().unwrap()).collect();
    assert_eq!(found.len(), 2, "{report:#}");
    for words in [
        ["public.backed(", "ERROR 42883: there is no built-in function named \"pg_start_backup\""],
        [
            "public.renamed(pg_catalog.text,pg_catalog.text), function public.written(",
            "ERROR 58P01: ",
        ],
    ] {
        assert!(found.iter().any(|one| words.iter().all(|word| one.contains(word))), "{found:?}");
    }
    let fixes = findings.iter().filter(|one| one["id"] == "schema/code-missing");
    let fixes: Vec<&str> = fixes
        .flat_map(|one| one["fixes"].as_array().unwrap())
        .map(|fix| fix["run"].as_str().unwrap())
        .collect();
    // Others may hang on it.
    let renamed = "DROP FUNCTION IF EXISTS public.renamed(pg_catalog.text,pg_catalog.text) CASCADE \
                   /* takes along default value for public.uses.b, index public.\"of  keeps\", \
                   materialized view public.keeps, view public.shows */";
    assert!(fixes.contains(&renamed), "{fixes:#?}");
    assert_eq!(fixes.iter().filter(|fix| fix.contains("CASCADE")).count(), 1, "{fixes:#?}");
    pair.migrate(&[]).ended(3).says(&["explain schema/code-missing"]);
    assert_eq!(pair.on_target("postgres", "SELECT to_regnamespace('pg_temp')"), "\n");
    mend(&pair, &report, "schema/code-missing");
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("ready")), "{report:#}");
    pair.migrate(&[]).ended(0);
    assert_eq!(pair.on_target("d", "SELECT added(1, 2)"), "3\n");
}

/// What users make of extensions, of whose things newer versions have some no more, or with other arguments.
const OF_EXTENSIONS: &str = "
    CREATE SCHEMA ext; CREATE EXTENSION pg_stat_statements SCHEMA ext VERSION '1.4';
    CREATE EXTENSION hstore SCHEMA ext VERSION '1.4';
    CREATE ROLE watcher;
    GRANT EXECUTE ON FUNCTION ext.pg_stat_statements_reset() TO watcher;
    GRANT EXECUTE ON FUNCTION ext.pg_stat_statements(boolean) TO watcher;
    GRANT SELECT ON ext.pg_stat_statements TO watcher;
    CREATE VIEW slowest AS SELECT query, total_time FROM ext.pg_stat_statements;
    CREATE VIEW busiest AS SELECT query, calls FROM ext.pg_stat_statements;
    CREATE VIEW resets AS SELECT ext.pg_stat_statements_reset() IS NULL AS is_done;
    CREATE TABLE pairs (a ext.hstore PRIMARY KEY, b ext.hstore DEFAULT 'a=>1'::ext.hstore OPERATOR(ext.||) ''::ext.hstore);
    CREATE INDEX pairs_b ON pairs USING gin (b);
    CREATE EXTENSION citext; CREATE TABLE added (a int); ALTER EXTENSION citext ADD TABLE added;
    GRANT SELECT ON added TO watcher;
";

#[test]
fn what_is_used_of_extensions_is_looked_for_in_the_version_that_is_made() {
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", OF_EXTENSIONS);
    let report = of_pair(&pair, &[]).1;
    let expected = [
        "column total_time of pg_stat_statements 1.12: view public.slowest",
        "table added of citext 1.8: the rights of watcher on public.added",
        "function pg_stat_statements_reset() of pg_stat_statements 1.12: the rights of watcher on \
         ext.pg_stat_statements_reset()",
    ];
    assert_eq!(uses(&report), expected.map(str::to_owned).into(), "{report:#}");
    assert_eq!(pair.on_target("postgres", "SELECT count(*) FROM pg_extension"), "1\n");
    mend(&pair, &report, ID);
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, uses(&report).len()), (Some(0), 0), "{report:#}");
    pair.migrate(&[]).ended(0);
    pair.verify(&[]).ended(0);
    pair.on_target("d", "REVOKE ALL ON FUNCTION ext.pg_stat_statements(boolean) FROM watcher");
    let ran = pair.verify(&[]).ended(1);
    assert!(
        ran.out.contains("FUNCTION pg_stat_statements(showtext boolean): ACL is"),
        "{}",
        ran.out
    );
}

#[test]
fn languages_that_no_extension_brought() {
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    // As databases from before 9.1 have it.
    pair.on_source("d", "DROP EXTENSION plpgsql");
    pair.on_source(
        "d",
        "CREATE LANGUAGE plpgsql; CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 7; END'; \
         CREATE LANGUAGE own HANDLER pg_catalog.plpgsql_call_handler",
    );
    let report = of_pair(&pair, &[]).1;
    let blocking: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["level"] == "blocks")
        .collect();
    let words = "language own was made without an extension, and the target has none to make it";
    assert!(blocking.len() == 1 && blocking[0]["message"] == words, "{report:#}");
    mend(&pair, &report, "schema/language");
    assert_eq!(of_pair(&pair, &[]).0, Some(0));
    pair.migrate(&[]).ended(0);
    pair.assert_same("d", "SELECT f()");
    // One that is missing counts.
    pair.on_target("d", "DROP EXTENSION plpgsql CASCADE");
    assert!(pair.verify(&[]).ended(1).out.contains("plpgsql: PROCEDURAL LANGUAGE is missing"));
}

/// Base types with elements: from 14 on a function takes one out, which those of a fixed length need not name.
const ELEMENTS: &str = "
    CREATE FUNCTION place_in(cstring) RETURNS place STRICT IMMUTABLE LANGUAGE internal AS 'point_in';
    CREATE FUNCTION place_out(place) RETURNS cstring STRICT IMMUTABLE LANGUAGE internal AS 'point_out';
    CREATE TYPE place (INPUT = place_in, OUTPUT = place_out, INTERNALLENGTH = 16, ALIGNMENT = double, ELEMENT = float8);
    CREATE TABLE places (a place, b place[]); INSERT INTO places VALUES ('(1,2)', '{\"(3,4)\",NULL}');
    CREATE FUNCTION loose_in(cstring) RETURNS loose STRICT IMMUTABLE LANGUAGE internal AS 'textin';
    CREATE FUNCTION loose_out(loose) RETURNS cstring STRICT IMMUTABLE LANGUAGE internal AS 'textout';
    CREATE TYPE loose (INPUT = loose_in, OUTPUT = loose_out, ELEMENT = \"char\");
";

#[test]
fn base_types_with_elements() {
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", ELEMENTS);
    let report = of_pair(&pair, &[]).1;
    let words = "PostgreSQL 18 takes no types with elements without a function that takes one out: type public.loose";
    assert_eq!(report["findings"][0]["message"], words, "{report:#}");
    mend(&pair, &report, "schema/not-in-version");
    assert_eq!(of_pair(&pair, &[]).0, Some(0));
    pair.migrate(&[]).ended(0);
    pair.assert_same("d", "SELECT a, a[1], b FROM places");
}

/// From 14 on functions may have parsed bodies, from 16 on rights stand apart from what they are of.
const NEW: &str = "
    CREATE VIEW counters AS SELECT x FROM (SELECT (SELECT wal_records FROM pg_stat_wal) AS x) s
        WHERE EXISTS (SELECT wal_write FROM pg_stat_wal);
    CREATE VIEW zones AS SELECT abbrev FROM pg_timezone_abbrevs();
    CREATE FUNCTION written() RETURNS bigint LANGUAGE sql
        BEGIN ATOMIC SELECT wal_sync FROM pg_stat_wal; END;
    CREATE TABLE t (a int);
    CREATE VIEW fine AS SELECT c.oid, relname, s.seq_scan FROM pg_class c
        JOIN pg_stat_user_tables s USING (relname) JOIN t ON t.a = c.relpages;
";

#[test]
fn parsed_bodies_count_and_what_is_still_there_does_not() {
    for source in [15, 17] {
        let pair = Pair::start(source, 18);
        pair.on_source("postgres", "CREATE DATABASE d");
        pair.on_source("d", NEW);
        let (_, report) = of_pair(&pair, &[]);
        let expected = [
            "column wal_sync of pg_stat_wal: function public.written()",
            "column wal_write of pg_stat_wal: view public.counters",
            "function pg_timezone_abbrevs(): view public.zones",
        ];
        assert_eq!(uses(&report), expected.map(str::to_owned).into(), "{report:#}");
        mend(&pair, &report, ID);
        let (code, report) = of_pair(&pair, &[]);
        assert_eq!((code, uses(&report).len()), (Some(0), 0), "{report:#}");
        pair.migrate(&[]).ended(0);
    }
}

#[test]
fn a_database_that_sorts_by_icu_needs_a_target_with_it() {
    let pair = Pair::start(15, 18);
    pair.on_source(
        "postgres",
        "CREATE DATABASE d TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'",
    );
    pair.on_source("d", "CREATE TABLE t (a text); INSERT INTO t VALUES ('Ä'), ('z')");
    let report = of_pair(&pair, &[]).1;
    let text = report.to_string();
    assert!(
        text.contains("the target was built without ICU, by which database d sorts: de-DE of ICU"),
        "{text}"
    );
    pair.migrate(&[]).ended(3).says(&["built without ICU", "flexway explain database/locale"]);
    mend(&pair, &report, "database/locale");
    let (code, report) = of_pair(&pair, &[]);
    let text = report.to_string();
    assert!(
        code == Some(0) && text.contains("of the target sorts by C, the source's by de-DE of ICU"),
        "{text}"
    );
    assert!(pair.migrate(&[]).ended(1).out.contains("NOT equal: 1 difference"));
}

#[test]
fn columns_that_ask_for_lz4_keep_from_a_target_without_it() {
    let pair = Pair::start(17, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source(
        "d",
        "CREATE TABLE t (id int, a text COMPRESSION lz4, b text COMPRESSION pglz);
         INSERT INTO t VALUES (1, repeat('flexway', 10000), 'b');
         CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
         ALTER MATERIALIZED VIEW v ALTER COLUMN a SET COMPRESSION lz4",
    );
    let report = of_pair(&pair, &[]).1;
    let words = "the target was built without lz4: column a of public.t, column a of public.v";
    assert_eq!(report["findings"][0]["message"], words, "{report:#}");
    mend(&pair, &report, "schema/compression");
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("ready")), "{report:#}");
    pair.migrate(&[]).ended(0);
}
