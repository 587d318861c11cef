//! Index builds at once: together they take no more of the target's memory than is meant for them.

use crate::pair::{Pair, Ran};

/// Each index tells the server's log, as it is built, what memory its session may use.
const SOURCE: &str = "
    CREATE FUNCTION noted(name text, n integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$
        BEGIN
            IF n = 1 THEN
                RAISE LOG 'building % with % and % helpers', name, pg_catalog.current_setting('maintenance_work_mem'),
                    pg_catalog.current_setting('max_parallel_maintenance_workers');
                PERFORM pg_catalog.pg_sleep(1);
            END IF;
            RETURN n;
        END $$;
    CREATE TABLE small (n integer);
    CREATE TABLE middle (n integer, filler text);
    CREATE TABLE large (n integer, filler text);
    INSERT INTO small SELECT generate_series(1, 100);
    INSERT INTO middle SELECT n, repeat('x', 1000) FROM generate_series(1, 8000) n;
    INSERT INTO large SELECT n, repeat('x', 1000) FROM generate_series(1, 24000) n;
    CREATE INDEX a_small ON small (noted('small', n));
    CREATE INDEX b_middle ON middle (noted('middle', n));
    CREATE INDEX c_large ON large (noted('large', n));
";

/// What the target's log says of builds, in their order: name and kilobytes.
fn builds(pair: &Pair) -> Vec<(String, u64)> {
    let log = std::fs::read_to_string(pair.target.log()).unwrap();
    let lines =
        log.lines().filter_map(|line| line.split_once("LOG:  building ").map(|(_, line)| line));
    let read = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let kilobytes = match words[2].split_at(words[2].len() - 2) {
            (number, "MB") => number.parse::<u64>().unwrap() * 1024,
            (number, _) => number.parse().unwrap(),
        };
        (words[0].to_owned(), kilobytes)
    };
    lines.map(read).collect()
}

#[test]
fn builds_share_the_memory_that_is_meant_for_them() {
    let pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", SOURCE);
    // One is given 64 MB by the server's settings: three at once would take 192.
    pair.migrate(&["--database", "d", "--jobs", "3", "--build-memory", "60", "--no-verify"])
        .ended(0);
    let mut found = builds(&pair);
    // Then each is noted again, as statistics are gathered.
    found.truncate(3);
    let of = |name: &str| {
        found.iter().find(|(one, _)| one == name).unwrap_or_else(|| panic!("{name}: {found:?}")).1
    };
    assert_eq!(of("small"), 1024, "{found:?}");
    assert!(of("large") >= 20 * 1024 && of("middle") >= 15 * 1024, "{found:?}");
    assert!(of("small") + of("middle") + of("large") <= 60 * 1024, "{found:?}");

    for wrong in ["0", "-1", "many", "2000000"] {
        let mut command = pair.command("migrate");
        command.arg(format!("--build-memory={wrong}"));
        Ran::of(command).ended(64);
    }
}
