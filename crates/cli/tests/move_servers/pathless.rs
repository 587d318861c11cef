//! Functions that find what they call by `search_path` alone.

use crate::assessed::{mend, of_pair};
use crate::pair::Pair;

/// A check, a domain and a generated column over such a function, in a schema that the owner has in his path and others do not.
const CHECKED: &str = "
    CREATE ROLE keeper; CREATE SCHEMA app AUTHORIZATION keeper; CREATE SCHEMA keeper AUTHORIZATION keeper;
    ALTER ROLE keeper IN DATABASE d SET search_path = \"$user\", app;
    SET ROLE keeper; SET search_path = keeper, app;
    CREATE TABLE z_rates (n int PRIMARY KEY); INSERT INTO z_rates VALUES (1), (2);
    CREATE FUNCTION keeper.rate(int) RETURNS boolean LANGUAGE plpgsql STABLE
        AS 'BEGIN RETURN EXISTS (SELECT FROM z_rates WHERE n = $1); END';
    CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 * factor(); END';
    CREATE FUNCTION app.factor() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
    CREATE DOMAIN app.rated AS int CHECK (keeper.rate(VALUE));
    CREATE TABLE app.sold (n int CHECK (keeper.rate(n)), r app.rated, d int GENERATED ALWAYS AS (app.twice(n)) STORED,
        filler text);
    INSERT INTO app.sold (n, r, filler) SELECT 1 + n % 2, 2, repeat('x', 100) FROM generate_series(1, 1000) n;
";

/// Those that are called when something is made. `fine` calls by full names, `quiet` only has the words.
const INDEXED: &str = "
    SET ROLE keeper; SET search_path = keeper, app;
    CREATE INDEX twiced ON app.sold ((app.twice(n)));
    COMMENT ON INDEX app.twiced IS 'by the double';
    CREATE FUNCTION app.fine(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
        AS 'BEGIN RETURN $1 * app.factor(); END';
    CREATE FUNCTION app.quiet(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
        AS 'BEGIN /* factor() */ RETURN length(''from z_rates'') + $1; -- from z_rates\n END';
    CREATE INDEX fined ON app.sold ((app.fine(n)), (app.quiet(n)));
";

#[test]
fn checks_find_what_they_call_by_the_owners_path() {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", CHECKED);
    let report = of_pair(&pair, &[]).1;
    assert_eq!(report["verdict"], "ready", "{report:#}");
    pair.migrate(&["--jobs", "1"]).ended(0);
    pair.assert_same("d", "SELECT sum(n), sum(r), sum(d) FROM app.sold");
}

#[test]
fn an_index_whose_function_fails_is_foretold_and_left_open() {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", CHECKED);
    pair.on_source("d", INDEXED);
    let report = of_pair(&pair, &[]).1;
    let findings = report["findings"].as_array().unwrap();
    let found: Vec<_> = findings.iter().filter(|one| one["id"] == "schema/search-path").collect();
    let words = "function app.twice(integer) seems to find by search_path what it calls, for default value for \
                 app.sold.d, index app.twiced";
    assert_eq!(found.len(), 1, "{report:#}");
    assert_eq!(found[0]["message"], words);
    let fix = "ALTER FUNCTION app.twice(integer) SET search_path = app";
    assert_eq!(found[0]["fixes"][0]["run"], fix);
    let open = pair.migrate(&["--json"]).ended(1).says(&[words]).json();
    let open: Vec<&str> =
        open["open"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    let expected =
        ["create index twiced in schema app", "create comment INDEX \"twiced\" in schema app"];
    assert_eq!(open, expected);
    mend(&pair, &report, "schema/search-path");
    pair.on_target("d", fix);
    pair.migrate(&[]).ended(0);
    pair.assert_same("d", "SELECT obj_description('app.twiced'::regclass), sum(n) FROM app.sold");
}

/// Before 17 the session's path counts for indexes too.
#[test]
fn an_index_is_built_under_the_owners_path() {
    let pair = Pair::start(15, 15);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", CHECKED);
    pair.on_source("d", INDEXED);
    pair.migrate(&[]).ended(0);
    pair.assert_same("d", "SELECT obj_description('app.twiced'::regclass)");
}
