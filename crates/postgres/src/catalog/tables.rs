//! Which tables have rows to copy, and which of their columns.

use std::collections::{BTreeSet, HashMap, HashSet};

use flexway_core::migrate::{Column, Table};

use crate::Session;
use crate::ask::{Outcome, number, optional, query, text};
use crate::catalog::trees::{Leaf, leaves_by_oid};
use crate::catalog::{USER_SCHEMAS, binary, not_of_extension};

/// Tables of one database with the rows that an extension keeps for itself told apart.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    /// Largest first, then by name.
    pub(crate) all: Vec<Table>,
    /// Configuration tables of extensions by (schema, name), with the `WHERE ...` that names the
    /// users' rows. May be empty text: then all rows are the users'.
    pub(crate) conditions: HashMap<(String, String), String>,
    /// Partitioned tables whose rows are moved as one, with their leaf partitions, which are not
    /// among the others.
    pub(crate) trees: HashMap<(String, String), Vec<Leaf>>,
    /// Tables whose rows may travel in binary format.
    pub(crate) binary: HashSet<(String, String)>,
}

impl Tables {
    /// Which rows of the table are moved.
    pub(crate) fn rows(&self, table: &Table) -> Rows<'_> {
        let key = (table.schema.clone(), table.name.clone());
        match (self.trees.get(&key), self.conditions.get(&key)) {
            (Some(leaves), _) => Rows::OfLeaves(leaves),
            (None, Some(condition)) => Rows::Where(condition),
            (None, None) => Rows::Own,
        }
    }

    /// Whether all types of the table's columns write and read binary format alike everywhere.
    pub(crate) fn is_binary(&self, table: &Table) -> bool {
        self.binary.contains(&(table.schema.clone(), table.name.clone()))
    }
}

/// Which rows of a table are moved.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// All of its own.
    Own,
    /// Those of its own that an extension's `WHERE ...` names; the others came with the extension.
    Where(&'a str),
    /// All of these leaf partitions; on the target each row finds the partition that it belongs to.
    OfLeaves(&'a [Leaf]),
}

/// A table as the catalog lists it.
struct Listed {
    oid: u64,
    table: Table,
    condition: Option<String>,
}

/// Lists ordinary tables, leaf partitions, inheritance children and configuration tables of
/// extensions. Temporary and foreign tables have no rows of their own to move. In place of leaf
/// partitions whose rows may belong elsewhere on the target stands the table that they are of.
pub(crate) fn tables(session: &mut Session) -> Outcome<Tables> {
    let root_of = leaves_by_oid(session)?;
    let mut found = Tables::default();
    let binary = binary::tables(session)?;
    let mut roots = HashMap::new();
    let heads: BTreeSet<u64> = root_of.values().copied().collect();
    let (heads, others): (Vec<_>, Vec<_>) =
        list(session, &heads)?.into_iter().partition(|listed| heads.contains(&listed.oid));
    for Listed { oid, table, .. } in heads {
        found.trees.insert((table.schema.clone(), table.name.clone()), Vec::new());
        if binary.contains(&oid) {
            found.binary.insert((table.schema.clone(), table.name.clone()));
        }
        roots.insert(oid, table);
    }
    for Listed { oid, table, condition } in others {
        if let Some(root) = root_of.get(&oid).and_then(|root| roots.get_mut(root)) {
            root.size_bytes += table.size_bytes;
            let leaves = found.trees.entry((root.schema.clone(), root.name.clone())).or_default();
            leaves.push((table.schema, table.name));
            continue;
        }
        if binary.contains(&oid) {
            found.binary.insert((table.schema.clone(), table.name.clone()));
        }
        if let Some(condition) = condition {
            found.conditions.insert((table.schema.clone(), table.name.clone()), condition);
        }
        found.all.push(table);
    }
    found.all.extend(roots.into_values());
    found.all.sort_by(|a, b| {
        (b.size_bytes, &a.schema, &a.name).cmp(&(a.size_bytes, &b.schema, &b.name))
    });
    Ok(found)
}

/// Everything that holds rows, and the roots of trees, whose own size is zero.
fn list(session: &mut Session, roots: &BTreeSet<u64>) -> Outcome<Vec<Listed>> {
    let what = "list the tables";
    // Generated columns exist since 12; their values come into being on the target.
    let generated =
        if session.version().number >= 120_000 { "AND a.attgenerated = ''" } else { "" };
    let own = not_of_extension("pg_class", "c.oid");
    let roots: Vec<String> = roots.iter().map(|oid| format!("OR c.oid = {oid}")).collect();
    let roots = roots.join(" ");
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
             WHERE (c.relkind = 'r' {roots}) AND c.relpersistence <> 't' AND {USER_SCHEMAS} \
             AND (x.oid IS NOT \
             NULL OR {own}) \
             ORDER BY c.oid, a.attnum"
        ),
    )?;
    let mut found: Vec<Listed> = Vec::new();
    for row in &rows {
        let oid = number(what, row, 3)?;
        if found.last().is_none_or(|last| last.oid != oid) {
            let table = Table {
                schema: text(row, 0).to_owned(),
                name: text(row, 1).to_owned(),
                columns: Vec::new(),
                size_bytes: number(what, row, 2)?,
            };
            let condition = (text(row, 4) == "t").then(|| text(row, 5).to_owned());
            found.push(Listed { oid, table, condition });
        }
        if let (Some(name), Some(last)) = (optional(row, 6), found.last_mut()) {
            let (name, type_name) = (name.to_owned(), text(row, 7).to_owned());
            last.table.columns.push(Column { name, type_name });
        }
    }
    Ok(found)
}
