//! Statistics that go from the source to the target as they are.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use super::facts::{self, Column, HISTOGRAM, KINDS, Known, Name, Origin, Relation, Sorting};
use super::{Left, Task};
use crate::ask::{Outcome, failed, stopped, try_within};
use crate::catalog::trees::Leaf;
use crate::{PgError, Session, quote_literal};

const WHAT: &str = "carry statistics over";

const NOT_THERE: &str = "the source has none that the login may read";
const STALE: &str = "too much has changed on the source since";
const EXTENDED: &str = "extended statistics are not carried";
const MIXED: &str = "its partitions hold other rows than on the source";
const OWN_KIND: &str = "the source does not tell all statistics of its type";
const NOT_TAKEN: &str = "the target did not take them";
const UNREAD: &str = "they could not be read: too long at once, or not to be said in UTF8";
const SORTED: &str = "the target sorts its text otherwise";

/// Carries over the statistics of some tables; gives those that are to be gathered, with all columns or some.
pub(super) fn carry(
    source: &mut Session,
    target: &mut Session,
    group: &[Relation],
    mixed: &HashSet<&Leaf>,
    stop: &AtomicBool,
) -> Outcome<Vec<Left>> {
    if stop.load(Ordering::Relaxed) {
        return Err(stopped(WHAT));
    }
    let origins = facts::origins(source, group)?;
    let names: Vec<Name> = names(&origins);
    let names = || names.iter().map(|(schema, name)| (&**schema, &**name));
    let Ok(known) = try_within(source, WHAT, |source| facts::known(source, names()))? else {
        return Ok(group.iter().map(|one| whole(one, UNREAD)).collect());
    };
    let sortings = facts::sortings(target, names())?;
    let version = source.version().number;
    let mut left = Vec::new();
    let mut loads: Vec<Load<'_>> = Vec::new();
    for relation in group {
        let name = (relation.schema.clone(), relation.name.clone());
        let origin = origins.get(&name);
        match judge(relation, origin, &known, mixed.contains(&name)) {
            Judged { whole: Some(why), .. } => left.push(whole(relation, why)),
            Judged { carried, missing, .. } => {
                let row_count = origin.map_or("-1", |origin| &origin.row_count);
                loads.push(Load { relation, row_count, carried, missing });
            }
        }
    }
    let statements: Vec<String> =
        loads.iter().map(|load| load.statement(version, &sortings)).collect();
    match take(target, &statements) {
        Ok(answers) => {
            for (load, answers) in loads.iter().zip(answers) {
                left.extend(load.left(&answers));
            }
        }
        Err(error) if target.is_lost() => return Err(failed(WHAT, &error)),
        // One that fails takes the others along: each for itself.
        Err(_) => {
            for (load, statement) in loads.iter().zip(&statements) {
                match take(target, std::slice::from_ref(statement)) {
                    Ok(answers) => left.extend(answers.iter().filter_map(|one| load.left(one))),
                    Err(error) if target.is_lost() => return Err(failed(WHAT, &error)),
                    Err(_) => left.push(whole(load.relation, NOT_TAKEN)),
                }
            }
        }
    }
    Ok(left)
}

/// Tables, and those of their indexes that have expressions.
fn names(origins: &HashMap<Name, Origin>) -> Vec<Name> {
    let mut names = Vec::new();
    for ((schema, name), origin) in origins {
        names.push((schema.clone(), name.clone()));
        let indexes: HashSet<&String> =
            origin.columns.iter().filter_map(|column| column.index.as_ref()).collect();
        names.extend(indexes.into_iter().map(|index| (schema.clone(), index.clone())));
    }
    names
}

/// A column with statistics of the source.
type Carried<'a> = (&'a Column, &'a Known);

/// What of a table can be carried over.
#[derive(Default)]
struct Judged<'a> {
    /// Why nothing can.
    whole: Option<&'static str>,
    carried: Vec<Carried<'a>>,
    /// Columns that are to be gathered, and why.
    missing: Vec<(&'a str, &'static str)>,
}

fn judge<'a>(
    relation: &Relation,
    origin: Option<&'a Origin>,
    known: &'a HashMap<(String, String, String), Vec<Known>>,
    is_mixed: bool,
) -> Judged<'a> {
    let all = |why| Judged { whole: Some(why), ..Judged::default() };
    let Some(origin) = origin else { return all(NOT_THERE) };
    match (is_mixed, relation.is_extended) {
        (true, _) => return all(MIXED),
        (_, true) => return all(EXTENDED),
        (false, false) => {}
    }
    let mut judged = Judged::default();
    for column in &origin.columns {
        let of = column.index.as_ref().unwrap_or(&relation.name);
        let key = (relation.schema.clone(), of.clone(), column.name.clone());
        let there = known.get(&key).map(Vec::as_slice).unwrap_or_default();
        let has = |is_inherited| there.iter().any(|one| one.is_inherited == is_inherited);
        let is_whole = (has(false) || !relation.is_filled)
            && (has(true) || !relation.is_parent || column.index.is_some());
        match (is_whole && !column.is_of_own_kind, &column.index) {
            (true, _) => judged.carried.extend(there.iter().map(|known| (column, known))),
            // An expression is gathered with its whole table alone.
            (false, Some(_)) => return all(why(is_whole)),
            (false, None) => judged.missing.push((&column.name, why(is_whole))),
        }
    }
    let own = origin.columns.iter().filter(|column| column.index.is_none()).count();
    match judged.missing.first() {
        Some((_, why)) if judged.missing.len() == own => all(why),
        _ if origin.is_stale => all(STALE),
        _ => judged,
    }
}

fn why(is_whole: bool) -> &'static str {
    if is_whole { OWN_KIND } else { NOT_THERE }
}

fn whole(relation: &Relation, why: &'static str) -> Left {
    Left { why, task: Task::whole(relation.clone()) }
}

/// What the target is to take of one table.
struct Load<'a> {
    relation: &'a Relation,
    row_count: &'a str,
    carried: Vec<Carried<'a>>,
    missing: Vec<(&'a str, &'static str)>,
}

/// What an answer about a table begins with.
const TABLE: &str = "table";

/// What the target made of a column of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Taken,
    Refused,
    /// It has the bounds of the histogram in another order.
    Unsorted,
}

/// The list of a query has room for 1,664 columns.
const CALLS_PER_QUERY: usize = 1000;

impl Load<'_> {
    /// Queries whose rows together have an answer for each column.
    fn statement(
        &self,
        version: u32,
        sortings: &HashMap<(String, String, String), Sorting>,
    ) -> String {
        let mut sql = self.relation_statement(version);
        for columns in self.carried.chunks(CALLS_PER_QUERY) {
            let calls = columns.iter().map(|(column, known)| {
                let of = column.index.as_ref().unwrap_or(&self.relation.name);
                let by = match column.index {
                    Some(_) => column.number.to_string(),
                    None => column.name.clone(),
                };
                let sorting = sortings.get(&(self.relation.schema.clone(), of.clone(), by));
                let call = restore(&self.relation.schema, of, column, known, version);
                match is_sorted(known, sorting) {
                    None => call,
                    Some(is_sorted) => format!("CASE WHEN {is_sorted} THEN {call} END"),
                }
            });
            sql.push_str(&format!("SELECT {};\n", calls.collect::<Vec<_>>().join(", ")));
        }
        sql
    }

    /// Row count and pages. An index that was built has counted the rows already; a file of visible pages is there where rows came
    /// frozen, all of them.
    fn relation_statement(&self, version: u32) -> String {
        let (schema, name) =
            (quote_literal(&self.relation.schema), quote_literal(&self.relation.name));
        format!(
            "SELECT '{TABLE}', pg_restore_relation_stats('schemaname', {schema}::text, 'relname', {name}::text, \
             'version', {version}::integer, 'reltuples', r.count, 'relpages', r.pages, 'relallvisible', r.visible) \
             FROM (SELECT CASE WHEN c.relkind = 'p' THEN {count} WHEN c.pages = 0 THEN 0 \
               WHEN c.reltuples >= 0 THEN c.reltuples ELSE {count} END AS count, \
               CASE WHEN c.relkind = 'p' THEN -1 ELSE c.pages END AS pages, \
               CASE WHEN c.visible > 0 THEN c.pages ELSE 0 END AS visible \
               FROM (SELECT relkind, reltuples, CASE WHEN relkind = 'p' THEN 0 ELSE least(2147483647, \
                 pg_relation_size(o.oid) / current_setting('block_size')::bigint)::integer END AS pages, \
                 CASE WHEN relkind = 'p' THEN 0 ELSE pg_relation_size(o.oid, 'vm') END AS visible \
                 FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace \
                 WHERE n.nspname = {schema} AND o.relname = {name}) c) r;\n",
            count = format_args!("{}::real", quote_literal(self.row_count))
        )
    }

    /// What has to be gathered of it.
    fn left(&self, answers: &[Answer]) -> Option<Left> {
        let mut missing = self.missing.clone();
        for ((column, _), answer) in self.carried.iter().zip(answers) {
            let why = match answer {
                Answer::Taken => continue,
                Answer::Refused => NOT_TAKEN,
                Answer::Unsorted => SORTED,
            };
            if column.index.is_some() {
                return Some(whole(self.relation, why));
            }
            missing.push((&column.name, why));
        }
        let (_, why) = *missing.first()?;
        let mut task = Task::whole(self.relation.clone());
        task.columns = missing.iter().map(|(name, _)| (*name).to_owned()).collect();
        task.columns.dedup();
        Some(Left { why, task })
    }
}

/// An expression that tells whether the target has the bounds of a histogram in order, where that is a question. Another version of
/// a collation, or another system's, may have another order, and the planner would look in wrong places.
fn is_sorted(known: &Known, sorting: Option<&Sorting>) -> Option<String> {
    let bounds = known.values.get(HISTOGRAM).and_then(Option::as_deref)?;
    let Sorting { type_name, collation } = sorting?;
    // Elements one by one: of arrays there are no arrays.
    Some(format!(
        "NOT EXISTS (SELECT 1 FROM (SELECT b.x::{type_name} AS x, lag(b.x::{type_name}) OVER (ORDER BY b.n) AS before \
         FROM unnest({}::text[]) WITH ORDINALITY AS b (x, n)) p WHERE p.before > p.x COLLATE {collation})",
        quote_literal(bounds)
    ))
}

/// The call that has the target take a column's statistics.
fn restore(schema: &str, of: &str, column: &Column, known: &Known, version: u32) -> String {
    let column = match column.index {
        Some(_) => format!("'attnum', {}::smallint", column.number),
        None => format!("'attname', {}::text", quote_literal(&column.name)),
    };
    let mut call = format!(
        "pg_restore_attribute_stats('schemaname', {}::text, 'relname', {}::text, {column}, \
         'inherited', {}, 'version', {version}::integer",
        quote_literal(schema),
        quote_literal(of),
        known.is_inherited
    );
    for ((name, type_name), value) in KINDS.iter().zip(&known.values) {
        if let Some(value) = value {
            call.push_str(&format!(", '{name}', {}::{type_name}", quote_literal(value)));
        }
    }
    call.push(')');
    call
}

/// Runs the statements of some tables in one transaction; gives the answers about the columns of each. The first row about a table
/// is about itself.
fn take(target: &mut Session, statements: &[String]) -> Result<Vec<Vec<Answer>>, PgError> {
    let mut answers: Vec<Vec<Answer>> = Vec::new();
    for row in target.rows(&statements.concat())? {
        match (row.first().and_then(Option::as_deref), answers.last_mut()) {
            (Some(TABLE), _) => answers.push(Vec::new()),
            (_, None) => {}
            (_, Some(answers)) => answers.extend(row.iter().map(|value| match value.as_deref() {
                Some("t") => Answer::Taken,
                Some(_) => Answer::Refused,
                None => Answer::Unsorted,
            })),
        }
    }
    Ok(answers)
}
