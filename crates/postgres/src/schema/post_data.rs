//! What comes after the data: what is built on it, and event triggers, which come last of all.

use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{Room, SchemaEntry};

use crate::ask::{Outcome, flag, query_one};
use crate::catalog::not_of_extension;
use crate::pool::Pool;
use crate::schema::dump::{self, Part};
use crate::schema::entries::Dump;
use crate::schema::grantors::Grantors;
use crate::schema::{apply, extension_comments, maintain};

/// The source's schema after the data as of `snapshot`, in the dump's order, without event triggers.
pub(crate) fn list(
    pg_dump: &str,
    source: &Pool,
    target: &Pool,
    snapshot: &str,
) -> Outcome<Vec<SchemaEntry>> {
    let mut entries = all(pg_dump, source, target, snapshot)?;
    entries.retain(|entry| !is_of_event_trigger(entry));
    Ok(entries)
}

/// Creates the event triggers of the source that the target lacks.
///
/// An enabled one sees what a move does, such as a refresh of a view, and may refuse it, such as the removal of the move's own notes.
pub(crate) fn create_event_triggers(
    pg_dump: &str,
    source: &Pool,
    target: &Pool,
    snapshot: &str,
    stop: &AtomicBool,
) -> Outcome<()> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM pg_event_trigger t WHERE {})",
        not_of_extension("pg_event_trigger", "t.oid")
    );
    let what = "look for event triggers";
    if !source.with(|source| Ok(flag(&query_one(source, what, &sql)?, 0)))? {
        return Ok(());
    }
    let entries = all(pg_dump, source, target, snapshot)?;
    let mut entries = entries.iter().filter(|entry| is_of_event_trigger(entry));
    entries.try_for_each(|entry| {
        target.with(|session| apply::apply_one(session, entry, Room::default(), stop))
    })
}

/// Whether the entry is an event trigger, or the comment or label of one.
fn is_of_event_trigger(entry: &SchemaEntry) -> bool {
    entry.kind == "EVENT TRIGGER" || entry.schema == "-" && entry.name.starts_with("EVENT TRIGGER ")
}

fn all(pg_dump: &str, source: &Pool, target: &Pool, snapshot: &str) -> Outcome<Vec<SchemaEntry>> {
    let (info, encoding) = (source.info(), source.encoding());
    let text = dump::run(pg_dump, info, encoding, Part::PostData, Some(snapshot))?;
    let version = source.with(|source| Ok(source.version().number))?;
    target.with(|session| {
        let mut entries = Dump::parse(&text, Some(&apply::known_settings(session)?)).entries;
        let skipped = extension_comments::foreign(session)?;
        entries.retain(|entry| !skipped.contains(&entry.name));
        Grantors::read(session)?.adapt(&mut entries);
        if maintain::is_new(version, session.version().number) {
            entries.iter_mut().for_each(maintain::revoke);
        }
        Ok(entries)
    })
}
