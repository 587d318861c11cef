//! One database, open on both sides, with one snapshot of the source that all reading goes through.

mod comparing;

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{
    BuildMemory, Contents, Copied, CopyProgress, Finished, MoveError, Part, Room, SchemaEntry,
    Table, ToolFacts,
};
use flexway_core::port::{Compare, Data, Database, Schema};

use crate::ask::{Outcome, query_one, run, text};
use crate::catalog::tables::{Tables, tables};
use crate::catalog::{binary, relations};
use crate::compare::Types;
use crate::copy::Format;
use crate::pool::{self, Pool, client_encoding, connect, prepare, row_encoding};
use crate::schema::{apply, post_data, pre_data};
use crate::{ConnInfo, Session, content, large_objects, parts};

/// Tables locked with one statement.
const TABLES_PER_LOCK: usize = 500;

/// See the module's first line.
pub(super) struct OpenDatabase {
    tool: ToolFacts,
    snapshot: String,
    tables: Tables,
    source: Pool,
    target: Pool,
    /// Float types, read when first needed.
    types: Mutex<Option<std::sync::Arc<Types>>>,
    /// Held while the rows of a table are told apart.
    drilling: Mutex<()>,
    /// Holds the snapshot and the locks for as long as the database is open; nothing runs on it.
    _keeper: Mutex<Session>,
}

impl OpenDatabase {
    /// Pins a snapshot and keeps others from dropping, altering or truncating tables while it is
    /// read: a TRUNCATE would make a table look empty even to older snapshots.
    pub(super) fn open(
        tool: ToolFacts,
        source: ConnInfo,
        target: ConnInfo,
    ) -> Outcome<OpenDatabase> {
        let what = format!("pin a snapshot of {}", source.label());
        let mut keeper = connect(&source)?;
        let encoding = client_encoding(&mut keeper)?;
        prepare(&mut keeper, encoding)?;
        let row_encoding = row_encoding(&mut keeper, &mut connect(&target)?)?;
        let encodings = (encoding, row_encoding.as_deref());
        run(&mut keeper, &what, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let row = query_one(&mut keeper, &what, "SELECT pg_export_snapshot()")?;
        let snapshot = text(&row, 0).to_owned();
        let tables = tables(&mut keeper)?;
        lock(&mut keeper, &tables)?;
        Ok(OpenDatabase {
            tool,
            source: Pool::new(source, pool::Side::Source { snapshot: snapshot.clone() }, encodings),
            target: Pool::new(target, pool::Side::Target, encodings),
            snapshot,
            tables,
            types: Mutex::new(None),
            drilling: Mutex::new(()),
            _keeper: Mutex::new(keeper),
        })
    }

    /// In which format the rows of a table travel.
    fn format(&self, table: &Table, source: &Session, target: &Session) -> Format {
        // Binary rows have their text in the client's encoding.
        let is_binary = source.row_encoding.is_none()
            && self.tables.is_binary(table)
            && binary::is_possible(source, target);
        if is_binary { Format::Binary } else { Format::Text }
    }

    fn types(&self, source: &mut Session, target: u32) -> Outcome<std::sync::Arc<Types>> {
        let mut known = self.types.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(types) = &*known {
            return Ok(types.clone());
        }
        let version = source.version().number;
        let types = std::sync::Arc::new(Types::read(source, version, target)?);
        *known = Some(types.clone());
        Ok(types)
    }
}

fn lock(keeper: &mut Session, tables: &Tables) -> Outcome<()> {
    let all = tables.all.iter().map(|table| content::qualified(&table.schema, &table.name));
    let leaves = tables.trees.values().flatten();
    let leaves = leaves.map(|(schema, name)| content::qualified(schema, name));
    let names: Vec<String> = all.chain(leaves).map(|name| format!("ONLY {name}")).collect();
    let what = "lock the source's tables against being dropped, altered or truncated";
    for group in names.chunks(TABLES_PER_LOCK) {
        let sql = format!("LOCK TABLE {} IN ACCESS SHARE MODE", group.join(", "));
        run(keeper, what, &sql)?;
    }
    Ok(())
}

impl Database for OpenDatabase {
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

impl Schema for OpenDatabase {
    fn pre_data(&self, jobs: usize) -> Result<(), MoveError> {
        let pg_dump = &self.tool.pg_dump;
        pre_data::create(pg_dump, &self.source, &self.target, &self.snapshot, jobs)
    }

    fn post_data(&self) -> Result<Vec<SchemaEntry>, MoveError> {
        let pg_dump = &self.tool.pg_dump;
        post_data::list(pg_dump, &self.source, &self.target, &self.snapshot)
    }

    fn build_memory(&self) -> Result<BuildMemory, MoveError> {
        self.target.with(apply::build_memory)
    }

    fn apply(&self, entry: &SchemaEntry, room: Room, stop: &AtomicBool) -> Result<(), MoveError> {
        self.target.with(|session| apply::apply_one(session, entry, room, stop))
    }

    fn last(&self, stop: &AtomicBool) -> Result<(), MoveError> {
        let OpenDatabase { tool, source, target, snapshot, .. } = self;
        post_data::create_event_triggers(&tool.pg_dump, source, target, snapshot, stop)
    }
}

impl Data for OpenDatabase {
    fn contents(&self) -> Result<Contents, MoveError> {
        self.source.with(|session| {
            Ok(Contents {
                tables: self.tables.all.clone(),
                sequences: relations::sequences(session)?,
                materialized_views: relations::materialized_views(session)?,
                large_object_count: relations::large_object_count(session)?,
            })
        })
    }

    fn begin(&self) -> Result<Vec<Vec<Part>>, MoveError> {
        self.source
            .with(|source| self.target.with(|target| parts::begin(source, target, &self.tables)))
    }

    fn copy_part(
        &self,
        table: &Table,
        part: &Part,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<Copied, MoveError> {
        let rows = self.tables.rows(table);
        self.source.with(|source| {
            self.target.with(|target| {
                let format = self.format(table, source, target);
                let job = content::Job { table, rows, part, format };
                content::copy_part(source, target, &job, progress, stop)
            })
        })
    }

    fn make_durable(&self) -> Result<(), MoveError> {
        self.target.with(parts::make_durable)
    }

    fn copy_large_objects(
        &self,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<Copied, MoveError> {
        self.source.with(|source| {
            self.target.with(|target| large_objects::copy(source, target, progress, stop))
        })
    }

    fn finish(
        &self,
        contents: &Contents,
        jobs: usize,
        stop: &AtomicBool,
    ) -> Result<Finished, MoveError> {
        let trees = &self.tables.trees;
        content::finish([&self.source, &self.target], contents, trees, jobs, stop)
    }
}
