//! `--report` of a real move: what the page says, that the ledger alone gives it again, and what it never holds.

use crate::pair::{Pair, Ran};
use crate::sample;

#[test]
fn the_page_of_a_move_shows_its_work_and_no_row() {
    let pair = Pair::start(15, 18);
    sample::fill(&pair);
    pair.on_source("shop", "INSERT INTO app.customers (name) VALUES ('mark-of-a-row')");
    let file = |name: &str| pair.ledger().with_file_name(name);
    let path = file("first.html");
    let ran = pair.migrate(&["--report", path.to_str().unwrap()]).ended(0);
    let page = std::fs::read_to_string(&path).unwrap();
    for text in [
        "Done, compared, and equal.",
        "2 databases, 7 tables, 23,604 rows, ",
        "<svg viewBox=",
        ">worker 1</text>",
        "<td>copy</td><td class=\"name\">app.customers</td>",
        "<td>build</td><td class=\"name\">CONSTRAINT app customers customers_pkey</td>",
        "<td>compare</td><td class=\"name\">app.orders_2024</td>",
        "<td>phase</td><td class=\"name\">post-data</td>",
        "app.&quot;Odd &quot;&quot;Name&quot;",
        "<td class=\"n\">3,001</td>",
    ] {
        assert!(page.contains(text), "no {text} in\n{page}\n{}", ran.err);
    }
    for secret in [pair.source.password(), pair.target.password(), "clerk-secret", "mark-of-a-row"]
    {
        assert!(!page.contains(secret), "the page holds a secret or a row");
    }
    let again = file("again.html");
    let mut status = pair.command("status");
    status.arg("--ledger").arg(pair.ledger()).arg("--report").arg(&again);
    Ran::of(status).ended(0);
    assert_eq!(page, std::fs::read_to_string(&again).unwrap(), "the ledger tells it otherwise");
}

#[test]
fn a_page_that_cannot_be_written_does_not_spoil_a_move() {
    let pair = Pair::start(18, 18);
    pair.on_source("postgres", "CREATE TABLE t AS SELECT 1 AS a");
    let folder = pair.ledger().with_file_name("none").join("page.html");
    let says = ["write the report to", "flexway status --ledger"];
    pair.migrate(&["--report", folder.to_str().unwrap()]).ended(0).says(&says);
}
