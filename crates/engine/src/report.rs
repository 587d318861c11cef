//! What a run and a comparison have to say in the end: the content of their JSON.

use flexway_core::format::{count, things};
use flexway_core::migrate::{Difference, MoveError, Remedy, RoleReport, Sample, Statistics};
use serde::{Deserialize, Serialize};

use crate::database::Outcome;

/// The end of a move.
#[derive(Debug, Clone, Serialize)]
pub struct MoveReport {
    /// The run.
    pub run: RunReport,
    /// In the order of the move.
    pub databases: Vec<DatabaseReport>,
    /// What became of the roles; `None` when they were not to be carried.
    pub roles: Option<Roles>,
    /// The comparison of all databases that got that far.
    pub verify: CompareReport,
    /// What is not moved with them, a sentence each.
    pub notes: Vec<String>,
    /// What failed and nothing else needed: all rows are there, and the next run tries it again.
    pub open: Vec<Problem>,
    /// What failed.
    pub errors: Vec<Problem>,
    /// How long this run took; earlier runs of the ledger are not counted.
    pub seconds: f64,
    /// Path of the ledger.
    pub ledger: String,
}

/// One run of the ledger.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// Its number in the ledger, from 1.
    pub id: i64,
    /// `host:port as user`.
    pub source: String,
    /// `server_version_num`.
    pub source_version: u32,
    /// `host:port as user`.
    pub target: String,
    /// `server_version_num`.
    pub target_version: u32,
    /// `done`, `differs`, `failed`, `stopped`.
    pub state: String,
    /// UTC.
    pub started: String,
    /// UTC.
    pub ended: Option<String>,
}

/// One database of a move.
#[derive(Debug, Clone, Serialize)]
pub struct DatabaseReport {
    /// Its name.
    pub name: String,
    /// The last complete phase; `None` before the first.
    pub phase: Option<&'static str>,
    /// Whether an earlier run had finished and verified it: this one did nothing to it.
    pub by_earlier_run: bool,
    /// When it was found equal, UTC; `None` while it was not.
    pub verified: Option<String>,
    /// Finished tables, most bytes first.
    pub tables: Vec<ItemReport>,
    /// Large objects, when the database has any and they are finished.
    pub large_objects: Option<ItemReport>,
    /// Rows of all finished tables.
    pub rows: u64,
    /// Bytes of all finished tables and large objects, in COPY format.
    pub bytes: u64,
    /// Where the planner's statistics on the target come from; `None` before it has any.
    pub statistics: Option<Statistics>,
    /// Seconds spent on it in all runs of the ledger.
    pub seconds: f64,
}

/// A finished table, or all large objects of a database.
#[derive(Debug, Clone, Serialize)]
pub struct ItemReport {
    /// The word in the ledger; the place in the report says it too.
    #[serde(skip)]
    pub kind: String,
    /// `schema.table`.
    pub name: String,
    /// Rows copied; of large objects their number.
    pub rows: u64,
    /// Bytes copied, in COPY format.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
}

/// What became of the roles.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Roles {
    /// Created on the target.
    pub created: Vec<String>,
    /// Stood there before.
    pub kept: Vec<String>,
    /// What could not be carried, a sentence each.
    pub notes: Vec<String>,
    /// What therefore differed on the target right after the roles were carried. What of it still does is a difference, also of
    /// a move without a comparison.
    #[serde(default)]
    pub not_carried: Vec<FoundDifference>,
    /// The databases whose roles these are; empty for the whole server.
    #[serde(default)]
    pub databases: Vec<String>,
    /// Whether roles that stood there were brought in line.
    #[serde(default)]
    pub overwrite: bool,
}

impl Roles {
    /// The databases whose roles are to be carried now: the chosen ones (empty for all) and those of
    /// an earlier run. `None` when that run left nothing to do.
    pub(crate) fn left(
        earlier: Option<&Roles>,
        chosen: &[String],
        overwrite: bool,
    ) -> Option<Vec<String>> {
        let Some(earlier) = earlier else { return Some(chosen.to_vec()) };
        let others = chosen.iter().filter(|name| !earlier.databases.contains(name));
        let has_all =
            earlier.databases.is_empty() || !chosen.is_empty() && others.clone().next().is_none();
        if has_all && (earlier.overwrite || !overwrite || earlier.notes.is_empty()) {
            return None;
        }
        let is_whole = chosen.is_empty() || earlier.databases.is_empty();
        Some(if is_whole {
            Vec::new()
        } else {
            earlier.databases.iter().chain(others).cloned().collect()
        })
    }

    /// The record of what was carried now, after an earlier run.
    pub(crate) fn after(
        earlier: Option<Roles>,
        report: &RoleReport,
        not_carried: Vec<FoundDifference>,
    ) -> Roles {
        let mut created = earlier.unwrap_or_default().created;
        let kept = report.kept.iter().filter(|name| !created.contains(name)).cloned().collect();
        let more: Vec<String> =
            report.created.iter().filter(|name| !created.contains(name)).cloned().collect();
        created.extend(more);
        Roles {
            created,
            kept,
            notes: report.notes.clone(),
            not_carried,
            databases: Vec::new(),
            overwrite: false,
        }
    }
}

/// What a comparison found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CompareReport {
    /// Whether everything was compared and nothing differs.
    pub equal: bool,
    /// Whether nothing was to be compared.
    pub skipped: bool,
    /// What differs.
    pub differences: Vec<FoundDifference>,
    /// Tables compared.
    pub tables_compared: u64,
    /// Rows of theirs on the source whose content was compared.
    pub rows_compared: u64,
    /// Says that only a share of the rows was read; then `equal` is never set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleReport>,
}

/// A comparison of a share of the rows. All rows were counted, and everything else was compared whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleReport {
    /// The share that was asked for.
    pub percent: f64,
    /// Whether nothing differs in what was compared.
    pub agrees: bool,
    /// What was read of the tables that are large enough.
    #[serde(flatten)]
    pub sampled: Sampled,
}

/// Tables of which only a share was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampled {
    /// How many; the others were compared whole.
    pub tables: u64,
    /// Their rows on the source.
    pub rows: u64,
    /// Those of them whose content was compared.
    pub rows_read: u64,
}

impl std::fmt::Display for SampleReport {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Sampled { tables, rows, rows_read } = self.sampled;
        if tables == 0 {
            return write!(
                out,
                "a sample of {} %, which no table was large enough for",
                self.percent
            );
        }
        write!(
            out,
            "a sample of {} %: {} of {} of {} were compared, the same ones on both sides, and all counted",
            self.percent,
            count(rows_read),
            things(rows, "row"),
            things(tables, "large table")
        )
    }
}

impl CompareReport {
    /// One that has found nothing yet.
    pub(crate) fn of(sample: Option<Sample>) -> CompareReport {
        let sampled = Sampled::default();
        let sample = sample.map(Sample::percent);
        let sample = sample.map(|percent| SampleReport { percent, agrees: false, sampled });
        CompareReport { sample, ..CompareReport::default() }
    }

    /// Adds what the comparison of a database came to; gives its notes.
    pub(crate) fn add(&mut self, outcome: Outcome) -> Vec<String> {
        self.tables_compared += outcome.tables_compared;
        self.rows_compared += outcome.rows_compared;
        self.differences.extend(outcome.differences);
        if let Some(sample) = &mut self.sample {
            sample.sampled.tables += outcome.sampled.tables;
            sample.sampled.rows += outcome.sampled.rows;
            sample.sampled.rows_read += outcome.sampled.rows_read;
        }
        outcome.notes
    }

    /// Says what it means that nothing was found, or something was.
    pub(crate) fn judge(&mut self, finds_nothing: bool) {
        let agrees = finds_nothing && !self.skipped;
        match &mut self.sample {
            Some(sample) => sample.agrees = agrees,
            None => self.equal = agrees,
        }
    }
}

/// A difference, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundDifference {
    /// The database; `None` for what belongs to the whole server.
    pub database: Option<String>,
    /// `table`, `schema`, `sequence`, `large object`, `database`, `role`.
    pub kind: String,
    /// Its name, schema-qualified where it has a schema.
    pub name: String,
    /// What is different, in words and counts.
    pub detail: String,
}

impl FoundDifference {
    pub(crate) fn new(database: Option<&str>, difference: Difference) -> FoundDifference {
        FoundDifference {
            database: database.map(str::to_owned),
            kind: difference.kind.to_owned(),
            name: difference.name,
            detail: difference.detail,
        }
    }
}

impl std::fmt::Display for FoundDifference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(database) = &self.database {
            write!(out, "{database}: ")?;
        }
        write!(out, "{} {}: {}", self.kind, self.name, self.detail)
    }
}

/// The end of a comparison of two servers.
#[derive(Debug, Clone, Serialize)]
pub struct VerifyReport {
    /// What it found.
    #[serde(flatten)]
    pub compared: CompareReport,
    /// The databases that were looked at.
    pub databases: Vec<String>,
    /// What is not compared, a sentence each.
    pub notes: Vec<String>,
    /// What could not be compared.
    pub errors: Vec<Problem>,
    /// How long it took.
    pub seconds: f64,
}

/// Something that failed: what, why, what to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Problem {
    /// The database, where it is about one.
    pub database: Option<String>,
    /// What failed.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do; may be empty.
    pub help: String,
    /// Whether a connection was lost.
    #[serde(skip)]
    pub is_lost: bool,
}

impl Problem {
    /// The problem that an error of a database's move is.
    pub fn new(database: Option<&str>, error: &MoveError) -> Problem {
        Problem {
            database: database.map(str::to_owned),
            what: error.what.clone(),
            why: error.why.clone(),
            help: error.help.clone(),
            is_lost: matches!(error.remedy, Remedy::Retry | Remedy::Reopen),
        }
    }
}
