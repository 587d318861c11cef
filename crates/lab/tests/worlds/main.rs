//! Random worlds, asked of the analyser and then of the kernel: a twin of each world resolves, connects and
//! asks for TLS from every address that the copier may have. The verdict, the symptom and the rule that the
//! analyser blames have to be those that the twin shows.
//!
//! `TWIN_WORLDS=5000 TWIN_FIRST=300` tries others; `cargo xtask twin --count 5000` does so, optimised.

#[path = "../../../core/tests/worlds/chance.rs"]
mod chance;
#[path = "../../../core/tests/worlds/filters.rs"]
mod filters;
#[path = "../../../core/tests/worlds/generate.rs"]
mod generate;
#[path = "../../../core/tests/worlds/names.rs"]
mod names;
#[path = "../../../core/tests/worlds/shrink.rs"]
mod shrink;

mod expected;
mod folder;
mod seen;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use flexway_core::diagnose::{self, Report};
use flexway_core::estate::Estate;
use flexway_lab::twin::tools;
use generate::{Case, TARGET};
use serde_json::{Value, json};

use expected::{Expected, expect};
use folder::Folder;

/// Worlds that the twin is built of: those of which the analyser is sure.
const WORLDS: u64 = 300;

/// Worlds beyond these on which analyser and twin once differed.
const SETTLED: [u64; 15] =
    [534, 784, 1128, 1214, 1434, 1515, 1771, 1941, 2053, 2545, 2689, 2906, 3144, 3584, 4462];

/// Mismatches that are made small; that takes a minute each.
const SHRUNK_MAX: usize = 4;

/// Twins that are looked at side by side.
const WORKERS_PER_CORE: usize = 5;

fn predict(case: &Case) -> (Estate, Report, Option<Expected>) {
    let estate = case.estate();
    let report = diagnose::check(&estate, &case.question());
    let expected = expect(&estate, &report);
    (estate, report, expected)
}

/// What is wrong with a world: `None` when both say the same, or the analyser says nothing.
fn mismatch(case: &Case, folder: &std::path::Path) -> Option<String> {
    let (estate, report, expected) = predict(case);
    let seen = seen::look(&estate, &case.question(), &expected.clone()?, folder);
    let differences = seen.differences(&expected?);
    let verdict = json!(report.verdict);
    (!differences.is_empty()).then(|| format!("{verdict} is said, but {}", differences.join("; ")))
}

fn small(seed: u64, case: &Case, folder: &std::path::Path) -> String {
    let with = |resources: &[Value]| Case {
        resources: resources.to_vec(),
        source: case.source.clone(),
        port: case.port,
        copier: case.copier.clone(),
    };
    let resources =
        shrink::shrink(case.resources.clone(), |fewer| mismatch(&with(fewer), folder).is_some());
    let case = with(&resources);
    let why = mismatch(&case, folder).unwrap_or_default();
    let report = predict(&case).1.to_json();
    let steps = ["forward", "return"].map(|leg| report["trace"][leg].clone());
    let words: Vec<String> = steps
        .iter()
        .filter_map(Value::as_array)
        .flatten()
        .map(|step| format!("    {} {}: {}", step["outcome"], step["stage"], step["detail"]))
        .collect();
    format!(
        "world {seed}: {why}\n{}\n{}",
        words.join("\n"),
        json!({ "source": case.source, "target": TARGET, "port": case.port, "resources": resources })
    )
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn the_kernel_does_what_the_analyser_says() {
    if let Err(why) = tools::require() {
        return eprintln!("the_kernel_does_what_the_analyser_says is skipped: failed to {why}");
    }
    let (first, wanted) = (number("TWIN_FIRST", 0), number("TWIN_WORLDS", WORLDS));
    let (next, asked) = (AtomicU64::new(first), AtomicU64::new(0));
    let settled = Mutex::new(if first == 0 { SETTLED.to_vec() } else { Vec::new() });
    let (wrong, counts) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::<String, u64>::new()));
    let started = Instant::now();
    thread::scope(|scope| {
        // Most of the time is spent waiting for what does not come.
        for worker in 0..WORKERS_PER_CORE * thread::available_parallelism().map_or(2, usize::from) {
            let (next, asked, settled) = (&next, &asked, &settled);
            let (wrong, counts) = (&wrong, &counts);
            scope.spawn(move || {
                let folder = Folder::new(&worker.to_string());
                loop {
                    let kept = settled.lock().expect("a list").pop();
                    if kept.is_none() && asked.load(Ordering::Relaxed) >= wanted {
                        return;
                    }
                    let seed = kept.unwrap_or_else(|| next.fetch_add(1, Ordering::Relaxed));
                    let case = generate::case(seed);
                    let (_, _, expected) = predict(&case);
                    let Some(expected) = expected else { continue };
                    asked.fetch_add(u64::from(kept.is_none()), Ordering::Relaxed);
                    *counts.lock().expect("a count").entry(expected.word()).or_default() += 1;
                    if let Some(why) = mismatch(&case, folder.path()) {
                        let is_many = wrong.lock().expect("a list").len() >= SHRUNK_MAX;
                        let text = match is_many {
                            true => format!("world {seed}: {why}"),
                            false => small(seed, &case, folder.path()),
                        };
                        wrong.lock().expect("a list").push(text);
                    }
                }
            });
        }
    });
    let (wrong, counts) =
        (wrong.into_inner().expect("a list"), counts.into_inner().expect("a count"));
    let tried = next.load(Ordering::Relaxed) - first;
    println!(
        "{} twins of {tried} worlds in {:.0} s: {counts:?}",
        asked.load(Ordering::Relaxed),
        started.elapsed().as_secs_f64()
    );
    assert!(wrong.is_empty(), "{} mismatches:\n{}", wrong.len(), wrong.join("\n"));
}
