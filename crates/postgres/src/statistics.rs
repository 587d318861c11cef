//! Statistics for the planner, without which a database is slow but whole: the source's, where the target takes them and they are
//! good, and else gathered on the target.

mod carry;
mod facts;
mod gather;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use flexway_core::migrate::{GatherReason, Statistics};

use crate::ask::Outcome;
use crate::catalog::trees::Leaf;
use crate::pool::{Pool, side_by_side};
use facts::Relation;
use gather::Task;

/// First version that takes the statistics of another server, and that analyzes a table without its partitions.
const CARRIED_SINCE: u32 = 180_000;

/// Tables whose statistics travel together: enough that a slow network does not count, and no more locks than a small server has.
const TABLES_PER_GROUP: usize = 50;
/// Columns whose statistics do: some megabytes, unless somebody raised the statistics target a hundredfold.
const COLUMNS_PER_GROUP: u64 = 200;

/// Names that a report lists for each reason; a database can have 100,000 tables.
const NAMES_MAX: usize = 1000;

/// A table whose statistics the target has to gather, and why.
struct Left {
    why: &'static str,
    task: Task,
}

/// Gives the target's planner its statistics, by `jobs` sessions, largest tables first. `mixed` are partitions that hold other rows
/// than on the source. Gives where they come from, and what failed, a sentence each.
///
/// # Errors
/// The connection is lost; `stop` was set. That a table could not be analyzed (a function of an index may fail) is a note.
pub(crate) fn settle(
    [source, target]: [&Pool; 2],
    mixed: &HashSet<&Leaf>,
    jobs: usize,
    stop: &AtomicBool,
) -> Outcome<(Statistics, Vec<String>)> {
    let version = target.with(|target| Ok(target.version().number))?;
    let relations = target.with(facts::relations)?;
    let (mut statistics, tasks) = if version < CARRIED_SINCE {
        let statistics = Statistics { gathered: relations.len() as u64, ..Statistics::default() };
        (statistics, relations.into_iter().map(Task::whole).collect())
    } else {
        let left = carry_all([source, target], &relations, mixed, jobs, stop)?;
        let gathered = left.len() as u64;
        let carried = relations.len() as u64 - gathered;
        let statistics = Statistics { carried, gathered, reasons: reasons(&left) };
        (statistics, left.into_iter().map(|left| left.task).collect())
    };
    statistics.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    let notes = gather::gather(target, tasks, jobs, stop)?;
    Ok((statistics, notes))
}

/// Carries over what can be; gives what is left, largest first.
fn carry_all(
    [source, target]: [&Pool; 2],
    relations: &[Relation],
    mixed: &HashSet<&Leaf>,
    jobs: usize,
    stop: &AtomicBool,
) -> Outcome<Vec<Left>> {
    let groups = groups(relations);
    let jobs = jobs.clamp(1, groups.len().max(1));
    let queue = Mutex::new(groups);
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let mut left = side_by_side(jobs, || {
        let mut left = Vec::new();
        while let Some(group) = take() {
            let carried = source.with(|source| {
                target.with(|target| carry::carry(source, target, group, mixed, stop))
            });
            left.extend(carried?);
        }
        Ok(left)
    })?;
    left.sort_by(|a, b| b.task.order().cmp(&a.task.order()));
    Ok(left)
}

fn groups(mut relations: &[Relation]) -> VecDeque<&[Relation]> {
    let mut groups = VecDeque::new();
    while !relations.is_empty() {
        let mut columns = 0;
        let is_in = |one: &&Relation| {
            columns += one.column_count;
            columns <= COLUMNS_PER_GROUP
        };
        let count = relations.iter().take(TABLES_PER_GROUP).take_while(is_in).count().max(1);
        let (group, rest) = relations.split_at(count);
        groups.push_back(group);
        relations = rest;
    }
    groups
}

fn reasons(left: &[Left]) -> Vec<GatherReason> {
    let mut by_why: BTreeMap<&str, GatherReason> = BTreeMap::new();
    for Left { why, task } in left {
        let reason = by_why.entry(why).or_insert_with(|| GatherReason {
            why: (*why).to_owned(),
            count: 0,
            tables: Vec::new(),
        });
        reason.count += 1;
        if reason.tables.len() < NAMES_MAX {
            reason.tables.push(task.plain());
        }
    }
    by_why.into_values().collect()
}
