//! `cargo xtask bench copy`: Flexway beside its peers and beside what the servers cost alone, interleaved in one run.

mod cost;
mod floor;
mod tools;

use std::path::Path;
use std::process::Command;

use flexway_lab::{Auth, Install, Options, Scratch, Server, installed};

use self::cost::Cost;
use self::tools::{Arena, Tool};
use super::optimised;
use crate::process::{Result, chain, read};

/// Data of one kind. `rows` are those at full size.
struct DataSet {
    name: &'static str,
    sql: &'static str,
    rows: u64,
}

const DATA_SETS: [DataSet; 4] = [
    DataSet { name: "pgbench", sql: include_str!("data/pgbench.sql"), rows: 5_000_000 },
    DataSet { name: "mixed", sql: include_str!("data/mixed.sql"), rows: 800_000 },
    DataSet { name: "many", sql: include_str!("data/many.sql"), rows: 5_000 },
    DataSet { name: "big", sql: include_str!("data/big.sql"), rows: 10_500_000 },
];

/// Where Debian puts the only server that comes with a pgcopydb of its own: both are of one build.
const DEBIAN_15: &str = "/usr/lib/postgresql/15/bin";

/// Of both servers: enough memory that the processor is the limit, durable as in earnest.
const SETTINGS: [(&str, &str); 10] = [
    ("fsync", "on"),
    ("shared_buffers", "1GB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "15min"),
    ("maintenance_work_mem", "512MB"),
    ("max_parallel_maintenance_workers", "2"),
    ("autovacuum", "off"),
    ("wal_level", "replica"),
    ("max_locks_per_transaction", "1024"),
    ("logging_collector", "off"),
];

/// Making the largest data set takes minutes.
const FILL_LIMIT: std::time::Duration = std::time::Duration::from_secs(30 * 60);

struct Plan {
    /// Percent of the full size.
    size: u64,
    rounds: usize,
    data_sets: Vec<&'static DataSet>,
    tools: Vec<Tool>,
}

/// Measures and prints; the numbers of each run go to standard error as they come.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let plan = plan(arguments)?;
    if cfg!(debug_assertions) {
        return optimised("copy", arguments);
    }
    let install = Install { major: 15, bin: DEBIAN_15.into() };
    let install = if install.program("postgres").is_file() {
        install
    } else {
        installed::find(17).map_err(|error| chain(&error))?
    };
    let scratch = Scratch::new().map_err(|error| chain(&error))?;
    let start = || -> Result<Server> {
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let options = Options { settings, auth: Auth::Trust, ..Options::default() };
        Server::start(&install, &options).map_err(|error| chain(&error))
    };
    let (source, target) = (start()?, start()?);
    let tools = usable(&plan.tools);
    let arena =
        Arena { install: &install, source: &source, target: &target, scratch: scratch.path() };
    println!(
        "PostgreSQL {} on both sides, {} jobs, {} % of the full size, {} rounds",
        install.major,
        tools::JOBS,
        plan.size,
        plan.rounds
    );
    for data in &plan.data_sets {
        fill(&install, &source, data, plan.size)?;
        let mut runs: Vec<(Tool, Vec<Cost>)> =
            tools.iter().map(|tool| (*tool, Vec::new())).collect();
        for round in 1..=plan.rounds {
            for (tool, costs) in &mut runs {
                let cost = arena.run(*tool, data.name)?;
                eprintln!("{} {} round {round}: {cost:.1?}", data.name, tool.name());
                costs.push(cost);
            }
        }
        print!("{}", table(data.name, &runs));
    }
    Ok(())
}

fn plan(arguments: &[&str]) -> Result<Plan> {
    let mut plan = Plan { size: 100, rounds: 3, data_sets: Vec::new(), tools: Vec::new() };
    for pair in arguments.chunks(2) {
        let (name, text) = (pair[0], pair.get(1).copied().unwrap_or(""));
        let unknown = || format!("use {name} {text}: see `cargo xtask`");
        match (name, text) {
            ("--size", "small") => plan.size = 4,
            ("--size", "full") => plan.size = 100,
            ("--size", _) => plan.size = text.parse().map_err(|_| unknown())?,
            ("--rounds", _) => plan.rounds = text.parse().map_err(|_| unknown())?,
            ("--data", _) => {
                let found = DATA_SETS.iter().find(|data| data.name == text);
                plan.data_sets.push(found.ok_or_else(unknown)?);
            }
            ("--tool", _) => {
                let found = Tool::ALL.into_iter().find(|tool| tool.name() == text);
                plan.tools.push(found.ok_or_else(unknown)?);
            }
            _ => return Err(unknown()),
        }
    }
    if plan.data_sets.is_empty() {
        plan.data_sets = DATA_SETS.iter().collect();
    }
    if plan.tools.is_empty() {
        plan.tools = Tool::ALL.to_vec();
    }
    if !(1..=1000).contains(&plan.size) || !(1..=100).contains(&plan.rounds) {
        return Err("use a size of 1 to 1000 percent and 1 to 100 rounds".to_owned());
    }
    Ok(plan)
}

/// Leaves pgcopydb out, by name, where it is not installed.
fn usable(tools: &[Tool]) -> Vec<Tool> {
    let has_pgcopydb = Command::new("pgcopydb").arg("--version").output().is_ok();
    if !has_pgcopydb && tools.contains(&Tool::Pgcopydb) {
        eprintln!("left out: pgcopydb is not here; as root: apt-get install pgcopydb");
    }
    tools.iter().copied().filter(|tool| has_pgcopydb || *tool != Tool::Pgcopydb).collect()
}

/// Makes the data on the source.
fn fill(install: &Install, source: &Server, data: &DataSet, size: u64) -> Result<()> {
    let rows = (data.rows * size / 100).max(100);
    eprintln!("making {} with {rows}", data.name);
    let admin = |sql: &str| source.psql("postgres", sql).map_err(|error| chain(&error));
    admin(&format!("CREATE DATABASE {}", data.name))?;
    let file = source.folder().join("fill.sql");
    let text =
        format!("SET synchronous_commit = off;\n{}\nVACUUM ANALYZE;\nCHECKPOINT;\n", data.sql);
    std::fs::write(&file, text).map_err(|why| format!("write {}: {why}", file.display()))?;
    let mut psql = Command::new(install.program("psql"));
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", &format!("n={rows}"), "-f"]).arg(file);
    psql.args([Path::new("-d"), Path::new(&source.url(data.name))]);
    read(psql, FILL_LIMIT).map(drop)
}

/// Medians beside the better peer and the floor.
fn table(data: &str, runs: &[(Tool, Vec<Cost>)]) -> String {
    let medians: Vec<(Tool, Cost)> =
        runs.iter().filter(|(_, costs)| !costs.is_empty()).map(|(t, c)| (*t, median(c))).collect();
    let best = |of: fn(&Cost) -> f64| {
        let peers = medians.iter().filter(|(tool, _)| tool.is_peer());
        peers.map(|(_, cost)| of(cost)).fold(f64::INFINITY, f64::min)
    };
    let floor = medians.iter().find(|(tool, _)| *tool == Tool::Floor).map(|(_, cost)| *cost);
    let against = |value: f64, other: Option<f64>| match other.filter(|other| other.is_finite()) {
        Some(other) => format!("{:.2}", value / other),
        None => "-".to_owned(),
    };
    let mut text = format!(
        "\n| {data} | wall s | of best peer | of floor | CPU s | of best peer | of floor | source | \
         target | tool | tool's share | memory |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n"
    );
    for (tool, cost) in &medians {
        text.push_str(&format!(
            "| {} | {:.1} | {} | {} | {:.1} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} % | {} MB |\n",
            tool.name(),
            cost.wall,
            against(cost.wall, Some(best(|cost| cost.wall))),
            against(cost.wall, floor.map(|floor| floor.wall)),
            cost.cpu(),
            against(cost.cpu(), Some(best(Cost::cpu))),
            against(cost.cpu(), floor.map(|floor| floor.cpu())),
            cost.source,
            cost.target,
            cost.tool,
            100.0 * cost.tool / cost.cpu().max(0.01),
            cost.memory_bytes / 1_000_000,
        ));
    }
    text
}

/// The median of each number by itself.
fn median(costs: &[Cost]) -> Cost {
    let of = |number: fn(&Cost) -> f64| {
        let mut numbers: Vec<f64> = costs.iter().map(number).collect();
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    Cost {
        wall: of(|cost| cost.wall),
        tool: of(|cost| cost.tool),
        source: of(|cost| cost.source),
        target: of(|cost| cost.target),
        memory_bytes: of(|cost| cost.memory_bytes as f64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_beside_the_better_peer_and_the_floor() {
        let cost = |wall: f64| Cost { wall, tool: 0.1, target: wall, ..Cost::default() };
        let runs = [
            (Tool::Flexway, vec![cost(5.0), cost(7.0), cost(6.0)]),
            (Tool::Pgcopydb, vec![cost(12.0)]),
            (Tool::DumpPipe, vec![cost(20.0)]),
            (Tool::Floor, vec![cost(4.0)]),
        ];
        let text = table("x", &runs);
        assert!(text.contains("| flexway | 6.0 | 0.50 | 1.50 |"), "{text}");
        assert!(text.contains("| floor | 4.0 | 0.33 | 1.00 |"), "{text}");
    }

    #[test]
    fn arguments_are_read_and_refused() {
        let plan = plan(&["--size", "small", "--data", "many", "--tool", "floor"]).expect("known");
        assert_eq!((plan.size, plan.rounds, plan.data_sets.len()), (4, 3, 1));
        assert_eq!(plan.tools, [Tool::Floor]);
        assert!(super::plan(&["--data", "nothing"]).is_err());
    }
}
