//! A lock table that is too small for all tables at once.

use crate::assess::facts::{Facts, Missing};
use crate::assess::{Finding, Found, Place};

/// Part of the lock table that others may need.
const OTHERS_PERCENT: u64 = 20;

pub(super) fn find(facts: &Facts) -> Found {
    let number = |name: &str| Ok::<_, Missing>(facts.source.number(name)?.unwrap_or(0));
    let each = number("max_locks_per_transaction")?;
    let sessions = number("max_connections")? + number("max_prepared_transactions")?;
    if sessions == 0 || each == 0 {
        return Ok(Vec::new());
    }
    let room = each * sessions * (100 - OTHERS_PERCENT) / 100;
    let mut found = Vec::new();
    for database in &facts.databases {
        let count = *database.table_count.as_ref().map_err(Clone::clone)?;
        if count <= room {
            continue;
        }
        let message = format!(
            "database {} has {count} tables, the source has room for {} locks",
            database.name,
            each * sessions
        );
        let why = "all tables are locked against being altered while they are copied";
        let enough = (count * 100 / (100 - OTHERS_PERCENT)).div_ceil(sessions).max(each + 1);
        let name = "max_locks_per_transaction";
        let fix = facts.source.provider.set_parameter(name, &enough.to_string());
        found.push(
            Finding::risks(message, why)
                .fix(facts.source.provider.place_on(Place::Source), fix)
                .advice("restart the source after that"),
        );
    }
    Ok(found)
}
