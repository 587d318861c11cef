//! Where the statistics of the target's planner come from.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::format::things;

/// Names that a line for people lists.
const NAMES_SHOWN_MAX: usize = 5;

/// Where the target's planner has its statistics from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Tables and materialized views that have those of the source, carried over.
    pub carried: u64,
    /// Those of which the target gathered all or some by reading its own rows.
    pub gathered: u64,
    /// Why it did, where it could have taken the source's. Each table stands at one reason.
    pub reasons: Vec<GatherReason>,
}

/// Tables whose statistics were gathered for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatherReason {
    /// A clause, such as `extended statistics are not carried`.
    pub why: String,
    /// How many there are.
    pub count: u64,
    /// Names of the first ones, `schema.table`, with columns where it is about some.
    pub tables: Vec<String>,
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (carried, gathered) = (self.carried, self.gathered);
        match (carried, gathered) {
            (0, 0) => f.write_str("no statistics to gather"),
            (0, _) => write!(f, "statistics of {} gathered", things(gathered, "table")),
            (_, 0) => write!(f, "statistics of {} carried over", things(carried, "table")),
            _ => {
                let carried = things(carried, "table");
                write!(f, "statistics of {carried} carried over, of {gathered} gathered")
            }
        }
    }
}

impl fmt::Display for GatherReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<&str> =
            self.tables.iter().take(NAMES_SHOWN_MAX).map(String::as_str).collect();
        let more = match self.count.saturating_sub(shown.len() as u64) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        write!(f, "{}{more}: {}", shown.join(", "), self.why)
    }
}
