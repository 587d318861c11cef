//! Whether source and target are equal: schema by normalised dumps, rows by content hashes,
//! sequences, large objects.

mod canonical;
mod deparse;
pub(crate) mod digests;
mod extensions;
mod families;
mod floats;
mod normal;
mod objects;
pub(crate) mod rows;
pub(crate) mod sample;
mod spelling;
mod table;
mod views;

pub(crate) use canonical::Types;
pub(crate) use table::hash;

use flexway_core::migrate::Difference;

use crate::ask::{Outcome, number, query_one};
use crate::content::positions;
use crate::pool::Pool;
use crate::schema::dump::{self, Part};
use crate::{Session, catalog};
use deparse::Sides;
use spelling::Spelling;

/// Sequences read with one statement.
const SEQUENCES_PER_STATEMENT: usize = 100;

/// Differences of schema, database settings, sequences and large objects.
pub(crate) fn differences(
    pg_dump: &str,
    source: &Pool,
    target: &Pool,
    snapshot: &str,
    types: &Types,
) -> Outcome<Vec<Difference>> {
    let mut found = schema_differences(pg_dump, source, target, snapshot)?;
    source.with(|source| {
        target.compare_with(|session| {
            found.extend(views::differences(source, session, target, types)?);
            let target = session;
            found.extend(extensions::differences(source, target)?);
            found.extend(sequence_differences(source, target)?);
            found.extend(objects::differences(source, target)?);
            Ok(())
        })
    })?;
    Ok(found)
}

/// Dumps both schemas with the same program and compares them entry by entry.
fn schema_differences(
    pg_dump: &str,
    source: &Pool,
    target: &Pool,
    snapshot: &str,
) -> Outcome<Vec<Difference>> {
    let part = Part::WholeWithDatabase;
    let spelling = spelling(source, target)?;
    let dump =
        |side: &Pool, snapshot| dump::run(pg_dump, side.info(), side.encoding(), part, snapshot);
    let texts = match is_large(source)? {
        true => [dump(source, Some(snapshot))?, dump(target, None)?],
        false => std::thread::scope(|scope| {
            let other = scope.spawn(|| dump(target, None));
            let wanted = dump(source, Some(snapshot));
            let present = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok([wanted?, present?])
        })?,
    };
    let [wanted, present] = texts.map(|text| normal::entries(&text, &spelling));
    let mut found = Vec::new();
    for difference in normal::differences(&wanted, &present, &spelling) {
        let is_same = match &difference.both {
            Some((wanted, present)) => {
                let sides = Sides { source, target, spelling: &spelling };
                deparse::is_same(sides, &difference.key, wanted, present)?
            }
            None => false,
        };
        if !is_same {
            found.push(difference.words);
        }
    }
    Ok(found)
}

/// Whether two of pg_dump at a time would take much memory: it holds some 1.7 kB a relation.
fn is_large(source: &Pool) -> Outcome<bool> {
    /// Two hold 35 MB then, and take a second each.
    const RELATIONS_MAX: u64 = 10_000;
    const WHAT: &str = "count the source's relations";
    source.with(|source| {
        let row = query_one(source, WHAT, "SELECT count(*) FROM pg_catalog.pg_class")?;
        Ok(number(WHAT, &row, 0)? > RELATIONS_MAX)
    })
}

fn spelling(source: &Pool, target: &Pool) -> Outcome<Spelling> {
    source.with(|source| target.with(|target| Spelling::read(source, target)))
}

/// How the target's schema before the data stands to the source's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BeforeData {
    /// It is the source's.
    Same,
    /// It lacks some entries; those that it has are the source's.
    Partly,
    /// It has entries that are none of the source's.
    Different,
}

/// Compares the target's schema before the data with the source's as of `snapshot`.
pub(crate) fn before_data(
    pg_dump: &str,
    source: &Pool,
    target: &Pool,
    snapshot: &str,
) -> Outcome<BeforeData> {
    let part = Part::PreDataToCompare;
    let spelling = spelling(source, target)?;
    let wanted = dump::run(pg_dump, source.info(), source.encoding(), part, Some(snapshot))?;
    let present = dump::run(pg_dump, target.info(), target.encoding(), part, None)?;
    let [wanted, present] = [wanted, present].map(|text| normal::entries(&text, &spelling));
    let mut found = BeforeData::Same;
    for difference in normal::differences(&wanted, &present, &spelling) {
        let is_same = match &difference.both {
            Some((wanted, present)) => {
                let sides = Sides { source, target, spelling: &spelling };
                deparse::is_same(sides, &difference.key, wanted, present)?
            }
            None if wanted.contains_key(&difference.key) => {
                found = BeforeData::Partly;
                continue;
            }
            None => false,
        };
        if !is_same {
            return Ok(BeforeData::Different);
        }
    }
    Ok(found)
}

/// Positions of the sequences that both sides have; missing ones are differences of the schema.
fn sequence_differences(source: &mut Session, target: &mut Session) -> Outcome<Vec<Difference>> {
    let there = catalog::relations::sequences(target)?;
    let mut both = catalog::relations::sequences(source)?;
    both.retain(|name| there.binary_search(name).is_ok());
    let mut found = Vec::new();
    for group in both.chunks(SEQUENCES_PER_STATEMENT) {
        let pairs = positions(source, group)?.into_iter().zip(positions(target, group)?);
        for ((schema, name), (wanted, present)) in group.iter().zip(pairs) {
            if wanted != present {
                found.push(Difference {
                    kind: "sequence",
                    name: format!("{schema}.{name}"),
                    detail: format!("stands at {wanted} on the source, at {present} on the target"),
                });
            }
        }
    }
    Ok(found)
}
