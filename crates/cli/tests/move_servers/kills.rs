//! Moves that are disturbed at random moments: the program killed, either server restarted in good order or killed,
//! connections cut. Gone on with until they are done, they end equal, and no part that had arrived for good came twice.
//!
//! `KILLS_COUNT=60 KILLS_SEED=7` tries others; `cargo xtask kills --count 60 --seed 7` does so. A round is its seed: what it
//! does stands on standard error, only the servers' own pace is not repeated.

use std::fmt;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::pair::Pair;

/// Rounds in an ordinary run of the tests.
const ROUNDS: u64 = 1;

/// Disturbances of one move: each may cost it ten seconds of waiting.
const DISTURBANCES_MAX: u64 = 3;

/// How often a move is gone on with after it gave up, before that counts as a defect.
const RESUMES_MAX: u32 = 5;

/// What a move may take on a busy machine, with waits of ten and thirty seconds.
const END_MAX: Duration = Duration::from_secs(180);

/// A table of several parts, middle ones, many small ones, and keys, indexes, a view and large objects.
const TABLES: &str = "
    CREATE TABLE large (id integer PRIMARY KEY, body text);
    ALTER TABLE large ALTER body SET STORAGE EXTERNAL;
    INSERT INTO large SELECT i, repeat(md5(i::text), 250) FROM generate_series(1, 12000) i;
    CREATE TABLE middle (id bigserial PRIMARY KEY, at timestamptz, amount numeric, tags jsonb);
    INSERT INTO middle (at, amount, tags) SELECT '2024-01-01'::timestamptz + i * interval '1 minute', i / 7.0,
        jsonb_build_object('n', i) FROM generate_series(1, 60000) i;
    CREATE INDEX ON middle (at); CREATE INDEX ON middle USING gin (tags);
    CREATE TABLE owner (id integer PRIMARY KEY, name text UNIQUE);
    INSERT INTO owner SELECT i, 'n' || i FROM generate_series(1, 1000) i;
    CREATE TABLE thing (id integer PRIMARY KEY, owner integer REFERENCES owner, middle bigint REFERENCES middle);
    INSERT INTO thing SELECT i, 1 + i % 1000, 1 + i % 60000 FROM generate_series(1, 5000) i;
    CREATE MATERIALIZED VIEW per_owner AS SELECT owner, count(*) AS n FROM thing GROUP BY owner;
    DO $$ BEGIN FOR t IN 1..40 LOOP
        EXECUTE format('CREATE TABLE s%s (id integer PRIMARY KEY, x text)', t);
        EXECUTE format('INSERT INTO s%s SELECT i, md5(i::text) FROM generate_series(1, 300) i', t);
    END LOOP; END $$;
    SELECT count(lo_from_bytea(0, convert_to(md5(i::text), 'UTF8'))) FROM generate_series(1, 50) i;
";

/// What is the same on both sides in the end, whatever happened: contents, read by the servers alone, and what stands on them.
const SAME: [&str; 5] = [
    r"SELECT format('SELECT %L, count(*), sum(hashtext(t::text)::bigint) FROM %I t', relname, relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') ORDER BY relname \gexec",
    "SELECT string_agg(indexdef, ',' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT string_agg(conname || contype::text || convalidated, ',' ORDER BY conname) FROM pg_constraint \
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'",
    "SELECT last_value, is_called FROM middle_id_seq",
    "SELECT count(*), sum(hashtext(encode(lo_get(oid), 'hex'))::bigint) FROM pg_largeobject_metadata",
];

/// The numbers of one round.
struct Random(u64);

impl Random {
    /// Below a bound. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014 (SplitMix64).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What is done to a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    KillProgram,
    KillTarget,
    KillSource,
    RestartTarget,
    RestartSource,
    /// Some or all of the sessions of the move.
    CutTarget(u64),
    CutSource(u64),
}

impl Act {
    fn random(random: &mut Random) -> Act {
        match random.below(10) {
            0..=2 => Act::KillProgram,
            3 | 4 => Act::KillTarget,
            5 => Act::KillSource,
            6 => Act::RestartTarget,
            7 => Act::RestartSource,
            8 => Act::CutTarget(1 + random.below(4)),
            _ => Act::CutSource(1 + random.below(4)),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::KillProgram => f.write_str("kill the program"),
            Act::KillTarget => f.write_str("kill the target"),
            Act::KillSource => f.write_str("kill the source"),
            Act::RestartTarget => f.write_str("restart the target"),
            Act::RestartSource => f.write_str("restart the source"),
            Act::CutTarget(count) => write!(f, "cut {count} sessions of the target"),
            Act::CutSource(count) => write!(f, "cut {count} sessions of the source"),
        }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn moves_disturbed_at_random_moments_end_equal() {
    let (first, count) = (number("KILLS_SEED", 1), number("KILLS_COUNT", ROUNDS));
    let mut pair = Pair::start(15, 18);
    pair.on_source("postgres", "CREATE DATABASE d");
    pair.on_source("d", TABLES);
    // After a crash a sequence stands where its log had promised, up to 32 values on, unless that was before a checkpoint.
    pair.on_source("d", "CHECKPOINT");
    let began = Instant::now();
    pair.migrate(&["--database", "d", "--jobs", "3"]).ended(0);
    let span = began.elapsed();
    for seed in first..first + count {
        begin_anew(&pair);
        let began = Instant::now();
        let story = Round::new(&mut pair, seed).run(span);
        assert_same(&pair, &story);
        eprintln!("{story}: equal after {:.1} s", began.elapsed().as_secs_f64());
    }
}

fn begin_anew(pair: &Pair) {
    pair.on_target("postgres", "DROP DATABASE IF EXISTS d WITH (FORCE)");
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mut name = pair.ledger().into_os_string();
        name.push(suffix);
        let _ = fs::remove_file(name);
    }
}

fn assert_same(pair: &Pair, story: &str) {
    let ran = pair.verify(&["--database", "d"]);
    assert_eq!(ran.code, Some(0), "{story}\n{}\n{}", ran.out, ran.err);
    for sql in SAME {
        assert_eq!(pair.on_source("d", sql), pair.on_target("d", sql), "{story}: {sql}");
    }
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'flexway_progress'";
    assert_eq!(pair.on_target("d", left), "0\n", "{story}");
}

/// One move with its disturbances.
struct Round<'a> {
    pair: &'a mut Pair,
    random: Random,
    /// What has happened.
    story: String,
    /// Parts that were on the target and that nothing can take back: table, transaction and number of rows.
    kept: Vec<String>,
    starts: u32,
}

impl Round<'_> {
    fn new(pair: &mut Pair, seed: u64) -> Round<'_> {
        let story = format!("round {seed}");
        Round { pair, random: Random(seed), story, kept: Vec::new(), starts: 0 }
    }

    /// Gives what happened; `span` is what a move takes that nobody disturbs.
    fn run(mut self, span: Duration) -> String {
        let mut child = self.begin();
        for _ in 0..=self.random.below(DISTURBANCES_MAX) {
            let ms = self.random.below(u64::try_from(span.as_millis()).unwrap());
            let act = Act::random(&mut self.random);
            if has_ended_within(&mut child, Duration::from_millis(ms)) {
                break;
            }
            self.story += &format!(", {ms} ms: {act}");
            child = self.disturb(act, child);
        }
        let mut resumes = 0;
        while !self.is_done(&mut child) {
            resumes += 1;
            assert!(resumes <= RESUMES_MAX, "{}: gives up\n{}", self.story, self.said());
            self.story += ", resumed";
            child = self.begin();
        }
        self.assert_kept();
        self.story
    }

    /// Begins the move, or goes on with it.
    fn begin(&mut self) -> Child {
        let goes_on = self.pair.status().is_some_and(|status| !status["run"].is_null());
        let mut command = self.pair.command(if goes_on { "resume" } else { "migrate" });
        command.arg("--ledger").arg(self.pair.ledger());
        if !goes_on {
            command.args(["--database", "d", "--jobs", "3"]);
        }
        self.starts += 1;
        let said = File::create(self.log()).unwrap();
        command.stdout(Stdio::null()).stderr(said).spawn().unwrap()
    }

    fn log(&self) -> PathBuf {
        self.pair.ledger().with_extension(format!("said-{}", self.starts))
    }

    /// What the program said in all its runs.
    fn said(&self) -> String {
        let all = (1..=self.starts).map(|start| {
            let file = self.pair.ledger().with_extension(format!("said-{start}"));
            fs::read_to_string(file).unwrap_or_default()
        });
        all.collect::<Vec<_>>().join("---\n")
    }

    fn disturb(&mut self, act: Act, mut child: Child) -> Child {
        match act {
            Act::KillProgram => {
                child.kill().unwrap();
                child.wait().unwrap();
                self.keep();
                return self.begin();
            }
            Act::KillTarget => {
                self.pair.target.kill9().unwrap();
                self.pair.target.start_again().unwrap();
                // What was committed a moment before may be gone.
                self.kept.clear();
            }
            Act::KillSource => {
                self.pair.source.kill9().unwrap();
                self.pair.source.start_again().unwrap();
            }
            Act::RestartTarget => {
                self.pair.target.stop().unwrap();
                self.pair.target.start_again().unwrap();
            }
            Act::RestartSource => {
                self.pair.source.stop().unwrap();
                self.pair.source.start_again().unwrap();
            }
            Act::CutTarget(count) => drop(self.pair.on_target("postgres", &cut(count))),
            Act::CutSource(count) => drop(self.pair.on_source("postgres", &cut(count))),
        }
        self.keep();
        child
    }

    /// Remembers what the target has now.
    fn keep(&mut self) {
        let there = "SELECT count(*) FROM pg_database WHERE datname = 'd'";
        if self.pair.on_target("postgres", there) == "0\n" {
            return;
        }
        // It may go at any moment: the move ends meanwhile.
        let sql =
            "SELECT format('%s|%s|%s', table_name, xmin, row_count) FROM flexway_progress.part";
        if let Ok(lines) = self.pair.target.psql("d", sql) {
            self.kept.extend(lines.lines().map(str::to_owned));
            self.kept.sort();
            self.kept.dedup();
        }
    }

    /// Rows keep the mark of the transaction that brought them.
    fn assert_kept(&self) {
        for line in &self.kept {
            let [table, xmin, rows] = line.split('|').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let sql = format!("SELECT count(*) FROM {table} WHERE xmin = '{xmin}'::xid");
            let found = self.pair.on_target("d", &sql);
            assert_eq!(found.trim(), rows, "{}: {table} came twice\n{}", self.story, self.said());
        }
    }

    /// Waits for the end of the program; whether the move is done then.
    fn is_done(&self, child: &mut Child) -> bool {
        if !has_ended_within(child, END_MAX) {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{}: no end\n{}", self.story, self.said());
        }
        match child.wait().unwrap().code() {
            Some(0) => true,
            Some(3) => false,
            other => panic!("{}: ended with {other:?}\n{}", self.story, self.said()),
        }
    }
}

/// Ends some sessions of the move.
fn cut(count: u64) -> String {
    format!(
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity \
         WHERE application_name = 'flexway' ORDER BY md5(pid::text) LIMIT {count}) s"
    )
}

fn has_ended_within(child: &mut Child, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}
