//! A source that follows another server.

use crate::assess::facts::{Facts, Mode};
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let source = &facts.source;
    if !source.facts.is_standby {
        return Ok(Vec::new());
    }
    let message = format!("the source {} is a standby or a reader endpoint", source.facts.label);
    if facts.mode == Mode::Online && source.major() < 16 {
        let why = "a standby decodes changes from PostgreSQL 16 on";
        return Ok(vec![Finding::blocks(message, why).advice("name its primary as the source")]);
    }
    let why = "replay cancels reads that are in its way, such as a long copy of a table";
    let fix = source.provider.set_parameter("hot_standby_feedback", "on");
    let finding = Finding::risks(message, why).fix(source.provider.place_on(Place::Source), fix);
    Ok(vec![finding])
}
