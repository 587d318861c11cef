//! `cargo xtask bench estate`: how long a large estate takes, against the goals.

pub(crate) mod copy;
mod measure;
mod world;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use self::measure::{Numbers, quantile};
use self::world::Size;
use crate::chores::{cargo, step, target_folder};
use crate::process::Result;

/// The size of the goals: a million rules.
const SIZE: Size = Size { vnets: 10_000, rules: 100, pairs: 10_000 };

/// Networks at most: each has a /24 of 10.0.0.0/8.
const VNETS_MAX: usize = 65_536;

/// Builds the product and itself for speed, writes the estate where it is not there yet, measures and prints.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let size = size(arguments)?;
    if cfg!(debug_assertions) {
        return optimised("estate", arguments);
    }
    let (edition, vnets, rules, pairs) = (world::EDITION, size.vnets, size.rules, size.pairs);
    let name = format!("bench/estate{edition}-{vnets}-{rules}-{pairs}");
    let folder = target_folder().join(name);
    world::write(&folder, &size)?;
    let cold = cold(&folder)?;
    let numbers = measure::run(&folder, &size, measure::SAMPLES)?;
    print!("{}", table(&size, Some(cold), &numbers));
    Ok(())
}

/// Builds the product and this program for speed, and runs the same bench there.
fn optimised(bench: &str, arguments: &[&str]) -> Result<()> {
    step(cargo(&["build", "--release", "--locked", "--bin", "flexway"]))?;
    let mut again = vec!["run", "--release", "--locked", "--package", "xtask", "--"];
    again.extend(["bench", bench]);
    again.extend(arguments);
    step(cargo(&again))
}

fn size(arguments: &[&str]) -> Result<Size> {
    let mut size = SIZE;
    for pair in arguments.chunks(2) {
        let (name, text) = (pair[0], pair.get(1).copied().unwrap_or(""));
        let number: usize = text.parse().map_err(|_| format!("read {name} {text}: no number"))?;
        match name {
            "--vnets" if (1..=VNETS_MAX).contains(&number) => size.vnets = number,
            "--rules" if (1..=1000).contains(&number) => size.rules = number,
            "--pairs" if (1..=1_000_000).contains(&number) => size.pairs = number,
            _ => return Err(format!("use {name} {number}: --vnets, --rules or --pairs in bounds")),
        }
    }
    Ok(size)
}

/// A fresh process of the product: from the files to every verdict with its evidence.
fn cold(folder: &Path) -> Result<Duration> {
    let out = folder.join("answers.json");
    let file = File::create(&out).map_err(|why| format!("write {}: {why}", out.display()))?;
    let mut command = Command::new(target_folder().join("release/flexway"));
    command.arg("check").arg("--estate").arg(folder.join("estate"));
    command.arg("--pairs").arg(folder.join("pairs.csv")).args(["--json", "--full"]);
    command.stdout(Stdio::from(file));
    let started = Instant::now();
    let status = command.status().map_err(|why| format!("start flexway: {why}"))?;
    match status.code() {
        Some(0 | 1) => Ok(started.elapsed()),
        _ => Err(format!("judge all pairs: flexway ended with {status}")),
    }
}

/// The numbers beside their goals.
fn table(size: &Size, cold: Option<Duration>, numbers: &Numbers) -> String {
    let ms = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1000.0);
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    let resident = numbers.resident_bytes.map(|bytes| format!("{} MB", bytes / 1_000_000));
    let lines = [
        ("cold: disk to all answers", "5 s", cold.map_or("not run".to_owned(), seconds)),
        ("load", "", seconds(numbers.load)),
        ("resident after load", "300 MB", resident.unwrap_or("not known".to_owned())),
        ("warm: all pairs again", "40 ms", ms(numbers.warm)),
        ("one fact changed, median", "1 ms", ms(quantile(&numbers.changes, 0.5))),
        ("one fact changed, p99", "", ms(quantile(&numbers.changes, 0.99))),
        ("repair, median", "1 ms", ms(quantile(&numbers.repairs, 0.5))),
        ("repair, p99", "20 ms", ms(quantile(&numbers.repairs, 0.99))),
    ];
    let mut text = format!(
        "{} networks, {} rules, {} resources, {} pairs: {} reachable, {} unreachable; {} of {} repaired\n",
        size.vnets,
        size.vnets * size.rules,
        numbers.resources,
        size.pairs,
        numbers.reachable,
        numbers.unreachable,
        numbers.repaired,
        numbers.repairs.len(),
    );
    for (what, goal, is) in lines {
        text.push_str(&format!("{what:<28} {is:>14}   {goal:>7}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use flexway_core::diagnose;
    use flexway_core::trace::step::Verdict;

    use super::*;

    #[test]
    fn a_small_estate_gives_all_numbers() {
        let size = Size { vnets: 24, rules: 5, pairs: 24 };
        let folder = target_folder().join("bench/test");
        let _ = std::fs::remove_dir_all(&folder);
        world::write(&folder, &size).expect("the estate is written");
        let numbers = measure::run(&folder, &size, 8).expect("the numbers are there");
        assert!(numbers.resources > 24 * 10, "{numbers:?}");
        assert_eq!(numbers.reachable + numbers.unreachable, size.pairs, "{numbers:?}");
        assert!(numbers.reachable > 5 && numbers.unreachable > 5, "{numbers:?}");
        assert_eq!((numbers.changes.len(), numbers.repairs.len()), (8, 8));
        assert_eq!(numbers.repaired, numbers.repairs.len(), "{numbers:?}");
        assert!(table(&size, None, &numbers).contains("repair, p99"));
        let estate = measure::load(&folder.join("estate")).expect("it loads").estate;
        let questions = (0..size.pairs).map(|one| measure::question(&size, one).expect("a pair"));
        let reachable =
            questions.filter(|one| diagnose::check(&estate, one).verdict == Verdict::Reachable);
        assert_eq!(reachable.count(), numbers.reachable);
    }
}
