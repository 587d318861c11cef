//! What materialized views hold; dumps of schemas do not tell.

use flexway_core::migrate::{Difference, Table};

use super::{Types, hash};
use crate::Session;
use crate::ask::Outcome;
use crate::catalog::relations::{MaterializedView, materialized_view_tables};
use crate::catalog::tables::Rows;
use crate::content::{copy_out, plain};
use crate::session::NEVER;

/// Materialized views that hold data on one side only, or other rows. One that a side lacks is a
/// difference of the schema.
pub(super) fn differences(
    source: &mut Session,
    target: &mut Session,
    types: &Types,
) -> Outcome<Vec<Difference>> {
    let wanted = materialized_view_tables(source)?;
    let present = materialized_view_tables(target)?;
    let mut found = Vec::new();
    for (name, MaterializedView { table, is_populated }) in &wanted {
        let Some(other) = present.get(name) else { continue };
        let detail = match (*is_populated, other.is_populated) {
            (true, false) => "MATERIALIZED VIEW holds no data on the target".to_owned(),
            (false, true) => "MATERIALIZED VIEW holds data on the target only".to_owned(),
            (true, true) if has_same_columns(table, &other.table) => {
                match rows_differ(source, target, table, types)? {
                    Some(detail) => detail,
                    None => continue,
                }
            }
            _ => continue,
        };
        found.push(Difference { kind: "schema", name: plain(table), detail });
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
    types: &Types,
) -> Outcome<Option<String>> {
    let copy_out = copy_out(table, &types.columns(source, table)?, Rows::Own);
    let (wanted, present) = std::thread::scope(|scope| {
        let other = scope.spawn(|| hash(target, table, &copy_out, None, &NEVER));
        (hash(source, table, &copy_out, None, &NEVER), other.join())
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
