//! Everything that speaks against a move, looked at on both servers before anything is touched.

use std::collections::BTreeSet;
use std::time::Instant;

use flexway_core::assess::facts::{Facts, Mode, NoTool};
use flexway_core::assess::forecast::{self, Forecast};
use flexway_core::assess::provider::Provider;
use flexway_core::assess::{self, Assessment, Finding, Level, Place};
use flexway_core::migrate::{DatabaseFacts, MoveError, Remedy, ServerFacts};
use serde::Serialize;

use crate::run::{Ports, RunError};

/// Fixes told with a refusal; an assessment has all.
const FIXES_TOLD_MAX: usize = 3;

/// What is to be moved, and how.
#[derive(Debug, Clone)]
pub struct AssessOptions {
    /// Names of databases; empty for all.
    pub databases: Vec<String>,
    /// How the move is to go.
    pub mode: Mode,
    /// Whether databases of the target may be replaced.
    pub overwrite: bool,
    /// Whether roles are carried.
    pub roles: bool,
    /// Tables worked on side by side, for the forecast.
    pub jobs: usize,
}

/// The answer of `assess`: the content of its JSON.
#[derive(Debug, Clone, Serialize)]
pub struct AssessReport {
    /// How the move is to go.
    pub mode: Mode,
    /// The server that is left.
    pub source: ServerReport,
    /// The server that is moved to.
    pub target: ServerReport,
    /// The databases to move.
    pub databases: Vec<DatabaseSize>,
    /// What was found.
    #[serde(flatten)]
    pub assessment: Assessment,
    /// How long the move will take; `None` when it could not be measured.
    pub forecast: Option<Forecast>,
    /// Why there is no forecast.
    pub no_forecast: Option<String>,
    /// How long this took.
    pub seconds: f64,
}

/// A server in a report.
#[derive(Debug, Clone, Serialize)]
pub struct ServerReport {
    /// `host:port as user`.
    pub label: String,
    /// `server_version_num`.
    pub version: u32,
    /// Whose service it is.
    pub provider: Provider,
}

/// A database in a report.
#[derive(Debug, Clone, Serialize)]
pub struct DatabaseSize {
    /// Its name.
    pub name: String,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Looks at both servers and judges; changes nothing on either.
///
/// # Errors
/// [`RunError::Refused`] when a server cannot be looked at.
pub fn assess(ports: Ports<'_>, options: &AssessOptions) -> Result<AssessReport, RunError> {
    let started = Instant::now();
    let none = BTreeSet::new();
    let facts = look(ports, options, &none, &none).map_err(RunError::Refused)?;
    let assessment = assess::judge(&facts);
    let names: Vec<String> = facts.databases.iter().map(|one| one.name.clone()).collect();
    let (forecast, no_forecast) = match ports.servers.measure(&names) {
        Ok(rates) => (forecast::forecast(&facts.databases, rates, options.jobs), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let server = |server: &assess::facts::Server| ServerReport {
        label: server.facts.label.clone(),
        version: server.facts.version,
        provider: server.provider,
    };
    let size = |facts: &assess::facts::Database| DatabaseSize {
        name: facts.name.clone(),
        bytes: facts.size_bytes,
    };
    Ok(AssessReport {
        mode: options.mode,
        source: server(&facts.source),
        target: server(&facts.target),
        databases: facts.databases.iter().map(size).collect(),
        assessment,
        forecast,
        no_forecast,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Reads all facts. `touched` are databases of the target that are of this move; those of `finished`
/// are not looked into.
///
/// # Errors
/// What cannot be reached or read, all of it.
pub(crate) fn look(
    ports: Ports<'_>,
    options: &AssessOptions,
    touched: &BTreeSet<String>,
    finished: &BTreeSet<String>,
) -> Result<Facts, Vec<MoveError>> {
    let mut errors = Vec::new();
    let source = ports.servers.source().map_err(|error| errors.push(error)).ok();
    let names: Vec<String> = match &source {
        Some(source) => chosen(source, &options.databases).map(|one| one.name.clone()).collect(),
        None => options.databases.clone(),
    };
    let target = ports.servers.target(&names).map_err(|error| errors.push(error)).ok();
    let (Some(source), Some(target)) = (source, target) else { return Err(errors) };
    let tool = match ports.servers.tools() {
        Ok(tool) => Ok(tool),
        Err(error) if error.remedy == Remedy::Act => {
            Err(NoTool { why: error.why, help: error.help })
        }
        Err(error) => return Err(vec![error]),
    };
    let (source, target) =
        ports.servers.look_at(source, target, &options.databases).map_err(|error| vec![error])?;
    let (mut databases, mut unopened) = (Vec::new(), Vec::new());
    for name in names.iter().filter(|name| !finished.contains(*name)) {
        match ports.databases.look_into(name) {
            Ok(database) => databases.push(database),
            // It concerns this database alone.
            Err(error) if error.remedy == Remedy::Act => unopened.push((name.clone(), error)),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Facts {
        mode: options.mode,
        with_roles: options.roles,
        overwrite: options.overwrite,
        wanted: options.databases.clone(),
        touched: touched.clone(),
        source,
        target,
        tool,
        databases,
        unopened,
    })
}

/// The databases to move: the named ones, or all.
pub(crate) fn chosen<'a>(
    source: &'a ServerFacts,
    named: &'a [String],
) -> impl Iterator<Item = &'a DatabaseFacts> {
    source.databases.iter().filter(move |one| named.is_empty() || named.contains(&one.name))
}

/// What keeps the move from being begun, in the engine's words.
pub(crate) fn refusals(assessment: &Assessment) -> Vec<MoveError> {
    let blocks = assessment.findings.iter().filter(|one| one.level == Level::Blocks);
    blocks.map(refusal).collect()
}

fn refusal(finding: &Finding) -> MoveError {
    let what = match &finding.database {
        Some(name) => format!("move database {name}"),
        None => "begin the move".to_owned(),
    };
    let mut help: Vec<String> = Vec::new();
    for fix in finding.fixes.iter().take(FIXES_TOLD_MAX) {
        help.push(match fix.on {
            Place::Source => format!("on the source: {}", fix.run),
            Place::Target => format!("on the target: {}", fix.run),
            Place::Shell => fix.run.clone(),
        });
    }
    let more = finding.fixes.len().saturating_sub(FIXES_TOLD_MAX);
    if more > 0 {
        help.push(format!("and {more} more, see flexway assess"));
    }
    help.extend((!finding.advice.is_empty()).then(|| finding.advice.clone()));
    help.push(format!("flexway explain {}", finding.id));
    MoveError {
        what,
        why: format!("{}; {}", finding.message, finding.why),
        help: help.join("; "),
        remedy: Remedy::Act,
    }
}

/// What is worth knowing before a move, a sentence each: risks, and what could not be looked at. What
/// becomes of roles is told when they are carried.
pub(crate) fn notes(assessment: &Assessment) -> Vec<String> {
    let risks = assessment.findings.iter().filter(|one| one.level == Level::Risks);
    let told = risks.filter(|one| !one.id.starts_with("role/")).map(sentence);
    let unseen = assessment.missing.iter();
    let unseen = unseen.map(|one| format!("{} could not be read: {}", one.fact.what, one.fact.why));
    told.chain(unseen).collect()
}

/// What does not go along, a sentence each: for a comparison.
pub(crate) fn left_behind(assessment: &Assessment) -> Vec<String> {
    let is_left = |id: &str| id.starts_with("left/") || id == "database/left-out";
    assessment.findings.iter().filter(|one| is_left(one.id)).map(sentence).collect()
}

fn sentence(finding: &Finding) -> String {
    let place = finding.database.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    let rest = if finding.advice.is_empty() { &finding.why } else { &finding.advice };
    format!("{place}{}; {rest}", finding.message)
}
