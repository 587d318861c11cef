//! Databases that stand on the target and cannot be replaced: used where they are empty, emptied where that is asked for.

use flexway_lab::{Options, Server, installed};

use crate::assessed::of_pair;
use crate::pair::Pair;

/// What somebody said about things to come, and a cast that belongs to no schema.
const BEFORE: &str = "
    ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO theirs;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES FOR ROLE theirs REVOKE ALL ON TYPES FROM PUBLIC, theirs;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO PUBLIC;
";

#[test]
fn nothing_of_before_gives_rights_on_what_comes() {
    let pair = Pair::start(15, 18);
    let source = "CREATE ROLE app; CREATE SEQUENCE s; CREATE TABLE t (a int); INSERT INTO t VALUES (1); \
         CREATE FUNCTION f(n inet) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
         CREATE CAST (inet AS int) WITH FUNCTION f(inet); CREATE TYPE e AS ENUM ('x'); SELECT lo_create(42); \
         ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app";
    pair.on_source("postgres", source);
    pair.on_target("postgres", "CREATE ROLE theirs");
    let large = "ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO PUBLIC";
    for more in [&["--database", "postgres"][..], &["--database", "postgres", "--overwrite"]] {
        pair.on_target("postgres", BEFORE);
        pair.on_target("postgres", large);
        let mut command = pair.command("migrate");
        command
            .args(more)
            .arg("--ledger")
            .arg(pair.ledger().with_extension(more.len().to_string()));
        crate::pair::Ran::of(command).ended(0);
        pair.assert_same(
            "postgres",
            "SELECT defaclobjtype, defaclrole, defaclnamespace FROM pg_default_acl",
        );
        let rights = "SELECT has_table_privilege('theirs', 't', 'SELECT'), has_function_privilege('theirs', 'f(inet)', 'EXECUTE')";
        assert_eq!(pair.on_target("postgres", rights), "f|t\n");
        pair.on_target("postgres", "CREATE SCHEMA more; CREATE CAST (text AS int) WITH INOUT");
    }
}

#[test]
fn what_keeps_a_database_from_being_replaced_is_foretold() {
    let pair = Pair::start(15, 18);
    for server in [&pair.source, &pair.target] {
        server.psql("postgres", "CREATE DATABASE d").unwrap();
        server.psql("d", "CREATE TABLE t (a int)").unwrap();
    }
    let follow = "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false, slot_name = NONE)";
    pair.on_target("d", follow);
    let choice = ["--database", "d", "--overwrite"];
    let (code, report) = of_pair(&pair, &choice);
    let message = &report["findings"][0]["message"];
    let words = "database d of the target is held by subscription s";
    assert_eq!((code, message), (Some(1), &words.into()), "{report:#}");
    pair.migrate(&choice).ended(3).says(&["nothing was changed on either server"]);
    pair.on_target("d", "DROP SUBSCRIPTION s");
    pair.migrate(&choice).ended(0);
}

#[test]
fn what_follows_the_source_is_said() {
    let logical = vec![("wal_level".to_owned(), "logical".to_owned())];
    let options = Options { settings: logical, ..Options::default() };
    let mut pair = Pair::start(15, 18);
    pair.source = Server::start(&installed::find(15).unwrap(), &options).unwrap();
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", "SELECT pg_create_logical_replication_slot('reader', 'test_decoding')");
    let words = "logical replication slots are not carried: reader (test_decoding)";
    pair.migrate(&["--database", "d"]).ended(0).says(&[words]);
}
