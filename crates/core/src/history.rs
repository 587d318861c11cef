//! What a move has done and when, as its ledger tells it: plain data for a report.

use std::collections::BTreeMap;

use crate::migrate::Statistics;

/// A move over all its runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// `host:port as user`, never a password.
    pub source: String,
    /// `host:port as user`.
    pub target: String,
    /// In order of time.
    pub runs: Vec<Run>,
    /// In order of name.
    pub databases: Vec<Moved>,
    /// What the latest run that ended found, when it left a word.
    pub ending: Option<Ending>,
    /// What of the roles was not carried, a sentence each.
    pub roles_not_carried: Vec<String>,
}

/// One run of the program.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// From 1.
    pub id: i64,
    /// `running`, `done`, `differs`, `failed`, `stopped`, `interrupted`, `cancelled`.
    pub state: String,
    /// When it began, milliseconds since 1970.
    pub began_ms: u64,
    /// When it ended; `None` while it runs, and for one that ended without a word.
    pub ended_ms: Option<u64>,
    /// In order of their beginnings.
    pub spans: Vec<Span>,
}

/// How one database stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moved {
    /// Its name.
    pub name: String,
    /// The last complete phase; `None` before the first.
    pub phase: Option<String>,
    /// Tables on the target.
    pub tables_done: u64,
    /// Tables known.
    pub tables: u64,
    /// Rows on the target.
    pub rows: u64,
    /// Large objects on the target.
    pub large_objects: u64,
    /// Bytes on the target, in COPY format.
    pub bytes: u64,
    /// Indexes, keys and other entries that were built.
    pub entries_done: u64,
    /// Those known.
    pub entries: u64,
    /// Where the planner's statistics on the target come from; `None` before it has any.
    pub statistics: Option<Statistics>,
    /// When it was found equal, UTC.
    pub verified: Option<String>,
    /// Tables that were found equal then.
    pub tables_compared: u64,
    /// Their rows.
    pub rows_compared: u64,
}

/// What a run found in the end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ending {
    /// Whether nothing was to be compared.
    pub is_skipped: bool,
    /// Whether everything was compared and nothing differs.
    pub is_equal: bool,
    /// What was compared, where that was a sample and nothing in it differs.
    pub sample: Option<String>,
    /// What differs, a sentence each.
    pub differences: Vec<String>,
    /// What is not moved, or worth knowing, a sentence each.
    pub notes: Vec<String>,
    /// What failed and nothing else needed, a sentence each: it can be done later.
    pub open: Vec<String>,
    /// What failed, a sentence each.
    pub errors: Vec<String>,
}

/// What a stretch of work was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanKind {
    /// A phase of a database; several pieces of the others belong to it.
    Phase,
    /// Rows of a table, or of a part of one, or the large objects.
    Copy,
    /// An index, key, or other entry of the schema after the data.
    Build,
    /// A table compared on both sides.
    Compare,
}

impl SpanKind {
    /// All of them, in the order in which they are drawn.
    pub const ALL: [SpanKind; 4] =
        [SpanKind::Phase, SpanKind::Copy, SpanKind::Build, SpanKind::Compare];

    /// The word in the ledger and in the report.
    pub fn word(self) -> &'static str {
        match self {
            SpanKind::Phase => "phase",
            SpanKind::Copy => "copy",
            SpanKind::Build => "build",
            SpanKind::Compare => "compare",
        }
    }
}

/// A stretch of work by one worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The database.
    pub database: String,
    /// What it was.
    pub kind: SpanKind,
    /// The table, entry or phase.
    pub name: String,
    /// Number of the part, for a table that was copied in several.
    pub part: Option<u32>,
    /// Number of the worker, from 1; `None` where nobody in particular did it.
    pub worker: Option<u32>,
    /// Milliseconds since 1970.
    pub began_ms: u64,
    /// Never before `began_ms`.
    pub ended_ms: u64,
    /// Rows moved or read.
    pub rows: u64,
    /// Bytes moved or read, in COPY format.
    pub bytes: u64,
    /// Whether it did what it was to do.
    pub is_done: bool,
}

impl Span {
    /// How long it took, seconds.
    pub fn seconds(&self) -> f64 {
        self.ended_ms.saturating_sub(self.began_ms) as f64 / 1000.0
    }
}

impl Run {
    /// Begin and end of what is known of the run, milliseconds since 1970.
    pub fn bounds_ms(&self) -> (u64, u64) {
        let spans = self.spans.iter();
        let began = spans.clone().map(|span| span.began_ms).min().unwrap_or(self.began_ms);
        let ended = spans.map(|span| span.ended_ms).max().unwrap_or(self.began_ms);
        (self.began_ms.min(began), self.ended_ms.unwrap_or(self.began_ms).max(ended))
    }

    /// Seconds from its beginning to its end, or to the last thing that it told.
    pub fn seconds(&self) -> f64 {
        let (began, ended) = self.bounds_ms();
        (ended - began) as f64 / 1000.0
    }

    /// Seconds in which at least one piece of work of this kind went on.
    pub fn busy_seconds(&self, kind: SpanKind) -> f64 {
        let mut busy = 0;
        let mut until = 0;
        let mut spans: Vec<(u64, u64)> = self.of(kind).map(|s| (s.began_ms, s.ended_ms)).collect();
        spans.sort_unstable();
        for (began, ended) in spans {
            busy += ended.saturating_sub(began.max(until));
            until = until.max(ended);
        }
        busy as f64 / 1000.0
    }

    /// Bytes of all pieces of this kind that were done.
    pub fn bytes(&self, kind: SpanKind) -> u64 {
        self.of(kind).filter(|span| span.is_done).map(|span| span.bytes).sum()
    }

    fn of(&self, kind: SpanKind) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |span| span.kind == kind)
    }
}

/// All pieces of one table, entry or phase in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit<'a> {
    /// Its first piece.
    pub first: &'a Span,
    /// How many pieces there were.
    pub pieces: u64,
    /// When its last piece ended, milliseconds since 1970.
    pub ended_ms: u64,
    /// Who worked on it, ascending.
    pub workers: Vec<u32>,
    /// Rows of what was done.
    pub rows: u64,
    /// Bytes of what was done.
    pub bytes: u64,
    /// Whether every piece did what it was to do.
    pub is_done: bool,
}

impl Unit<'_> {
    /// From the beginning of its first piece to the end of its last, seconds.
    pub fn seconds(&self) -> f64 {
        self.ended_ms.saturating_sub(self.first.began_ms) as f64 / 1000.0
    }
}

/// The units of a run, longest first.
pub fn units(run: &Run) -> Vec<Unit<'_>> {
    let mut units: BTreeMap<(SpanKind, &str, &str), Unit<'_>> = BTreeMap::new();
    for span in &run.spans {
        let unit = units.entry((span.kind, &span.database, &span.name)).or_insert_with(|| Unit {
            first: span,
            pieces: 0,
            ended_ms: span.ended_ms,
            workers: Vec::new(),
            rows: 0,
            bytes: 0,
            is_done: true,
        });
        if span.began_ms < unit.first.began_ms {
            unit.first = span;
        }
        unit.pieces += 1;
        unit.ended_ms = unit.ended_ms.max(span.ended_ms);
        if span.is_done {
            unit.rows += span.rows;
            unit.bytes += span.bytes;
        }
        unit.is_done &= span.is_done;
        if let Some(worker) = span.worker
            && let Err(place) = unit.workers.binary_search(&worker)
        {
            unit.workers.insert(place, worker);
        }
    }
    let mut units: Vec<Unit<'_>> = units.into_values().collect();
    let length = |unit: &Unit<'_>| unit.ended_ms.saturating_sub(unit.first.began_ms);
    units.sort_by_key(|unit| std::cmp::Reverse(length(unit)));
    units
}
