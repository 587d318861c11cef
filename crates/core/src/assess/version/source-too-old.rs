//! A source that is too old.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found};

/// 9.5: the first version whose catalogs are understood.
const OLDEST: u32 = 90_500;

pub(super) fn find(facts: &Facts) -> Found {
    let source = &facts.source.facts;
    if source.version >= OLDEST {
        return Ok(Vec::new());
    }
    let message = format!("the source {} is older than PostgreSQL 9.5", source.label);
    let advice = "upgrade it to 9.6 with pg_upgrade first, or move by pg_dump and psql";
    Ok(vec![Finding::blocks(message, "its catalogs are not understood").advice(advice)])
}
