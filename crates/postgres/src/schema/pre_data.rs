//! Creates what comes before the data, whatever an earlier run left of it.

use flexway_core::migrate::{MoveError, Remedy};

use crate::Session;
use crate::ask::Outcome;
use crate::catalog::is_superuser;
use crate::compare::{BeforeData, before_data};
use crate::pool::{Pool, connect, prepare};
use crate::schema::apply::{self, Refusal};
use crate::schema::beside;
use crate::schema::database::public_like_source;
use crate::schema::dump::{self, Part};
use crate::schema::empty::empty;
use crate::schema::entries::Dump;
use crate::schema::grantors::Grantors;
use crate::schema::{extension_comments, languages, maintain, not_null, owners, public};

/// Puts the source's schema before the data onto the target: by `jobs` sessions where tables are many,
/// else in one transaction where the target has room for its locks, in pieces otherwise. What an
/// earlier run created is kept when it is as on the source.
pub(crate) fn create(
    pg_dump: &str,
    source: &Pool,
    target: &Pool,
    snapshot: &str,
    jobs: usize,
) -> Outcome<()> {
    let text = dump::run(pg_dump, source.info(), source.encoding(), Part::PreData, Some(snapshot))?;
    let mut session = connect(target.info())?;
    prepare(&mut session, target.encoding())?;
    let mut dump = Dump::parse(&text, Some(&apply::known_settings(&mut session)?));
    dump.entries.extend(source.with(extension_comments::changed)?);
    dump.entries.extend(source.with(public::without_comment)?);
    let skipped = extension_comments::foreign(&mut session)?;
    dump.entries.retain(|entry| !skipped.contains(&entry.name));
    languages::leave(&mut session, &mut dump.entries)?;
    Grantors::read(&mut session)?.adapt(&mut dump.entries);
    let versions = [source.with(|source| Ok(source.version().number))?, session.version().number];
    if maintain::is_new(versions[0], versions[1]) {
        dump.entries.iter_mut().for_each(maintain::revoke);
    }
    if versions.iter().all(|version| *version >= not_null::NAMED_SINCE) {
        dump.entries.iter_mut().for_each(not_null::name);
    }
    if !is_superuser(&mut session)? {
        if let Some(owner) = source.with(public::default_owner)? {
            public::leave(&mut dump.entries, &owner);
        }
        owners::let_create(&mut session, &mut dump.entries)?;
    }
    let compare = || before_data(pg_dump, source, target, snapshot);
    if beside::pays(&dump) {
        let error = beside::create(target, &dump, jobs)?;
        return unless_whole([source, target], &mut session, error, compare);
    }
    match apply::apply_all(&mut session, &dump) {
        Ok(()) => Ok(()),
        Err(Refusal::Failed(error)) => Err(error),
        Err(Refusal::TooManyLocks) => in_pieces([source, target], &mut session, &dump, compare),
        Err(Refusal::Duplicate(error)) => match compare()? {
            BeforeData::Same => Ok(()),
            BeforeData::Partly => in_pieces([source, target], &mut session, &dump, compare),
            BeforeData::Different => Err(different(error)),
        },
    }
}

fn in_pieces(
    sides: [&Pool; 2],
    session: &mut Session,
    dump: &Dump,
    compare: impl Fn() -> Outcome<BeforeData>,
) -> Outcome<()> {
    let error = apply::apply_in_pieces(session, dump)?;
    unless_whole(sides, session, error, compare)
}

/// Errors do not count when the schema is whole afterwards: they were of entries that stood. A part of it is removed, as the
/// one transaction would have been rolled back: the next run finds the database empty.
fn unless_whole(
    [source, target]: [&Pool; 2],
    session: &mut Session,
    error: Option<MoveError>,
    compare: impl Fn() -> Outcome<BeforeData>,
) -> Outcome<()> {
    let Some(error) = error else { return Ok(()) };
    match compare()? {
        BeforeData::Same => return Ok(()),
        BeforeData::Partly if error.remedy == Remedy::Act => {
            empty(session)?;
            public_like_source(source.info(), target.info(), target.info().database())?;
        }
        BeforeData::Partly | BeforeData::Different => {}
    }
    Err(error)
}

/// The refusal of a schema that stands there otherwise than on the source.
fn different(error: MoveError) -> MoveError {
    let help = "the target holds another schema than the source; give --overwrite to have it \
                removed first";
    MoveError { help: help.to_owned(), ..error }
}
