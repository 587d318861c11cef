//! What `flexway assess` says of servers, logins and rights, and that its advice holds.

use serde_json::Value;

use crate::assessed::{assess, mend, of_pair};
use crate::pair::{Folder, Pair, Ran};

/// Messages and fixes of the findings of one validation.
fn told(report: &Value, id: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let mut all = Vec::new();
    for one in findings.iter().filter(|one| one["id"] == id) {
        all.push(one["message"].as_str().unwrap().to_owned());
        let fixes = one["fixes"].as_array().unwrap();
        all.extend(fixes.iter().map(|fix| fix["run"].as_str().unwrap().to_owned()));
    }
    all
}

/// What role and database set for themselves is carried: only what the server itself has differs.
#[test]
fn the_servers_settings_are_told_from_those_of_roles_and_databases() {
    let pair = Pair::start(15, 17);
    pair.on_source(
        "postgres",
        "ALTER ROLE postgres SET work_mem = '7MB'; ALTER DATABASE postgres SET DateStyle = 'SQL, DMY'; \
         ALTER ROLE ALL SET extra_float_digits = 0; CREATE ROLE reader LOGIN PASSWORD 'pass'; \
         ALTER ROLE reader SET IntervalStyle = sql_standard",
    );
    for sql in ["DateStyle = 'ISO, YMD'", "work_mem = '5MB'", "search_path = app, \"$user\""] {
        pair.on_source("postgres", &format!("ALTER SYSTEM SET {sql}"));
    }
    pair.on_source("postgres", "SELECT pg_reload_conf()");
    let id = "server/parameters-differ";
    let report = of_pair(&pair, &[]).1;
    let expected = [
        "settings of the server differ: DateStyle (ISO, YMD here, ISO, MDY there), \
         search_path (app, \"$user\" here, \"$user\", public there)",
        "ALTER SYSTEM SET DateStyle = 'ISO, YMD'",
        "ALTER SYSTEM SET search_path = 'app', '$user'",
        "settings of the server differ: work_mem (5120kB here, 4096kB there)",
        "ALTER SYSTEM SET work_mem = '5120'",
    ];
    assert_eq!(told(&report, id), expected, "{report:#}");
    for fix in expected.iter().filter(|one| one.starts_with("ALTER")) {
        pair.on_target("postgres", fix);
    }
    pair.on_target("postgres", "SELECT pg_reload_conf()");
    let report = of_pair(&pair, &[]).1;
    assert_eq!(told(&report, id), [""; 0], "{report:#}");

    // Whoever may not read the files does not see behind what is set for him.
    let mut command = pair.command("assess");
    let url = format!("postgres://reader:pass@127.0.0.1:{}/postgres", pair.source.port());
    command.env("FLEXWAY_SOURCE", url);
    let report = assess(command).1;
    let words =
        "settings of the server are not compared: DateStyle, IntervalStyle, extra_float_digits";
    assert_eq!(told(&report, id), [words], "{report:#}");
    pair.on_target("postgres", "ALTER ROLE postgres SET default_transaction_read_only = on");
    let report = of_pair(&pair, &[]).1;
    let told = told(&report, "server/target-read-only");
    assert!(told.len() == 1 && told[0].contains("is on for the login at the target"), "{report:#}");
}

/// An owner who is no superuser, in a schema of his own.
#[test]
fn an_owner_is_told_what_binds_him() {
    let pair = Pair::start(15, 17);
    pair.on_source(
        "postgres",
        "CREATE ROLE app LOGIN PASSWORD 'pass'; CREATE DATABASE d OWNER app",
    );
    pair.on_source(
        "d",
        "SET ROLE app; CREATE SCHEMA own; CREATE SCHEMA shut; \
         CREATE TABLE own.forced (a int); INSERT INTO own.forced VALUES (1); \
         ALTER TABLE own.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; \
         CREATE TABLE shut.t (a int); RESET ROLE; REVOKE USAGE ON SCHEMA shut FROM app; \
         CREATE TABLE own.others (a int)",
    );
    let as_app = |what: &str| {
        let mut command = pair.command(what);
        let url = format!("postgres://app:pass@127.0.0.1:{}/d", pair.source.port());
        command.env("FLEXWAY_SOURCE", url);
        command
    };
    let report = assess(as_app("assess")).1;
    let expected = [
        "the source's login app may not read table own.others, table shut.t",
        "GRANT SELECT ON own.others TO app",
        "GRANT USAGE ON SCHEMA shut TO app",
    ];
    assert_eq!(told(&report, "privilege/unreadable"), expected, "{report:#}");
    let findings = report["findings"].as_array().unwrap();
    let bound = findings.iter().find(|one| one["id"] == "privilege/row-security").unwrap();
    let advice = bound["advice"].as_str().unwrap();
    assert!(!advice.contains("use the tables' owner"), "{advice}");
    let free = "ALTER TABLE own.forced NO FORCE ROW LEVEL SECURITY";
    assert!(advice.contains(free), "{advice}");
    mend(&pair, &report, "privilege/unreadable");
    pair.on_source("d", free);
    let (code, report) = assess(as_app("assess"));
    assert_eq!(code, Some(0), "{report:#}");
    let mut command = as_app("migrate");
    command.arg("--ledger").arg(pair.ledger());
    Ran::of(command).ended(0);
}

#[test]
fn templates_are_never_advised_away_from_every_server() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE shape IS_TEMPLATE true; CREATE DATABASE shut");
    pair.on_target("postgres", "CREATE DATABASE shape IS_TEMPLATE true");
    pair.on_target("postgres", "CREATE DATABASE shut ALLOW_CONNECTIONS false");
    let advice = |name: &str| {
        let report = of_pair(&pair, &["--database", name]).1;
        let one = &report["findings"][0];
        [one["message"].as_str().unwrap(), one["advice"].as_str().unwrap()].join("; ")
    };
    let words = "database template1 cannot be moved: every server has it; to move what was put into it, \
                 make a database of it: CREATE DATABASE <name> TEMPLATE template1";
    assert_eq!(advice("template1"), words);
    assert!(
        advice("shape")
            .contains("it is a template; to move it: ALTER DATABASE shape IS_TEMPLATE false")
    );
    pair.on_source("postgres", "ALTER DATABASE shape IS_TEMPLATE false");
    // Nothing can be put into those of the target, with --overwrite or without.
    for more in [&[][..], &["--overwrite"]] {
        let report = of_pair(&pair, more).1;
        let said = told(&report, "database/target-holds-data");
        assert!(said.contains(&"ALTER DATABASE shape IS_TEMPLATE false".to_owned()), "{report:#}");
        assert!(
            said.contains(&"ALTER DATABASE shut ALLOW_CONNECTIONS true".to_owned()),
            "{report:#}"
        );
        assert_eq!(told(&report, "database/not-replaceable"), [""; 0], "{report:#}");
    }
    mend(&pair, &of_pair(&pair, &[]).1, "database/target-holds-data");
    pair.migrate(&[]).ended(0);
}

/// One bad file among those of all extensions makes the server's list of them fail.
/// A folder with a control file that cannot be read, and the statement that has a server look there.
fn bad_control_file() -> (Folder, String) {
    let folder = Folder::new();
    let files = folder.path().join("extension");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("bad.control"), "no_such_word = true\n").unwrap();
    let sql =
        format!("ALTER SYSTEM SET extension_control_path = '$system:{}'", folder.path().display());
    (folder, sql)
}

#[test]
fn a_bad_control_file_does_not_end_a_comparison() {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", "CREATE EXTENSION hstore; CREATE TABLE t (a hstore)");
    let (_folder, path) = bad_control_file();
    pair.on_target("postgres", &path);
    pair.on_target("postgres", "SELECT pg_reload_conf()");
    assert!(pair.target.psql("postgres", "TABLE pg_available_extensions").is_err());
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(2), Some("undetermined")), "{report:#}");
    assert!(report["missing"].to_string().contains("no_such_word"), "{report:#}");
    pair.migrate(&[]).ended(0);
    pair.on_target("d", "COMMENT ON EXTENSION hstore IS 'changed'");
    let ran = pair.verify(&[]).ended(1);
    assert!(ran.out.contains("which words it came with is not known"), "{}", ran.out);
}

#[test]
fn a_bad_control_file_on_the_source_does_not_end_a_move() {
    let pair = Pair::start(18, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", "CREATE EXTENSION hstore; CREATE TABLE t (a hstore)");
    let (_folder, path) = bad_control_file();
    pair.on_source("postgres", &path);
    pair.on_source("postgres", "SELECT pg_reload_conf()");
    assert!(pair.source.psql("postgres", "TABLE pg_available_extensions").is_err());
    pair.migrate(&[]).ended(0);
    pair.on_target("d", "COMMENT ON EXTENSION hstore IS 'changed'");
    let ran = pair.verify(&[]).ended(1);
    assert!(ran.out.contains("comment on EXTENSION differs"), "{}", ran.out);
}

/// pg_dump leaves it out without a word.
#[test]
fn what_stands_among_the_systems_things_is_seen() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source(
        "d",
        "CREATE FUNCTION pg_catalog.helper(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1'; \
         CREATE TYPE pg_catalog.mood AS ENUM ('sad'); CREATE DOMAIN pg_catalog.small AS int; \
         CREATE TABLE information_schema.kept (a pg_catalog.mood); \
         INSERT INTO information_schema.kept VALUES ('sad')",
    );
    let id = "left/system-schema";
    let (code, report) = of_pair(&pair, &[]);
    let things = told(&report, id);
    // The table needs its type.
    let words = "not carried, as its schema is the system's: function pg_catalog.helper(integer), \
                 table information_schema.kept, type pg_catalog.mood, type pg_catalog.small";
    assert_eq!((code, things[0].as_str()), (Some(1), words), "{report:#}");
    pair.on_source("d", "DROP TABLE information_schema.kept");
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!((code, told(&report, id).len()), (Some(0), 4), "{report:#}");
    pair.on_source("d", "CREATE VIEW needs AS SELECT helper(1) AS n");
    let report = of_pair(&pair, &[]).1;
    assert!(
        report.to_string().contains("needed by rule _RETURN on view public.needs"),
        "{report:#}"
    );
    pair.migrate(&[]).ended(3).says(&["explain left/system-schema"]);
    mend(&pair, &report, id);
    assert_eq!(told(&of_pair(&pair, &[]).1, id), [""; 0]);
    pair.migrate(&[]).ended(0);
    pair.assert_same("d", "SELECT n, public.helper(2), 1::public.small FROM needs");
}
