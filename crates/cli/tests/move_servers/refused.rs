//! What is refused, in words that name the rung, the cause and the remedy.

use std::net::TcpListener;

use crate::pair::{Pair, Ran};
use crate::sample;

#[test]
fn a_target_with_data_is_refused_without_overwrite() {
    let pair = Pair::start(11, 17);
    pair.on_source("postgres", "CREATE DATABASE shop");
    pair.on_source("shop", "CREATE TABLE ours AS SELECT 1 AS a");
    pair.on_target("postgres", "CREATE DATABASE shop");
    pair.on_target("shop", "CREATE TABLE theirs AS SELECT 2 AS a");
    let choice = ["--database", "shop"];
    let refused = pair.migrate(&choice).ended(3);
    refused.says(&["database shop", "--overwrite", "nothing was changed"]);
    assert!(pair.status().is_none(), "a ledger was left");
    assert_eq!(pair.on_target("shop", "SELECT a FROM theirs"), "2\n");
    pair.on_source("shop", "ALTER TABLE ours SET WITH OIDS");
    let note = "note: shop: the column oid of tables made WITH OIDS is not carried";
    let more = ["--database", "shop", "--overwrite"];
    pair.migrate(&more).ended(0).says(&[note, "public.ours; if its values count"]);
    assert_eq!(
        pair.on_target("shop", "SELECT to_regclass('theirs') IS NULL, a FROM ours"),
        "t|1\n"
    );
    pair.verify(&["--database", "shop"]).ended(0).says(&[note]);
}

/// Before a role or a database is made.
#[test]
fn what_the_target_cannot_take_is_refused_first() {
    let pair = Pair::start(11, 17);
    pair.on_source("postgres", "CREATE ROLE app; CREATE DATABASE old; CREATE DATABASE other");
    pair.on_source(
        "old",
        "CREATE TABLE logins (id int, at abstime, past reltime[]); CREATE DOMAIN span AS tinterval; \
         CREATE VIEW seen AS SELECT l.at FROM logins l",
    );
    let refused = pair.migrate(&[]).ended(3).says(&[
        "failed to move database old: PostgreSQL 17 has no type abstime, reltime[], tinterval: \
         column at of public.logins, column past of public.logins, domain \
         public.span",
        "help: give them another type on the source first",
        "nothing was changed",
    ]);
    assert!(!refused.err.contains("database other"), "{}", refused.err);
    let made = "SELECT count(*) FROM pg_database d, pg_roles r \
                WHERE d.datname IN ('old', 'other') OR r.rolname = 'app'";
    assert_eq!(pair.on_target("postgres", made), "0\n");
    // The owner stands on the target, and the login may not become it.
    pair.on_target("postgres", "CREATE ROLE app; CREATE ROLE mover LOGIN CREATEDB PASSWORD 'pass'");
    pair.on_source("postgres", "ALTER DATABASE other OWNER TO app");
    pair.on_source("other", "ALTER SCHEMA public OWNER TO app");
    let as_mover = |more: &[&str]| {
        let mut command = pair.command("migrate");
        command.arg("--ledger").arg(pair.ledger()).args(more);
        let url = format!("postgres://mover:pass@127.0.0.1:{}/postgres", pair.target.port());
        Ran::of({
            command.env("FLEXWAY_TARGET", url);
            command
        })
    };
    as_mover(&["--database", "other"]).ended(3).says(&[
        "things of database other belong to app: the target's login mover may not become that role",
        "GRANT \"app\" TO \"mover\"",
        "nothing was changed",
    ]);
    assert_eq!(pair.on_target("postgres", "SELECT count(*) FROM pg_database"), "3\n");
    pair.on_target("postgres", "GRANT app TO mover");
    as_mover(&["--database", "other", "--no-roles"]).ended(0);
    // The source's first superuser has no namesake: it becomes an ordinary role, which the login
    // may give things to.
    pair.on_source("postgres", "DROP DATABASE old; CREATE ROLE temporary SUPERUSER");
    let password = pair.source.password();
    pair.on_source(
        "postgres",
        &format!(
            "SET SESSION AUTHORIZATION temporary; ALTER ROLE postgres RENAME TO boss; \
             CREATE ROLE postgres SUPERUSER LOGIN PASSWORD '{password}'; \
             CREATE DATABASE of_boss OWNER boss"
        ),
    );
    pair.on_source("of_boss", "CREATE TABLE t AS SELECT 1 AS a; ALTER TABLE t OWNER TO boss");
    pair.on_target("postgres", "ALTER ROLE mover CREATEROLE");
    let choice = ["--database", "of_boss"];
    as_mover(&choice).ended(1).says(&["the login mover was made a member of boss"]);
    let owner = "SELECT relowner::regrole, datdba::regrole FROM pg_class, pg_database \
                 WHERE relname = 't' AND datname = 'of_boss'";
    assert_eq!(pair.on_target("of_boss", owner), "boss|boss\n");
}

#[test]
fn a_standby_is_no_target_and_may_be_a_source() {
    let mut pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", "CREATE TABLE t AS SELECT generate_series(1, 100) AS a; CREATE SEQUENCE s");
    let follow = |server: &mut flexway_lab::Server| {
        server.stop().unwrap();
        std::fs::write(server.folder().join("data/standby.signal"), "").unwrap();
        server.start_again().unwrap();
    };
    follow(&mut pair.target);
    let refused = pair.migrate(&[]).ended(3);
    refused.says(&["is a standby", "promote it", "nothing was changed"]);
    pair.on_target("postgres", "SELECT pg_promote()");
    pair.on_source("d", "CREATE UNLOGGED TABLE scratch (a int)");
    follow(&mut pair.source);
    let refused = pair.migrate(&[]).ended(3);
    refused.says(&["move database d: a standby does not have what is unlogged: public.scratch"]);
    pair.on_source("postgres", "SELECT pg_promote()");
    pair.on_source("d", "DROP TABLE scratch");
    follow(&mut pair.source);
    pair.migrate(&[]).ended(0);
    pair.verify(&[]).ended(0);
}

/// The network doctor looks at both ways when a connection is what failed.
#[test]
fn closed_ways_are_seen_rung_by_rung() {
    let pair = Pair::start(15, 17);
    let port = pair.source.port();
    let mut command = pair.command("migrate");
    command.arg("--json").arg("--ledger").arg(pair.ledger());
    command.env("FLEXWAY_SOURCE", format!("postgres://postgres@127.0.0.1:{port}/postgres"));
    // Port 1 belongs to a service that nobody runs.
    command.env("FLEXWAY_TARGET", "postgres://postgres@127.0.0.1:1/postgres");
    let seen = Ran::of(command).ended(3).json();
    let outcome = |side: &str, rung: usize| &seen["network"][side]["rungs"][rung]["outcome"];
    assert_eq!((outcome("target", 0), outcome("target", 1)), (&"pass".into(), &"fail".into()));
    // The source asks for a password, and none was given.
    assert_eq!((outcome("source", 4), outcome("source", 5)), (&"pass".into(), &"fail".into()));
}

/// The target serves others too: moving one database must not touch their roles.
#[test]
fn roles_that_stand_on_the_target_keep_what_is_theirs() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE ROLE app LOGIN PASSWORD 'source-word' SUPERUSER");
    pair.on_source("postgres", "CREATE ROLE stranger SUPERUSER; CREATE DATABASE other OWNER app");
    pair.on_target("postgres", "CREATE ROLE app LOGIN PASSWORD 'target-word' CREATEDB");
    let of_app = "SELECT rolpassword, rolsuper, rolcreatedb FROM pg_authid WHERE rolname = 'app'";
    let before = pair.on_target("postgres", of_app);
    let more = ["--database", "other"];
    let ran = pair.migrate(&more).ended(1).says(&["role app stood on the target and was left"]);
    assert!(ran.out.contains("not carried: role app: differs in SUPERUSER"), "{}", ran.out);
    assert!(ran.out.contains("NOT equal: 1 difference"), "{}", ran.out);
    pair.verify(&more).ended(1);
    assert_eq!(pair.on_target("postgres", of_app), before);
    let strangers = "SELECT count(*) FROM pg_roles WHERE rolname = 'stranger'";
    assert_eq!(pair.on_target("postgres", strangers), "0\n");
    pair.migrate(&["--database", "other", "--overwrite"]).ended(0);
    assert_eq!(pair.on_target("postgres", of_app), pair.on_source("postgres", of_app));
}

#[test]
fn a_database_that_is_left_out_is_named_with_the_reason() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE closed ALLOW_CONNECTIONS false");
    let refused = pair.migrate(&["--database", "closed"]).ended(3);
    refused.says(&[
        "database closed cannot be moved",
        "it allows no connections",
        "ALLOW_CONNECTIONS true",
    ]);
    pair.migrate(&["--database", "none"]).ended(3).says(&["it has none that can be moved"]);
    pair.migrate(&["--database", "postgres"]).ended(3).says(&["it holds nothing of users"]);
    pair.on_source("postgres", "CREATE DATABASE open");
    let note = "note: database closed is left out: it allows no connections";
    let ran = pair.migrate(&["--json"]).ended(0).says(&[note]);
    assert_eq!(ran.json()["notes"].as_array().unwrap().len(), 1);
    pair.verify(&[]).ended(0).says(&[note, "comparing open"]);
}

/// The server lets nobody in who wants UTF-8.
#[test]
fn a_database_without_utf8_keeps_no_other_from_moving() {
    let pair = Pair::start(15, 18);
    let settings = "TEMPLATE template0 ENCODING 'MULE_INTERNAL' LC_COLLATE 'C' LC_CTYPE 'C'";
    pair.on_source("postgres", &format!("CREATE DATABASE mule {settings}"));
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", "CREATE TABLE t AS SELECT 1 AS a");
    let refused = pair.migrate(&["--database", "mule"]).ended(3);
    refused.says(&["database mule cannot be moved: it is in MULE_INTERNAL", "--encoding="]);
    let note = "note: database mule is left out: it is in MULE_INTERNAL";
    pair.migrate(&[]).ended(0).says(&[note]);
    pair.verify(&[]).ended(0).says(&[note]);
    let ran = pair.migrate(&["--database", "d", "--overwrite"]).ended(0);
    assert!(!ran.err.contains("mule"), "{}", ran.err);
}

#[test]
fn an_older_target_and_an_unknown_database_are_refused_together() {
    let pair = Pair::start(17, 11);
    pair.migrate(&["--database", "nowhere"]).ended(3).says(&[
        "PostgreSQL 17",
        "create the target with PostgreSQL 17 or newer",
        "has no database nowhere",
    ]);
}

#[test]
fn one_server_under_two_names_is_not_moved_onto_itself() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE shop");
    pair.on_source("shop", "CREATE TABLE ours AS SELECT 1 AS a");
    let mut command = pair.command("migrate");
    command.arg("--overwrite").arg("--ledger").arg(pair.ledger());
    let (host, port) = (pair.source.socket_dir(), pair.source.port());
    let password = pair.source.password();
    let socket = format!(
        "host={} port={port} user=postgres password={password} dbname=postgres",
        host.display()
    );
    command.env("FLEXWAY_TARGET", socket);
    let without = crate::pair::Folder::new();
    command.env("FLEXWAY_PG_BIN", without.path());
    let why = format!("FLEXWAY_PG_BIN is {}, which holds no pg_dump", without.path().display());
    Ran::of(command).ended(3).says(&["are the same server", "nothing was changed", &why]);
    assert_eq!(pair.on_source("shop", "SELECT a FROM ours"), "1\n");
}

/// Each rung says in one sentence what failed and why, and in another what to do.
#[test]
fn connection_problems_name_their_rung() {
    let pair = Pair::start(15, 17);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = free.local_addr().unwrap().port();
    drop(free);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    pair.on_source("postgres", "CREATE ROLE banned LOGIN PASSWORD 'wrong-secret'");
    let port = pair.source.port();
    let good = pair.source.password();
    let local = |user: &str, password: &str, port: u16, rest: &str| {
        format!("postgres://{user}:{password}@127.0.0.1:{port}/{rest}")
    };
    let cases = [
        (
            "postgres://postgres:wrong-secret@no-such-host.invalid/postgres".to_owned(),
            "resolve no-such-host.invalid: ".to_owned(),
            "check its spelling",
        ),
        (
            local("postgres", "wrong-secret", closed, "postgres"),
            format!("connect to 127.0.0.1:{closed}: it refused: nothing listens on that port"),
            "check host and port",
        ),
        (
            local("postgres", "wrong-secret", silent_port, "postgres?connect_timeout=1"),
            format!("ask 127.0.0.1:{silent_port} for TLS: the connection was accepted, but "),
            "check that PostgreSQL",
        ),
        (
            local("postgres", "wrong-secret", port, "postgres?sslmode=require"),
            format!("encrypt the connection to 127.0.0.1:{port}: the server offers no TLS"),
            "set ssl=on on the server",
        ),
        (
            local("postgres", good, port, "nowhere"),
            format!(
                "log in to 127.0.0.1:{port}/nowhere as postgres: database \"nowhere\" does not \
                 exist (3D000)"
            ),
            "name a database that exists",
        ),
        (
            local("postgres", "wrong-secret", port, "postgres"),
            format!(
                "log in to 127.0.0.1:{port}/postgres as postgres: password authentication failed \
                 for user \"postgres\" (28P01)"
            ),
            "check user and password",
        ),
        (
            local("banned", "wrong-secret", port, "postgres?sslmode=disable"),
            format!("log in to 127.0.0.1:{port}/postgres as banned: pg_hba.conf rejects "),
            "add sslmode=verify-full",
        ),
    ];
    for (url, words, help) in cases {
        let mut command = pair.command("migrate");
        command.arg("--ledger").arg(pair.ledger()).env("FLEXWAY_SOURCE", url);
        let ran = Ran::of(command).ended(3);
        assert!(!ran.err.contains("wrong-secret"), "{}", ran.err);
        let lines: Vec<&str> =
            ran.err.lines().skip_while(|line| !line.starts_with("refused")).skip(1).collect();
        let [error, advice] = lines[..] else { panic!("not two lines: {}", ran.err) };
        assert!(error.starts_with(&format!("error: failed to {words}")), "{}", ran.err);
        assert!(advice.starts_with(&format!("  help: {help}")), "{}", ran.err);
    }
}

#[test]
fn a_ledger_of_other_servers_is_refused_by_name() {
    let pair = Pair::start(15, 17);
    sample::fill_wide(&pair, 1);
    pair.migrate(&["--database", "wide"]).ended(0);
    let mut command = pair.command("migrate");
    command.arg("--ledger").arg(pair.ledger());
    // The other way round.
    command.env("FLEXWAY_SOURCE", pair.target.url("postgres"));
    command.env("FLEXWAY_TARGET", pair.source.url("postgres"));
    let place = format!("127.0.0.1:{}", pair.source.port());
    Ran::of(command).ended(3).says(&["it belongs to the move from", &place]);
}

#[test]
fn wrong_usage_ends_with_64() {
    let folder = crate::pair::Folder::new();
    let run = |arguments: &[&str]| {
        let mut command = crate::pair::flexway(folder.path());
        command.args(arguments);
        Ran::of(command).ended(64)
    };
    run(&["migrate"]).says(&["--source-url", "FLEXWAY_SOURCE"]);
    run(&["migrate", "--mode", "online"]).says(&["offline only"]);
    run(&["status", "--ledger", "postgres://a:secret@h/d"]).says(&["keeps it in a file"]);
    run(&["migrate", "--jobs", "0"]).says(&["1..=64"]);
    // A page that cannot be written is known before the move, not only after it.
    let early = "warning: --report no/such/page.html: there is no folder no/such";
    run(&["migrate", "--report", "no/such/page.html"]).says(&[early, "--source-url"]);
    run(&["migrate", "--report", "/"]).says(&["warning: --report /: it is a folder"]);
    run(&["cancel", "--ledger", "x"]).says(&["<--keep|--drop>"]);
    run(&["cancel", "--ledger", "x", "--keep", "--drop"]).says(&["cannot be used with"]);
    let bad = run(&["verify", "--source-url", "postgres://a:secret@h:port/d", "--target-url", "x"]);
    assert!(!bad.err.contains("secret"), "{}", bad.err);
}
