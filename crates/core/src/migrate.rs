//! What an offline move consists of: phases, units of work, and what counts as equal. Plain data.

mod sample;
mod statistics;

pub use sample::Sample;
pub use statistics::{GatherReason, Statistics};

use std::sync::atomic::AtomicU64;

/// The phases of one database's move, in order. The ledger records the last one that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The target database exists, is empty, and has the source's settings.
    Prepared,
    /// Types, functions, tables without indexes and constraints stand on the target.
    PreData,
    /// Every table's rows and every large object are on the target.
    Copied,
    /// Indexes, constraints, triggers, policies stand.
    PostData,
    /// Sequences are set, materialized views refreshed, statistics carried over or gathered.
    Finished,
    /// Schema and content of source and target were compared and are equal.
    Verified,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Phase; 6] = [
        Phase::Prepared,
        Phase::PreData,
        Phase::Copied,
        Phase::PostData,
        Phase::Finished,
        Phase::Verified,
    ];

    /// The word used in the ledger, the JSON and the progress lines.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Prepared => "prepared",
            Phase::PreData => "pre-data",
            Phase::Copied => "copied",
            Phase::PostData => "post-data",
            Phase::Finished => "finished",
            Phase::Verified => "verified",
        }
    }
}

/// A server as one login sees it.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// `host:port as user`, never a password.
    pub label: String,
    /// `server_version_num`, such as 150018.
    pub version: u32,
    /// Every database that can be connected to, but templates and those of the service itself.
    pub databases: Vec<DatabaseFacts>,
    /// The others.
    pub left_out: Vec<LeftOut>,
    /// Whether the login is a superuser.
    pub is_superuser: bool,
    /// Whether it follows another server and takes no writes.
    pub is_standby: bool,
    /// When the server started, microseconds since 1970. It tells two names of one server.
    pub started_us: u64,
}

impl ServerFacts {
    /// Major version: 9.6 gives 9, 15.18 gives 15.
    pub fn major(&self) -> u32 {
        self.version / 10_000
    }
}

/// A database that is not moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name, unquoted.
    pub name: String,
    /// Why, a clause about it.
    pub why: String,
    /// Why that speaks against it.
    pub because: String,
    /// The statement that makes it one like others; empty where there is none.
    pub change: String,
    /// What else is to be done; may be empty.
    pub help: String,
    /// Whether users may keep something in it, so that they have to be told.
    pub is_users: bool,
}

impl LeftOut {
    /// What has to be done to have it moved; empty when nothing can be.
    pub fn remedy(&self) -> String {
        match (self.change.as_str(), self.help.as_str()) {
            ("", help) => help.to_owned(),
            (change, "") => format!("to move it: {change}"),
            (change, help) => format!("to move it: {change}; {help}"),
        }
    }
}

/// A database as the server's catalog describes it.
#[derive(Debug, Clone)]
pub struct DatabaseFacts {
    /// Its name, unquoted.
    pub name: String,
    /// `pg_database_size`, bytes.
    pub size_bytes: u64,
    /// Tables, views, sequences, functions and types of users in it; `None` where it was not looked into.
    pub user_object_count: Option<u64>,
}

/// The client tool found for schema work.
#[derive(Debug, Clone)]
pub struct ToolFacts {
    /// Path of `pg_dump`.
    pub pg_dump: String,
    /// Its version as a server version number, such as 170010.
    pub version: u32,
}

/// A table whose rows are copied: an ordinary table, a leaf partition, or a partitioned table whose rows may belong into other
/// partitions on the target and are copied as one. Never a view.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Table {
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// Columns that are copied, in order: generated and dropped ones left out. May be empty (a table without columns has rows too).
    pub columns: Vec<Column>,
    /// Heap and TOAST, bytes: what the order of work and the estimate rest on.
    pub size_bytes: u64,
}

/// A column that is copied.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column {
    /// Name, unquoted.
    pub name: String,
    /// `format_type` of its type, such as `double precision[]`.
    pub type_name: String,
}

/// What a database holds besides its schema.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Largest first.
    pub tables: Vec<Table>,
    /// Sequences, schema-qualified, unquoted.
    pub sequences: Vec<(String, String)>,
    /// Materialized views that hold data on the source, in the order in which they may be refreshed.
    pub materialized_views: Vec<(String, String)>,
    /// Number of large objects.
    pub large_object_count: u64,
}

/// One entry of a dump's table of contents after the data: an index, a constraint, a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaEntry {
    /// `INDEX`, `CONSTRAINT`, `FK CONSTRAINT`, `TRIGGER`: pg_dump's word.
    pub kind: String,
    /// Schema, or `-`.
    pub schema: String,
    /// pg_dump's name of the entry, such as `orders orders_pkey`.
    pub name: String,
    /// Schema and name of the table whose rows alone an index or key needs; `None` for all else.
    pub table: Option<(String, String)>,
    /// The statements that create it.
    pub sql: String,
}

/// What a build of an index or key may use of the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Whether no other work is at hand, so that several processes may build it.
    pub may_spread: bool,
    /// Memory, bytes; without, what the server gives by its settings.
    pub memory_bytes: Option<u64>,
}

/// The target's memory for builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildMemory {
    /// What the server gives to one by its settings, bytes.
    pub each_bytes: u64,
    /// What all that run at once may take together, bytes.
    pub all_bytes: u64,
}

/// Live counters of one copy; another thread may read them while it runs.
#[derive(Debug, Default)]
pub struct CopyProgress {
    /// Rows forwarded so far.
    pub rows: AtomicU64,
    /// Bytes of row data forwarded so far.
    pub bytes: AtomicU64,
    /// Microseconds spent waiting for rows of the source, all streams together.
    pub source_wait_us: AtomicU64,
    /// Microseconds spent until the target had taken what was sent, all streams together.
    pub target_wait_us: AtomicU64,
}

/// What a finished copy moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Rows, as counted on the wire.
    pub rows: u64,
    /// Bytes of row data in COPY format.
    pub bytes: u64,
    /// Hash of the rows as they went by; `None` where they were not hashed, or not all in one format.
    pub hash: Option<RowsHash>,
}

impl Copied {
    /// Both together.
    pub fn and(self, other: Copied) -> Copied {
        let both = self.hash.zip(other.hash).filter(|(a, b)| a.is_binary == b.is_binary);
        let hash = both.map(|(a, b)| RowsHash { sum: a.sum.wrapping_add(b.sum), ..a });
        Copied { rows: self.rows + other.rows, bytes: self.bytes + other.bytes, hash }
    }
}

/// Sum of the 128-bit hashes of rows, each as COPY writes it; their order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsHash {
    /// The sum modulo 2^128.
    pub sum: u128,
    /// Whether the rows were hashed in COPY's binary format.
    pub is_binary: bool,
}

/// A share of a table's rows, copied in one transaction of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 0; unique within the table.
    pub number: u32,
    /// First block and the one after the last (`None`: to the end); no blocks at all means the whole table.
    pub blocks: Option<(u64, Option<u64>)>,
    /// About how many bytes it holds.
    pub size_bytes: u64,
    /// Names the cut that the part comes from: a part of another cut holds other rows.
    pub cut: String,
    /// What it moved, when the target has it already.
    pub arrived: Option<Copied>,
}

/// What the last steps before the comparison came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finished {
    /// The planner's statistics on the target.
    pub statistics: Statistics,
    /// What failed and keeps nobody from using the database, a sentence each.
    pub notes: Vec<String>,
    /// Steps that failed and that nothing else needs, of [`Remedy::Open`]: materialized views that cannot be refreshed.
    pub open: Vec<MoveError>,
}

/// What became of the roles.
#[derive(Debug, Clone, Default)]
pub struct RoleReport {
    /// Roles created on the target.
    pub created: Vec<String>,
    /// Roles that stood there before.
    pub kept: Vec<String>,
    /// Roles that are not like the source's: left as they were, or not carried whole. A note says why.
    pub different: Vec<String>,
    /// Things that could not be carried, each a sentence: what, why, what to do.
    pub notes: Vec<String>,
}

/// Kind of the [`Difference`] of a materialized view whose rows on the target are what its query gives there. It is none: where what
/// it reads differs, that is one by itself.
pub const STALE_VIEW: &str = "stale view";

/// A difference that `verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs: `table`, `schema`, `role`, `sequence`, `large object`, `database`; or [`STALE_VIEW`].
    pub kind: &'static str,
    /// Its name, schema-qualified where it has a schema.
    pub name: String,
    /// What is different, in words and counts; no row values.
    pub detail: String,
}

/// The content of one table on both sides. Equal when rows and hashes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableComparison {
    /// Rows on the source.
    pub source_rows: u64,
    /// Rows on the target.
    pub target_rows: u64,
    /// Order-independent content hash of the source, hexadecimal.
    pub source_hash: String,
    /// The same of the target.
    pub target_hash: String,
    /// Which rows differ; `None` when none do, or too many to be told apart.
    pub differing: Option<DifferingRows>,
    /// How many rows of the source the hash is of, where they are a share; `None` for all.
    pub rows_sampled: Option<u64>,
}

/// How many rows of a table differ. What they hold is not for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingRows {
    /// Rows that only the source has.
    pub source_only: u64,
    /// Rows that only the target has.
    pub target_only: u64,
    /// Rows of the same primary key that differ otherwise; `None` for a table without one.
    pub changed: Option<u64>,
    /// A query that shows some of them on either server; `None` where the key is not plain enough.
    pub query: Option<String>,
}

impl TableComparison {
    /// Whether both sides hold the same rows.
    pub fn is_equal(&self) -> bool {
        self.source_rows == self.target_rows && self.source_hash == self.target_hash
    }
}

/// Whether a failed step can succeed when tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// A connection was lost: the same step may be tried again.
    Retry,
    /// Other sessions were in the way, as in a deadlock; both servers are there: the same step may be tried again.
    Contended,
    /// The source's snapshot is gone: the step can succeed once the database is opened anew.
    Reopen,
    /// The step may need what others of its phase bring: it is tried once more after them.
    Later,
    /// Somebody has to change something first.
    Act,
    /// The same, but nothing else needs the step: the move goes on and leaves it open, and the next run tries it again.
    Open,
    /// The run was asked to stop.
    Stopped,
}

impl Remedy {
    /// Whether only this step is concerned, so that others of its phase may go on.
    pub fn is_alone(self) -> bool {
        matches!(self, Remedy::Act | Remedy::Contended)
    }
}

/// A step of a move that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct MoveError {
    /// What was being done, such as `copy table app.orders`.
    pub what: String,
    /// Why it failed, in the server's or the system's words; no row values, no passwords.
    pub why: String,
    /// What to do about it, a sentence; empty when there is nothing to say.
    pub help: String,
    /// Whether to try again.
    pub remedy: Remedy,
}
