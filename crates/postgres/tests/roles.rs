//! Roles between real servers: which are carried, what stands is left alone, what ordinary logins
//! may do.

mod move_world;

use flexway_core::port::{Databases, Servers};
use flexway_postgres::{ConnInfo, Mover};
use move_world::{World, ask, info, run, start};

const OF_APP: &str = "SELECT r.rolcreatedb, r.rolconnlimit, r.rolconfig, a.rolpassword LIKE 'SCRAM%', \
     shobj_description(r.oid, 'pg_authid') FROM pg_roles r JOIN pg_authid a ON a.oid = r.oid \
     WHERE r.rolname = 'app'";

/// A role of the same name on both sides, and one that no database needs.
fn clashing(world: &World) {
    let of_source = "CREATE ROLE app LOGIN PASSWORD 'source-word'; CREATE ROLE team; GRANT team TO app; \
         CREATE ROLE stranger SUPERUSER; CREATE DATABASE d OWNER app";
    run(&world.source, "postgres", of_source);
    let of_target = "CREATE ROLE app LOGIN PASSWORD 'target-word' CREATEDB CONNECTION LIMIT 5; \
         COMMENT ON ROLE app IS 'own'; ALTER ROLE app SET work_mem = '9MB'";
    run(&world.target, "postgres", of_target);
}

/// Reaches the target as a login that may create roles and databases and is no superuser.
fn as_ordinary_login(world: &mut World) {
    run(&world.target, "postgres", "CREATE ROLE mover LOGIN CREATEROLE CREATEDB PASSWORD 'pass'");
    let url = format!("postgres://mover:pass@127.0.0.1:{}/postgres", world.target.port());
    let login = ConnInfo::parse(&url, &|_| None).expect("url");
    world.mover = Mover::new(info(&world.source, "postgres"), login);
}

#[test]
fn what_stands_is_left_alone_until_overwritten() {
    let Some(world) = start(15, 17) else { return };
    clashing(&world);
    let verifier = "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'";
    let before = (ask(&world.target, "postgres", OF_APP), ask(&world.target, "postgres", verifier));
    let report = world.mover.copy_roles(&[], false).expect("roles");
    let after = (ask(&world.target, "postgres", OF_APP), ask(&world.target, "postgres", verifier));
    assert_eq!(before, after);
    assert_eq!((report.kept, report.different), (vec!["app".to_owned()], vec!["app".to_owned()]));
    let notes = report.notes.join("\n");
    for words in [
        "differs in CREATEDB, CONNECTION LIMIT, its password, its comment, its settings",
        "ALTER ROLE \"app\" WITH NOCREATEDB INHERIT LOGIN CONNECTION LIMIT -1; --overwrite",
        "to do that: GRANT \"team\" TO \"app\"",
    ] {
        assert!(notes.contains(words), "no {words:?} in {notes}");
    }
    assert!(!notes.contains("SCRAM"), "{notes}");
    let report = world.mover.copy_roles(&[], true).expect("roles");
    assert_eq!(report.notes, Vec::<String>::new());
    assert_eq!(ask(&world.target, "postgres", OF_APP), "f,-1,NULL,t,NULL");
    assert_eq!(world.mover.role_differences(&[]).expect("compare"), []);
}

#[test]
fn security_labels_and_settings_of_everybody_count() {
    let Some(world) = start(15, 17) else { return };
    // No provider comes with PostgreSQL: the target refuses the label.
    let of_source = "CREATE ROLE app; ALTER ROLE ALL SET work_mem = '5MB'; INSERT INTO pg_shseclabel \
                     SELECT oid, 'pg_authid'::regclass, 'anon', 'MASKED' FROM pg_roles WHERE rolname = 'app'";
    run(&world.source, "postgres", of_source);
    run(&world.target, "postgres", "ALTER ROLE ALL SET work_mem = '6MB'");
    let report = world.mover.copy_roles(&[], false).expect("roles");
    assert_eq!(report.different, ["app", "ALL"]);
    let notes = report.notes.join("\n");
    assert!(notes.contains("carry the security label of role app for anon: ERROR"), "{notes}");
    let found = world.mover.role_differences(&[]).expect("compare");
    let found: Vec<_> = found.iter().map(|one| format!("{}: {}", one.name, one.detail)).collect();
    let words = [
        "app: differs in its security labels",
        "ALL: the setting work_mem is missing or differs on the target",
    ];
    assert_eq!(found, words);
    // What concerns all databases is no matter of one.
    assert_eq!(world.mover.role_differences(&["postgres".to_owned()]).expect("compare"), []);
}

#[test]
fn chosen_databases_bring_the_roles_that_they_need() {
    let Some(world) = start(15, 17) else { return };
    let roles = ["owner", "part", "whole", "grantee", "policed", "set", "given", "of_db", "idle"];
    for role in roles {
        run(&world.source, "postgres", &format!("CREATE ROLE {role}"));
    }
    run(&world.source, "postgres", "GRANT whole TO part; GRANT part TO owner; GRANT idle TO given");
    run(&world.source, "postgres", "REVOKE idle FROM given; CREATE DATABASE d OWNER of_db");
    run(
        &world.source,
        "postgres",
        "CREATE DATABASE other OWNER idle; ALTER ROLE ALL SET work_mem = '5MB'",
    );
    run(
        &world.source,
        "d",
        "CREATE TABLE t (a int); ALTER TABLE t OWNER TO owner; GRANT SELECT ON t TO grantee; \
         CREATE POLICY p ON t TO policed; ALTER ROLE set IN DATABASE d SET work_mem = '4MB'; \
         ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO given",
    );
    let chosen = ["d".to_owned()];
    let report = world.mover.copy_roles(&chosen, false).expect("roles");
    let mut expected = roles[..8].to_vec();
    expected.sort_unstable();
    assert_eq!(report.created, expected);
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(report.notes[0].starts_with("the setting work_mem of all roles"), "{:?}", report.notes);
    assert_eq!(world.mover.role_differences(&chosen).expect("compare"), []);
    let missing = world.mover.role_differences(&[]).expect("compare");
    let names: Vec<_> = missing.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["idle", "ALL"], "{missing:?}");
}

#[test]
fn an_ordinary_login_leaves_what_stands_and_joins_only_owners() {
    let Some(mut world) = start(15, 17) else { return };
    clashing(&world);
    run(&world.source, "postgres", "CREATE ROLE fresh; CREATE ROLE reader");
    run(&world.source, "d", "SET ROLE app; CREATE TABLE t (); GRANT SELECT ON t TO reader");
    run(&world.source, "d", "CREATE TABLE u (); ALTER TABLE u OWNER TO fresh");
    as_ordinary_login(&mut world);
    let chosen = ["d".to_owned()];
    let report = world.mover.copy_roles(&chosen, false).expect("nothing of app is altered");
    assert_eq!(report.created, ["fresh", "reader", "team"]);
    let notes = report.notes.join("\n");
    assert!(notes.contains("make the login a member of role app"), "{notes}");
    let revoke = "REVOKE \"fresh\" FROM \"mover\"";
    assert!(notes.contains(revoke), "{notes}");
    let report = world.mover.copy_roles(&chosen, true).expect("refused attributes are noted");
    assert!(report.notes.iter().any(|note| note.starts_with("alter role app: ")), "{report:?}");
    let memberships = "SELECT roleid::regrole FROM pg_auth_members WHERE member = 'mover'::regrole \
         AND inherit_option ORDER BY 1";
    assert_eq!(ask(&world.target, "postgres", memberships), "fresh");
    run(&world.target, "postgres", &format!("SET SESSION AUTHORIZATION mover; {revoke}"));
    assert_eq!(ask(&world.target, "postgres", memberships), "");
}

/// A failure takes back what was done before it, so that a later run does not find half a role.
#[test]
fn roles_are_carried_whole_or_not_at_all() {
    let Some(world) = start(15, 15) else { return };
    run(&world.source, "postgres", "CREATE ROLE a; CREATE ROLE z VALID UNTIL '2030-01-01'");
    // A role that appears meanwhile: the statement fails on the server.
    let mut other =
        flexway_postgres::Session::connect(&info(&world.target, "postgres")).expect("connects");
    other.execute("BEGIN; CREATE ROLE z").expect("create");
    let error = std::thread::scope(|scope| {
        let carried = scope.spawn(|| world.mover.copy_roles(&[], false));
        let waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while ask(&world.target, "postgres", waits).is_empty() && std::time::Instant::now() < end {}
        other.execute("COMMIT").expect("commit");
        carried.join().expect("no panic").expect_err("z is there twice")
    });
    assert!(error.what.contains("create role z"), "{error}");
    let there = "SELECT count(*) FROM pg_roles WHERE rolname = 'a'";
    assert_eq!(ask(&world.target, "postgres", there), "0");
    let report = world.mover.copy_roles(&[], false).expect("again");
    assert_eq!((report.created, report.kept), (vec!["a".to_owned()], vec!["z".to_owned()]));
}

/// The target's login may stand on the source as well, and lack there what it has here.
#[test]
fn what_the_own_login_lacks_is_said() {
    let Some(mut world) = start(15, 17) else { return };
    run(
        &world.source,
        "postgres",
        "CREATE ROLE team; CREATE ROLE mover REPLICATION IN ROLE team; CREATE DATABASE d OWNER mover",
    );
    as_ordinary_login(&mut world);
    let report = world.mover.copy_roles(&[], false).expect("roles");
    assert_eq!(report.different, ["mover"]);
    let notes = report.notes.join("\n");
    assert!(notes.contains("to do that: GRANT \"team\" TO \"mover\""), "{notes}");
    let mine = world.mover.role_differences(&[]).expect("as mover");
    let as_superuser = Mover::new(info(&world.source, "postgres"), info(&world.target, "postgres"));
    let theirs = as_superuser.role_differences(&[]).expect("as superuser");
    let words = |found: &[flexway_core::migrate::Difference]| -> Vec<String> {
        found.iter().map(|one| format!("{}: {}", one.name, one.detail)).collect()
    };
    let expected = "mover: membership in team is missing or differs on the target";
    assert!(words(&mine).contains(&expected.to_owned()), "{mine:?}");
    assert!(words(&theirs).contains(&expected.to_owned()), "{theirs:?}");
}

/// Before 15 schema public belongs to the superuser that made the server. An ordinary login of the
/// target cannot give it away, and nobody asked for that owner.
#[test]
fn an_ordinary_login_moves_from_before_15() {
    let Some(mut world) = start(11, 17) else { return };
    run(&world.source, "postgres", "CREATE ROLE app LOGIN; CREATE DATABASE d OWNER app");
    run(&world.source, "d", "SET ROLE app; CREATE TABLE t AS SELECT 1 AS a");
    as_ordinary_login(&mut world);
    world.mover.copy_roles(&[], false).expect("roles");
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    move_world::copy(&*open);
    assert_eq!(open.compare().schema().expect("compare"), []);
    let owner = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public'";
    assert_eq!(ask(&world.target, "d", owner), "pg_database_owner");
    // Whoever was given it on purpose gets it.
    run(&world.source, "d", "ALTER SCHEMA public OWNER TO app");
    world.mover.prepare("d", true).expect("prepare anew");
    let open = world.mover.open("d").expect("open");
    move_world::copy(&*open);
    assert_eq!(open.compare().schema().expect("compare"), []);
    assert_eq!(ask(&world.target, "d", owner), "app");
}
