//! Builds what comes after the data: indexes and keys side by side, everything else in the dump's
//! order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use flexway_core::migrate::{Copied, CopyProgress, MoveError, Remedy, SchemaEntry};
use flexway_core::port::Schema;

use crate::failure::Failure;
use crate::ledger::{ItemKind, Ledger, recorded};
use crate::observe::{Amount, Event, Work};
use crate::workers::{Workers, guard};

/// Builds the entries that the ledger does not know as built.
///
/// An index or key that fails beside the others is tried once more in its place in the dump's
/// order: a few of them depend on an entry that comes after the data too, such as a materialized
/// view over a key. Only that failure counts.
pub(crate) fn build(
    workers: Workers<'_>,
    ledger: &Ledger,
    database: &str,
    schema: &dyn Schema,
) -> Result<(), Failure> {
    let entries = workers.attempt(|| schema.post_data())?;
    let names = unique_names(&entries);
    let items: Vec<(String, u64)> = names.iter().map(|name| (name.clone(), 0)).collect();
    let done = ledger.add_items(database, ItemKind::Entry, &items)?;
    let remaining: Vec<usize> =
        (0..entries.len()).filter(|&index| !done.contains(&names[index])).collect();
    workers.tell(&Event::WorkBegins {
        database,
        work: Work::Build,
        amount: Amount {
            units: entries.len(),
            units_done: entries.len() - remaining.len(),
            ..Amount::default()
        },
    });
    let builder = Builder { workers, ledger, database, schema };
    let result = builder.all(&entries, &names, remaining);
    workers.tell(&Event::WorkEnds { database, work: Work::Build });
    result
}

struct Builder<'a> {
    workers: Workers<'a>,
    ledger: &'a Ledger,
    database: &'a str,
    schema: &'a dyn Schema,
}

impl Builder<'_> {
    fn all(
        &self,
        entries: &[SchemaEntry],
        names: &[String],
        remaining: Vec<usize>,
    ) -> Result<(), Failure> {
        let (beside, in_order): (Vec<usize>, Vec<usize>) =
            remaining.into_iter().partition(|&index| is_independent(&entries[index]));
        let in_order = Mutex::new(in_order);
        self.workers.each(beside, &|index| match self.one(&entries[index], &names[index]) {
            Err(error) if error.remedy == Remedy::Act => {
                guard(&in_order).push(index);
                Ok(())
            }
            other => other,
        })?;
        let mut in_order = in_order.into_inner().unwrap_or_else(PoisonError::into_inner);
        in_order.sort_unstable();
        let mut errors = Vec::new();
        for index in in_order {
            self.workers.go_on()?;
            match self.one(&entries[index], &names[index]) {
                Err(error) if error.remedy == Remedy::Act => errors.push(error),
                other => other?,
            }
        }
        Failure::unless_empty(errors)
    }

    fn one(&self, entry: &SchemaEntry, name: &str) -> Result<(), MoveError> {
        let (database, work, size_bytes) = (self.database, Work::Build, 0);
        recorded(self.ledger.begin_item(database, ItemKind::Entry, name))?;
        let progress = Arc::new(CopyProgress::default());
        let started = Instant::now();
        let progress = &progress;
        self.workers.tell(&Event::UnitBegins { database, work, name, size_bytes, progress });
        let result = self.workers.attempt(|| self.schema.apply(entry, self.workers.stop));
        let seconds = started.elapsed().as_secs_f64();
        let told = result.as_ref().map(|()| Copied::default());
        self.workers.tell(&Event::UnitEnds { database, work, name, result: told, seconds });
        let kind = ItemKind::Entry;
        match &result {
            Ok(()) => {
                recorded(self.ledger.finish_item(database, kind, name, Copied::default(), seconds))?
            }
            Err(error) if error.remedy != Remedy::Stopped => {
                recorded(self.ledger.fail_item(database, kind, name, &error.why))?;
            }
            Err(_) => {}
        }
        result
    }
}

/// Whether the entry needs only the data: a foreign key needs another table's key, an attached
/// index two indexes.
fn is_independent(entry: &SchemaEntry) -> bool {
    matches!(entry.kind.as_str(), "INDEX" | "CONSTRAINT")
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
