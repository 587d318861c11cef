//! One database, open on both sides, with one snapshot of the source that all reading goes through.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use flexway_core::migrate::{
    BuildMemory, Contents, Copied, CopyProgress, Difference, DifferingRows, Finished, MoveError,
    Part, Room, Sample, SchemaEntry, Table, TableComparison, ToolFacts,
};
use flexway_core::port::{Compare, Data, Database, Schema};

use crate::ask::{Outcome, query_one, run, text};
use crate::catalog::queried::can_be_queried;
use crate::catalog::tables::{Rows, Tables, tables};
use crate::catalog::trees::leaves_of;
use crate::catalog::{binary, relations};
use crate::compare::rows::{self, Key};
use crate::compare::sample;
use crate::compare::{self, Types};
use crate::copy::Format;
use crate::pool::{self, Pool, client_encoding, connect, prepare, row_encoding};
use crate::row_sum::RowSum;
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

    /// Counts the rows that differ. One table at a time: the hashes of its rows are held in memory.
    fn differing(
        &self,
        source: &mut Session,
        target: &mut Session,
        (table, columns, rows): (&Table, &str, Rows),
        counts: [u64; 2],
        stop: &AtomicBool,
    ) -> Outcome<Option<DifferingRows>> {
        let _one = self.drilling.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = Key::read(source, table)?;
        let columns = key.columns(columns);
        let copy_outs =
            [content::copy_out(table, &columns, rows), theirs(target, table, &columns, rows)?];
        let [ours, theirs] = copy_outs;
        let sides = [
            rows::Side { session: source, copy_out: ours, row_count: counts[0] },
            rows::Side { session: target, copy_out: theirs, row_count: counts[1] },
        ];
        rows::differing(sides, &key, table, rows, stop)
    }

    /// Reads rows of a table on both sides, and tells those that differ apart.
    fn read_both(
        &self,
        source: &mut Session,
        target: &mut Session,
        (table, columns, rows): (&Table, &str, Rows),
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Outcome<TableComparison> {
        let theirs = theirs(target, table, columns, rows)?;
        let ours = content::copy_out(table, columns, rows);
        let hash = |session: &mut Session, copy_out: &str, progress| {
            compare::hash(session, table, (copy_out, Format::Text), progress, stop)
        };
        let (wanted, present) =
            at_once(|| hash(source, &ours, Some(progress)), || hash(target, &theirs, None));
        let (wanted, present) = (wanted?, present?);
        let differing = if wanted == present {
            None
        } else {
            let counts = [wanted.rows, present.rows];
            self.differing(source, target, (table, columns, rows), counts, stop)?
        };
        Ok(comparison(wanted, present, differing))
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

fn comparison(source: RowSum, target: RowSum, differing: Option<DifferingRows>) -> TableComparison {
    TableComparison {
        source_rows: source.rows,
        target_rows: target.rows,
        source_hash: format!("{:032x}", source.sum),
        target_hash: format!("{:032x}", target.sum),
        differing,
        rows_sampled: None,
    }
}

/// Does both side by side.
fn at_once<T: Send>(ours: impl FnOnce() -> T, theirs: impl FnOnce() -> T + Send) -> (T, T) {
    std::thread::scope(|scope| {
        let theirs = scope.spawn(theirs);
        let ours = ours();
        (ours, theirs.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// What is read on the target for the same rows: its partitions need not be the source's.
fn theirs(target: &mut Session, table: &Table, columns: &str, rows: Rows) -> Outcome<String> {
    let leaves = match rows {
        Rows::Own | Rows::Where(_) => return Ok(content::copy_out(table, columns, rows)),
        Rows::OfLeaves(_) => leaves_of(target, &(table.schema.clone(), table.name.clone()))?,
    };
    Ok(content::copy_out(table, columns, Rows::OfLeaves(&leaves)))
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

impl Compare for OpenDatabase {
    fn schema(&self) -> Result<Vec<Difference>, MoveError> {
        let version = self.target.with(|target| Ok(target.version().number))?;
        let types = self.source.with(|source| self.types(source, version))?;
        compare::differences(&self.tool.pg_dump, &self.source, &self.target, &self.snapshot, &types)
    }

    fn table(
        &self,
        table: &Table,
        sent: Option<&Copied>,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<TableComparison, MoveError> {
        self.source.with(|source| {
            self.target.compare_with(|target| {
                let types = self.types(source, target.version().number)?;
                let columns = types.columns(source, table)?;
                let rows = self.tables.rows(table);
                let theirs_of =
                    |columns: &str, target: &mut Session| theirs(target, table, columns, rows);
                let theirs = theirs_of(&columns, target)?;
                // Text that one version writes otherwise than the other was not what travelled.
                let same_text = columns == content::columns(table);
                if let Some((sent, hash)) = sent.and_then(|sent| Some((sent, sent.hash?)))
                    && (hash.is_binary || same_text)
                {
                    let wanted = RowSum { rows: sent.rows, sum: hash.sum };
                    let (theirs, format) = match hash.is_binary {
                        true => (theirs_of(&content::columns(table), target)?, Format::Binary),
                        false => (theirs.clone(), Format::Text),
                    };
                    let read = (theirs.as_str(), format);
                    if compare::hash(target, table, read, Some(progress), stop)? == wanted {
                        return Ok(comparison(wanted, wanted, None));
                    }
                }
                self.read_both(source, target, (table, &columns, rows), progress, stop)
            })
        })
    }

    fn sample(
        &self,
        table: &Table,
        sample: Sample,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<TableComparison, MoveError> {
        if !sample::is_large(table) || !matches!(self.tables.rows(table), Rows::Own) {
            return self.table(table, None, progress, stop);
        }
        let sampled = self.source.with(|source| {
            self.target.compare_with(|target| {
                // A hash of other bytes would choose other rows.
                if source.parameter("server_encoding") != target.parameter("server_encoding")
                    || !can_be_queried(source, table)?
                {
                    return Ok(None);
                }
                let types = self.types(source, target.version().number)?;
                let columns = types.columns(source, table)?;
                let key = Key::read(source, table)?.of(table);
                let condition = sample::condition(&types.columns(source, &key)?, sample);
                let read = (table, columns.as_str(), Rows::Where(&condition));
                let found = self.read_both(source, target, read, progress, stop)?;
                let (ours, theirs) = at_once(
                    || sample::count(source, table, stop),
                    || sample::count(target, table, stop),
                );
                let rows_sampled = Some(found.source_rows);
                Ok(Some(TableComparison {
                    source_rows: ours?,
                    target_rows: theirs?,
                    rows_sampled,
                    ..found
                }))
            })
        })?;
        sampled.map_or_else(|| self.table(table, None, progress, stop), Ok)
    }

    fn tables(&self) -> Result<(Vec<Table>, Vec<Table>), MoveError> {
        let target = self.target.compare_with(|session| Ok(tables(session)?.all))?;
        Ok((self.tables.all.clone(), target))
    }
}
