//! What a source's service did for itself.

use crate::assessed::of_pair;
use crate::pair::{Pair, Ran};

const SOURCE: &str = "
    CREATE ROLE rdsadmin; CREATE ROLE rds_superuser; CREATE ROLE app;
    GRANT EXECUTE ON FUNCTION pg_read_file(text) TO rdsadmin;
    GRANT SELECT ON pg_authid TO rds_superuser;
    GRANT ALL ON SCHEMA public TO rdsadmin WITH GRANT OPTION;
    CREATE TABLE t (a int); INSERT INTO t VALUES (1);
    GRANT SELECT ON t TO rdsadmin WITH GRANT OPTION; GRANT SELECT (a) ON t TO rds_superuser;
    SET SESSION AUTHORIZATION rdsadmin; GRANT SELECT ON t TO app; RESET SESSION AUTHORIZATION;
    ALTER DEFAULT PRIVILEGES FOR ROLE rdsadmin GRANT SELECT ON TABLES TO app;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO rdsadmin;
    GRANT ALL ON DATABASE d TO rds_superuser;
    SELECT lo_create(42); GRANT SELECT ON LARGE OBJECT 42 TO app;
";

#[test]
fn rights_of_its_roles_are_left_behind_and_said() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", SOURCE);
    // The target's service has roles of its own.
    pair.on_target(
        "template1",
        "CREATE ROLE azure_pg_admin; GRANT EXECUTE ON FUNCTION pg_ls_dir(text) TO azure_pg_admin",
    );
    let (code, report) = of_pair(&pair, &["--database", "d"]);
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("ready")), "{report:#}");
    let note = "rights of the source's service are not carried: rds_superuser (on 3 things), rdsadmin (on ";
    let report = pair.migrate(&["--json", "--database", "d"]).ended(0).says(&[note]).json();
    assert_eq!(report["verify"]["equal"], true, "{report:#}");
    let granted = "SELECT has_table_privilege('app', 't', 'SELECT'), relacl FROM pg_class WHERE relname = 't'";
    let expected = "t|{postgres=arwdDxtm/postgres,app=r/postgres}\n";
    assert_eq!(pair.on_target("d", granted), expected);
    pair.verify(&["--database", "d"]).ended(0).says(&[note]);
    // Rights of everybody else still count.
    pair.on_target("d", "REVOKE SELECT ON t FROM app");
    pair.verify(&["--database", "d"]).ended(1);
}

#[test]
fn what_its_roles_own_is_no_surprise() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE DATABASE d; CREATE ROLE cloudsqlsuperuser");
    pair.on_source("d", "CREATE TABLE t (a int); ALTER TABLE t OWNER TO cloudsqlsuperuser");
    let (code, report) = of_pair(&pair, &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let found = &report["findings"][0];
    assert_eq!(
        (&found["id"], &found["fixes"][0]["run"]),
        (&"role/owner".into(), &"CREATE ROLE \"cloudsqlsuperuser\"".into())
    );
    pair.on_target("postgres", "CREATE ROLE \"cloudsqlsuperuser\"");
    pair.migrate(&[]).ended(0);
}

/// Each service hardens its own server; a login that is no superuser has no say in it.
#[test]
fn rights_of_everybody_on_catalogs_are_the_superusers() {
    let pair = Pair::start(15, 17);
    pair.on_source("postgres", "CREATE ROLE boss; CREATE DATABASE d OWNER boss");
    let hard = "REVOKE EXECUTE ON FUNCTION pg_sleep(float8) FROM PUBLIC; GRANT SELECT ON pg_authid TO PUBLIC";
    pair.on_source("d", &format!("{hard}; SET ROLE boss; CREATE TABLE t (a int)"));
    pair.on_target(
        "template1",
        "REVOKE EXECUTE ON FUNCTION pg_stat_file(text) FROM PUBLIC; REVOKE SELECT ON pg_tables FROM PUBLIC",
    );
    pair.on_target("postgres", "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'pass'");
    let note = "what everybody may do on system catalogs is not carried: pg_authid, pg_sleep(double precision)";
    for command in ["migrate", "verify"] {
        let mut command = pair.command(command);
        let url = format!("postgres://mover:pass@127.0.0.1:{}/postgres", pair.target.port());
        command.env("FLEXWAY_TARGET", url).args(["--database", "d"]);
        Ran::of(command).ended(0).says(&[note]);
    }
    // A superuser carries and compares it.
    pair.verify(&["--database", "d"]).ended(1);
    let report = of_pair(&pair, &["--database", "d"]).1;
    assert!(!report.to_string().contains("left/catalog-right"), "{report:#}");
}
