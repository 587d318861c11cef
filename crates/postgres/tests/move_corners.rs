//! Corners of a move on real servers: ordinary logins, databases that stand already, odd encodings, small lock tables.

mod move_world;

use std::sync::atomic::AtomicBool;

use flexway_core::assess::facts::Census;
use flexway_core::migrate::{CopyProgress, Remedy};
use flexway_core::port::{Databases, Servers};
use flexway_lab::Options;
use flexway_postgres::{ConnInfo, Mover};
use move_world::{
    DATABASE, World, ask, copy, copy_table, differences, fill, info, run, start, start_with,
};

fn named(world: &mut World, database: &str) {
    world.mover = Mover::new(info(&world.source, database), info(&world.target, database));
}

/// A login as managed services give it: may create roles and databases, is no superuser.
#[test]
fn an_ordinary_login_moves_a_database() {
    let Some(mut world) = start(15, 17) else { return };
    run(
        &world.source,
        "postgres",
        "CREATE ROLE app_owner LOGIN PASSWORD 'x'; CREATE ROLE app_user NOLOGIN; \
         GRANT app_user TO app_owner; \
         CREATE ROLE strong SUPERUSER REPLICATION; CREATE DATABASE plain OWNER app_owner",
    );
    run(
        &world.source,
        "plain",
        "CREATE EXTENSION pgcrypto; SET ROLE app_owner; CREATE SCHEMA s; CREATE TABLE s.t (id int \
         PRIMARY KEY, b text); \
         INSERT INTO s.t SELECT i, repeat('b', i) FROM generate_series(1, 500) i; GRANT \
         SELECT ON s.t \
         TO app_user; \
         CREATE VIEW s.v AS SELECT id FROM s.t; GRANT SELECT ON s.v TO app_user WITH GRANT OPTION; GRANT USAGE ON SCHEMA s TO app_user; \
         RESET ROLE; SET ROLE app_user; GRANT SELECT ON s.v TO strong; RESET ROLE; SET ROLE app_owner; SELECT lo_from_bytea(77, 'hello'); \
         CREATE TYPE s.floats AS RANGE (subtype = float8); CREATE TABLE s.r (f s.floats)",
    );
    run(
        &world.target,
        "postgres",
        "CREATE ROLE mover LOGIN CREATEROLE CREATEDB PASSWORD 'it s; secret'",
    );
    let url =
        format!("postgres://mover:it%20s%3B%20secret@127.0.0.1:{}/postgres", world.target.port());
    let login = ConnInfo::parse(&url, &|_| None).expect("url");
    world.mover = Mover::new(info(&world.source, "postgres"), login);

    let roles = world.mover.copy_roles(&[], false).expect("roles");
    assert_eq!(roles.created, ["app_owner", "app_user", "strong"]);
    assert!(
        roles
            .notes
            .iter()
            .any(|note| note.starts_with("give role strong the attribute SUPERUSER: ")),
        "{roles:?}"
    );
    assert!(!roles.notes.iter().any(|note| note.contains("secret")), "{roles:?}");
    // The constructors of a range type belong to the first superuser; nobody has to create them.
    let facts = world.mover.look_into("plain").expect("facts");
    for census in [Census::SuperuserOnly, Census::Casts] {
        assert_eq!(facts.objects(census), Ok([].as_slice()), "{census:?}");
    }
    assert!(facts.objects(Census::Owners).expect("seen").iter().all(|one| one.name == "app_owner"));
    world.mover.prepare("plain", false).expect("prepare");
    let open = world.mover.open("plain").expect("open");
    copy(&*open);
    assert_eq!(open.compare().schema().expect("compare"), []);
    assert_eq!(
        ask(&world.target, "plain", "SELECT count(*), sum(length(b)) FROM s.t"),
        "500,125250"
    );
    assert_eq!(
        ask(
            &world.target,
            "plain",
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'plain'"
        ),
        "app_owner"
    );
    let roles = world.mover.role_differences(&[]).expect("compare roles");
    let names: Vec<_> = roles.iter().map(|one| (one.name.as_str(), one.detail.as_str())).collect();
    assert_eq!(names, [("strong", "differs in SUPERUSER, REPLICATION")]);
}

#[test]
fn facts_name_the_databases_that_count() {
    let Some(world) = start(15, 15) else { return };
    let names = |world: &World| -> Vec<String> {
        world.mover.source().expect("facts").databases.into_iter().map(|one| one.name).collect()
    };
    assert_eq!(names(&world), Vec::<String>::new());
    run(&world.source, "postgres", "CREATE DATABASE a; CREATE DATABASE b IS_TEMPLATE true");
    run(
        &world.source,
        "a",
        "CREATE EXTENSION hstore SCHEMA public; CREATE SCHEMA ext; \
         CREATE EXTENSION citext SCHEMA ext",
    );
    assert_eq!(names(&world), ["a"]);
    run(&world.source, "postgres", "CREATE DATABASE \"C\" ALLOW_CONNECTIONS false");
    let left_out = world.mover.source().expect("facts").left_out;
    let users: Vec<_> = left_out.iter().filter(|one| one.is_users).collect();
    assert_eq!(users.len(), 2, "{left_out:?}");
    assert_eq!((users[0].name.as_str(), users[0].why.as_str()), ("C", "it allows no connections"));
    assert_eq!(users[0].change, "ALTER DATABASE \"C\" ALLOW_CONNECTIONS true");
    assert_eq!((users[1].name.as_str(), users[1].why.as_str()), ("b", "it is a template"));
    run(&world.source, "postgres", "CREATE TABLE t ()");
    assert_eq!(names(&world), ["a", "postgres"]);
    run(&world.target, "postgres", "CREATE DATABASE a");
    let count = |world: &World| {
        let facts = world.mover.target(&["a".to_owned()]).expect("facts");
        facts.databases.iter().find(|one| one.name == "a").and_then(|one| one.user_object_count)
    };
    assert_eq!(count(&world), Some(0));
    run(
        &world.target,
        "a",
        "CREATE EXTENSION hstore; CREATE TYPE e AS ENUM ('x'); SELECT lo_create(5)",
    );
    assert_eq!(count(&world), Some(2));
}

#[test]
fn a_standing_database_is_used_emptied_or_left_alone() {
    let Some(mut world) = start(15, 15) else { return };
    fill(&world);
    world.mover.copy_roles(&[], false).expect("roles");
    run(
        &world.target,
        "postgres",
        &format!("CREATE DATABASE {}", flexway_postgres::quote_ident(DATABASE)),
    );
    // The database that the login names is never dropped, so its contents are removed one by one.
    named(&mut world, DATABASE);
    let fill_target = "CREATE TABLE here (a int); CREATE SCHEMA x; CREATE VIEW x.v AS SELECT a \
        FROM \
    here; SELECT lo_create(9); \
                       CREATE TYPE t AS ENUM ('a'); CREATE EXTENSION hstore; CREATE FUNCTION f() \
                       RETURNS int LANGUAGE sql AS 'SELECT 1'";
    run(&world.target, DATABASE, fill_target);
    let refusal = world.mover.prepare(DATABASE, false).expect_err("not touched");
    assert_eq!(refusal.remedy, Remedy::Act);
    assert_eq!(ask(&world.target, DATABASE, "SELECT count(*) FROM public.here"), "0");
    world.mover.prepare(DATABASE, true).expect("emptied");
    copy(&*world.mover.open(DATABASE).expect("open"));
    assert_eq!(differences(&world), Vec::<String>::new());
    // Everything that the fixture holds goes, too.
    world.mover.prepare(DATABASE, true).expect("emptied again");
    let facts = world.mover.target(&[DATABASE.to_owned()]).expect("facts");
    let count = facts
        .databases
        .iter()
        .find(|one| one.name == DATABASE)
        .and_then(|one| one.user_object_count);
    assert_eq!(count, Some(0));
}

/// 400 tables take more locks than the target has room for in one transaction.
#[test]
fn a_schema_larger_than_the_lock_table_goes_in_pieces() {
    let small = [("max_locks_per_transaction", "10"), ("max_connections", "20")];
    let settings = small.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = Options { settings, ..Options::default() };
    let Some(world) = start_with(15, 17, &options) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    let tables = "DO $$ BEGIN FOR i IN 1..400 LOOP \
        EXECUTE format('CREATE TABLE t_%s (id serial PRIMARY KEY, b text)', i); \
                  END LOOP; END $$";
    run(&world.source, "d", tables);
    world.mover.prepare("d", false).expect("prepare");
    // What a run that was killed in the middle leaves.
    run(&world.target, "d", "CREATE TABLE t_7 (id integer NOT NULL, b text)");
    let open = world.mover.open("d").expect("open");
    open.schema().pre_data(3).expect("in pieces");
    open.schema().pre_data(3).expect("stands already");
    assert_eq!(
        ask(&world.target, "d", "SELECT count(*) FROM pg_class WHERE relname ~ '^t_[0-9]+$'"),
        "400"
    );
}

#[test]
fn a_database_without_public_and_with_bytes_of_no_encoding() {
    let Some(world) = start(15, 17) else { return };
    run(
        &world.source,
        "postgres",
        "CREATE DATABASE raw TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
    );
    run(
        &world.source,
        "raw",
        "DROP SCHEMA public; CREATE SCHEMA s; CREATE TABLE s.t (a text); \
         INSERT INTO s.t SELECT convert_from(set_byte('a_b', 1, 200 + i), 'SQL_ASCII') \
         FROM generate_series(0, 50) i",
    );
    world.mover.prepare("raw", false).expect("prepare");
    let open = world.mover.open("raw").expect("open");
    let contents = copy(&*open);
    assert_eq!(open.compare().schema().expect("compare"), []);
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    let comparison =
        open.compare().table(&contents.tables[0], None, &progress, &stop).expect("compare");
    assert!(comparison.is_equal(), "{comparison:?}");
    assert_eq!(comparison.target_rows, 51);
}

/// No dump makes it, and what is made beside it must not hide that.
#[test]
fn a_table_that_became_an_extensions_is_said_to_be_missing() {
    let Some(world) = start(15, 17) else { return };
    run(&world.source, "postgres", "CREATE DATABASE d");
    let member = "CREATE EXTENSION hstore; CREATE EXTENSION pg_stat_statements; \
                  CREATE TABLE mine (a int); ALTER EXTENSION hstore ADD TABLE mine";
    run(&world.source, "d", member);
    let names = |world: &World| {
        let facts = world.mover.look_into("d").expect("facts");
        let tables = facts.objects(Census::MemberTables).expect("seen");
        tables.iter().map(|one| one.sql.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&world), Vec::<String>::new());
    run(&world.source, "d", "INSERT INTO mine VALUES (1)");
    assert_eq!(names(&world), ["ALTER EXTENSION hstore DROP TABLE public.mine"]);
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    copy(&*open);
    let found = open.compare().schema().expect("compare");
    let found: Vec<String> =
        found.iter().map(|one| format!("{}: {}", one.name, one.detail)).collect();
    assert_eq!(found, ["hstore: public.mine belongs to the EXTENSION on the source only"]);
}

#[test]
fn only_the_users_rows_of_an_extensions_table_are_copied() {
    let Some(world) = start(15, 15) else { return };
    let member = "CREATE EXTENSION hstore; CREATE TABLE settings (name text, mine boolean); ALTER \
    EXTENSION hstore ADD TABLE settings; \
                  UPDATE pg_extension SET extconfig = ARRAY['settings'::regclass::oid], \
                  extcondition = \
                  ARRAY['WHERE mine'] \
                  WHERE extname = 'hstore'; INSERT INTO settings VALUES ('shipped', false);";
    run(&world.source, "postgres", "CREATE DATABASE d");
    run(
        &world.source,
        "d",
        &format!("SET search_path = public; {member} INSERT INTO settings VALUES ('ours', true)"),
    );
    world.mover.prepare("d", false).expect("prepare");
    run(
        &world.target,
        "d",
        &format!("SET search_path = public; {member} INSERT INTO settings VALUES ('stale', true)"),
    );
    let open = world.mover.open("d").expect("open");
    open.schema().pre_data(3).expect("pre-data");
    let contents = open.data().contents().expect("contents");
    let names: Vec<_> = contents.tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(names, ["settings"]);
    let (progress, stop) = (CopyProgress::default(), AtomicBool::new(false));
    copy_table(&*open, &contents.tables[0], &progress, &stop).expect("copy");
    assert_eq!(
        ask(&world.target, "d", "SELECT name FROM public.settings ORDER BY 1"),
        "ours,shipped"
    );
    assert!(
        open.compare()
            .table(&contents.tables[0], None, &progress, &stop)
            .expect("compare")
            .is_equal()
    );
}
