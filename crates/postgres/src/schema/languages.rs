//! Languages that no extension brought, and whose code a dump does not name: servers before 13 made such ones from templates, and
//! databases that were born before 9.1 have plpgsql like that. The statement that makes one is that of the extension since.

use std::collections::BTreeSet;

use flexway_core::migrate::SchemaEntry;

use crate::Session;
use crate::ask::{Outcome, query, text};
use crate::catalog::not_of_extension;

/// Condition on `l` (pg_language): one of its functions is the system's own or an extension's, so that a dump says the name alone.
pub(crate) fn is_bare_there() -> String {
    format!(
        "EXISTS (SELECT 1 FROM pg_proc h WHERE h.oid IN (l.lanplcallfoid, l.laninline, l.lanvalidator) \
         AND (h.pronamespace = 'pg_catalog'::regnamespace OR NOT {}))",
        not_of_extension("pg_proc", "h.oid")
    )
}

/// Whether the entry is a language of which only the name is said.
fn is_bare(entry: &SchemaEntry) -> bool {
    entry.kind == "PROCEDURAL LANGUAGE" && !entry.sql.contains(" HANDLER ")
}

/// Leaves out the languages that stand on the target already: whose they are is the extension's matter.
pub(crate) fn leave(target: &mut Session, entries: &mut Vec<SchemaEntry>) -> Outcome<()> {
    if !entries.iter().any(is_bare) {
        return Ok(());
    }
    let there = names(target, "true")?;
    entries.retain(|entry| !(is_bare(entry) && there.contains(&entry.name)));
    Ok(())
}

/// Languages that stand by themselves on the source, and belong to their extension on the target.
pub(crate) fn of_extensions_now(
    source: &mut Session,
    target: &mut Session,
) -> Outcome<BTreeSet<String>> {
    let own = not_of_extension("pg_language", "l.oid");
    let here = names(source, &format!("l.lanispl AND {own} AND {}", is_bare_there()))?;
    if here.is_empty() {
        return Ok(here);
    }
    let there = names(target, &format!("NOT ({own})"))?;
    Ok(here.intersection(&there).cloned().collect())
}

fn names(session: &mut Session, condition: &str) -> Outcome<BTreeSet<String>> {
    let sql = format!("SELECT l.lanname FROM pg_language l WHERE {condition}");
    let rows = query(session, "list the languages", &sql)?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}
