//! Moves by a login of the target that is no superuser, as on every managed service.

use std::process::Command;

use serde_json::Value;

use crate::assessed::{assess, mend};
use crate::pair::{Pair, Ran};

/// Things in schemas of other owners: `app` may create there by a grant, `late` never could.
const SOURCE: &str = "
    SET ROLE boss;
    CREATE SCHEMA \"S p\"; GRANT ALL ON SCHEMA \"S p\" TO app; GRANT USAGE ON SCHEMA \"S p\" TO late;
    CREATE TABLE public.t (id int PRIMARY KEY, a int, b int); INSERT INTO public.t SELECT n, n, n FROM generate_series(1, 9) n;
    CREATE TYPE \"S p\".mood AS ENUM ('sad');
    CREATE FUNCTION \"S p\".f() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE VIEW \"S p\".late AS SELECT id, a, count(*) FROM public.t GROUP BY id;
    CREATE MATERIALIZED VIEW \"S p\".stored AS SELECT id, a, count(*) FROM public.t GROUP BY id;
    CREATE STATISTICS \"S p\".s (dependencies) ON a, b FROM public.t;
    CREATE PUBLICATION p FOR TABLE public.t;
    RESET ROLE;
    GRANT SELECT ON public.t TO late, app;
    ALTER TABLE public.t OWNER TO app; ALTER TYPE \"S p\".mood OWNER TO late; ALTER FUNCTION \"S p\".f() OWNER TO app;
    ALTER VIEW \"S p\".late OWNER TO late; ALTER MATERIALIZED VIEW \"S p\".stored OWNER TO late;
    ALTER STATISTICS \"S p\".s OWNER TO late; ALTER PUBLICATION p OWNER TO late;
";

#[test]
fn owners_need_not_be_those_of_their_schemas() {
    for (source, target) in [(11, 17), (15, 15), (15, 18)] {
        let pair = Pair::start(source, target);
        pair.on_source(
            "postgres",
            "CREATE ROLE boss; CREATE ROLE app; CREATE ROLE late; CREATE DATABASE d OWNER boss",
        );
        pair.on_source("d", SOURCE);
        if source >= 15 {
            let of_owner = "CREATE TABLE kept (a int); ALTER TABLE kept OWNER TO pg_database_owner";
            pair.on_source("d", of_owner);
        }
        pair.on_target("postgres", "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'pass'");
        let mut command = pair.command("migrate");
        let url = format!("postgres://mover:pass@127.0.0.1:{}/postgres", pair.target.port());
        command.env("FLEXWAY_TARGET", url).arg("--ledger").arg(pair.ledger());
        command.args(["--database", "d"]);
        Ran::of(command).ended(0);
        pair.verify(&["--database", "d"]).ended(0);
        let may = "SELECT has_schema_privilege('late', 'S p', 'CREATE'), has_schema_privilege('app', 'S p', 'CREATE'), \
                   has_database_privilege('late', 'd', 'CREATE'), (SELECT sum(id) FROM \"S p\".stored)";
        assert_eq!(pair.on_target("d", may), "f|t|f|45\n");
    }
}

/// `flexway COMMAND` of database d, as the target's login mover.
fn as_mover(pair: &Pair, command: &str) -> Command {
    let url = format!("postgres://mover:pass@127.0.0.1:{}/postgres", pair.target.port());
    let mut flexway = pair.command(command);
    flexway.env("FLEXWAY_TARGET", url).args(["--database", "d"]);
    flexway
}

/// Moves it so.
fn moved_by_mover(pair: &Pair, code: i32) -> Ran {
    let mut command = as_mover(pair, "migrate");
    command.arg("--ledger").arg(pair.ledger());
    Ran::of(command).ended(code)
}

#[test]
fn settings_that_a_login_may_not_give_are_foretold() {
    let pair = Pair::start(15, 18);
    pair.on_source(
        "postgres",
        "CREATE ROLE app; CREATE DATABASE d OWNER app; ALTER DATABASE d SET app.tenant = '7'; ALTER DATABASE d SET log_statement = 'all'; \
         ALTER DATABASE d SET work_mem = '5MB'",
    );
    pair.on_source(
        "d",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET my.own = 'x' AS 'SELECT 1'; \
         CREATE FUNCTION fine() RETURNS int LANGUAGE sql SET search_path = public AS 'SELECT 1'; \
         ALTER FUNCTION f() OWNER TO app; ALTER FUNCTION fine() OWNER TO app",
    );
    pair.on_target("postgres", "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'pass'");
    let told = || {
        let (_, report) = assess(as_mover(&pair, "assess"));
        let findings = report["findings"].as_array().unwrap();
        let these = findings.iter().filter(|one| one["id"] == "privilege/setting");
        let words = |one: &Value| format!("{}: {}", one["level"], one["message"]).replace('"', "");
        (these.map(words).collect::<Vec<_>>(), report)
    };
    let of_database = "risks: the target's login mover may not give setting app.tenant of database d, setting \
                       log_statement of database d";
    let of_function =
        "blocks: the target's login mover may not give setting my.own of function public.f()";
    let (words, report) = told();
    assert_eq!(words, [of_function, of_database], "{report:#}");
    pair.on_source("d", "ALTER FUNCTION f() RESET my.own");
    let (words, report) = told();
    assert_eq!(words, [of_database], "{report:#}");
    assert!(moved_by_mover(&pair, 1).out.contains("DATABASE PROPERTIES differs"));
    pair.on_target("postgres", "GRANT SET ON PARAMETER app.tenant, log_statement TO mover");
    assert_eq!(told().0, [""; 0]);
}

#[test]
fn rows_that_policies_hide_from_the_targets_login_are_foretold() {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE ROLE app; CREATE DATABASE d OWNER app");
    pair.on_source(
        "d",
        "SET ROLE app; CREATE SCHEMA s; CREATE TABLE s.bound (a int); INSERT INTO s.bound VALUES (7); \
         ALTER TABLE s.bound ENABLE ROW LEVEL SECURITY; ALTER TABLE s.bound FORCE ROW LEVEL SECURITY; \
         CREATE TABLE s.free (a int); ALTER TABLE s.free ENABLE ROW LEVEL SECURITY",
    );
    pair.on_target("postgres", "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'pass'");
    let (_, report) = assess(as_mover(&pair, "assess"));
    let words = "policies would hide rows from the target's login mover: s.bound";
    assert_eq!(report["findings"][0]["message"], words, "{report:#}");
    mend(&pair, &report, "privilege/row-security");
    moved_by_mover(&pair, 0);
    assert_eq!(pair.on_target("d", "SELECT a FROM s.bound"), "7\n");
}

#[test]
fn memberships_that_a_login_may_not_grant_are_foretold() {
    let pair = Pair::start(15, 18);
    pair.on_source(
        "postgres",
        "CREATE ROLE app; CREATE ROLE team; GRANT pg_monitor, pg_read_server_files, team TO app; CREATE DATABASE d OWNER app",
    );
    pair.on_target(
        "postgres",
        "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'pass'; GRANT pg_monitor TO mover WITH ADMIN OPTION",
    );
    let (_, report) = assess(as_mover(&pair, "assess"));
    let words = "memberships of roles are not carried: app in pg_read_server_files";
    assert_eq!(report["findings"][0]["message"], words, "{report:#}");
    mend(&pair, &report, "role/membership");
    let (_, report) = assess(as_mover(&pair, "assess"));
    assert!(!report.to_string().contains("role/membership"), "{report:#}");
    moved_by_mover(&pair, 0);
    Ran::of(as_mover(&pair, "verify")).ended(0);
}

#[test]
fn a_database_that_takes_few_sessions_is_foretold() {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE ROLE app; CREATE DATABASE d OWNER app CONNECTION LIMIT 1");
    pair.on_source("d", "SET ROLE app; CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS a");
    pair.on_target("postgres", "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'pass'");
    let (code, report) = assess(as_mover(&pair, "assess"));
    let words = "database d takes 1 connection of logins that are no superusers";
    let found = (code, &report["findings"][0]["message"]);
    assert_eq!(found, (Some(1), &words.into()), "{report:#}");
    mend(&pair, &report, "database/connection-limit");
    moved_by_mover(&pair, 0);
}

/// Also when the move begins anew, and when it goes on.
#[test]
fn grants_that_lock_the_login_out_are_no_obstacle() {
    for target in [15, 18] {
        let pair = Pair::start(15, target);
        pair.on_source(
            "postgres",
            "CREATE ROLE app; CREATE ROLE guest; CREATE DATABASE d OWNER app",
        );
        pair.on_source("d", "SET ROLE app; CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 1 AS a");
        pair.on_source(
            "postgres",
            "REVOKE ALL ON DATABASE d FROM PUBLIC, app; GRANT CONNECT ON DATABASE d TO guest",
        );
        pair.on_target("postgres", "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'pass'");
        let told = "take it back on the target when nothing is to be compared any more: REVOKE CONNECT, CREATE";
        let mut command = as_mover(&pair, "migrate");
        command.arg("--ledger").arg(pair.ledger()).env("FLEXWAY_FAILPOINT", "prepared:1:kill");
        assert_eq!(Ran::of(command).code, None);
        moved_by_mover(&pair, 0).says(&[told]);
        Ran::of(as_mover(&pair, "verify")).ended(0);
        let mut command = as_mover(&pair, "migrate");
        command.arg("--ledger").arg(pair.ledger().with_extension("new")).arg("--overwrite");
        Ran::of(command).ended(0);
        let grants = "SELECT datacl FROM pg_database WHERE datname = 'd'";
        assert_eq!(pair.on_target("postgres", grants), "{guest=c/app,mover=Cc/app}\n", "{target}");
        pair.on_target("postgres", "REVOKE CONNECT ON DATABASE d FROM guest");
        Ran::of(as_mover(&pair, "verify")).ended(1);
    }
}
