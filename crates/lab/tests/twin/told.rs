//! Faults of which others tell: the examples of the pages, and what is injected into healthy worlds. Where the analyser is sure
//! and the twin shows all that the estate holds, verdict, symptom and moved counter agree.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;

use flexway_core::checks;
use flexway_core::diagnose::{self, Copier, Question};
use flexway_core::estate::Estate;
use flexway_lab::twin::{blueprint, tools};

use crate::broken::broken;
use crate::expected::expect;
use crate::folder::Folder;
use crate::injectors::INJECTORS;
use crate::{seen, support};

/// Twins that are looked at side by side: most of the time is spent waiting for what does not come.
const WORKERS: usize = 10;

/// An estate, the question to ask of it, and which faults it is said to have.
struct Case {
    title: String,
    faults: Vec<String>,
    estate: Estate,
    question: Question,
}

/// What comes of a case.
enum End {
    /// The analyser is not sure.
    Unsure,
    /// The twin leaves something out.
    LeftOut,
    Agrees,
    Differs(String),
}

fn look(case: &Case, folder: &std::path::Path) -> End {
    let report = diagnose::check(&case.estate, &case.question);
    let Some(expected) = expect(&case.estate, &report) else { return End::Unsure };
    let plan = blueprint(&case.estate, Some(&case.question.target));
    // The twin's clients stand where the target does.
    let is_elsewhere = case.question.copier != Copier::Target;
    if is_elsewhere || plan.is_ok_and(|plan| !plan.notes.is_empty()) {
        return End::LeftOut;
    }
    let seen = seen::look(&case.estate, &case.question, &expected, folder);
    match seen.differences(&expected) {
        differences if differences.is_empty() => End::Agrees,
        differences => End::Differs(format!(
            "{}: {:?}, but {}",
            case.title,
            report.verdict,
            differences.join("; ")
        )),
    }
}

/// Looks at all cases; gives the faults that a twin confirmed, each with how often.
fn judge(name: &str, cases: Vec<Case>) -> BTreeMap<String, usize> {
    let total = cases.len();
    let (left, ends) = (Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (left, ends) = (&left, &ends);
            scope.spawn(move || {
                let folder = Folder::new(&format!("{name}-{worker}"));
                loop {
                    let Some(case) = left.lock().expect("a list").pop() else { return };
                    let end = look(&case, folder.path());
                    ends.lock().expect("a list").push((case.faults, end));
                }
            });
        }
    });
    let (mut confirmed, mut wrong, mut unsure, mut left_out) = (BTreeMap::new(), Vec::new(), 0, 0);
    for (faults, end) in ends.into_inner().expect("a list") {
        match end {
            End::Unsure => unsure += 1,
            End::LeftOut => left_out += 1,
            End::Agrees => {
                faults.into_iter().for_each(|fault| *confirmed.entry(fault).or_default() += 1)
            }
            End::Differs(why) => wrong.push(why),
        }
    }
    println!(
        "{total} {name}: {unsure} not sure, {left_out} beyond a twin, {} faults confirmed: {confirmed:?}",
        confirmed.len()
    );
    assert!(wrong.is_empty(), "{} of {total} differ:\n{}", wrong.len(), wrong.join("\n"));
    confirmed
}

#[test]
fn the_kernel_shows_what_pages_say() {
    if let Err(why) = tools::require() {
        return eprintln!("the_kernel_shows_what_pages_say is skipped: failed to {why}");
    }
    let mut cases = Vec::new();
    for check in checks::ALL {
        for example in support::examples(check.page) {
            let estate = support::estate(&example.resources);
            let question = example.question(&estate);
            let causes = example.expected.iter().filter_map(|line| line.strip_prefix("cause "));
            let faults = causes.map(str::to_owned).collect();
            cases.push(Case {
                title: format!("{}: {}", check.fault, example.title),
                faults,
                estate,
                question,
            });
        }
    }
    let confirmed = judge("examples", cases);
    assert!(confirmed.len() > 20, "{confirmed:?}");
}

/// Injected worlds: each fault comes up as the first one so many times.
const ROUNDS: u64 = 3;

#[test]
fn the_kernel_shows_what_was_injected() {
    if let Err(why) = tools::require() {
        return eprintln!("the_kernel_shows_what_was_injected is skipped: failed to {why}");
    }
    let count = std::env::var("TWIN_INJECTED").ok().and_then(|text| text.parse().ok());
    let count = count.unwrap_or(ROUNDS * INJECTORS.len() as u64);
    let cases = (0..count).map(|seed| {
        let broken = broken(seed);
        let faults: BTreeSet<&str> = broken.wanted();
        Case {
            title: format!("injected {seed} {faults:?} into {:?}", broken.world.kind),
            faults: faults.into_iter().map(str::to_owned).collect(),
            estate: broken.world.estate(),
            question: broken.world.question(),
        }
    });
    let confirmed = judge("injected worlds", cases.collect());
    assert!(confirmed.len() > 20, "{confirmed:?}");
}
