//! `flexway assess` on real servers: what it finds, that its fixes mend, that it changes nothing, and
//! that a move goes as it says.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::pair::{Pair, Ran};

/// Faults of a source before 12, each with a statement that Flexway gives to mend it.
const OLD: &str = "
    CREATE TABLE with_oids (a int PRIMARY KEY) WITH OIDS;
    CREATE TABLE \"Of names\" (a regclass, k text COLLATE \"POSIX\");
    CREATE FUNCTION twice(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
    CREATE OPERATOR ~! (LEFTARG = bigint, PROCEDURE = twice);
    CREATE AGGREGATE gathered(anyelement) (SFUNC = array_append, STYPE = anyarray, INITCOND = '{}');
    CREATE TYPE money_of AS (n numeric, c text);
    CREATE FUNCTION to_money(text) RETURNS money_of LANGUAGE sql AS 'SELECT 1::numeric, $1';
    CREATE CAST (text AS money_of) WITH FUNCTION to_money(text);
    CREATE EXTENSION hstore;
    CREATE TABLE member AS SELECT 7 AS a;
    ALTER EXTENSION hstore ADD TABLE member;
    SELECT lo_create(42);
    CREATE UNLOGGED TABLE scratch (a int);
    CREATE ROLE auditor;
    GRANT SELECT ON pg_authid TO auditor;
";

pub(crate) fn assess(command: Command) -> (Option<i32>, Value) {
    let mut command = command;
    command.arg("--json");
    let ran = Ran::of(command);
    (ran.code, ran.json())
}

pub(crate) fn of_pair(pair: &Pair, more: &[&str]) -> (Option<i32>, Value) {
    let mut command = pair.command("assess");
    command.args(more);
    assess(command)
}

/// `id level`, and Azure's code where there is one.
fn found(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|one| {
            let code = one["code"].as_str().map(|code| format!(" {code}")).unwrap_or_default();
            format!("{} {}{code}", one["id"].as_str().unwrap(), one["level"].as_str().unwrap())
        })
        .collect()
}

/// Runs the SQL that mends findings of this id.
pub(crate) fn mend(pair: &Pair, report: &Value, id: &str) {
    let all = report["findings"].as_array().unwrap();
    for one in all.iter().filter(|one| one["id"] == id) {
        for fix in one["fixes"].as_array().unwrap() {
            let database = one["database"].as_str().unwrap_or("postgres");
            let sql = fix["run"].as_str().unwrap();
            match fix["on"].as_str().unwrap() {
                "source" => pair.on_source(database, sql),
                "target" => pair.on_target("postgres", sql),
                other => panic!("{other}: {sql}"),
            };
        }
    }
}

#[test]
fn faults_are_found_with_codes_and_their_fixes_mend() {
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE \"Old one\"");
    pair.on_source("Old one", OLD);
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(1), Some("blocked")), "{report:#}");
    assert_eq!(report["schema"], "flexway.assess/1");
    let expected = [
        "database/odd-name note",
        "left/extension-table risks",
        "left/oids risks 603404",
        "privilege/catalog-grant note 603410",
        "schema/cast note 603409",
        "schema/large-objects note",
        "schema/not-in-version blocks",
        "schema/object-ids risks",
        "server/disk-room note",
    ];
    assert_eq!(found(&report), expected.map(str::to_owned).into(), "{report:#}");
    let forecast = &report["forecast"];
    let seconds = |name: &str| forecast[name].as_f64().unwrap();
    assert!(0.0 < seconds("seconds_min") && seconds("seconds_min") < seconds("seconds_max"));
    let sample = forecast["rates"]["sample_bytes"].as_u64().unwrap();
    assert!((1 << 20..2 << 20).contains(&sample), "{sample} bytes for a source with hardly any");
    pair.migrate(&[]).ended(3).says(&[
        "PostgreSQL 18 takes no postfix operators: operator public.~!",
        "on the source: DROP OPERATOR public.~! (bigint, NONE)",
        "flexway explain schema/not-in-version",
    ]);
    for id in
        ["left/extension-table", "left/oids", "privilege/catalog-grant", "schema/not-in-version"]
    {
        mend(&pair, &report, id);
    }
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("ready")), "{report:#}");
    let left: BTreeSet<String> = found(&report);
    assert!(!left.iter().any(|one| one.contains("not-in-version") || one.contains("oids")));
    pair.migrate(&[]).ended(0);
    assert_eq!(pair.on_target("Old one", "SELECT a FROM member"), "7\n");
}

#[test]
fn a_name_of_two_lines_blocks() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE \"two\nlines\"");
    let report = of_pair(&pair, &[]).1;
    assert!(found(&report).contains("database/odd-name blocks"), "{report:#}");
    let first = &report["findings"][0]["fixes"][0]["run"];
    pair.on_source("postgres", first.as_str().unwrap());
    assert_eq!(of_pair(&pair, &[]).0, Some(0));
    pair.migrate(&[]).ended(0).says(&["two_lines"]);
}

#[test]
fn online_has_its_own_conditions() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source(
        "d",
        "CREATE TABLE t (a int); CREATE UNLOGGED TABLE u (a int PRIMARY KEY); SELECT lo_create(1)",
    );
    let (code, report) = of_pair(&pair, &["--mode", "online"]);
    assert_eq!(code, Some(1));
    let expected = [
        "online/large-objects risks",
        "online/no-replica-identity risks",
        "online/unlogged risks",
        "online/wal-level blocks 603107",
        "schema/large-objects note",
        "server/disk-room note",
    ];
    assert_eq!(found(&report), expected.map(str::to_owned).into(), "{report:#}");
    mend(&pair, &report, "online/no-replica-identity");
    mend(&pair, &report, "online/unlogged");
    let (code, report) = of_pair(&pair, &["--mode", "online"]);
    let left = found(&report);
    assert!(
        !left.iter().any(|one| one.contains("identity") || one.contains("online/unlogged")),
        "{left:?}"
    );
    assert_eq!(code, Some(1));
    assert_eq!(of_pair(&pair, &[]).0, Some(0), "offline needs none of it");
}

/// What stands on the target before and after; temporary things included.
const STANDING: &str = "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_roles), \
     (SELECT count(*) FROM pg_database), (SELECT count(*) FROM pg_namespace WHERE nspname !~ 'temp')";

#[test]
fn it_changes_nothing_and_says_what_it_cannot_see() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d; CREATE ROLE reader LOGIN PASSWORD 'pass'");
    pair.on_source(
        "d",
        "CREATE TABLE open (a int); CREATE TABLE closed (a int); GRANT SELECT ON open TO reader",
    );
    let before = [pair.on_source("d", STANDING), pair.on_target("postgres", STANDING)];
    let as_reader = || {
        let mut command = pair.command("assess");
        let url = format!("postgres://reader:pass@127.0.0.1:{}/postgres", pair.source.port());
        command.env("FLEXWAY_SOURCE", url);
        assess(command)
    };
    let (code, report) = as_reader();
    assert_eq!(code, Some(1), "{report:#}");
    let all = found(&report);
    assert!(all.contains("privilege/unreadable blocks 603110"), "{all:?}");
    let text = report.to_string();
    assert!(text.contains("table public.closed") && !text.contains("public.open"), "{text}");
    assert!(text.contains("the open transactions of the source"), "{text}");
    assert!(text.contains("passwords of 1 roles are not carried: reader"), "{text}");
    let after = [pair.on_source("d", STANDING), pair.on_target("postgres", STANDING)];
    assert_eq!(before, after);
    mend(&pair, &report, "privilege/unreadable");
    let (code, report) = as_reader();
    assert_eq!(code, Some(0), "{report:#}");
    // Row security hides rows from a reader, and a move would not get them.
    pair.on_source("d", "ALTER TABLE open ENABLE ROW LEVEL SECURITY");
    let (code, report) = as_reader();
    assert!(
        code == Some(1) && found(&report).contains("privilege/row-security blocks"),
        "{report:#}"
    );
    mend(&pair, &report, "privilege/row-security");
    assert_eq!(as_reader().0, Some(0));
}

/// A source as an application's administrator may have it.
const APPLICATION: &str = "
    CREATE EXTENSION hstore; CREATE EXTENSION dblink;
    CREATE FUNCTION noticed() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER noticing ON ddl_command_end EXECUTE FUNCTION noticed();
    CREATE TABLE t (a int PRIMARY KEY); ALTER TABLE t OWNER TO app;
    ALTER FUNCTION noticed() OWNER TO app;
    CREATE PUBLICATION of_all FOR ALL TABLES;
    CREATE CAST (text AS bytea) WITHOUT FUNCTION;
";

/// Roles that look like those of services, and what each login may do there. What only the service's
/// own server allows cannot be tried here; what PostgreSQL itself decides can, and is.
#[test]
fn administrators_of_services_are_told_apart() {
    let pair = Pair::start(15, 17);
    pair.on_source(
        "postgres",
        "CREATE ROLE app; CREATE ROLE boss SUPERUSER REPLICATION; CREATE DATABASE d OWNER app",
    );
    pair.on_source("d", APPLICATION);
    pair.on_target(
        "postgres",
        "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'pass'; \
         CREATE ROLE bare LOGIN PASSWORD 'pass'",
    );
    let as_login = |login: &str, what: &str| {
        let mut command = pair.command(what);
        let url = format!("postgres://{login}:pass@127.0.0.1:{}/postgres", pair.target.port());
        command.env("FLEXWAY_TARGET", url);
        command
    };
    let of = |login: &str| assess(as_login(login, "assess")).1;
    let bare = found(&of("bare"));
    assert!(bare.contains("role/no-createdb blocks"), "{bare:?}");
    assert!(bare.contains("role/no-createrole blocks 603116"), "{bare:?}");

    let report = of("mover");
    assert_eq!(report["target"]["provider"], "own");
    let expected = [
        "extension/not-trusted blocks",
        "privilege/event-trigger blocks",
        "privilege/superuser-only blocks",
        "privilege/wide-publication blocks",
        "role/attributes risks",
        "role/owner blocks",
        "schema/cast note 603409",
        "server/disk-room note",
    ];
    assert_eq!(found(&report), expected.map(str::to_owned).into(), "{report:#}");

    pair.on_target("postgres", "CREATE ROLE azure_pg_admin");
    let report = of("mover");
    assert_eq!(report["target"]["provider"], "azure");
    assert!(found(&report).contains("role/not-administrator risks 603115"), "{report:#}");
    pair.on_target("postgres", "GRANT azure_pg_admin TO mover");
    let of_azure = found(&of("mover"));
    // Extensions are Azure's to give; whether event triggers are is not documented.
    assert!(!of_azure.iter().any(|one| one.starts_with("extension/")), "{of_azure:?}");
    assert!(of_azure.contains("privilege/event-trigger risks"), "{of_azure:?}");
    assert!(of_azure.contains("privilege/superuser-only blocks"), "{of_azure:?}");
    for (role, provider) in [("rds_superuser", "rds"), ("cloudsqlsuperuser", "cloud-sql")] {
        pair.on_target("postgres", "DROP ROLE IF EXISTS azure_pg_admin, rds_superuser");
        pair.on_target("postgres", &format!("CREATE ROLE {role}; GRANT {role} TO mover"));
        let report = of("mover");
        assert_eq!(report["target"]["provider"], provider);
        let all = found(&report);
        assert!(!all.iter().any(|one| one.starts_with("privilege/event-trigger")), "{all:?}");
        assert!(all.contains("privilege/superuser-only blocks"), "{all:?}");
    }
    pair.on_target("postgres", "DROP ROLE cloudsqlsuperuser");

    // Nothing but what was named stands in an ordinary login's way.
    let report = of("mover");
    for id in ["privilege/event-trigger", "privilege/superuser-only", "privilege/wide-publication"]
    {
        mend(&pair, &report, id);
    }
    pair.on_source("d", "ALTER FUNCTION noticed() OWNER TO app; REASSIGN OWNED BY app TO app");
    let fixes: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["id"] == "extension/not-trusted")
        .flat_map(|one| one["fixes"].as_array().unwrap().clone())
        .map(|fix| fix["run"].as_str().unwrap().to_owned())
        .collect();
    pair.on_target("postgres", &fixes[0]);
    pair.on_target("d", &fixes[1]);
    let (code, report) = assess(as_login("mover", "assess"));
    assert_eq!(code, Some(0), "{report:#}");
    let mut move_all = as_login("mover", "migrate");
    move_all.arg("--ledger").arg(pair.ledger());
    let ran = Ran::of(move_all).ended(1).says(&["bring the roles in line on either server"]);
    let words = "not carried: role boss: differs in SUPERUSER, REPLICATION";
    assert!(ran.out.contains(words) && ran.out.contains("NOT equal: 1 difference"), "{}", ran.out);
    // As it was foretold.
    mend(&pair, &report, "role/attributes");
    let mut again = as_login("mover", "migrate");
    again.arg("--ledger").arg(pair.ledger());
    Ran::of(again).ended(0);
    Ran::of(as_login("mover", "verify")).ended(0);
}

#[test]
fn people_get_sentences_and_scripts_get_codes() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_target("postgres", "CREATE DATABASE d");
    pair.on_target("d", "CREATE TABLE theirs (a int)");
    let ran = Ran::of(pair.command("assess")).ended(1);
    for words in [
        "blocks[database/target-holds-data 603101]: d: database d of the target",
        "   fix: on the target: DROP DATABASE \"d\"",
        "forecast: ",
        "BLOCKED: ",
    ] {
        assert!(ran.out.contains(words), "no {words:?} in\n{}", ran.out);
    }
    let mut gone = pair.command("assess");
    gone.env("FLEXWAY_TARGET", "postgres://postgres@127.0.0.1:1/postgres");
    Ran::of(gone).ended(3).says(&["connect to 127.0.0.1:1"]);
    let mut wrong = pair.command("assess");
    wrong.args(["--mode", "sideways"]);
    Ran::of(wrong).ended(64);
    let mut explain = crate::pair::flexway(&std::env::temp_dir());
    explain.args(["explain", "database/target-holds-data"]);
    assert!(Ran::of(explain).ended(0).out.contains("603101"));
}

/// It is one finding among others, and its fix mends.
#[test]
fn a_database_that_keeps_the_login_out_is_named_beside_the_others() {
    let pair = Pair::start(15, 17);
    pair.on_source(
        "postgres",
        "CREATE ROLE reader LOGIN PASSWORD 'pass'; CREATE DATABASE open; CREATE DATABASE shut; \
         REVOKE CONNECT ON DATABASE shut FROM PUBLIC",
    );
    pair.on_source("open", "CREATE TABLE t (a int)");
    let as_reader = |command: &str| {
        let mut command = pair.command(command);
        let url = format!("postgres://reader:pass@127.0.0.1:{}/postgres", pair.source.port());
        command.env("FLEXWAY_SOURCE", url);
        command
    };
    let (code, report) = assess(as_reader("assess"));
    let all = found(&report);
    assert_eq!(code, Some(1), "{report:#}");
    for one in ["database/unreadable blocks", "privilege/unreadable blocks 603110"] {
        assert!(all.contains(one), "no {one} in {all:?}");
    }
    Ran::of(as_reader("verify")).ended(3).says(&["database shut could not be looked into"]);
    mend(&pair, &report, "database/unreadable");
    assert!(!found(&assess(as_reader("assess")).1).contains("database/unreadable blocks"));
}
