//! Statistics of the planner: the source's where a target takes them, and else gathered, which is said.

mod move_world;

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use flexway_core::migrate::{Finished, Statistics};
use flexway_core::port::Databases;
use flexway_lab::{Options, Server};

use move_world::{World, ask, copy, run, start_with};

/// Columns of nearly every kind that statistics are kept of, in an order of theirs that tables alone do not have.
const SOURCE: &str = r#"
    CREATE TYPE mood AS ENUM ('bad', 'fair', 'good');
    CREATE TYPE pair AS (a integer, b text);
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE SCHEMA "Odd ""s'\";
    CREATE TABLE "Odd ""s'\"."t ' "" \" (gone integer, id integer PRIMARY KEY, "the text" text, c "char", n numeric,
        f double precision, r real, ts timestamptz, d date, i interval, j jsonb, u uuid, b bytea, a text[], m mood,
        dom positive, tv tsvector, ip inet, money money, p pair, bits bit(8), reg regclass, raw text COLLATE "C",
        v varchar(9), nothing text);
    ALTER TABLE "Odd ""s'\"."t ' "" \" DROP COLUMN gone;
    INSERT INTO "Odd ""s'\"."t ' "" \" SELECT k, CASE WHEN k % 3 = 0 THEN 'it''s \ "' || k % 7 ELSE 'Ä-' || k END, 'x', k / 7.0,
        sqrt(k), sqrt(k), '2020-01-01 00:00+00'::timestamptz + k * interval '1 hour', '2020-01-01'::date + k, k * interval '1 minute',
        jsonb_build_object('k', k % 5), md5(k::text)::uuid, decode(md5((k % 50)::text), 'hex'), ARRAY['a' || k % 9, 'b, c', NULL],
        (ARRAY['bad', 'good'])[1 + k % 2]::mood, k, to_tsvector('simple', 'word' || k % 4 || ' other'), '10.0.0.0'::inet + k,
        k::numeric::money, ROW(k % 3, 'y')::pair, (k % 256)::bit(8), 'pg_class', chr(65 + k % 26) || k, k % 40, NULL
        FROM generate_series(1, 3000) k;
    CREATE INDEX "an index" ON "Odd ""s'\"."t ' "" \" (lower("the text"), id, (n * 2));
    CREATE TABLE ranges (id integer, r int4range);
    INSERT INTO ranges SELECT k, int4range(k, k + k % 10) FROM generate_series(1, 500) k;
    CREATE TABLE empty (a integer);
    CREATE TABLE parted (k integer, v text) PARTITION BY LIST (k);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
    INSERT INTO parted SELECT 1 + k % 2, 'v' || k FROM generate_series(1, 900) k;
    CREATE TABLE elder (a integer);
    CREATE TABLE heir (b integer) INHERITS (elder);
    INSERT INTO elder SELECT generate_series(1, 100);
    INSERT INTO heir SELECT k, k FROM generate_series(101, 300) k;
    CREATE MATERIALIZED VIEW seen AS SELECT k AS x, count(*) AS n FROM parted GROUP BY k;
    CREATE TABLE moods (m mood, v integer) PARTITION BY HASH (m);
    CREATE TABLE moods_0 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE moods_1 PARTITION OF moods FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO moods SELECT (ARRAY['bad', 'fair', 'good'])[1 + k % 3]::mood, k FROM generate_series(1, 300) k;
    CREATE TABLE extended (a integer, b integer);
    INSERT INTO extended SELECT k % 10, k % 10 FROM generate_series(1, 1000) k;
    CREATE STATISTICS of_extended ON a, b FROM extended;
    CREATE TABLE sorted (t text COLLATE "ucs_basic", n integer);
    INSERT INTO sorted SELECT chr(k) || 'x', k FROM generate_series(65, 122) k;
    CREATE TABLE grown (a integer);
    INSERT INTO grown SELECT generate_series(1, 100);
"#;

/// What happens after the source gathered its statistics.
const CHANGES: &str = r#"
    INSERT INTO grown SELECT generate_series(1, 5000);
    CREATE TABLE later (a integer);
    INSERT INTO later SELECT generate_series(1, 100);
    ALTER TABLE extended ALTER a SET STATISTICS 0;
    ALTER TABLE ranges ADD COLUMN added integer DEFAULT 3;
"#;

/// Bounds as a system with another order has them: a planner would look for a value in a wrong place.
const SORTED_OTHERWISE: &str = r#"
    SELECT pg_restore_attribute_stats('schemaname', 'public'::text, 'relname', 'sorted'::text, 'attname', 't'::text,
        'inherited', false, 'histogram_bounds', '{Zx,ax,bx,Ax}'::text);
"#;

/// What both sides are asked. Floating point numbers are written otherwise by older servers, and of ranges only newer ones tell.
fn statistics_of(server: &Server, leaving: &str) -> String {
    let real =
        |name: &str| format!("array(SELECT encode(float4send(x), 'hex') FROM unnest({name}) x)");
    let bounds = |size| {
        let binary = format!("encode(float{size}send(x), 'hex')");
        format!("array(SELECT {binary} FROM unnest(histogram_bounds::text::float{size}[]) x)::text")
    };
    let bounds = format!(
        "CASE attname WHEN 'f' THEN {} WHEN 'r' THEN {} ELSE histogram_bounds::text END",
        bounds(8),
        bounds(4)
    );
    let sql = format!(
        "SELECT schemaname, tablename, attname, inherited, float4send(null_frac), avg_width, float4send(n_distinct), \
           most_common_vals::text, {}, {bounds}, float4send(correlation), most_common_elems::text, {}, {}, e'\\n' \
         FROM pg_stats WHERE schemaname !~ '^(pg_|information_schema)' \
           AND tablename !~ '^({leaving})' ORDER BY schemaname, tablename, attname, inherited",
        real("most_common_freqs"),
        real("most_common_elem_freqs"),
        real("elem_count_histogram")
    );
    ask(server, "d", &sql)
}

fn start(source: u32, target: u32) -> Option<World> {
    let settings = vec![("autovacuum".to_owned(), "off".to_owned())];
    let world = start_with(source, target, &Options { settings, ..Options::default() })?;
    run(&world.source, "postgres", "CREATE DATABASE d");
    run(&world.source, "d", SOURCE);
    wait_until_counted(&world.source, 100);
    run(&world.source, "d", "ANALYZE");
    wait_until_counted(&world.source, 0);
    run(&world.source, "d", CHANGES);
    wait_until_counted(&world.source, 5000);
    Some(world)
}

/// Before 15 a process of its own counts the changes, a moment later.
fn wait_until_counted(source: &Server, changes: u32) {
    let end = Instant::now() + Duration::from_secs(30);
    let counted = "SELECT pg_stat_get_mod_since_analyze('public.grown'::regclass)";
    while ask(source, "d", counted) != changes.to_string() {
        assert!(Instant::now() < end, "{changes} changes are not counted");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn move_it(world: &World) -> Finished {
    world.mover.prepare("d", false).expect("prepare");
    let open = world.mover.open("d").expect("open");
    let contents = copy(&*open);
    // A run that was killed before it wrote this down does it again.
    open.data().finish(&contents, 2, &AtomicBool::new(false)).expect("finish again")
}

fn reasons(statistics: &Statistics) -> Vec<String> {
    let mut lines: Vec<String> = statistics.reasons.iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}

#[test]
fn a_target_of_18_takes_what_the_source_knows_and_gathers_the_rest() {
    for source in [11, 15, 18] {
        let Some(world) = start(source, 18) else { return };
        let is_newest = source == 18;
        if is_newest {
            run(&world.source, "d", SORTED_OTHERWISE);
        }
        let Finished { statistics, notes, open } = move_it(&world);
        assert_eq!((notes, open), (Vec::new(), Vec::new()), "{source}");
        let gathered = "extended|grown|later|moods_|ranges|sorted";
        let (ours, theirs) =
            (statistics_of(&world.source, gathered), statistics_of(&world.target, gathered));
        for (ours, theirs) in ours.lines().zip(theirs.lines()) {
            assert_eq!(ours, theirs, "{source}");
        }
        assert_eq!(ours.len(), theirs.len(), "{source}");
        assert!(ours.contains("an index") && ours.lines().count() > 30, "{source}: {ours}");
        let mut wanted = vec![
            "public.extended: extended statistics are not carried",
            "public.grown: too much has changed on the source since",
            "public.moods_0, public.moods_1: its partitions hold other rows than on the source",
        ];
        wanted.extend(match is_newest {
            true => [
                "public.ranges (added), public.later: the source has none that the login may read",
                "public.sorted (t): the target sorts its text otherwise",
            ],
            false => [
                "public.later: the source has none that the login may read",
                "public.ranges (r, added): the source does not tell all statistics of its type",
            ],
        });
        wanted.sort_unstable();
        assert_eq!(reasons(&statistics), wanted, "{source}");
        let split = if is_newest { (9, 7) } else { (10, 6) };
        assert_eq!((statistics.carried, statistics.gathered), split, "{source}");
        // What was gathered is there, and what was carried there is the source's.
        let kinds = "SELECT string_agg(tablename || '.' || attname, ' ' ORDER BY tablename, attname) FROM pg_stats \
                     WHERE tablename IN ('extended', 'grown', 'later', 'ranges', 'moods_0')";
        assert_eq!(
            ask(&world.target, "d", kinds),
            "extended.b grown.a later.a moods_0.m moods_0.v ranges.added ranges.id ranges.r"
        );
        let bounds = "SELECT count(*) FROM pg_stats WHERE tablename = 'ranges' AND range_bounds_histogram IS NOT NULL";
        assert_eq!(ask(&world.target, "d", bounds), "1", "{source}");
        // The planner counts rows right.
        let rows = "SELECT string_agg(relname || ' ' || reltuples, ', ' ORDER BY relname) FROM pg_class \
                    WHERE relname IN ('elder', 'heir', 'parted_1', 'grown', 'empty', 'seen', 'later')";
        assert_eq!(
            ask(&world.target, "d", rows),
            "elder 100, empty 0, grown 5100, heir 200, later 100, parted_1 450, seen 2",
            "{source}"
        );
    }
}
