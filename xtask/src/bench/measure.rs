//! What is measured of a large estate in one process: loading, judging again, one changed fact, repairs.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flexway_core::diagnose::{self, Copier, PORT, Question, Source};
use flexway_core::estate::{Estate, Key, Loaded, Scanned, scan_list, settle};
use flexway_core::id::ResourceId;
use flexway_core::plan;
use flexway_core::repair::Policy;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use super::world::{self, Size};
use crate::process::Result;

/// Threads: the machine of the goals has two cores.
const THREADS: usize = 2;

/// Failing pairs that are repaired, and facts that are changed.
pub(crate) const SAMPLES: usize = 200;

/// A prime number of networks between one changed fact and the next.
const STEP: usize = 7_919;

/// Repairs are measured for so long at most: a bench is waited for.
const REPAIRS_TIME_MAX: Duration = Duration::from_secs(60);

/// What was measured.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) load: Duration,
    /// Resident memory after the load; `None` where `/proc` does not tell.
    pub(crate) resident_bytes: Option<u64>,
    pub(crate) resources: usize,
    pub(crate) reachable: usize,
    pub(crate) unreachable: usize,
    /// The verdicts of all pairs a second time, without sentences and fixes.
    pub(crate) warm: Duration,
    /// Judging the pairs that one changed security group touches.
    pub(crate) changes: Vec<Duration>,
    pub(crate) repairs: Vec<Duration>,
    /// Repairs that lead to the source.
    pub(crate) repaired: usize,
}

/// A duration at a share of a list, 0.5 for the median.
pub(crate) fn quantile(list: &[Duration], share: f64) -> Duration {
    let mut sorted = list.to_vec();
    sorted.sort();
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

pub(crate) fn run(folder: &Path, size: &Size, samples: usize) -> Result<Numbers> {
    let started = Instant::now();
    let loaded = load(&folder.join("estate"))?;
    let load = started.elapsed();
    let resident_bytes = resident_bytes();
    if let Some(problem) = loaded.problems.first() {
        return Err(format!("read the estate: {problem:?}"));
    }
    let estate = loaded.estate;
    let questions: Vec<Question> =
        (0..size.pairs).map(|number| question(size, number)).collect::<Result<_>>()?;
    let verdicts =
        judge_all(&estate, &questions, |estate, one| diagnose::check(estate, one).verdict);
    let started = Instant::now();
    let again = judge_all(&estate, &questions, diagnose::verdict);
    let warm = started.elapsed();
    if verdicts != again {
        return Err("judge twice alike".to_owned());
    }
    let changes = changes(&estate, size, &questions, samples)?;
    let (repairs, repaired) = repairs(&estate, &questions, &verdicts, samples);
    let count = |verdict| verdicts.iter().filter(|one| **one == verdict).count();
    Ok(Numbers {
        load,
        resident_bytes,
        resources: estate.len(),
        reachable: count(Verdict::Reachable),
        unreachable: count(Verdict::Unreachable),
        warm,
        changes,
        repairs,
        repaired,
    })
}

/// The question of a pair.
pub(crate) fn question(size: &Size, number: usize) -> Result<Question> {
    let (source, target) = world::pair(size, number);
    let id = |text: &str| ResourceId::parse(text).ok_or_else(|| format!("read the id {text}"));
    let source = Source::Server(id(&source)?);
    Ok(Question { source, target: id(&target)?, copier: Copier::Target, port: PORT })
}

/// Reads all files of a folder, two at a time.
pub(crate) fn load(folder: &Path) -> Result<Loaded> {
    let failed = |why: std::io::Error| format!("read {}: {why}", folder.display());
    let entries: Vec<_> =
        fs::read_dir(folder).map_err(failed)?.collect::<std::io::Result<_>>().map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.iter().map(|entry| entry.path()).collect();
    files.sort();
    let share = files.len().div_ceil(THREADS).max(1);
    let parts: Vec<Result<Vec<Scanned>>> = std::thread::scope(|scope| {
        let started: Vec<_> = files
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    let mut window = Vec::new();
                    part.iter().map(|file| parse(file, &mut window)).collect()
                })
            })
            .collect();
        started.into_iter().map(|one| one.join().unwrap_or(Err("parse".to_owned()))).collect()
    });
    let mut inputs = Vec::new();
    for part in parts {
        inputs.extend(part?.into_iter().map(|input| (0, input)));
    }
    Ok(settle(inputs))
}

fn parse(file: &Path, window: &mut Vec<u8>) -> Result<Scanned> {
    let name = file.display().to_string();
    let scanned = fs::File::open(file).and_then(|file| scan_list(&name, file, window));
    let scanned = scanned.map_err(|why| format!("read {name}: {why}"))?;
    scanned.ok_or_else(|| format!("read {name}: it is no list"))
}

/// Judges all pairs on all threads.
fn judge_all(
    estate: &Estate,
    questions: &[Question],
    judge: fn(&Estate, &Question) -> Verdict,
) -> Vec<Verdict> {
    let share = questions.len().div_ceil(THREADS).max(1);
    std::thread::scope(|scope| {
        let started: Vec<_> = questions
            .chunks(share)
            .map(|part| {
                let estate = estate.clone();
                scope.spawn(move || part.iter().map(|one| judge(&estate, one)).collect::<Vec<_>>())
            })
            .collect();
        started.into_iter().flat_map(|one| one.join().unwrap_or_default()).collect()
    })
}

/// Changes one security group after the other, each time from the same estate, and judges again what the change touches.
fn changes(
    estate: &Estate,
    size: &Size,
    questions: &[Question],
    samples: usize,
) -> Result<Vec<Duration>> {
    let mut readers: HashMap<Key, Vec<usize>> = HashMap::new();
    for (number, question) in questions.iter().enumerate() {
        let (_, reads) = estate.watch(|estate| diagnose::verdict(estate, question));
        reads.keys().for_each(|key| readers.entry(key.clone()).or_default().push(number));
    }
    let mut times = Vec::new();
    for sample in 0..samples.min(size.vnets) {
        // A step that meets hubs as often as there are any.
        let vnet = sample * STEP % size.vnets;
        let (id, body, resource) = changed_group(estate, vnet)?;
        let started = Instant::now();
        let mut after = estate.clone();
        after.put(&id, body, resource, &mut Vec::new());
        let writes = after.writes_since(estate);
        let mut touched: Vec<usize> =
            writes.iter().filter_map(|key| readers.get(key)).flatten().copied().collect();
        touched.sort_unstable();
        touched.dedup();
        for number in &touched {
            let _ = diagnose::verdict(&after, &questions[*number]);
        }
        times.push(started.elapsed());
    }
    Ok(times)
}

/// A network's security group with one rule more.
fn changed_group(
    estate: &Estate,
    vnet: usize,
) -> Result<(ResourceId, Value, flexway_core::estate::Origin)> {
    let text = world::security_group_id(vnet);
    let id = ResourceId::parse(&text).ok_or_else(|| format!("read the id {text}"))?;
    let resource = estate.resource(&id).ok_or_else(|| format!("find {id}"))?;
    let mut body = resource.body.value().into_owned();
    let rule = json!({ "name": "late", "properties": { "priority": 4000, "direction": "Inbound",
        "access": "Deny", "protocol": "Tcp", "sourcePortRange": "*", "destinationPortRange": "5432",
        "sourceAddressPrefix": "192.168.7.0/24", "destinationAddressPrefix": "*" } });
    let rules = body.pointer_mut("/properties/securityRules").and_then(Value::as_array_mut);
    rules.ok_or_else(|| format!("find the rules of {id}"))?.push(rule);
    Ok((id, body, resource.origin.clone()))
}

/// Plans the repair of failing pairs, spread over all; with the number of those that are repaired.
fn repairs(
    estate: &Estate,
    questions: &[Question],
    verdicts: &[Verdict],
    samples: usize,
) -> (Vec<Duration>, usize) {
    let failing: Vec<&Question> = questions
        .iter()
        .zip(verdicts)
        .filter(|(_, verdict)| **verdict == Verdict::Unreachable)
        .map(|(question, _)| question)
        .collect();
    let step = (failing.len() / samples).max(1);
    let (mut times, mut repaired) = (Vec::new(), 0);
    let began = Instant::now();
    for question in failing.iter().step_by(step).take(samples) {
        if began.elapsed() > REPAIRS_TIME_MAX {
            break;
        }
        let started = Instant::now();
        let plan = plan::plan(estate, question, &Policy::default());
        times.push(started.elapsed());
        repaired += usize::from(plan.after == Verdict::Reachable);
    }
    (times, repaired)
}

/// `VmRSS` of this process.
fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
