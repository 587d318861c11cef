//! Looks at both servers before anything is changed, and says everything that speaks against the
//! move at once.

use std::collections::BTreeSet;

use flexway_core::assess::facts::{Facts, Mode};
use flexway_core::assess::{Level, judge};
use flexway_core::migrate::{DatabaseFacts, MoveError, Phase, Remedy, ServerFacts, ToolFacts};

use crate::assess::{self, AssessOptions};
use crate::ledger::Ledger;
use crate::run::{Ports, RunError, RunOptions};

/// The refusals that concern a comparison as well.
const UNKNOWN: [&str; 2] = ["database/not-found", "database/unreadable"];

/// Two servers between which a move may begin.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) source: ServerFacts,
    pub(crate) target: ServerFacts,
    pub(crate) tools: ToolFacts,
    /// Databases to move, in the source's order.
    pub(crate) databases: Vec<DatabaseFacts>,
    /// What is not moved, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Two servers that can be compared.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) source: ServerFacts,
    pub(crate) target: ServerFacts,
    pub(crate) databases: Vec<String>,
    /// What a move leaves behind, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Inspects both servers.
///
/// # Errors
/// [`RunError::Refused`] with every reason that was found.
pub(crate) fn inspect(
    ports: Ports<'_>,
    options: &RunOptions,
    ledger: &Ledger,
) -> Result<Inspected, RunError> {
    let (mut touched, mut finished) = (BTreeSet::new(), BTreeSet::new());
    for name in ledger.database_names()? {
        let record = ledger.database(&name)?;
        if record.phase == Some(Phase::Verified) {
            finished.insert(name.clone());
        }
        if record.is_touched {
            touched.insert(name);
        }
    }
    let facts =
        assess::look(ports, &choice(options), &touched, &finished).map_err(RunError::Refused)?;
    ledger.check_servers(&facts.source.facts.label, &facts.target.facts.label)?;
    let assessment = judge(&facts);
    let mut refusals = assess::refusals(&assessment);
    refuse_vanished(&facts, &touched, ledger, &mut refusals);
    let Facts { source, target, tool, .. } = facts;
    let databases: Vec<DatabaseFacts> =
        assess::chosen(&source.facts, &options.databases).cloned().collect();
    // Last: when something else speaks against the move, nothing has to be kept from others.
    if refusals.is_empty() {
        let names: Vec<String> = databases.iter().map(|facts| facts.name.clone()).collect();
        if let Err(error) = ports.databases.reserve(&names) {
            refusals.push(error);
        }
    }
    match tool {
        Ok(tools) if refusals.is_empty() => Ok(Inspected {
            source: source.facts,
            target: target.facts,
            tools,
            databases,
            notes: assess::notes(&assessment),
        }),
        _ => Err(RunError::Refused(refusals)),
    }
}

/// Inspects both servers for a comparison: source, target, the names of the databases to compare,
/// and what does not go along with a move.
///
/// # Errors
/// [`RunError::Refused`] with every reason that was found.
pub(crate) fn inspect_for_comparison(
    ports: Ports<'_>,
    options: &RunOptions,
) -> Result<Compared, RunError> {
    let facts = assess::look(ports, &choice(options), &BTreeSet::new(), &BTreeSet::new())
        .map_err(RunError::Refused)?;
    let mut assessment = judge(&facts);
    // A target that holds something is what a comparison is for.
    assessment.findings.retain(|one| one.level != Level::Blocks || UNKNOWN.contains(&one.id));
    let refusals = assess::refusals(&assessment);
    if !refusals.is_empty() {
        return Err(RunError::Refused(refusals));
    }
    let databases: Vec<String> = facts.databases.iter().map(|one| one.name.clone()).collect();
    let movers =
        ports.databases.at_work(&databases).map_err(|error| RunError::Refused(vec![error]))?;
    let at_work = movers.iter().map(|(database, mover)| {
        format!(
            "{mover} moves database {database} just now: what it has not brought yet differs; compare \
             again when it has ended"
        )
    });
    Ok(Compared {
        notes: at_work.chain(assess::left_behind(&assessment)).collect(),
        databases,
        source: facts.source.facts,
        target: facts.target.facts,
    })
}

fn choice(options: &RunOptions) -> AssessOptions {
    AssessOptions {
        databases: options.databases.clone(),
        mode: Mode::Offline,
        overwrite: options.overwrite,
        roles: options.roles,
        jobs: options.jobs,
    }
}

/// Databases that an earlier run made and that are gone.
fn refuse_vanished(
    facts: &Facts,
    touched: &BTreeSet<String>,
    ledger: &Ledger,
    refusals: &mut Vec<MoveError>,
) {
    let target = &facts.target.facts;
    let meant = assess::chosen(&facts.source.facts, &facts.wanted).map(|one| &one.name);
    for name in meant.filter(|name| touched.contains(*name)) {
        if !target.databases.iter().any(|one| one.name == *name) {
            refusals.push(MoveError {
                what: format!("go on with database {name}"),
                why: format!(
                    "an earlier run made it, and the target {} has it no more",
                    target.label
                ),
                help: format!("delete {} to begin anew", ledger.path().display()),
                remedy: Remedy::Act,
            });
        }
    }
}

/// Sentences about one database, for a list of several.
pub(crate) fn of_database(name: &str, notes: Vec<String>) -> impl Iterator<Item = String> {
    notes.into_iter().map(move |text| format!("{name}: {text}"))
}
