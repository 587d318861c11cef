//! Too few replication slots.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let source = &facts.source;
    let Some(max) = source.number("max_replication_slots")? else { return Ok(Vec::new()) };
    let used = *source.slots.as_ref().map_err(Clone::clone)?;
    // One a database, and one to spare.
    let wanted = facts.databases.len() as u64 + 1;
    if max >= used + wanted {
        return Ok(Vec::new());
    }
    let message =
        format!("the source has {max} replication slots, {used} in use; {wanted} are needed");
    let fix = source.provider.set_parameter("max_replication_slots", &(used + wanted).to_string());
    let drop = "SELECT slot_name, pg_drop_replication_slot(slot_name) FROM pg_replication_slots \
                WHERE NOT active";
    let finding = Finding::blocks(message, "each database is followed through a slot")
        .fix(source.provider.place_on(Place::Source), fix)
        .advice(format!("restart the source after that; or drop slots that nobody needs: {drop}"));
    Ok(vec![finding])
}
