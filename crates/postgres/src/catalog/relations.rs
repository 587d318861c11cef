//! Sequences, materialized views in the order of their refresh, and large objects of one database.

use std::collections::{BTreeMap, BTreeSet};

use flexway_core::migrate::{Column, Table};

use crate::Session;
use crate::ask::{Outcome, flag, number, optional, query, query_one, text};
use crate::catalog::{USER_SCHEMAS, not_of_extension};

/// Sequences, also those of serial and identity columns. A sequence of an extension counts only
/// where the extension says that its position is the users' data.
pub(crate) fn sequences(session: &mut Session) -> Outcome<Vec<(String, String)>> {
    let own = not_of_extension("pg_class", "c.oid");
    let rows = query(
        session,
        "list the sequences",
        &format!(
            "SELECT n.nspname, c.relname FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {USER_SCHEMAS} \
               AND ({own} OR c.oid IN (SELECT unnest(extconfig) FROM pg_extension)) \
             ORDER BY 1, 2"
        ),
    )?;
    Ok(rows.iter().map(|row| (text(row, 0).to_owned(), text(row, 1).to_owned())).collect())
}

/// Number of large objects.
pub(crate) fn large_object_count(session: &mut Session) -> Outcome<u64> {
    let what = "count the large objects";
    let row = query_one(session, what, "SELECT count(*) FROM pg_largeobject_metadata")?;
    number(what, &row, 0)
}

/// Materialized views that hold data, each after those that it reads, also through views.
pub(crate) fn materialized_views(session: &mut Session) -> Outcome<Vec<(String, String)>> {
    let what = "list the materialized views";
    let own = not_of_extension("pg_class", "c.oid");
    let views = query(
        session,
        what,
        &format!(
            "SELECT c.oid, n.nspname, c.relname, c.relkind = 'm' AND c.relispopulated AND {own} \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('m', 'v') AND {USER_SCHEMAS} ORDER BY 2, 3"
        ),
    )?;
    let edges = query(
        session,
        what,
        "SELECT DISTINCT r.ev_class, d.refobjid FROM pg_depend d \
         JOIN pg_rewrite r ON r.oid = d.objid \
         JOIN pg_class v ON v.oid = r.ev_class JOIN pg_class c ON c.oid = d.refobjid \
         WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass \
           AND v.relkind IN ('m', 'v') AND c.relkind IN ('m', 'v') AND r.ev_class <> d.refobjid",
    )?;
    let mut reads: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for row in &edges {
        reads.entry(number(what, row, 0)?).or_default().insert(number(what, row, 1)?);
    }
    let mut oids = Vec::with_capacity(views.len());
    for row in &views {
        oids.push(number(what, row, 0)?);
    }
    let by_oid: BTreeMap<u64, _> = oids.iter().copied().zip(&views).collect();
    Ok(dependency_order(&oids, &reads)
        .into_iter()
        .filter_map(|oid| by_oid.get(&oid))
        .filter(|row| flag(row, 3))
        .map(|row| (text(row, 1).to_owned(), text(row, 2).to_owned()))
        .collect())
}

/// A materialized view as something that has rows.
pub(crate) struct MaterializedView {
    pub(crate) table: Table,
    pub(crate) is_populated: bool,
}

/// Materialized views that belong to no extension, by schema and name.
pub(crate) fn materialized_view_tables(
    session: &mut Session,
) -> Outcome<BTreeMap<(String, String), MaterializedView>> {
    let own = not_of_extension("pg_class", "c.oid");
    let rows = query(
        session,
        "list the materialized views",
        &format!(
            "SELECT n.nspname, c.relname, c.relispopulated, a.attname, \
                    format_type(a.atttypid, a.atttypmod) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
             WHERE c.relkind = 'm' AND {USER_SCHEMAS} AND {own} ORDER BY c.oid, a.attnum"
        ),
    )?;
    let mut found = BTreeMap::new();
    for row in &rows {
        let (schema, name) = (text(row, 0).to_owned(), text(row, 1).to_owned());
        let view = found.entry((schema.clone(), name.clone())).or_insert_with(|| {
            let table = Table { schema, name, columns: Vec::new(), size_bytes: 0 };
            MaterializedView { table, is_populated: flag(row, 2) }
        });
        if let Some(name) = optional(row, 3) {
            let (name, type_name) = (name.to_owned(), text(row, 4).to_owned());
            view.table.columns.push(Column { name, type_name });
        }
    }
    Ok(found)
}

/// Orders `nodes` so that each comes after all that it reads; otherwise keeps their order. The
/// server lets no circle of views come into being through dependencies, so a circle (views altered
/// by hand) is cut where it closes.
fn dependency_order(nodes: &[u64], reads: &BTreeMap<u64, BTreeSet<u64>>) -> Vec<u64> {
    let mut ordered = Vec::with_capacity(nodes.len());
    let mut seen = BTreeSet::new();
    for &start in nodes {
        // Depth first without recursion, so that a deep chain of views cannot exhaust the stack.
        let mut stack = vec![(start, false)];
        while let Some((node, is_done)) = stack.pop() {
            if is_done {
                ordered.push(node);
            } else if seen.insert(node) {
                stack.push((node, true));
                stack.extend(reads.get(&node).into_iter().flatten().map(|&next| (next, false)));
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_comes_after_what_it_reads() {
        let reads = BTreeMap::from([(1, BTreeSet::from([2, 3])), (3, BTreeSet::from([4, 2]))]);
        assert_eq!(dependency_order(&[1, 2, 3, 4, 5], &reads), [4, 2, 3, 1, 5]);
    }

    #[test]
    fn a_circle_ends() {
        let reads = BTreeMap::from([(1, BTreeSet::from([2])), (2, BTreeSet::from([1]))]);
        assert_eq!(dependency_order(&[1, 2], &reads), [2, 1]);
    }
}
