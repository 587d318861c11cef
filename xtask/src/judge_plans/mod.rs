//! Has the real az run every plan of the pages' examples against a server of our own, and diagnoses
//! what it left there.
//!
//! The simulation and the scripts say the same only as far as they were written by the same hand;
//! this asks another one. az weighs 700 MB, so this is a chore for people who change plans, not for
//! CI.

mod loopback;
mod react;
mod service;

use std::fs;
use std::path::Path;

use flexway_core::diagnose::{self, Copier, Question, Report, Source};
use flexway_core::estate::{Input, load};
use flexway_core::id::ResourceId;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use self::loopback::{Az, Server};
use self::service::World;
use crate::chores::{step, target_folder};
use crate::lint_plans::{check_of_bodies, files, write_plans};
use crate::process::Result;

/// An example with its plan's script.
struct Case {
    name: String,
    question: Question,
    resources: Vec<Value>,
    script: String,
    /// The verdict that the plan promises: a machine's own gate no estate tells.
    promised: Value,
}

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let wanted = wanted(arguments)?;
    let folder = target_folder().join("judged");
    write_plans(&folder)?;
    let cases = cases(&folder, &wanted)?;
    if cases.is_empty() {
        return Err(format!("find a plan of {}", wanted.join(", ")));
    }
    let bodies: Vec<_> =
        cases.iter().map(|case| folder.join(format!("{}.json", case.name))).collect();
    let are_typed = step(check_of_bodies(&bodies)?);
    let az = Az::log_in(&folder)?;
    let mut failed = Vec::new();
    for case in &cases {
        match judge(&az, case) {
            Ok(words) => println!("ok    {}: {words}", case.name),
            Err(why) => {
                println!("FAIL  {}: {why}", case.name);
                failed.push(case.name.as_str());
            }
        }
    }
    println!("{} of {} plans lead where they promise", cases.len() - failed.len(), cases.len());
    are_typed?;
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!("get where the plan promises after {}", failed.join(", "))),
    }
}

/// Faults given by `--only`; none for all.
fn wanted(arguments: &[&str]) -> Result<Vec<String>> {
    let pairs = arguments.chunks(2).map(|pair| match pair {
        ["--only", fault] => Ok((*fault).to_owned()),
        other => Err(format!("read `{}`: use `--only FAULT`", other.join(" "))),
    });
    pairs.collect()
}

fn cases(folder: &Path, wanted: &[String]) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in files(&folder.join("estates"), "json")? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let asked: Value = serde_json::from_str(&one_subscription(&read(&path)?))
            .map_err(|why| format!("read {}: {why}", path.display()))?;
        let text = |field: &str| asked[field].as_str().unwrap_or_default();
        if !wanted.is_empty() && !wanted.iter().any(|fault| fault == text("fault")) {
            continue;
        }
        let id = |field: &str| {
            ResourceId::parse(text(field)).ok_or(format!("read the {field} of {}", path.display()))
        };
        let question = Question {
            source: source(text("source")),
            target: id("target")?,
            copier: copier(text("copier")),
            port: asked["port"].as_u64().and_then(|port| port.try_into().ok()).unwrap_or(0),
        };
        let resources = asked["resources"].as_array().cloned().unwrap_or_default();
        let script = one_subscription(&read(&folder.join(format!("{name}.sh")))?);
        let promised = asked["after"].clone();
        cases.push(Case { name, question, resources, script, promised });
    }
    Ok(cases)
}

fn source(text: &str) -> Source {
    ResourceId::parse(text).map_or_else(|| Source::Host(text.to_owned()), Source::Server)
}

/// Where the copier of an example runs.
fn copier(text: &str) -> Copier {
    ResourceId::parse(text).map_or(Copier::Target, Copier::Host)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|why| format!("read {}: {why}", path.display()))
}

/// The server knows one subscription; the fixtures have another one.
fn one_subscription(text: &str) -> String {
    const FIXTURES: &str = "11111111-2222-3333-4444-555555555555";
    text.replace(FIXTURES, loopback::SUBSCRIPTION)
}

/// Runs a plan's script and diagnoses the estate that it leaves.
fn judge(az: &Az, case: &Case) -> Result<String> {
    let world = World::of(&case.resources);
    let untouched = diagnosis(case, world.back(world.resources.clone(), &[]));
    if untouched.verdict == Verdict::Reachable {
        return Err("it was reachable before anything was done".to_owned());
    }
    let server = Server::start(az, &world.resources)?;
    let commands = az.run_script(&case.script)?;
    let left = az.read_back()?;
    let requests = server.requests()?;
    drop(server);
    let report = diagnosis(case, world.back(left, &requests));
    let verdict = json!(report.verdict);
    if verdict == case.promised && !report.is_closed() {
        return Ok(format!("{commands} commands, {} requests, {verdict}", requests.len()));
    }
    let causes: Vec<&str> = report.causes().map(|cause| cause.message.as_str()).collect();
    let missing: Vec<&str> = report.missing.iter().map(|one| one.what.as_str()).collect();
    Err(format!("{verdict} after the script: {}", [causes, missing].concat().join("; ")))
}

fn diagnosis(case: &Case, resources: Vec<Value>) -> Report {
    let input = Input { file: case.name.clone(), json: Value::Array(resources) };
    diagnose::check(&load(vec![input]).estate, &case.question)
}
