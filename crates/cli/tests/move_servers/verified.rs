//! `flexway verify` after somebody changed the target.

use crate::pair::Pair;
use crate::sample;

#[test]
fn tampering_is_found_and_named() {
    let pair = Pair::start(11, 17);
    sample::fill(&pair);
    pair.migrate(&[]).ended(0);
    pair.verify(&[]).ended(0);
    pair.on_target(
        "shop",
        "UPDATE app.blobs SET body = set_byte(body, 7, 1 - (get_byte(body, 7) & 1)) WHERE id = 50;
         DELETE FROM app.nothing;
         DROP INDEX app.orders_customer;
         CREATE TABLE app.extra (a int);
         SELECT setval('app.orders_id_seq', 1);",
    );
    pair.on_target("postgres", "DROP DATABASE \"Blog 2\"");
    pair.on_target("postgres", "ALTER ROLE clerk NOLOGIN");
    let ran = pair.verify(&["--json"]).ended(1);
    let report = ran.json();
    assert_eq!(report["schema"], "flexway.verify/1");
    assert_eq!(report["equal"], false);
    let found: Vec<String> = report["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            let word = |key: &str| found[key].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}: {}", word("database"), word("kind"), word("name"), word("detail"))
        })
        .collect();
    let all = found.join("\n");
    for expected in [
        "Blog 2 database Blog 2: is not on the target",
        "shop table app.blobs: the content differs, 100 rows on both sides",
        "shop table app.nothing: 1 rows on the source, 0 on the target",
        "shop table app.extra: is only on the target",
        "- role clerk: differs in LOGIN",
        "orders_customer",
        "orders_id_seq",
    ] {
        assert!(all.contains(expected), "no {expected:?} in\n{all}");
    }
    let plain = pair.verify(&["--database", "shop"]).ended(1);
    assert!(plain.out.contains("differs: shop: table app.blobs"), "{}", plain.out);
    // The database names this role in its grants.
    assert!(plain.out.contains("differs: role clerk: differs in LOGIN"), "{}", plain.out);
}
