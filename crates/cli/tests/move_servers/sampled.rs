//! `--sample`: a share of the rows, the same on both sides, and never called equal.

use serde_json::Value;

use crate::pair::{Pair, Ran};

/// Large tables with keys whose text is the same everywhere, with other keys, and without; and a small one.
const TABLES: &str = "
    CREATE TABLE keyed (id integer, code text, body text, PRIMARY KEY (id, code));
    INSERT INTO keyed SELECT n, 'Ä' || n, repeat(md5(n::text), 3) FROM generate_series(1, 20000) n;
    CREATE TABLE timed (at timestamptz PRIMARY KEY, f double precision, body text);
    INSERT INTO timed SELECT '2020-01-01'::timestamptz + n * interval '1 minute', sqrt(n), repeat(md5(n::text), 3)
        FROM generate_series(1, 20000) n;
    CREATE TABLE keyless (a integer, f real[], body text);
    INSERT INTO keyless SELECT n % 7, ARRAY[sqrt(n)], repeat(md5(n::text), 3) FROM generate_series(1, 20000) n;
    CREATE TABLE small (a integer);
    INSERT INTO small SELECT generate_series(1, 10)";

/// Tables whose share was read, their rows, and how many were read.
fn counts(verify: &Value) -> [u64; 3] {
    let sample = &verify["sample"];
    ["tables", "rows", "rows_read"].map(|name| sample[name].as_u64().unwrap())
}

#[test]
fn a_sample_reads_the_same_rows_on_both_sides_and_says_so() {
    // The older server writes floating point numbers otherwise.
    let pair = Pair::start(11, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", TABLES);
    let report = pair.migrate(&["--database", "d", "--sample", "5", "--json"]).ended(0).json();
    let verify = &report["verify"];
    assert_eq!(
        (&verify["equal"], &verify["sample"]["agrees"]),
        (&false.into(), &true.into()),
        "{report}"
    );
    assert_eq!(verify["sample"]["percent"], 5.0);
    let [tables, rows, read] = counts(verify);
    assert_eq!((tables, rows), (3, 60_000));
    assert!((2_500..3_500).contains(&read), "{read} of {rows} rows are no 5 %");
    assert_eq!(report["databases"][0]["phase"], "finished", "a sample verifies nothing");

    let again = pair.verify(&["--database", "d", "--sample", "5", "--json"]).ended(0).json();
    assert_eq!(counts(&again), [tables, rows, read], "other rows were chosen");
    let ran = pair.verify(&["--database", "d", "--sample"]).ended(0);
    assert!(ran.out.starts_with("nothing differs in a sample of 1 %: "), "{}", ran.out);
    assert!(!ran.out.contains("equal"), "{}", ran.out);

    // A row that is missing shows in the count, whether or not it is in the sample.
    pair.on_target(
        "d",
        "DELETE FROM keyless WHERE a = 3 AND ctid = (SELECT min(ctid) FROM keyless WHERE a = 3)",
    );
    let ran = pair.verify(&["--database", "d", "--sample", "0.001"]).ended(1);
    let words = "differs: d: table public.keyless: 20000 rows on the source, 19999 on the target";
    assert!(ran.out.contains(words), "{}", ran.out);
    // Of twenty thousand changed rows some are in any sample; of one, few samples know.
    pair.on_target("d", "UPDATE keyed SET body = body || 'x'");
    let ran = pair.verify(&["--database", "d", "--sample", "10"]).ended(1);
    let words = "differs: d: table public.keyed: the content differs in the sample, 20000 rows on both sides: ";
    assert!(ran.out.contains(words) && ran.out.contains("NOT equal"), "{}", ran.out);

    pair.on_target("d", "DROP TABLE keyless, keyed");
    pair.verify(&["--database", "d", "--sample"]).ended(1);
    for wrong in ["0", "100", "-3", "1%", "many", "nan"] {
        let ran = pair.verify(&["--database", "d", &format!("--sample={wrong}")]).ended(64);
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
    let mut both = pair.command("migrate");
    both.args(["--sample", "2", "--no-verify"]);
    Ran::of(both).ended(64);
}

#[test]
fn a_move_that_was_sampled_is_compared_whole_by_the_same_command_without() {
    let pair = Pair::start(18, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", TABLES);
    let ran = pair.migrate(&["--database", "d", "--sample", "2"]).ended(0);
    assert!(ran.out.contains("nothing differs in a sample of 2 %"), "{}", ran.out);
    assert!(ran.out.contains("flexway verify compares all of them"), "{}", ran.out);
    let mut page = pair.command("status");
    let file = pair.ledger().with_extension("html");
    page.arg("--ledger").arg(pair.ledger()).arg("--report").arg(&file);
    Ran::of(page).ended(0);
    let page = std::fs::read_to_string(file).unwrap();
    assert!(page.contains("Done. Nothing differs in a sample of 2 %"), "{page}");
    let report = pair.migrate(&["--database", "d", "--json"]).ended(0).json();
    assert_eq!(report["verify"]["equal"], true, "{report}");
    assert!(report["verify"]["sample"].is_null(), "{report}");
    assert_eq!(report["databases"][0]["phase"], "verified");
}
