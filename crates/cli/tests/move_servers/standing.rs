//! Databases that stand on the target and cannot be replaced: used where they are empty, emptied where that is asked for.

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
