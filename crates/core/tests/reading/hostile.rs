//! Hostile input: no JSON makes the reader, the checks or the plans panic, hang or eat memory.
//!
//! `FUZZ=100000 FUZZ_FIRST=5` tries others. A failure names its number; `FUZZ_SAVE=folder` leaves its
//! input there.

#![allow(clippy::disallowed_methods, reason = "tests read the environment, files and a clock")]

mod mutations;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use flexway_core::checks;
use flexway_core::diagnose::{self, Copier, Question, Source};
use flexway_core::estate::server::Server;
use flexway_core::estate::{Estate, Input, load};
use flexway_core::id::ResourceId;
use flexway_core::plan;
use flexway_core::repair::Policy;
use mutations::mutate;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::support;

/// Inputs of a run: some eight seconds without optimisation.
const INPUTS: u64 = 1_500;

/// Of so many inputs one is planned for.
const PLANNED_EVERY: u64 = 25;

/// What one input may take to be read, checked and traced, on a machine that does other things too.
const TIME_MAX: Duration = Duration::from_secs(2);

/// What it may take with a plan: the search is bounded by sets of changes, each of which is a diagnosis.
const PLAN_TIME_MAX: Duration = Duration::from_secs(10);

/// Resources that a text may become, by its length: one for so many bytes, which is less than an id takes.
const BYTES_MIN: usize = 8;

/// Files beyond this take their time by themselves.
const BYTES_MAX: u64 = 200_000;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Fixtures, examples of pages, templates and states, and recorded answers where they are.
fn seeds() -> Vec<Value> {
    let fixtures = ["private-source", "public-source", "injected-source"];
    let mut seeds: Vec<Value> = fixtures.map(|name| json!(support::fixture(name))).into();
    let examples = checks::ALL.iter().flat_map(|check| support::examples(check.page));
    seeds.extend(examples.map(|one| one.resources).filter(|all| all.len() < 60).map(Value::from));
    let folders = ["fixtures/inputs", "../shared/estates"];
    for folder in folders.map(|folder| support::root().join(folder)) {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            println!("skipped: {} is not there", folder.display());
            continue;
        };
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        for file in files {
            let is_small = file.metadata().is_ok_and(|meta| meta.len() < BYTES_MAX);
            let text = std::fs::read_to_string(&file).ok().filter(|_| is_small);
            seeds.extend(text.and_then(|text| serde_json::from_str::<Value>(&text).ok()));
        }
    }
    seeds
}

/// The question that an estate suggests: its first two servers, or the fixtures' own.
fn question(estate: &Estate, chance: &mut Chance) -> Question {
    let mut servers: Vec<ResourceId> = estate.all::<Server>().map(|(id, _)| id.clone()).collect();
    servers.sort();
    let id = |index: usize, name: &str| {
        servers.get(index).cloned().unwrap_or_else(|| {
            let path = "providers/Microsoft.DBforPostgreSQL/flexibleServers";
            let group = format!("{}/resourceGroups/rg-target", support::SUBSCRIPTION);
            ResourceId::parse(&format!("{group}/{path}/{name}")).expect("an id")
        })
    };
    let (one, two) = if chance.hits(50) { (0, 1) } else { (1, 0) };
    let source = match chance.below(8) {
        0 => Source::Host("10.10.1.4".to_owned()),
        _ => Source::Server(id(one, "old")),
    };
    let port = chance.pick(&[5432, 5432, 6432, 0, 65_535]);
    Question { source, target: id(two, "new"), copier: Copier::Target, port }
}

/// Reads, checks, traces and, in some cases, plans.
fn run(input: Value, chance: &mut Chance, plans: bool) -> usize {
    let loaded = load(vec![Input { file: "hostile".to_owned(), json: input }]);
    let question = question(&loaded.estate, chance);
    let report = diagnose::check(&loaded.estate, &question);
    assert!(!report.to_json().is_null());
    if plans {
        let plan = plan::plan(&loaded.estate, &question, &Policy::default());
        assert!(!plan.to_json().is_null() && !flexway_core::render::az::text(&plan).is_empty());
    }
    loaded.estate.ids().count()
}

fn save(number: u64, input: &Value) {
    let Ok(folder) = std::env::var("FUZZ_SAVE") else { return };
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(format!("{folder}/{number}.json"), input.to_string()).expect("written");
}

/// What a panic said.
fn message(why: &(dyn std::any::Any + Send)) -> String {
    let text = why.downcast_ref::<String>().cloned();
    text.or_else(|| why.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// What went wrong with one input, if anything did.
fn complaint(number: u64, input: &Value, chance: &mut Chance, plans: bool) -> Option<String> {
    let length = input.to_string().len();
    let start = Instant::now();
    let ran = catch_unwind(AssertUnwindSafe(|| run(input.clone(), chance, plans)));
    let took = start.elapsed();
    let most = if plans { PLAN_TIME_MAX } else { TIME_MAX };
    match ran {
        Err(why) => Some(format!("{number}: panics: {}", message(&*why))),
        Ok(_) if took > most => Some(format!("{number}: takes {took:?} for {length} bytes")),
        Ok(count) if count > length / BYTES_MIN + 1 => {
            Some(format!("{number}: {length} bytes become {count} resources"))
        }
        Ok(_) => None,
    }
}

#[test]
fn no_input_panics_hangs_or_grows() {
    let seeds = seeds();
    let (first, count) = (number("FUZZ_FIRST", 0), number("FUZZ", INPUTS));
    let mut wrong = Vec::new();
    for number in first..first + count {
        let mut chance = Chance::new(number);
        let mut input = seeds[chance.below(seeds.len())].clone();
        for _ in 0..=chance.below(4) {
            let (mut other, donor) = (input.clone(), &seeds[chance.below(seeds.len())]);
            mutate(&mut other, donor, &mut chance);
            input = other;
        }
        let plans = number % PLANNED_EVERY == 0;
        if let Some(what) = complaint(number, &input, &mut chance, plans) {
            save(number, &input);
            wrong.push(what);
        }
    }
    println!("{count} inputs from {} seeds", seeds.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Inputs that no mutation is likely to make.
#[test]
fn named_horrors_are_survived() {
    let mut chance = Chance::new(1);
    for (index, (name, input)) in mutations::horrors().into_iter().enumerate() {
        let what = complaint(index as u64, &input, &mut chance, true);
        assert_eq!(what, None, "{name}");
    }
}
