//! How long a move will take, as an interval, from rates that were measured on both servers.

use serde::Serialize;

use super::facts::Database;

/// A short sample says little about the whole: caches, other load, rows of other tables.
const UNCERTAINTY: f64 = 1.5;

/// Statements that make a table or an index ready, seconds each: best and worst.
const STATEMENT_S: [f64; 2] = [0.002, 0.03];

/// Inspecting, dumping the schema and comparing it, seconds a database: best and worst.
const DATABASE_S: [f64; 2] = [1.0, 8.0];

/// Rates of one stream, bytes a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Rows read on the source and written on the target.
    pub copy: f64,
    /// Rows read on the source alone.
    pub read: f64,
    /// Bytes of an index built on the target.
    pub index: f64,
    /// Bytes of rows that the rates rest on.
    pub sample_bytes: u64,
}

/// How long, and what that rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Seconds, when every job adds its full rate.
    pub seconds_min: f64,
    /// Seconds, when all jobs share what one gets, and the sample was lucky.
    pub seconds_max: f64,
    /// Bytes of tables, TOAST included.
    pub table_bytes: u64,
    /// Bytes of indexes.
    pub index_bytes: u64,
    /// Jobs that were counted with.
    pub jobs: usize,
    /// The rates.
    pub rates: Rates,
}

/// Forecasts copy, indexes and comparison of these databases. `jobs` is at least 1; `None` when a
/// rate is not a positive number.
pub fn forecast(databases: &[Database], rates: Rates, jobs: usize) -> Option<Forecast> {
    if ![rates.copy, rates.read, rates.index].iter().all(|rate| rate.is_finite() && *rate > 0.0) {
        return None;
    }
    let table_bytes: u64 = databases.iter().map(|one| one.table_bytes).sum();
    let index_bytes: u64 = databases.iter().map(|one| one.index_bytes).sum();
    let tables: u64 = databases.iter().filter_map(|one| one.table_count.as_ref().ok()).sum();
    let rows = table_bytes as f64;
    // Copied once; read once more on each side for the comparison, side by side.
    let one_stream = rows / rates.copy + index_bytes as f64 / rates.index + rows / rates.read;
    let fixed = |way: usize| {
        STATEMENT_S[way] * 2.0 * tables as f64 + DATABASE_S[way] * databases.len() as f64
    };
    Some(Forecast {
        seconds_min: one_stream / jobs.max(1) as f64 / UNCERTAINTY + fixed(0),
        seconds_max: one_stream * UNCERTAINTY + fixed(1),
        table_bytes,
        index_bytes,
        jobs: jobs.max(1),
        rates,
    })
}
