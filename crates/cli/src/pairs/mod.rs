//! `flexway check --pairs`: judges many pairs in one run, on all cores, and prints one line or one object a pair.

mod file;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::num::NonZero;
use std::path::Path;

use flexway_core::diagnose::{self, Copier, PORT, Report};
use flexway_core::estate::Estate;
use flexway_core::fusion;
use flexway_core::probes::Observation;
use flexway_core::trace::step::Verdict;
use serde_json::{Value, json};

use self::file::Pair;
use crate::check::exit_of;
use crate::ends::{Ends, own_port};
use crate::estates::FlowArgs;
use crate::exit::{Ended, Exit, Failure};
use crate::output::{Tame, remark};

/// Threads that judge: more than that no machine of an operator has to spare.
const THREADS_MAX: usize = 16;

/// Pairs that could not be judged and are named on standard error; the answer has them all.
const UNREAD_SHOWN_MAX: usize = 10;

/// The answer for one pair, as it is printed.
struct Answer {
    /// The verdict; `None` for a pair that could not be judged.
    verdict: Option<Verdict>,
    line: String,
    /// Why it could not be judged, for people; empty otherwise.
    trouble: String,
}

/// How pairs are printed.
#[derive(Clone, Copy)]
enum Form {
    Lines,
    Objects { is_full: bool },
}

pub(crate) fn run(
    flow: &FlowArgs,
    file: &Path,
    observations: &[Observation],
    is_json: bool,
    is_full: bool,
) -> Ended {
    let (source, target) = (String::new(), String::new());
    let given = Ends { source, target, copier: flow.copier.clone(), port: flow.port };
    let is_input = |path: &Path| path.as_os_str() == "-";
    if is_input(file) && flow.estate.iter().any(|path| is_input(path)) {
        let why = "the estate and the pairs cannot both come from it";
        let help = "put one of them into a file";
        return Err(Failure::usage("read standard input", why, help));
    }
    let pairs = file::read(file, &given)?;
    let (loaded, after) = flow.load()?;
    let form = if is_json { Form::Objects { is_full } } else { Form::Lines };
    let answers = judge_all(&loaded.estate, &pairs, observations, form);
    let totals = totals(&answers);
    let printed = match form {
        Form::Lines => print_lines(&answers, &totals),
        Form::Objects { .. } => {
            let rest = json!({ "totals": totals, "problems": loaded.problems,
                "replaced": loaded.replaced, "after": after });
            print_objects(&answers, &rest)
        }
    };
    // The process ends: giving every resource of a large estate back by itself would take longer than to judge a thousand pairs.
    std::mem::forget(loaded.estate);
    // A reader that went away is not our failure.
    let _ = printed;
    end(&answers, is_json)
}

/// Judges the pairs on all cores; the answers are in the order of the pairs.
fn judge_all(
    estate: &Estate,
    pairs: &[Pair],
    observations: &[Observation],
    form: Form,
) -> Vec<Answer> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = pairs.len().div_ceil(cores.min(THREADS_MAX)).max(1);
    std::thread::scope(|scope| {
        // A copy of an estate costs nothing; it notes what is read from it, so each thread has its own.
        let started = pairs.chunks(share).map(|part| {
            let estate = estate.clone();
            scope.spawn(move || -> Vec<Answer> {
                part.iter().map(|pair| judge(&estate, pair, observations, form)).collect()
            })
        });
        let started: Vec<_> = started.collect();
        let joined = started.into_iter().map(|one| one.join());
        joined
            .flat_map(|part| part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn judge(estate: &Estate, pair: &Pair, observations: &[Observation], form: Form) -> Answer {
    let ends = match pair {
        Ok(ends) => ends,
        Err(why) => return unread("?", "?", why, form),
    };
    let question = match ends.find(estate) {
        Ok(question) => question,
        Err(failure) => {
            let why = failure.reason();
            return unread(&ends.source, &ends.target, &why, form);
        }
    };
    let mut report = diagnose::check(estate, &question);
    // Of all that was seen, what dialled this pair's servers.
    let names =
        [fusion::dialled_name(estate, &question), fusion::server_name(estate, &question.target)];
    let concerns = |one: &&Observation| {
        let host = one.to.host.trim_end_matches('.').to_ascii_lowercase();
        names.contains(&host)
    };
    let seen: Vec<Observation> = observations.iter().filter(concerns).cloned().collect();
    if !seen.is_empty() {
        fusion::fuse(estate, &mut report, &seen);
    }
    let line = match form {
        Form::Lines => line_of(&report, ends),
        Form::Objects { is_full } => {
            let mut value = json!({
                "source": report.question.source.text(),
                "target": report.question.target,
                "copier": report.question.copier.text(),
                "port": report.question.port,
                "verdict": report.verdict,
                "code": report.code,
                "causes": causes(&report),
            });
            if is_full {
                value["report"] = report.to_json();
            }
            value.to_string()
        }
    };
    Answer { verdict: Some(report.verdict), line, trouble: String::new() }
}

fn unread(source: &str, target: &str, why: &str, form: Form) -> Answer {
    let trouble = format!("{source} <- {target}  {why}");
    let line = match form {
        Form::Lines => format!("{:<12}  {trouble}", "not judged"),
        Form::Objects { .. } => json!({ "source": source, "target": target, "verdict": null,
            "code": null, "causes": [], "error": why })
        .to_string(),
    };
    Answer { verdict: None, line, trouble }
}

fn line_of(report: &Report, ends: &Ends) -> String {
    let name = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let mut line = format!(
        "{:<12}  {} <- {}",
        word(Some(report.verdict)),
        name(&ends.source),
        name(&ends.target)
    );
    let question = &report.question;
    let copier = (question.copier != Copier::Target).then(|| name(&ends.copier));
    let copier = copier.map(|copier| format!("copier {copier}"));
    let port = (question.port != PORT && own_port(&ends.source).is_none())
        .then(|| format!("port {}", question.port));
    let other: Vec<String> = port.into_iter().chain(copier).collect();
    if !other.is_empty() {
        let _ = write!(line, " ({})", other.join(", "));
    }
    let causes = causes(report);
    if !causes.is_empty() {
        let _ = write!(line, "  {}", causes.join(", "));
    } else if let Some(missing) = report.missing.first() {
        let _ = write!(line, "  not observed: {}", missing.what);
    }
    line
}

/// The faults that cause the verdict, each once, in their order.
fn causes(report: &Report) -> Vec<&'static str> {
    let mut faults: Vec<&str> = Vec::new();
    for finding in report.causes() {
        if !faults.contains(&finding.fault) {
            faults.push(finding.fault);
        }
    }
    faults
}

/// The word of a verdict in the answer.
fn word(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Reachable) => "reachable",
        Some(Verdict::Unreachable) => "unreachable",
        Some(Verdict::Partial) => "partial",
        Some(Verdict::Undetermined) => "undetermined",
        Some(Verdict::Inconsistent) => "inconsistent",
        None => "unread",
    }
}

fn totals(answers: &[Answer]) -> BTreeMap<&'static str, usize> {
    let mut totals = BTreeMap::from([("pairs", answers.len())]);
    let known = [Verdict::Reachable, Verdict::Unreachable, Verdict::Partial];
    let rest = [Verdict::Undetermined, Verdict::Inconsistent];
    for verdict in known.into_iter().chain(rest).map(Some).chain([None]) {
        let count = answers.iter().filter(|answer| answer.verdict == verdict).count();
        totals.insert(word(verdict), count);
    }
    totals
}

fn print_lines(answers: &[Answer], totals: &BTreeMap<&'static str, usize>) -> std::io::Result<()> {
    let mut out = Tame(std::io::BufWriter::new(std::io::stdout().lock()));
    for answer in answers {
        writeln!(out, "{}", answer.line)?;
    }
    let told = totals.iter().filter(|(name, count)| **name != "pairs" && **count > 0);
    let words = |name: &'static str| if name == word(None) { "not judged" } else { name };
    let told: Vec<String> = told.map(|(name, count)| format!("{count} {}", words(name))).collect();
    let noun = if answers.len() == 1 { "pair" } else { "pairs" };
    writeln!(out, "\n{} {noun}: {}", answers.len(), told.join(", "))?;
    out.flush()
}

/// One document with a line a pair: it is written as it stands, never held as one value.
fn print_objects(answers: &[Answer], rest: &Value) -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    write!(out, "{{\"schema\":\"flexway.pairs/1\",\"pairs\":[")?;
    for (index, answer) in answers.iter().enumerate() {
        write!(out, "{}\n{}", if index == 0 { "" } else { "," }, answer.line)?;
    }
    write!(out, "\n]")?;
    for (name, value) in rest.as_object().into_iter().flatten() {
        write!(out, ",\n\"{name}\":{value}")?;
    }
    writeln!(out, "}}")?;
    out.flush()
}

/// The worst of all ends. Beside JSON, people are told what could not be judged; lines have said it.
fn end(answers: &[Answer], is_json: bool) -> Ended {
    let unread: Vec<&Answer> = answers.iter().filter(|one| one.verdict.is_none()).collect();
    if !unread.is_empty() {
        for answer in unread.iter().take(UNREAD_SHOWN_MAX).filter(|_| is_json) {
            remark(format_args!("warning: not judged: {}", answer.trouble));
        }
        return Err(Failure::failed(
            "judge all pairs",
            format!(
                "{} of {} name something that is not there, or cannot be read",
                unread.len(),
                answers.len()
            ),
            "the answer says why for each of them; the others are judged",
        ));
    }
    let ends: Vec<Exit> = answers.iter().filter_map(|one| one.verdict).map(exit_of).collect();
    Ok(match () {
        () if ends.contains(&Exit::Findings) => Exit::Findings,
        () if ends.contains(&Exit::Unknown) => Exit::Unknown,
        () => Exit::Good,
    })
}
