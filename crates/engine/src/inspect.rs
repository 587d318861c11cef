//! Looks at both servers before anything is changed, and says everything that speaks against the
//! move at once.

use flexway_core::migrate::{DatabaseFacts, MoveError, Phase, Remedy, ServerFacts, ToolFacts};

use crate::ledger::Ledger;
use crate::run::{Ports, RunError, RunOptions};

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

/// Inspects both servers.
///
/// # Errors
/// [`RunError::Refused`] with every reason that was found.
pub(crate) fn inspect(
    ports: Ports<'_>,
    options: &RunOptions,
    ledger: &Ledger,
) -> Result<Inspected, RunError> {
    let mut refusals = Vec::new();
    let source = ports.servers.source().map_err(|error| refusals.push(error)).ok();
    let look_into: Vec<String> = match &source {
        Some(source) => chosen(source, options).map(|facts| facts.name.clone()).collect(),
        None => options.databases.clone(),
    };
    let target = ports.servers.target(&look_into).map_err(|error| refusals.push(error)).ok();
    if let (Some(source), Some(target)) = (&source, &target) {
        ledger.check_servers(&source.label, &target.label)?;
        refuse_same(source, target, &mut refusals);
        refuse_versions(source, target, &mut refusals);
        refuse_standby(target, &mut refusals);
    }
    if let Some(source) = &source {
        refuse_choice(source, options, &mut refusals);
    }
    if let Some(target) = &target {
        refuse_data(target, &look_into, options, ledger, &mut refusals)?;
    }
    // Without both versions nobody can say which pg_dump would do.
    let tools = match (&source, &target) {
        (Some(_), Some(_)) => ports.servers.tools().map_err(|error| refusals.push(error)).ok(),
        _ => None,
    };
    // Only where nothing else speaks against the move: it opens every database.
    let mut notes = Vec::new();
    if refusals.is_empty()
        && let Some(source) = &source
    {
        notes = self::notes(source, options);
        foresee(ports, &look_into, options, ledger, &mut refusals, &mut notes)?;
    }
    // Last: when something else speaks against the move, nothing has to be kept from others.
    if refusals.is_empty()
        && let Err(error) = ports.databases.reserve(&look_into)
    {
        refusals.push(error);
    }
    match (source, target, tools) {
        (Some(source), Some(target), Some(tools)) if refusals.is_empty() => {
            let databases = chosen(&source, options).cloned().collect();
            Ok(Inspected { source, target, tools, databases, notes })
        }
        _ => Err(RunError::Refused(refusals)),
    }
}

/// Inspects both servers for a comparison: source, target and the names of the databases to
/// compare.
///
/// # Errors
/// [`RunError::Refused`] with every reason that was found.
pub(crate) fn inspect_for_comparison(
    ports: Ports<'_>,
    options: &RunOptions,
) -> Result<(ServerFacts, ServerFacts, Vec<String>), RunError> {
    let mut refusals = Vec::new();
    let source = ports.servers.source().map_err(|error| refusals.push(error)).ok();
    let target = ports.servers.target(&[]).map_err(|error| refusals.push(error)).ok();
    if let Some(source) = &source {
        refuse_choice(source, options, &mut refusals);
    }
    match (source, target) {
        (Some(source), Some(target)) if refusals.is_empty() => {
            let names = chosen(&source, options).map(|facts| facts.name.clone()).collect();
            Ok((source, target, names))
        }
        _ => Err(RunError::Refused(refusals)),
    }
}

/// The databases to move: the named ones, or all.
fn chosen<'a>(
    source: &'a ServerFacts,
    options: &'a RunOptions,
) -> impl Iterator<Item = &'a DatabaseFacts> {
    source
        .databases
        .iter()
        .filter(|facts| options.databases.is_empty() || options.databases.contains(&facts.name))
}

/// One server under two names would empty its own databases with `--overwrite`.
fn refuse_same(source: &ServerFacts, target: &ServerFacts, refusals: &mut Vec<MoveError>) {
    if source.started_us == target.started_us {
        refusals.push(refusal(
            "move a server onto itself",
            format!("{} and {} are the same server", source.label, target.label),
            "name another server as the target".to_owned(),
        ));
    }
}

fn refuse_standby(target: &ServerFacts, refusals: &mut Vec<MoveError>) {
    if target.is_standby {
        refusals.push(refusal(
            "write to the target",
            format!("{} is a standby: it follows another server and takes no writes", target.label),
            "name its primary as the target, or promote it".to_owned(),
        ));
    }
}

/// Looks into the databases that are not finished yet.
fn foresee(
    ports: Ports<'_>,
    databases: &[String],
    options: &RunOptions,
    ledger: &Ledger,
    refusals: &mut Vec<MoveError>,
    notes: &mut Vec<String>,
) -> Result<(), RunError> {
    for name in databases {
        if ledger.database(name)?.phase == Some(Phase::Verified) {
            continue;
        }
        match ports.databases.foresee(name, options.roles) {
            Ok(foreseen) => {
                refusals.extend(foreseen.refusals);
                notes.extend(of_database(name, foreseen.notes));
            }
            Err(error) => refusals.push(error),
        }
    }
    Ok(())
}

/// Sentences about one database, for a list of several.
pub(crate) fn of_database(name: &str, notes: Vec<String>) -> impl Iterator<Item = String> {
    notes.into_iter().map(move |text| format!("{name}: {text}"))
}

fn refuse_versions(source: &ServerFacts, target: &ServerFacts, refusals: &mut Vec<MoveError>) {
    if target.major() < source.major() {
        refusals.push(refusal(
            "move to an older version",
            format!(
                "the source {} is PostgreSQL {}, the target {} is {}",
                source.label,
                source.major(),
                target.label,
                target.major()
            ),
            format!("create the target with PostgreSQL {} or newer", source.major()),
        ));
    }
}

/// Names that the source does not have, and an empty choice.
fn refuse_choice(source: &ServerFacts, options: &RunOptions, refusals: &mut Vec<MoveError>) {
    let names: Vec<&str> = source.databases.iter().map(|facts| facts.name.as_str()).collect();
    let has = match names.as_slice() {
        [] => "it has none that can be moved".to_owned(),
        names => format!("databases there: {}", names.join(", ")),
    };
    for wanted in options.databases.iter().filter(|wanted| !names.contains(&wanted.as_str())) {
        let left_out = source.left_out.iter().find(|one| one.name == *wanted);
        refusals.push(match left_out {
            Some(one) => refusal(
                &format!("move database {wanted}"),
                format!("the source {} has it, but {}", source.label, one.why),
                one.help.clone(),
            ),
            None => refusal(
                &format!("find database {wanted}"),
                format!("the source {} has none of that name", source.label),
                has.clone(),
            ),
        });
    }
    if names.is_empty() {
        refusals.push(refusal(
            "find a database to move",
            format!("the source {} has none that can be connected to", source.label),
            "templates and databases of the service itself are never moved".to_owned(),
        ));
    }
}

/// What is not moved although nobody left it out by choice, a sentence each.
pub(crate) fn notes(source: &ServerFacts, options: &RunOptions) -> Vec<String> {
    let unnamed = source.left_out.iter().filter(|one| one.is_users && options.databases.is_empty());
    unnamed
        .map(|one| format!("database {} is left out: {} ({})", one.name, one.why, one.help))
        .collect()
}

/// Databases of the target that hold something this ledger did not put there.
fn refuse_data(
    target: &ServerFacts,
    databases: &[String],
    options: &RunOptions,
    ledger: &Ledger,
    refusals: &mut Vec<MoveError>,
) -> Result<(), RunError> {
    for name in databases {
        let is_there = target.databases.iter().any(|facts| facts.name == *name);
        if !is_there && ledger.database(name)?.is_touched {
            refusals.push(refusal(
                &format!("go on with database {name}"),
                format!("an earlier run made it, and the target {} has it no more", target.label),
                format!("delete {} to begin anew", ledger.path().display()),
            ));
        }
    }
    for facts in target.databases.iter().filter(|facts| databases.contains(&facts.name)) {
        if options.overwrite || ledger.database(&facts.name)?.is_touched {
            continue;
        }
        let why = match facts.user_object_count {
            Some(0) => continue,
            Some(count) => format!("it holds {count} objects that are not of this move"),
            None => "what it holds could not be observed".to_owned(),
        };
        refusals.push(refusal(
            &format!("use database {} of the target {}", facts.name, target.label),
            why,
            "empty it, leave it out by naming the others with --database, or replace what it holds \
             with --overwrite"
                .to_owned(),
        ));
    }
    Ok(())
}

fn refusal(what: &str, why: String, help: String) -> MoveError {
    MoveError { what: what.to_owned(), why, help, remedy: Remedy::Act }
}
