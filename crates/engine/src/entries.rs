//! What comes after the data: indexes and keys beside the copy, foreign keys side by side, everything else in the dump's order.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use flexway_core::history::{Span, SpanKind};
use flexway_core::migrate::{Copied, CopyProgress, MoveError, Remedy, Room, SchemaEntry};
use flexway_core::port::Schema;

use crate::clock::Stopwatch;
use crate::failpoint;
use crate::failure::Failure;
use crate::ledger::{ItemKind, Ledger, Mark, recorded};
use crate::marks::Marks;
use crate::memory::Memory;
use crate::observe::{Amount, Event, Work};
use crate::workers::{Workers, guard};

const FOREIGN_KEY: &str = "FK CONSTRAINT";

/// The entries of one database.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    list: Vec<SchemaEntry>,
    /// Their names in the ledger.
    names: Vec<String>,
    /// Those that an earlier run built.
    done: HashSet<usize>,
}

impl Entries {
    /// Those that are still to be built and can be beside others, with the table that each needs.
    pub(crate) fn independent(&self) -> Vec<(usize, Option<&(String, String)>)> {
        let open = (0..self.list.len()).filter(|index| !self.done.contains(index));
        let independent = open.filter(|&index| is_independent(&self.list[index]));
        independent.map(|index| (index, self.list[index].table.as_ref())).collect()
    }

    /// The table whose rows an entry needs.
    pub(crate) fn table(&self, entry: usize) -> Option<&(String, String)> {
        self.list[entry].table.as_ref()
    }

    /// The others that are still to be built.
    fn dependent(&self) -> Vec<usize> {
        let open = (0..self.list.len()).filter(|index| !self.done.contains(index));
        open.filter(|&index| !is_independent(&self.list[index])).collect()
    }
}

/// Whether the entry needs only the data: a foreign key needs another table's key, an attached
/// index two indexes.
fn is_independent(entry: &SchemaEntry) -> bool {
    matches!(entry.kind.as_str(), "INDEX" | "CONSTRAINT")
}

/// What else goes on while an entry is built.
#[derive(Clone, Copy)]
pub(crate) struct Beside {
    /// Size of the entry's table.
    pub(crate) table_bytes: u64,
    /// Tasks that are left.
    pub(crate) more: usize,
    /// Whether fewer of them are ready than there are threads.
    pub(crate) may_spread: bool,
}

pub(crate) struct Builder<'a> {
    pub(crate) workers: Workers<'a>,
    pub(crate) database: &'a str,
    pub(crate) schema: &'a dyn Schema,
    pub(crate) marks: &'a Marks<'a>,
    pub(crate) memory: &'a Memory,
}

impl Builder<'_> {
    /// Finds out what is to be built, and what an earlier run built.
    pub(crate) fn list(&self, ledger: &Ledger) -> Result<Entries, MoveError> {
        let list = self.workers.attempt(|| self.schema.post_data())?;
        let names = unique_names(&list);
        let items: Vec<(String, u64)> = names.iter().map(|name| (name.clone(), 0)).collect();
        let known = recorded(ledger.add_items(self.database, ItemKind::Entry, &items))?;
        let done: HashSet<usize> =
            (0..list.len()).filter(|&index| known.contains(&names[index])).collect();
        self.workers.tell(&Event::WorkBegins {
            database: self.database,
            work: Work::Build,
            amount: Amount { units: list.len(), units_done: done.len(), ..Amount::default() },
        });
        Ok(Entries { list, names, done })
    }

    /// Builds what is not independent, once all else stands, and what failed beside the others: a few of those depend on an entry
    /// that comes after the data too, such as a materialized view over a key. Only a failure here counts.
    pub(crate) fn rest(&self, entries: &Entries, failed: Vec<usize>) -> Result<(), Failure> {
        let mut rest = entries.dependent();
        rest.extend(failed);
        rest.sort_unstable();
        let is_key = |index: &usize| entries.list[*index].kind == FOREIGN_KEY;
        let first = rest.iter().position(is_key).unwrap_or(rest.len());
        let (keys, after): (Vec<usize>, Vec<usize>) =
            rest.split_off(first).into_iter().partition(is_key);
        let errors = Mutex::new(Vec::new());
        let one = |index: usize, worker| match self.one(entries, index, None, worker) {
            Err(error) if error.remedy.is_alone() || error.remedy == Remedy::Open => {
                guard(&errors).push(error);
                Ok(())
            }
            other => other,
        };
        self.in_order(rest, &one)?;
        self.workers.each(keys, &one)?;
        self.in_order(after, &one)?;
        Failure::unless_empty(std::mem::take(&mut *guard(&errors)))
    }

    fn in_order(
        &self,
        list: Vec<usize>,
        one: &dyn Fn(usize, u32) -> Result<(), MoveError>,
    ) -> Result<(), Failure> {
        for index in list {
            self.workers.go_on()?;
            one(index, 1)?;
        }
        Ok(())
    }

    /// Builds one entry; `beside` others if that is said, which share the target's memory.
    pub(crate) fn one(
        &self,
        entries: &Entries,
        index: usize,
        beside: Option<Beside>,
        worker: u32,
    ) -> Result<(), MoveError> {
        let (database, work, size_bytes) = (self.database, Work::Build, 0);
        let (entry, name) = (&entries.list[index], entries.names[index].as_str());
        self.marks.begin(ItemKind::Entry, name, None);
        let progress = &Arc::new(CopyProgress::default());
        let watch = Stopwatch::start();
        self.workers.tell(&Event::UnitBegins { database, work, name, size_bytes, progress });
        let stop = self.workers.stop;
        let grant = beside.map(|beside| self.memory.take(beside.table_bytes, beside.more));
        let room = Room {
            may_spread: beside.is_some_and(|beside| beside.may_spread),
            memory_bytes: grant.as_ref().map(|grant| grant.bytes),
        };
        let result = self.workers.attempt(|| self.schema.apply(entry, room, stop));
        drop(grant);
        if result.is_ok() {
            failpoint::reach("entry");
        }
        let seconds = watch.seconds();
        let span = watch.span(database, SpanKind::Build, name);
        self.marks.span(Span { worker: Some(worker), is_done: result.is_ok(), ..span });
        let told = result.as_ref().map(|()| Copied::default());
        self.workers.tell(&Event::UnitEnds { database, work, name, result: told, seconds });
        let mark = match &result {
            Ok(()) => Some(Mark::Done(Copied::default(), seconds)),
            Err(error) if error.remedy == Remedy::Stopped => None,
            Err(error) => Some(Mark::Failed(error.why.clone())),
        };
        self.marks.end(ItemKind::Entry, name, mark);
        result
    }
}

/// Names for the ledger. pg_dump gives some entries the same name (default privileges of two
/// roles): those get a number.
fn unique_names(entries: &[SchemaEntry]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    entries
        .iter()
        .map(|entry| {
            let name = format!("{} {} {}", entry.kind, entry.schema, entry.name);
            let count = seen.entry(name.clone()).or_default();
            *count += 1;
            if *count == 1 { name } else { format!("{name} #{count}") }
        })
        .collect()
}
