//! Moves a database of rare features; another program, pg_dump, has to see no difference.

mod move_world;

use std::process::Command;

use flexway_core::port::{Databases, Servers};
use flexway_lab::{Server, installed};
use move_world::{ask, copy, run, start};

const SOURCE: &str = include_str!("move_world/features.sql");
const SOURCE_18: &str = include_str!("move_world/features_18.sql");

/// The whole database as pg_dump 18 says it, without what differs each time.
fn dump(server: &Server) -> Vec<String> {
    let pg_dump = installed::find(18).expect("18 is here").program("pg_dump");
    let mut command = Command::new(pg_dump);
    command.args(["--create", "--dbname", &server.url("rare")]);
    let output = command.output().expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let is_noise = |line: &&str| {
        line.is_empty()
            || ["--", "SET ", "\\restrict", "\\unrestrict"].iter().any(|one| line.starts_with(one))
                && !line.starts_with("SET SESSION AUTHORIZATION ")
    };
    text.lines().filter(|line| !is_noise(line)).map(str::to_owned).collect()
}

#[test]
fn rare_features_arrive_as_pg_dump_sees_them() {
    let Some(world) = start(18, 18) else { return };
    run(&world.source, "postgres", "CREATE DATABASE rare");
    run(&world.source, "rare", SOURCE);
    run(&world.source, "rare", SOURCE_18);
    run(&world.source, "postgres", "ALTER DATABASE rare SET f.custom = 'x y'");
    run(&world.source, "postgres", "COMMENT ON DATABASE rare IS 'it''s'");
    let roles = world.mover.copy_roles(&[], false).expect("roles");
    assert_eq!(roles.created, ["first", "fourth", "second", "third"]);
    world.mover.prepare("rare", false).expect("prepare");
    let open = world.mover.open("rare").expect("open");
    copy(&*open);
    assert_eq!(open.compare().schema().expect("compare"), []);
    assert_eq!(world.mover.role_differences(&[]).expect("roles"), []);
    let (wanted, present) = (dump(&world.source), dump(&world.target));
    let first = wanted.iter().zip(&present).find(|(one, other)| one != other);
    assert_eq!((first, wanted.len()), (None, present.len()));
    assert!(wanted.len() > 500, "the source holds {} lines", wanted.len());
    // The same rights, given by somebody else.
    let regrant = "REVOKE SELECT ON LARGE OBJECT 77 FROM first CASCADE; \
                   GRANT SELECT ON LARGE OBJECT 77 TO first WITH GRANT OPTION; \
                   GRANT SELECT ON LARGE OBJECT 77 TO second WITH GRANT OPTION; \
                   GRANT SELECT ON LARGE OBJECT 77 TO PUBLIC; \
                   SET ROLE first; REVOKE CONNECT ON DATABASE rare FROM second; RESET ROLE; \
                   GRANT CONNECT ON DATABASE rare TO second; \
                   SET ROLE first; REVOKE SELECT ON f.t FROM second; RESET ROLE; GRANT SELECT ON f.t TO second";
    run(&world.target, "rare", regrant);
    let found = open.compare().schema().expect("compare");
    let found: Vec<String> =
        found.iter().map(|one| format!("{}: {}", one.name, one.detail)).collect();
    let expected = [
        "DATABASE rare: ACL differs on the target",
        "f.TABLE t: ACL differs on the target",
        "77: differs in grants",
    ];
    assert_eq!(found, expected);
}

/// A foreign partition whose server is not there keeps nobody from moving.
#[test]
fn rare_features_move_from_15_to_18() {
    let Some(world) = start(15, 18) else { return };
    run(&world.source, "postgres", "CREATE DATABASE rare");
    run(&world.source, "rare", SOURCE);
    world.mover.copy_roles(&[], false).expect("roles");
    world.mover.prepare("rare", false).expect("prepare");
    let open = world.mover.open("rare").expect("open");
    let contents = copy(&*open);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let notes = open.data().finish(&contents, 2, &stop).expect("finish again").notes;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("the statistics of table f.pp were not gathered"), "{notes:?}");
    assert_eq!(open.compare().schema().expect("compare"), []);
    let counted = "SELECT count(*) FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid \
                   WHERE c.relname = 'dd'";
    assert_eq!(ask(&world.target, "rare", counted), "4");
}
