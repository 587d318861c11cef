//! What materialized views hold; dumps of schemas do not tell.

use flexway_core::migrate::{Difference, STALE_VIEW, Table};

use super::deparse::LOCK_WAIT;
use super::{Types, hash};
use crate::Session;
use crate::ask::{Outcome, failed, run};
use crate::catalog::relations::{MaterializedView, materialized_view_tables};
use crate::catalog::tables::Rows;
use crate::content::{copy_out, plain};
use crate::copy::Format;
use crate::pool::{Pool, silence_event_triggers};
use crate::refresh::{session_of, standing, statement};
use crate::session::NEVER;

/// Materialized views that hold data on one side only, or other rows. One that a side lacks is a
/// difference of the schema.
pub(super) fn differences(
    source: &mut Session,
    target: &mut Session,
    target_pool: &Pool,
    types: &Types,
) -> Outcome<Vec<Difference>> {
    let wanted = materialized_view_tables(source)?;
    let present = materialized_view_tables(target)?;
    let mut found = Vec::new();
    for (name, MaterializedView { table, is_populated }) in &wanted {
        let Some(other) = present.get(name) else { continue };
        let (kind, detail) = match (*is_populated, other.is_populated) {
            (true, false) => ("schema", "MATERIALIZED VIEW holds no data on the target".to_owned()),
            (false, true) => {
                ("schema", "MATERIALIZED VIEW holds data on the target only".to_owned())
            }
            (true, true) if has_same_columns(table, &other.table) => {
                // COPY takes views by a query alone.
                let all = Rows::Where("");
                let copy_out = copy_out(table, &types.columns(source, table)?, all);
                let Some(detail) = rows_differ(source, target, table, &copy_out)? else { continue };
                match refreshed(target_pool, table, &copy_out)? {
                    Refreshed::Alike => (STALE_VIEW, STALE.to_owned()),
                    Refreshed::Changing => (STALE_VIEW, CHANGING.to_owned()),
                    Refreshed::Otherwise => ("schema", detail),
                }
            }
            _ => continue,
        };
        found.push(Difference { kind, name: plain(table), detail });
    }
    Ok(found)
}

fn has_same_columns(one: &Table, other: &Table) -> bool {
    let names = |table: &Table| -> Vec<String> {
        table.columns.iter().map(|column| column.name.clone()).collect()
    };
    names(one) == names(other)
}

fn rows_differ(
    source: &mut Session,
    target: &mut Session,
    table: &Table,
    copy_out: &str,
) -> Outcome<Option<String>> {
    let (wanted, present) = std::thread::scope(|scope| {
        let other = scope.spawn(|| hash(target, table, (copy_out, Format::Text), None, &NEVER));
        (hash(source, table, (copy_out, Format::Text), None, &NEVER), other.join())
    });
    let present = present.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    let (wanted, present) = (wanted?, present?);
    Ok((wanted != present).then(|| {
        format!(
            "MATERIALIZED VIEW has other rows ({} on the source, {} on the target): refresh it on \
             both and verify again; it may be older than its tables, or depend on settings",
            wanted.rows, present.rows
        )
    }))
}

const STALE: &str = "holds other rows than on the source, where it was last refreshed before its tables changed, or \
    under other settings; the target's is as its query gives it";

const CHANGING: &str = "holds other rows than on the source, and others after each refresh: its query depends on the moment, as by \
    now() or random()";

/// What a refresh on the target comes to.
enum Refreshed {
    /// The rows that the view holds there.
    Alike,
    /// Other rows each time.
    Changing,
    /// Other rows than the view holds, or it could not be refreshed.
    Otherwise,
}

/// Refreshes the view on the target, which is taken back.
///
/// Its query runs under the settings of its owner; on the source, its functions would run with the rights of the move's login.
fn refreshed(target: &Pool, table: &Table, copy_out: &str) -> Outcome<Refreshed> {
    let what = format!("refresh materialized view {} in vain", plain(table));
    let there = target.with(standing)?;
    let owner = there.get(&(table.schema.clone(), table.name.clone())).map(|view| &*view.owner);
    let mut session = session_of(target, owner.unwrap_or_default())?;
    let before = hash(&mut session, table, (copy_out, Format::Text), None, &NEVER)?;
    let mut again = || -> Outcome<Option<_>> {
        run(&mut session, &what, &format!("BEGIN; SET LOCAL lock_timeout = '{LOCK_WAIT}'"))?;
        silence_event_triggers(&mut session, &what)?;
        let rows = match session.execute(&statement(&table.schema, &table.name)) {
            Ok(()) => Some(hash(&mut session, table, (copy_out, Format::Text), None, &NEVER)?),
            // Somebody uses it, or the login may not refresh it: nothing is known.
            Err(error) if error.code().is_some() => None,
            Err(error) => return Err(failed(&what, &error)),
        };
        run(&mut session, &what, "ROLLBACK")?;
        Ok(rows)
    };
    let Some(first) = again()? else { return Ok(Refreshed::Otherwise) };
    if first == before {
        return Ok(Refreshed::Alike);
    }
    Ok(match again()? {
        Some(second) if second != first => Refreshed::Changing,
        _ => Refreshed::Otherwise,
    })
}
