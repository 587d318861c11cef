//! The ports of one database.

use std::sync::atomic::{AtomicBool, Ordering};

use flexway_core::migrate::*;
use flexway_core::port::*;

use super::{Store, World, error};

/// One database on both servers.
pub(super) struct Open {
    pub(super) world: World,
    pub(super) name: String,
}

impl Open {
    fn call<T>(
        &self,
        name: &str,
        effect: impl FnOnce(&Store, &mut Store) -> Result<T, MoveError>,
    ) -> Result<T, MoveError> {
        self.world.call(&format!("{} {name}", self.name), |state| {
            let source = state.source[&self.name].clone();
            effect(&source, state.target.get_mut(&self.name).unwrap())
        })
    }
}

impl Database for Open {
    fn schema(&self) -> &dyn Schema {
        self
    }
    fn data(&self) -> &dyn Data {
        self
    }
    fn compare(&self) -> &dyn Compare {
        self
    }
}

impl Schema for Open {
    fn pre_data(&self, _jobs: usize) -> Result<(), MoveError> {
        self.call("pre-data", |source, target| {
            if target.has_schema {
                return Err(error("create tables", "they stand already", Remedy::Act));
            }
            target.has_schema = true;
            target.tables = source.tables.keys().map(|name| (name.clone(), Vec::new())).collect();
            Ok(())
        })
    }

    fn post_data(&self) -> Result<Vec<SchemaEntry>, MoveError> {
        self.call("post-data", |source, _| {
            let entry = |text: &String| {
                let (kind, name) = text.rsplit_once(' ').unwrap();
                let (kind, name) = (kind.to_owned(), name.to_owned());
                SchemaEntry { kind, schema: "app".to_owned(), name, table: None, sql: text.clone() }
            };
            Ok(source.entries.iter().map(entry).collect())
        })
    }

    fn build_memory(&self) -> Result<BuildMemory, MoveError> {
        Ok(BuildMemory { each_bytes: 64 << 20, all_bytes: 128 << 20 })
    }

    fn apply(&self, entry: &SchemaEntry, _room: Room, _stop: &AtomicBool) -> Result<(), MoveError> {
        self.call(&format!("apply {}", entry.sql), |source, target| {
            if target.tables != source.tables {
                return Err(error("apply", "a table is not complete", Remedy::Act));
            }
            target.entries.insert(entry.sql.clone());
            Ok(())
        })
    }

    fn last(&self, _stop: &AtomicBool) -> Result<(), MoveError> {
        self.call("last", |_, target| {
            assert!(target.is_finished, "something is done after what comes last");
            Ok(())
        })
    }
}

impl Data for Open {
    fn contents(&self) -> Result<Contents, MoveError> {
        self.call("contents", |source, _| {
            let mut tables = tables(source);
            tables.sort_by_key(|table| std::cmp::Reverse(table.size_bytes));
            Ok(Contents { tables, large_object_count: source.large_objects, ..Contents::default() })
        })
    }

    fn begin(&self) -> Result<Vec<Vec<Part>>, MoveError> {
        self.call("begin", |source, target| {
            let of = |table: &Table| {
                let theirs = &target.tables[&table.name];
                let parts = source.parts(&table.name).into_iter().enumerate();
                parts
                    .map(|(number, rows)| {
                        let has = !rows.is_empty() && rows.iter().all(|row| theirs.contains(row));
                        part(number, has.then(|| copied(&rows)))
                    })
                    .collect()
            };
            Ok(tables(source).iter().map(of).collect())
        })
    }

    fn copy_part(
        &self,
        table: &Table,
        part: &Part,
        progress: &CopyProgress,
        _stop: &AtomicBool,
    ) -> Result<Copied, MoveError> {
        {
            let mut state = self.world.state();
            state.running += 1;
            state.running_max = state.running_max.max(state.running);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
        let name = match part.number {
            0 => format!("copy {}", table.name),
            number => format!("copy {} {number}", table.name),
        };
        let result = self.call(&name, |source, target| {
            let rows = source.parts(&table.name).swap_remove(part.number as usize);
            let theirs = target.tables.get_mut(&table.name).unwrap();
            if !rows.iter().all(|row| theirs.contains(row)) {
                theirs.extend(&rows);
                theirs.sort_unstable();
            }
            progress.rows.fetch_add(rows.len() as u64, Ordering::Relaxed);
            Ok(copied(&rows))
        });
        self.world.state().running -= 1;
        result
    }

    fn make_durable(&self) -> Result<(), MoveError> {
        // Not a call like others: how often it comes depends on the clock.
        let mut state = self.world.state();
        let has_small = state.effects.iter().any(|done| done.ends_with(" copy small"));
        if has_small { state.crash("make durable") } else { Ok(()) }
    }

    fn copy_large_objects(
        &self,
        _progress: &CopyProgress,
        _stop: &AtomicBool,
    ) -> Result<Copied, MoveError> {
        self.call("copy large objects", |source, target| {
            target.large_objects = source.large_objects;
            Ok(Copied { rows: source.large_objects, bytes: 40, hash: None })
        })
    }

    fn finish(
        &self,
        _contents: &Contents,
        _jobs: usize,
        _stop: &AtomicBool,
    ) -> Result<Finished, MoveError> {
        self.call("finish", |source, target| {
            target.is_finished = true;
            let gathered = source.tables.len() as u64;
            let statistics = Statistics { gathered, ..Statistics::default() };
            Ok(Finished { statistics, ..Finished::default() })
        })
    }
}

impl Compare for Open {
    fn schema(&self) -> Result<Vec<Difference>, MoveError> {
        self.call("compare schema", |source, target| {
            let missing = source.entries.difference(&target.entries);
            Ok(missing
                .map(|entry| Difference {
                    kind: "schema",
                    name: entry.clone(),
                    detail: "is only on the source".to_owned(),
                })
                .collect())
        })
    }

    fn table(
        &self,
        table: &Table,
        _sent: Option<&Copied>,
        _progress: &CopyProgress,
        _stop: &AtomicBool,
    ) -> Result<TableComparison, MoveError> {
        self.call(&format!("compare {}", table.name), |source, target| {
            let (ours, theirs) = (&source.tables[&table.name], &target.tables[&table.name]);
            Ok(TableComparison {
                source_rows: ours.len() as u64,
                target_rows: theirs.len() as u64,
                source_hash: format!("{ours:?}"),
                target_hash: format!("{theirs:?}"),
                differing: None,
                rows_sampled: None,
            })
        })
    }

    /// Tables of more than ten rows are large here; a tenth is read.
    fn sample(
        &self,
        table: &Table,
        _sample: Sample,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<TableComparison, MoveError> {
        let found = self.table(table, None, progress, stop)?;
        let rows_sampled = (found.source_rows > 10).then_some(found.source_rows / 10);
        Ok(TableComparison { rows_sampled, ..found })
    }

    fn tables(&self) -> Result<(Vec<Table>, Vec<Table>), MoveError> {
        self.call("compare tables", |source, target| Ok((tables(source), tables(target))))
    }
}

fn part(number: usize, arrived: Option<Copied>) -> Part {
    let (number, cut) = (number as u32, "cut".to_owned());
    Part { number, blocks: None, size_bytes: 0, cut, arrived }
}

fn copied(rows: &[u64]) -> Copied {
    Copied { rows: rows.len() as u64, bytes: rows.len() as u64 * 10, hash: None }
}

fn tables(store: &Store) -> Vec<Table> {
    let table = |(name, rows): (&String, &Vec<u64>)| Table {
        schema: "app".to_owned(),
        name: name.clone(),
        columns: vec![Column { name: "id".to_owned(), type_name: "bigint".to_owned() }],
        size_bytes: rows.len() as u64 * 8192,
    };
    store.tables.iter().map(table).collect()
}
