//! A path that carries nothing any more in the middle of a copy, without a word: it is noticed, told apart from what resets or refuses,
//! and the move goes on when it is mended.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{HOST, Home, fixture};

/// The kernel and we ask after a second, and give up after three more; a try to connect takes two.
const TIMES: &str = "connect_timeout=2 keepalives_idle=1 keepalives_interval=1 keepalives_count=3";

/// Longest wait for what takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A table whose rows the target takes one by one in 100 ms, 48 MB in 15 s, and some that arrive meanwhile. What is on its way in
/// buffers, some 10 MB, arrives whatever becomes of the path.
const SLOW: &str = "
    CREATE FUNCTION slow(n int) RETURNS bool LANGUAGE sql AS 'SELECT true';
    CREATE TABLE large (n int CHECK (public.slow(n)), body text);
    ALTER TABLE large ALTER body SET STORAGE EXTERNAL;
    INSERT INTO large SELECT n, repeat(md5(n::text), 10000) FROM generate_series(1, 150) n;
    CREATE OR REPLACE FUNCTION slow(n int) RETURNS bool LANGUAGE sql AS 'SELECT pg_catalog.pg_sleep(0.1) IS NOT NULL';
    CREATE TABLE one (n int); INSERT INTO one SELECT generate_series(1, 1000);
    CREATE TABLE two (n int); INSERT INTO two SELECT generate_series(1, 1000)";

/// Two servers of one major, with a network between them.
struct World {
    home: Home,
    psql: String,
}

impl World {
    fn start() -> Option<World> {
        let home = Home::new("black hole")?;
        let estate = fs::read_to_string(fixture("private-source")).expect("a fixture");
        let estate = estate.replace(r#""version": "11""#, r#""version": "17""#);
        let estate = estate.replace(r#""version": "16""#, r#""version": "17""#);
        let file = home.0.join("estate.json");
        fs::write(&file, estate).expect("a file");
        let (code, text) = home.run(&["up", "--estate", &file.display().to_string()]);
        assert_eq!(code, Some(0), "{text}");
        let tools = flexway_lab::installed::client_tools();
        let psql = tools.first().expect("client tools").program("psql").display().to_string();
        Some(World { home, psql })
    }

    /// What a server answers to SQL.
    fn ask(&self, place: &str, database: &str, sql: &str) -> String {
        let ask = ["exec", place, "--", &self.psql, "-qAtd", database, "-c", sql];
        let (code, text) = self.home.run(&ask);
        assert_eq!(code, Some(0), "{sql}: {text}");
        text
    }

    /// A command of the program where `new-db` stands; `source` says whether the server on the other side of the network is that.
    fn flexway(&self, is_source_far: bool, words: &[&str]) -> Command {
        let flexway = ["exec", "new-db", "--", env!("CARGO_BIN_EXE_flexway")];
        let ledger = self.ledger().display().to_string();
        let words = [&flexway[..], words, &["--ledger", &ledger, "--patience", "2"]].concat();
        let mut command = self.home.command(&words);
        let far = format!("host={HOST} user=postgres dbname=postgres {TIMES}");
        let socket = self.home.0.join("twin/s1.server/s").display().to_string();
        let near = format!("host='{socket}' user=postgres dbname=postgres");
        let (source, target) = if is_source_far { (far, near) } else { (near, far) };
        command.env("FLEXWAY_SOURCE", source).env("FLEXWAY_TARGET", target);
        command
    }

    fn ledger(&self) -> PathBuf {
        self.home.0.join("ledger.db")
    }

    fn status(&self) -> Option<Value> {
        let mut status = Command::new(env!("CARGO_BIN_EXE_flexway"));
        status.args(["status", "--json", "--ledger"]).arg(self.ledger());
        serde_json::from_slice(&status.output().expect("flexway runs").stdout).ok()
    }

    /// Whether the small tables are there and rows of the large one are on their way.
    fn is_in_the_middle(&self) -> bool {
        let Some(status) = self.status() else { return false };
        let database = &status["databases"][0];
        database["tables_done"] == 2 && database["items"][0]["bytes"].as_u64() > Some(0)
    }
}

/// Moves a database, unplugs the far server in the middle of its large table, and resumes when it is back.
fn cut_off_in_mid_copy(world: &World, is_source_far: bool) {
    let (from, to) = if is_source_far { ("old-db", "new-db") } else { ("new-db", "old-db") };
    world.ask(from, "postgres", "CREATE DATABASE d");
    world.ask(from, "d", SLOW);
    let told = world.home.0.join("told");
    let mut migrate = world.flexway(is_source_far, &["migrate", "--database", "d", "--jobs", "2"]);
    let mut migrate = migrate.stderr(File::create(&told).expect("a file")).spawn().expect("starts");
    let words = || fs::read_to_string(&told).expect("a file");
    let end = Instant::now() + PATIENCE;
    while !world.is_in_the_middle() {
        assert!(Instant::now() < end, "not in the middle: {:?}\n{}", world.status(), words());
        std::thread::sleep(Duration::from_millis(20));
    }
    let marks = "SELECT (SELECT min(xmin::text) FROM one), (SELECT min(xmin::text) FROM two)";
    let kept = world.ask(to, "d", marks);
    assert_eq!(world.home.run(&["unplug", "old-db"]).0, Some(0));
    let unplugged = Instant::now();
    while migrate.try_wait().expect("a child").is_none() {
        assert!(unplugged.elapsed() < PATIENCE, "it does not notice: {}", words());
        std::thread::sleep(Duration::from_millis(50));
    }
    let code = migrate.wait().expect("it ended").code();
    let side = if is_source_far { "source" } else { "target" };
    let said = words();
    assert_eq!(code, Some(3), "{said}");
    let silent = "is lost: the path went silent: nothing was acknowledged any more";
    let verdict =
        format!("network: the way to the {side} {HOST}:5432 ends at tcp: 10.10.1.4 gave no answer");
    for expected in [silent, verdict.as_str()] {
        assert!(
            said.contains(expected),
            "no `{expected}` after {:?} in: {said}",
            unplugged.elapsed()
        );
    }
    for other in ["it was reset", "the server closed it", "refused"] {
        assert!(!said.contains(other), "{said}");
    }
    assert_eq!(world.home.run(&["plug", "old-db"]).0, Some(0));
    // The server has to notice too that nobody is there any more.
    let end = Instant::now() + PATIENCE;
    let text = loop {
        let output = world.flexway(is_source_far, &["resume"]).output().expect("flexway runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        if !text.contains("moves something into it") {
            assert_eq!(output.status.code(), Some(0), "{text}");
            break text;
        }
        assert!(Instant::now() < end, "the lost sessions stay: {text}");
    };
    assert!(text.contains("equal: 3 tables with 2,150 rows"), "{text}");
    assert_eq!(world.ask(to, "d", marks), kept, "small tables came twice");
}

#[test]
fn a_path_that_goes_silent_in_mid_copy_is_noticed_on_both_sides() {
    let Some(world) = World::start() else { return };
    cut_off_in_mid_copy(&world, true);
    for place in ["old-db", "new-db"] {
        world.ask(place, "postgres", "DROP DATABASE d WITH (FORCE)");
    }
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let _ = fs::remove_file(format!("{}{suffix}", world.ledger().display()));
    }
    cut_off_in_mid_copy(&world, false);
    assert_eq!(world.home.run(&["down"]).0, Some(0));
}
