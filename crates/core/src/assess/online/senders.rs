//! Too few replication connections.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let source = &facts.source;
    let Some(max) = source.number("max_wal_senders")? else { return Ok(Vec::new()) };
    let slots = source.number("max_replication_slots")?.unwrap_or(0);
    let used = *source.senders.as_ref().map_err(Clone::clone)?;
    let wanted = facts.databases.len() as u64 + 1;
    if max >= used + wanted && max >= slots {
        return Ok(Vec::new());
    }
    let message = format!(
        "max_wal_senders of the source is {max}, {used} in use; {wanted} are needed, and no fewer \
         than the {slots} slots"
    );
    let enough = (used + wanted).max(slots);
    let fix = source.provider.set_parameter("max_wal_senders", &enough.to_string());
    let why = "each database is followed through a connection";
    let finding = match max >= used + wanted {
        true => Finding::risks(message, why),
        false => Finding::blocks(message, why),
    };
    Ok(vec![
        finding
            .fix(source.provider.place_on(Place::Source), fix)
            .advice("restart the source after that"),
    ])
}
