//! Narrow traits through which the engine reaches the servers: plain data in, plain data out, blocking.

use std::sync::atomic::AtomicBool;

use crate::assess;
use crate::assess::forecast::Rates;
use crate::migrate::{
    BuildMemory, Contents, Copied, CopyProgress, Difference, Finished, MoveError, Part, RoleReport,
    Room, Sample, SchemaEntry, ServerFacts, Table, TableComparison, ToolFacts,
};

/// The two servers as wholes.
pub trait Servers: Send + Sync {
    /// Facts of the source; every connection problem names the rung that failed.
    fn source(&self) -> Result<ServerFacts, MoveError>;
    /// Facts of the target, with `user_object_count` for the databases named.
    fn target(&self, look_into: &[String]) -> Result<ServerFacts, MoveError>;
    /// The `pg_dump` that fits both servers; the error says which majors would do and where it looked.
    fn tools(&self) -> Result<ToolFacts, MoveError>;
    /// What both servers are, beyond their facts: for an assessment of a move of these databases. Changes nothing.
    fn look_at(
        &self,
        source: ServerFacts,
        target: ServerFacts,
        databases: &[String],
    ) -> Result<(assess::facts::Server, assess::facts::Server), MoveError>;
    /// How fast rows of these databases leave the source and reach the target. What it creates there is rolled back.
    fn measure(&self, databases: &[String]) -> Result<Rates, MoveError>;
    /// Creates the roles that these databases of the source need, all of them when none is named, with memberships and settings.
    /// A role that stands on the target is changed only with `overwrite`. Happens whole or not at all; running it again changes
    /// nothing.
    fn copy_roles(&self, databases: &[String], overwrite: bool) -> Result<RoleReport, MoveError>;
    /// Roles that these databases of the source need, all when none is named, and that are missing or different on the target.
    /// Roles that only the target has do not count.
    fn role_differences(&self, databases: &[String]) -> Result<Vec<Difference>, MoveError>;
}

/// Opens one database on both servers.
pub trait Databases: Send + Sync {
    /// Keeps other moves off these databases of the target for as long as the ports live; refuses when another is at work there.
    fn reserve(&self, databases: &[String]) -> Result<(), MoveError>;
    /// Those of these databases of the target that a move is at work in, with a word about whose it is. Changes nothing.
    fn at_work(&self, databases: &[String]) -> Result<Vec<(String, String)>, MoveError>;
    /// What the database is on the source, and what stands on the target under its name. Changes nothing.
    fn look_into(&self, database: &str) -> Result<assess::facts::Database, MoveError>;
    /// Creates the target database with the source's encoding, collation, owner, settings and grants, empty. With `overwrite` one
    /// that holds something is replaced: it is dropped once the new one stands. Where it may not be dropped its contents are removed.
    /// A failure before that leaves it as it was. Gives the number of others' sessions that were ended for it.
    fn prepare(&self, database: &str, overwrite: bool) -> Result<u64, MoveError>;
    /// Takes leave of a move that is not over. With `drop` the target database is dropped, or emptied where it may not be dropped;
    /// else what it has stays, and only the move's own notes are removed.
    fn abandon(&self, database: &str, drop: bool) -> Result<(), MoveError>;
    /// Opens the database on both sides and pins one snapshot of the source for everything that is read through the result.
    fn open(&self, database: &str) -> Result<Box<dyn Database>, MoveError>;
}

/// One database, open on both sides. Methods may be called from several threads at once.
pub trait Database: Send + Sync {
    /// The schema part.
    fn schema(&self) -> &dyn Schema;
    /// The data part.
    fn data(&self) -> &dyn Data;
    /// The comparison.
    fn compare(&self) -> &dyn Compare;
}

/// Schema of one database, by pg_dump.
pub trait Schema: Send + Sync {
    /// Creates everything that comes before the data, by up to `jobs` sessions. What stands there already as on the source is kept, so
    /// it can be run again after a failure.
    fn pre_data(&self, jobs: usize) -> Result<(), MoveError>;
    /// Lists what comes after the data, in the dump's order, but for what [`Schema::last`] creates.
    fn post_data(&self) -> Result<Vec<SchemaEntry>, MoveError>;
    /// The memory that builds of indexes may take together, by the target's settings.
    fn build_memory(&self) -> Result<BuildMemory, MoveError>;
    /// Creates one entry of [`Schema::post_data`] in one transaction; an entry that stands already is left as it is and is no error.
    /// Setting `stop` cancels it; nothing of it is left then.
    fn apply(&self, entry: &SchemaEntry, room: Room, stop: &AtomicBool) -> Result<(), MoveError>;
    /// Creates what would see or refuse the move's own statements: event triggers. Nothing is done to the database after it.
    fn last(&self, stop: &AtomicBool) -> Result<(), MoveError>;
}

/// Data of one database.
pub trait Data: Send + Sync {
    /// What there is to move, as of the pinned snapshot.
    fn contents(&self) -> Result<Contents, MoveError>;
    /// Makes ready for copying. Gives the parts of each table of [`Contents::tables`], at least one, with those that the target has.
    fn begin(&self) -> Result<Vec<Vec<Part>>, MoveError>;
    /// Copies one part of a table. The target takes its rows and the note that it has them in one transaction.
    fn copy_part(
        &self,
        table: &Table,
        part: &Part,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<Copied, MoveError>;
    /// Waits until a crash of the target can take nothing back of what was done on it since [`Data::begin`]. Where one came meanwhile,
    /// that is an error to try again after, and what was done may be gone.
    fn make_durable(&self) -> Result<(), MoveError>;
    /// Copies every large object with its owner and grants, replacing what a broken run left.
    fn copy_large_objects(
        &self,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<Copied, MoveError>;
    /// Sets sequences, refreshes materialized views, and carries statistics over or gathers them, by `jobs` sessions. May be done again
    /// after `stop` cancelled it.
    fn finish(
        &self,
        contents: &Contents,
        jobs: usize,
        stop: &AtomicBool,
    ) -> Result<Finished, MoveError>;
}

/// Comparison of one database on both sides.
pub trait Compare: Send + Sync {
    /// Differences of schema (normalised dumps), sequences and large objects.
    fn schema(&self) -> Result<Vec<Difference>, MoveError>;
    /// Rows and content hash of one table on both sides. With `sent`, which is what this move read on the source, only the target
    /// is read, unless it differs.
    fn table(
        &self,
        table: &Table,
        sent: Option<&Copied>,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<TableComparison, MoveError>;
    /// As [`Compare::table`], but of a large table only a share of the rows is read; all of them are counted.
    fn sample(
        &self,
        table: &Table,
        sample: Sample,
        progress: &CopyProgress,
        stop: &AtomicBool,
    ) -> Result<TableComparison, MoveError>;
    /// Tables of both sides, for finding those that exist on one side only; second list is the target's.
    fn tables(&self) -> Result<(Vec<Table>, Vec<Table>), MoveError>;
}
