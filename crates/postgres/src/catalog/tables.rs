//! Which tables have rows to copy, and which of their columns.

use std::collections::HashMap;

use flexway_core::migrate::{Column, Table};

use crate::Session;
use crate::ask::{Outcome, number, optional, query, text};
use crate::catalog::{USER_SCHEMAS, not_of_extension};

/// Tables of one database with the rows that an extension keeps for itself told apart.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// Largest first, then by name.
    pub(crate) all: Vec<Table>,
    /// Configuration tables of extensions by (schema, name), with the `WHERE ...` that names the
    /// users' rows. May be empty text: then all rows are the users'.
    pub(crate) conditions: HashMap<(String, String), String>,
}

/// Lists ordinary tables, leaf partitions, inheritance children and configuration tables of
/// extensions. Temporary and foreign tables have no rows of their own to move.
pub(crate) fn tables(session: &mut Session) -> Outcome<Tables> {
    let what = "list the tables";
    // Generated columns exist since 12; their values come into being on the target.
    let generated =
        if session.version().number >= 120_000 { "AND a.attgenerated = ''" } else { "" };
    let own = not_of_extension("pg_class", "c.oid");
    let rows = query(
        session,
        what,
        &format!(
            "SELECT n.nspname, c.relname, coalesce(pg_table_size(c.oid), 0), c.oid, \
                    x.oid IS NOT NULL, x.condition, a.attname, format_type(a.atttypid, \
                    a.atttypmod) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
             AND NOT a.attisdropped \
             {generated} \
             LEFT JOIN (SELECT unnest(extconfig) AS oid, unnest(extcondition) AS condition FROM \
             pg_extension) x \
               ON x.oid = c.oid \
             WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {USER_SCHEMAS} \
             AND (x.oid IS NOT \
             NULL OR {own}) \
             ORDER BY c.oid, a.attnum"
        ),
    )?;
    let mut found = Tables::default();
    let mut last = "";
    for row in &rows {
        if last != text(row, 3) {
            last = text(row, 3);
            let table = Table {
                schema: text(row, 0).to_owned(),
                name: text(row, 1).to_owned(),
                columns: Vec::new(),
                size_bytes: number(what, row, 2)?,
            };
            if text(row, 4) == "t" {
                let key = (table.schema.clone(), table.name.clone());
                found.conditions.insert(key, text(row, 5).to_owned());
            }
            found.all.push(table);
        }
        if let (Some(name), Some(table)) = (optional(row, 6), found.all.last_mut()) {
            table
                .columns
                .push(Column { name: name.to_owned(), type_name: text(row, 7).to_owned() });
        }
    }
    found.all.sort_by(|a, b| {
        (b.size_bytes, &a.schema, &a.name).cmp(&(a.size_bytes, &b.schema, &b.name))
    });
    Ok(found)
}
