//! Sources that set and spell things in odd ways: settings that get into a move's way, encodings
//! other than UTF8, bytes of no encoding.

mod move_world;

use std::sync::atomic::AtomicBool;

use flexway_core::assess::facts::Census;
use flexway_core::migrate::{CopyProgress, STALE_VIEW};
use flexway_core::port::{Database, Databases, Servers};
use flexway_postgres::Session;
use move_world::{World, ask, copy, info, run, start};

/// Moves one database and expects no difference.
fn moves(world: &World, database: &str) {
    world.mover.prepare(database, false).expect("prepare");
    let open = world.mover.open(database).expect("open");
    let contents = copy(&*open);
    assert_eq!(open.compare().schema().expect("compare"), []);
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    for table in &contents.tables {
        let comparison = open.compare().table(table, None, &progress, &stop).expect("compare");
        assert!(comparison.is_equal(), "{}: {comparison:?}", table.name);
    }
    stands(&*open);
}

/// The schema is recognised as the source's.
fn stands(open: &dyn Database) {
    open.schema().pre_data(3).expect("stands already");
}

#[test]
fn settings_of_a_database_do_not_get_in_the_way() {
    let Some(world) = start(15, 17) else { return };
    run(
        &world.source,
        "postgres",
        "CREATE ROLE plain; CREATE ROLE \"r\u{1f680}\"; CREATE DATABASE hurt OWNER \"r\u{1f680}\"",
    );
    run(
        &world.source,
        "hurt",
        "CREATE TABLE t (id int PRIMARY KEY, a text[] DEFAULT '{x,NULL}', \"é\" text DEFAULT '€'); \
         INSERT INTO t VALUES (1, ARRAY['a', NULL, 'NULL']), (2, NULL); \
         CREATE VIEW v AS SELECT t.id, t.a FROM t WHERE t.a IS NOT NULL; CREATE MATERIALIZED VIEW \
         m AS SELECT v.a FROM v; \
         ALTER TABLE t ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY own ON t USING (a[1] = 'CORP\\ann'); \
         CREATE PUBLICATION everything FOR ALL TABLES; \
         COMMENT ON DATABASE hurt IS 'a\\b'",
    );
    let settings = [
        "role = 'plain'",
        "array_nulls = off",
        "transform_null_equals = on",
        "quote_all_identifiers = on",
        "client_encoding = 'LATIN1'",
        "default_transaction_read_only = on",
        "standard_conforming_strings = off",
        "exit_on_error = on",
        "lock_timeout = 1",
        "statement_timeout = 1",
    ];
    for setting in settings {
        run(&world.source, "postgres", &format!("ALTER DATABASE hurt SET {setting}"));
    }
    world.mover.copy_roles(&[], false).expect("roles");
    moves(&world, "hurt");
    assert_eq!(
        ask(&world.target, "hurt", "SELECT a[2] IS NULL, a[3], \"é\" FROM public.t WHERE id = 1"),
        "t,NULL,€"
    );
    // As it is spelled depends on the same setting.
    assert_eq!(
        ask(
            &world.target,
            "hurt",
            "SELECT set_config('standard_conforming_strings', 'on', false), \
             pg_get_expr(polqual, polrelid), length(shobj_description(d.oid, 'pg_database')) \
             FROM pg_policy, pg_database d WHERE d.datname = 'hurt'"
        ),
        "on,(a[1] = 'CORP\\ann'::text),3"
    );
}

#[test]
fn schemas_in_latin1_and_in_bytes_of_no_encoding_move() {
    let Some(world) = start(15, 17) else { return };
    for (name, encoding) in [("latin", "LATIN1"), ("raw", "SQL_ASCII")] {
        let create = "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'";
        let sql = create.replace("{name}", name).replace("{encoding}", encoding);
        run(&world.source, "postgres", &sql);
    }
    run(
        &world.source,
        "latin",
        "SET client_encoding = 'UTF8'; CREATE TABLE \"zürich\" (\"größe\" text DEFAULT 'ä' CHECK (\"größe\" <> 'ß')); \
         INSERT INTO \"zürich\" VALUES ('é'); COMMENT ON TABLE \"zürich\" IS 'ö'; \
         CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT 'ü'::text$$",
    );
    // One name is valid UTF-8, the other is not.
    run(
        &world.source,
        "raw",
        "DROP SCHEMA public; CREATE SCHEMA s; CREATE TABLE s.\"naïve\" (a text DEFAULT E'\\xff'); \
         DO $$ BEGIN EXECUTE E'CREATE TABLE s.\"z\\xfcrich\" (id serial PRIMARY KEY, a text DEFAULT ''\\xe4'')'; \
                     EXECUTE E'CREATE MATERIALIZED VIEW s.\"m\\xfc\" AS SELECT z.a FROM s.\"z\\xfcrich\" z'; \
                     EXECUTE E'INSERT INTO s.\"z\\xfcrich\" (a) VALUES (''\\xe9''), (DEFAULT)'; \
                     EXECUTE E'COMMENT ON SCHEMA s IS ''\\xf6'''; \
                     EXECUTE E'REFRESH MATERIALIZED VIEW s.\"m\\xfc\"'; END $$; \
         INSERT INTO s.\"naïve\" VALUES (DEFAULT), (convert_from(set_byte('a_b', 1, 200), 'SQL_ASCII'))",
    );
    moves(&world, "latin");
    assert_eq!(
        ask(&world.target, "latin", "SELECT \"größe\", public.f() FROM public.\"zürich\""),
        "é,ü"
    );
    moves(&world, "raw");
    assert_eq!(
        ask(
            &world.target,
            "raw",
            "SELECT encode(c.relname::bytea, 'hex') FROM pg_class c JOIN pg_namespace n \
             ON n.oid = c.relnamespace WHERE n.nspname = 's' AND c.relkind IN ('r', 'm') ORDER BY 1"
        ),
        "6dfc,6e61c3af7665,7afc72696368"
    );
}

/// Code pages have bytes that stand for no character.
#[test]
fn bytes_that_no_other_encoding_has_move_where_the_target_has_the_same() {
    for (source, target) in [(11, 17), (15, 18)] {
        let Some(world) = start(source, target) else { return };
        run(
            &world.source,
            "postgres",
            "CREATE DATABASE page TEMPLATE template0 ENCODING 'WIN1252' LC_COLLATE 'C' LC_CTYPE 'C'",
        );
        let fill = "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (a text); \
            DO $$ BEGIN EXECUTE 'INSERT INTO t SELECT n, E''\\xe9\\x81'' FROM generate_series(1, 500) n'; END $$; \
            INSERT INTO u SELECT a FROM t; CREATE MATERIALIZED VIEW m AS SELECT a FROM t; ANALYZE";
        run(&world.source, "page", fill);
        moves(&world, "page");
        let bytes = "SELECT DISTINCT encode(convert_to(a, 'WIN1252'), 'hex') FROM public.t";
        assert_eq!(ask(&world.target, "page", bytes), "e981");
    }
}

/// They see nothing of the move, and refuse nothing, though they would: not in a comparison either.
#[test]
fn event_triggers_come_last() {
    for (source, target) in [(11, 15), (15, 18)] {
        let Some(world) = start(source, target) else { return };
        run(&world.source, "postgres", "CREATE DATABASE d");
        let watched = "CREATE TABLE log (tag text); CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1); \
            CREATE TABLE refers (a int REFERENCES t); \
            CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM t; INSERT INTO t VALUES (2); \
            CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS \
              'BEGIN INSERT INTO public.log VALUES (tg_tag); END'; \
            CREATE FUNCTION refused() RETURNS event_trigger LANGUAGE plpgsql AS \
              'BEGIN RAISE ''not %'', tg_tag; END'; \
            CREATE EVENT TRIGGER seeing ON ddl_command_end EXECUTE PROCEDURE seen(); \
            CREATE EVENT TRIGGER refusing ON sql_drop EXECUTE PROCEDURE refused(); \
            CREATE EVENT TRIGGER idle ON ddl_command_start WHEN TAG IN ('DROP SCHEMA') EXECUTE PROCEDURE refused(); \
            COMMENT ON EVENT TRIGGER refusing IS 'says no'; ALTER EVENT TRIGGER refusing ENABLE ALWAYS; \
            ALTER EVENT TRIGGER seeing ENABLE ALWAYS; ALTER EVENT TRIGGER idle ENABLE ALWAYS; DELETE FROM log";
        run(&world.source, "d", watched);
        // Since 17 the comparison can switch them off for itself.
        let is_new = target >= 17;
        if is_new {
            let strict = "CREATE VIEW v AS SELECT t.a FROM t; \
                          CREATE EVENT TRIGGER z_strict ON ddl_command_end WHEN TAG IN \
                          ('CREATE VIEW', 'REFRESH MATERIALIZED VIEW') EXECUTE FUNCTION refused(); \
                          ALTER EVENT TRIGGER z_strict ENABLE ALWAYS; DELETE FROM log";
            run(&world.source, "d", strict);
        }
        world.mover.prepare("d", false).expect("prepare");
        let open = world.mover.open("d").expect("open");
        let contents = copy(&*open);
        let stop = AtomicBool::new(false);
        // As after a crash before the ledger knew.
        open.data().finish(&contents, 2, &stop).expect("finish again");
        open.schema().last(&stop).expect("last again");
        let found = open.compare().schema().expect("compare");
        let found: Vec<_> = found.iter().map(|one| (one.kind, one.name.as_str())).collect();
        assert_eq!(found, [(STALE_VIEW, "public.m")]);
        assert_eq!(
            ask(&world.target, "d", "SELECT count(*) FROM public.log"),
            ask(&world.source, "d", "SELECT count(*) FROM public.log")
        );
        let enabled =
            "SELECT string_agg(evtname || evtenabled::text, ' ' ORDER BY 1) FROM pg_event_trigger";
        assert_eq!(
            ask(&world.target, "d", enabled),
            if is_new { "idleA refusingA seeingA z_strictA" } else { "idleA refusingA seeingA" }
        );
    }
}

/// What is the server's own: grants on settings, passwords that never end, and what stays behind.
#[test]
fn what_hangs_on_the_server_is_carried_or_said() {
    let Some(world) = start(15, 17) else { return };
    run(
        &world.source,
        "postgres",
        "CREATE ROLE \"tuner x\" VALID UNTIL 'infinity'; CREATE DATABASE d; \
         GRANT SET ON PARAMETER log_min_duration_statement TO \"tuner x\" WITH GRANT OPTION; \
         GRANT SET, ALTER SYSTEM ON PARAMETER work_mem, my.setting TO \"tuner x\"; \
         GRANT SET ON PARAMETER log_statement TO PUBLIC",
    );
    let mut session = Session::connect(&info(&world.source, "d")).expect("connects");
    session.execute("SET allow_in_place_tablespaces = on").expect("set");
    session.execute("CREATE TABLESPACE \"fast disk\" LOCATION ''").expect("tablespace");
    session.execute("CREATE TABLE public.t (a int) TABLESPACE \"fast disk\"").expect("table");
    session
        .execute(
            "CREATE SUBSCRIPTION sub CONNECTION 'host=nowhere password=secret' PUBLICATION p \
             WITH (connect = false)",
        )
        .expect("subscription");
    let report = world.mover.copy_roles(&[], true).expect("roles");
    assert_eq!(report.created, ["tuner x"]);
    assert_eq!(report.notes, Vec::<String>::new());
    let facts = world.mover.look_into("d").expect("facts");
    let names = |census| facts.objects(census).expect("seen")[0].name.clone();
    assert_eq!(names(Census::Subscriptions), "sub");
    assert_eq!(names(Census::Tablespaces), "fast disk");
    assert!(!format!("{report:?} {facts:?}").contains("secret"), "{facts:?}");
    assert_eq!(
        ask(
            &world.target,
            "postgres",
            "SELECT rolvaliduntil FROM pg_roles WHERE rolname = 'tuner x'"
        ),
        "infinity"
    );
    let rights = "SELECT has_parameter_privilege('tuner x', 'work_mem', 'ALTER SYSTEM'), \
                  has_parameter_privilege('tuner x', 'my.setting', 'SET'), has_parameter_privilege( \
                  'tuner x', 'log_min_duration_statement', 'SET WITH GRANT OPTION')";
    assert_eq!(ask(&world.target, "postgres", rights), "t,t,t");
    assert_eq!(world.mover.role_differences(&[]).expect("compare"), []);
    run(
        &world.target,
        "postgres",
        "REVOKE ALTER SYSTEM ON PARAMETER work_mem FROM \"tuner x\"; \
         GRANT SET ON PARAMETER log_duration TO \"tuner x\"; \
         ALTER ROLE \"tuner x\" VALID UNTIL '2030-01-01'",
    );
    let found = world.mover.role_differences(&[]).expect("compare");
    let details: Vec<&str> = found.iter().map(|one| one.detail.as_str()).collect();
    assert_eq!(
        details,
        [
            "differs in VALID UNTIL",
            "ALTER SYSTEM on parameter work_mem is missing or differs on the target",
            "SET on parameter log_duration is on the target only"
        ]
    );
    let report = world.mover.copy_roles(&[], false).expect("roles again");
    assert_eq!(report.different, ["tuner x"]);
    assert!(
        report.notes.iter().any(|note| note.ends_with(
            "it stood on the target; to do that: GRANT ALTER SYSTEM ON PARAMETER \"work_mem\" TO \"tuner x\""
        )),
        "{report:?}"
    );
}
