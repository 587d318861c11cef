//! Whole servers and chosen databases arrive complete.

use crate::pair::Pair;
use crate::sample;

/// Questions whose answers must not change by a move.
const SHOP_FACTS: [&str; 12] = [
    "SELECT count(*), sum(hashtext(c::text)::bigint) FROM app.customers c",
    "SELECT tableoid::regclass::text, count(*), sum(price), max(id) FROM app.orders GROUP BY 1 \
     ORDER BY 1",
    "SELECT sum(hashtext(body::text)::bigint) FROM app.blobs",
    "SELECT count(*) FROM app.nothing",
    "SELECT * FROM app.\"Odd \"\"Name\"",
    "SELECT sum(total) FROM app.sales",
    "SELECT last_value, is_called FROM app.orders_id_seq",
    "SELECT indexdef FROM pg_indexes 
        WHERE schemaname = 'app' AND indexdef !~ 'ON ONLY' ORDER BY 1",
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE contype IN ('p', 'f', 'u') AND connamespace = 'app'::regnamespace ORDER BY 1, 2",
    // PostgreSQL 17 gave owners the privilege MAINTAIN (m).
    "SELECT relname, relowner::regrole, replace(relacl::text, 'm/', '/') FROM pg_class
        WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1",
    "SELECT m.oid, lomowner::regrole, lomacl, md5(lo_get(m.oid)) FROM pg_largeobject_metadata m \
     ORDER BY 1",
    "SELECT tgname, polname FROM pg_trigger, pg_policy WHERE NOT tgisinternal ORDER BY 1",
];

const SERVER_FACTS: [&str; 3] = [
    "SELECT rolname, rolcanlogin, rolconfig FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1",
    "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members
        WHERE member >= 16384 ORDER BY 1, 2",
    "SELECT datname, datdba::regrole, pg_encoding_to_char(encoding), datcollate, setconfig
        FROM pg_database d LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0
        WHERE NOT datistemplate ORDER BY 1",
];

fn move_whole(source: u32, target: u32) {
    let pair = Pair::start(source, target);
    sample::fill(&pair);
    let ran = pair.migrate(&["--json"]).ended(0);
    let report = ran.json();
    assert_eq!(report["schema"], "flexway.migrate/1");
    assert_eq!(report["run"]["state"], "done", "{report}");
    assert_eq!(report["verify"]["equal"], true);
    let databases = report["databases"].as_array().unwrap();
    let names: Vec<&str> = databases.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"shop") && names.contains(&"Blog 2"), "{names:?}");
    let shop = databases.iter().find(|entry| entry["name"] == "shop").unwrap();
    assert_eq!(shop["rows"], 3000 + 20_000 + 100 + 1 + 2);
    assert_eq!(shop["large_objects"]["rows"], 2);
    for question in SHOP_FACTS {
        pair.assert_same("shop", question);
    }
    pair.assert_same("Blog 2", "SELECT count(*), sum(length(body)) FROM posts");
    for question in SERVER_FACTS {
        pair.assert_same("postgres", question);
    }
    let login = "SELECT rolpassword FROM pg_authid WHERE rolname = 'clerk'";
    pair.assert_same("postgres", login);
    pair.verify(&[]).ended(0);
    let ledger = std::fs::read(pair.ledger()).unwrap();
    for line in
        ["shop: copying 6 tables and 2 large objects, ", "shop: 6 tables, 23,103 rows, 2 large"]
    {
        assert!(ran.err.contains(line) || ran.out.contains(line), "{}\n{}", ran.err, ran.out);
    }
    for secret in [pair.source.password(), pair.target.password(), "clerk-secret"] {
        assert!(!ran.err.contains(secret) && !ran.out.contains(secret), "a password was shown");
        let is_there = ledger.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!is_there, "a password stands in the ledger");
    }
}

#[test]
fn from_11_to_17() {
    move_whole(11, 17);
}

#[test]
fn from_15_to_18() {
    move_whole(15, 18);
}

#[test]
fn from_15_to_15() {
    move_whole(15, 15);
}

#[test]
fn chosen_databases_only_and_the_same_command_again_does_nothing() {
    let pair = Pair::start(11, 17);
    sample::fill(&pair);
    let first = pair.migrate(&["--database", "Blog 2", "--no-roles", "--json"]).ended(0);
    assert_eq!(first.json()["roles"], serde_json::Value::Null);
    let databases = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1";
    assert_eq!(pair.on_target("postgres", databases), "Blog 2\npostgres\n");
    let file = "SELECT relfilenode FROM pg_class WHERE relname = 'posts'";
    let before = pair.on_target("Blog 2", file);
    let again = pair.migrate(&["--database", "Blog 2", "--no-roles"]).ended(0);
    again.says(&["Blog 2: verified by an earlier run"]);
    assert_eq!(pair.on_target("Blog 2", file), before);
}
