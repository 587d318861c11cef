//! What the catalogs of both sides say of tables and of their statistics.

use std::collections::HashMap;

use super::CARRIED_SINCE;
use crate::ask::{Outcome, flag, number, optional, query, text};
use crate::catalog::USER_SCHEMAS;
use crate::{Row, Session, quote_literal};

const WHAT: &str = "read the statistics";

/// First version that knows partitions.
const PARTITIONS_SINCE: u32 = 100_000;
/// First version that has generated columns.
const GENERATED_SINCE: u32 = 120_000;
/// First version whose view tells the statistics of ranges.
const RANGES_SINCE: u32 = 170_000;
/// What a partitioned table weighs, which has no rows of its own: a statement of its own.
const PARTITIONED_BYTES: u64 = 1 << 20;

/// A table or materialized view of the target.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) column_count: u64,
    /// Whether it has rows of its own.
    pub(super) is_filled: bool,
    /// Whether rows of other tables count as its own.
    pub(super) is_parent: bool,
    /// Whether it has extended statistics, which no server before 19 takes from another.
    pub(super) is_extended: bool,
}

/// Tables and materialized views, largest first. Before 18 partitions come with the table that they are of.
pub(super) fn relations(target: &mut Session) -> Outcome<Vec<Relation>> {
    let version = target.version().number;
    let is_listed = match version {
        CARRIED_SINCE.. => "true",
        PARTITIONS_SINCE.. => "NOT c.relispartition",
        _ => "true",
    };
    // What is not asked of older servers is not needed there.
    let is_extended = match version {
        CARRIED_SINCE.. => {
            "EXISTS (SELECT 1 FROM pg_statistic_ext s WHERE s.stxrelid = c.oid \
             AND coalesce(s.stxstattarget, -1) <> 0)"
        }
        _ => "false",
    };
    let sql = format!(
        "SELECT n.nspname, c.relname, \
           pg_table_size(c.oid) + CASE WHEN c.relkind = 'p' THEN {PARTITIONED_BYTES} ELSE 0 END, \
           c.relkind <> 'p' AND pg_relation_size(c.oid) > 0, \
           EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid), {is_extended}, c.relnatts \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {USER_SCHEMAS} AND {is_listed} \
         AND n.nspname <> '{}' ORDER BY 3 DESC, 1, 2",
        crate::parts::SCHEMA
    );
    let read = |row: &Row| -> Outcome<Relation> {
        Ok(Relation {
            schema: text(row, 0).to_owned(),
            name: text(row, 1).to_owned(),
            size_bytes: number(WHAT, row, 2)?,
            is_filled: flag(row, 3),
            is_parent: flag(row, 4),
            is_extended: flag(row, 5),
            column_count: number(WHAT, row, 6)?,
        })
    };
    query(target, WHAT, &sql)?.iter().map(read).collect()
}

/// Schema and name of a table or index.
pub(super) type Name = (String, String);

/// A table or materialized view of the source.
#[derive(Debug, Default)]
pub(super) struct Origin {
    /// Rows that its statistics tell of, as the server writes it; -1 or 0 where it has none.
    pub(super) row_count: String,
    /// Whether so much has changed since that autovacuum, left to its defaults, would gather them again.
    pub(super) is_stale: bool,
    /// Columns of which statistics are kept, and expressions of its indexes.
    pub(super) columns: Vec<Column>,
}

/// A column, or an expression of an index.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// The index; `None` for a column of the table.
    pub(super) index: Option<String>,
    pub(super) name: String,
    /// Place among the columns; that of an index is the same on both sides.
    pub(super) number: u64,
    /// Whether its type keeps statistics of a kind that the source does not tell.
    pub(super) is_of_own_kind: bool,
}

/// Reads tables of the source, with the columns that have statistics when they are whole.
pub(super) fn origins(source: &mut Session, group: &[Relation]) -> Outcome<HashMap<Name, Origin>> {
    let version = source.version().number;
    let generated = if version >= GENERATED_SINCE { "AND a.attgenerated <> 'v'" } else { "" };
    let told = match version {
        RANGES_SINCE.. => ", 'range_typanalyze', 'multirange_typanalyze'",
        _ => "",
    };
    let sql = format!(
        "SELECT n.nspname, o.relname, o.reltuples, \
           pg_stat_get_mod_since_analyze(o.oid) > 50 + 0.1 * greatest(o.reltuples, 0), \
           CASE WHEN c.oid <> o.oid THEN c.relname END, a.attname, a.attnum, \
           t.typanalyze <> 0 AND t.typanalyze::regproc::text NOT IN ('array_typanalyze', 'ts_typanalyze'{told}) \
         FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace \
         CROSS JOIN LATERAL (SELECT o.oid, o.relname, NULL::int2vector AS key UNION ALL \
           SELECT x.oid, x.relname, i.indkey FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid \
           WHERE i.indrelid = o.oid AND i.indexprs IS NOT NULL AND x.relkind = 'i') c \
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
           AND coalesce(a.attstattarget, -1) <> 0 {generated} AND (c.key IS NULL OR c.key[a.attnum - 1] = 0) \
         LEFT JOIN pg_type t ON t.oid = a.atttypid \
         WHERE {} ORDER BY 1, 2, 5 NULLS FIRST, a.attnum",
        among("n.nspname", "o.relname", group.iter().map(|one| (&*one.schema, &*one.name)))
    );
    let mut found: HashMap<Name, Origin> = HashMap::new();
    for row in query(source, WHAT, &sql)? {
        let key = (text(&row, 0).to_owned(), text(&row, 1).to_owned());
        let origin = found.entry(key).or_insert_with(|| Origin {
            row_count: text(&row, 2).to_owned(),
            is_stale: flag(&row, 3),
            columns: Vec::new(),
        });
        if let Some(name) = optional(&row, 5) {
            origin.columns.push(Column {
                index: optional(&row, 4).map(str::to_owned),
                name: name.to_owned(),
                number: number(WHAT, &row, 6)?,
                is_of_own_kind: flag(&row, 7),
            });
        }
    }
    Ok(found)
}

/// The statistics of a column, or those of it with the rows of other tables.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub(super) is_inherited: bool,
    /// Values of [`KINDS`], as the source writes them.
    pub(super) values: Vec<Option<String>>,
}

/// What the source tells, by its name in the view and as an argument of the target's function, with the type there.
/// Source: PostgreSQL 18, "pg_stats" and "pg_restore_attribute_stats".
pub(super) const KINDS: [(&str, &str); 13] = [
    ("null_frac", "real"),
    ("avg_width", "integer"),
    ("n_distinct", "real"),
    ("most_common_vals", "text"),
    ("most_common_freqs", "real[]"),
    ("histogram_bounds", "text"),
    ("correlation", "real"),
    ("most_common_elems", "text"),
    ("most_common_elem_freqs", "real[]"),
    ("elem_count_histogram", "real[]"),
    ("range_length_histogram", "text"),
    ("range_empty_frac", "real"),
    ("range_bounds_histogram", "text"),
];
/// Those that every version tells.
const KINDS_OLD: usize = 10;
/// The place of the one that is sorted.
pub(super) const HISTOGRAM: usize = 5;

/// Reads the statistics of these tables and indexes, by schema, name and column, as far as the login may.
pub(super) fn known<'a>(
    source: &mut Session,
    names: impl Iterator<Item = (&'a str, &'a str)>,
) -> Outcome<HashMap<(String, String, String), Vec<Known>>> {
    let count = if source.version().number >= RANGES_SINCE { KINDS.len() } else { KINDS_OLD };
    let kinds: Vec<String> =
        KINDS[..count].iter().map(|(name, _)| format!("{name}::text")).collect();
    let sql = format!(
        "SELECT schemaname, tablename, attname, inherited, {} FROM pg_stats WHERE {}",
        kinds.join(", "),
        among("schemaname", "tablename", names)
    );
    let mut found: HashMap<_, Vec<Known>> = HashMap::new();
    for row in query(source, WHAT, &sql)? {
        let [schema, name, column] = [0, 1, 2].map(|index| text(&row, index).to_owned());
        let is_inherited = flag(&row, 3);
        let mut values = row;
        values.drain(..4);
        found.entry((schema, name, column)).or_default().push(Known { is_inherited, values });
    }
    Ok(found)
}

/// How the target sorts a column.
#[derive(Debug, Clone)]
pub(super) struct Sorting {
    /// The type, as SQL.
    pub(super) type_name: String,
    /// The collation, as SQL.
    pub(super) collation: String,
}

/// Reads how the target sorts columns that servers may sort differently, by schema, name of table or index, and the column's name, of
/// an index its number.
pub(super) fn sortings<'a>(
    target: &mut Session,
    names: impl Iterator<Item = (&'a str, &'a str)>,
) -> Outcome<HashMap<(String, String, String), Sorting>> {
    let sql = format!(
        "SELECT n.nspname, c.relname, CASE WHEN c.relkind = 'i' THEN a.attnum::text ELSE a.attname END, \
           format_type(a.atttypid, NULL), quote_ident(m.nspname) || '.' || quote_ident(l.collname) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         JOIN pg_collation l ON l.oid = a.attcollation JOIN pg_namespace m ON m.oid = l.collnamespace \
         JOIN pg_database d ON d.datname = current_database() \
         WHERE l.collname NOT IN ('C', 'POSIX') \
           AND NOT (l.collprovider = 'd' AND d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX')) AND {}",
        among("n.nspname", "c.relname", names)
    );
    let mut found = HashMap::new();
    for row in query(target, WHAT, &sql)? {
        let [schema, name, column, type_name, collation] =
            [0, 1, 2, 3, 4].map(|index| text(&row, index).to_owned());
        found.insert((schema, name, column), Sorting { type_name, collation });
    }
    Ok(found)
}

/// A condition that leaves these names. The second clause alone would have the server read all of its catalog.
fn among<'a>(schema: &str, name: &str, names: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let (mut plain, mut pairs) = (Vec::new(), Vec::new());
    for (of_schema, of_name) in names {
        let of_name = quote_literal(of_name);
        pairs.push(format!("({}, {of_name})", quote_literal(of_schema)));
        plain.push(of_name);
    }
    if plain.is_empty() {
        return "false".to_owned();
    }
    format!("{name} IN ({}) AND ({schema}, {name}) IN ({})", plain.join(", "), pairs.join(", "))
}
