//! What a run tells whoever watches it: plain events, in the order in which things happen.

use std::sync::Arc;
use std::time::Duration;

use flexway_core::migrate::{
    Copied, CopyProgress, MoveError, Phase, RoleReport, ServerFacts, Statistics, ToolFacts,
};

use crate::pacing::Paced;

/// Receives events. Called from several threads at once; must return quickly, since work waits for
/// it.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Work that consists of many units done side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Rows of tables, and large objects.
    Copy,
    /// Indexes, constraints and what else comes after the data.
    Build,
    /// Comparing tables.
    Compare,
}

/// Name of the unit that copies all large objects; a table's name has a dot.
pub const LARGE_OBJECTS: &str = "large objects";

/// How much work there is, and how much of it an earlier run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Tables, or entries of the schema.
    pub units: usize,
    /// Those that an earlier run did.
    pub units_done: usize,
    /// Large objects that are still to be copied: one more unit, [`LARGE_OBJECTS`].
    pub large_objects: u64,
    /// Size of all tables, as the source's catalog counts it; zero where size says nothing.
    pub size_bytes: u64,
    /// Size of those that are done.
    pub size_done_bytes: u64,
}

/// Something that happened in a run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Both servers were inspected and nothing speaks against the move.
    Accepted {
        /// The source.
        source: &'a ServerFacts,
        /// The target.
        target: &'a ServerFacts,
        /// The client tool that is used; `None` where none is needed.
        tools: Option<&'a ToolFacts>,
        /// Databases that will be moved, or compared.
        databases: &'a [String],
        /// What is left out, a sentence each.
        notes: &'a [String],
    },
    /// Roles stand on the target.
    RolesCarried(&'a RoleReport),
    /// A database is turned to.
    DatabaseBegins {
        /// Its name.
        database: &'a str,
        /// The last phase that an earlier run completed.
        reached: Option<Phase>,
    },
    /// Sessions of others were ended, since the database was replaced.
    SessionsEnded {
        /// The database.
        database: &'a str,
        /// How many.
        count: u64,
    },
    /// A phase is complete.
    PhaseEnds {
        /// The database.
        database: &'a str,
        /// The phase.
        phase: Phase,
        /// How long it took.
        seconds: f64,
    },
    /// Work of many units begins.
    WorkBegins {
        /// The database.
        database: &'a str,
        /// What kind.
        work: Work,
        /// How much.
        amount: Amount,
    },
    /// A unit is being worked on.
    UnitBegins {
        /// The database.
        database: &'a str,
        /// What kind.
        work: Work,
        /// Its name, unique in the database for this kind.
        name: &'a str,
        /// Its size, as the source's catalog counts it.
        size_bytes: u64,
        /// Live counters.
        progress: &'a Arc<CopyProgress>,
    },
    /// How fast rows are copied now, about once a second.
    Paced {
        /// The database.
        database: &'a str,
        /// How fast.
        paced: &'a Paced,
    },
    /// A unit is done or failed.
    UnitEnds {
        /// The database.
        database: &'a str,
        /// What kind.
        work: Work,
        /// Its name.
        name: &'a str,
        /// What was moved or read, or why not.
        result: Result<Copied, &'a MoveError>,
        /// How long it took.
        seconds: f64,
    },
    /// The units of a kind of work are through, well or not.
    WorkEnds {
        /// The database.
        database: &'a str,
        /// What kind.
        work: Work,
    },
    /// The target's planner has its statistics.
    StatisticsSettled {
        /// The database.
        database: &'a str,
        /// Where they come from.
        statistics: &'a Statistics,
    },
    /// A step failed that nothing else needs; the move goes on.
    LeftOpen {
        /// The database.
        database: &'a str,
        /// Why it failed.
        error: &'a MoveError,
    },
    /// Something is worth knowing that is no failure.
    Noted {
        /// The database.
        database: &'a str,
        /// A sentence about it.
        text: &'a str,
    },
    /// A step failed and is tried again after a wait.
    Retrying {
        /// What failed.
        error: &'a MoveError,
        /// How long is waited first.
        wait: Duration,
    },
    /// A database is left.
    DatabaseEnds {
        /// Its name.
        database: &'a str,
        /// The last complete phase.
        reached: Option<Phase>,
        /// What it failed with.
        error: Option<&'a MoveError>,
    },
}
