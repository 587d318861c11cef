//! Too few connections left.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found, Place};

/// A move with two jobs holds some six sessions on each side.
const FREE_MIN: u64 = 8;

pub(super) fn find(facts: &Facts) -> Found {
    let mut found = Vec::new();
    for (side, place, server) in
        [("source", Place::Source, &facts.source), ("target", Place::Target, &facts.target)]
    {
        let Some(max) = server.number("max_connections")? else { continue };
        let used = server.sessions.as_ref().map_err(Clone::clone)?;
        let kept = server.number("superuser_reserved_connections")?.unwrap_or(0);
        let free = max.saturating_sub(used + kept);
        if free >= FREE_MIN {
            continue;
        }
        let message =
            format!("the {side} {} has {free} of {max} connections left", server.facts.label);
        let why = "each job of a move holds a session on both sides, and pg_dump one more";
        let fix = server.provider.set_parameter("max_connections", &(max + FREE_MIN).to_string());
        found.push(
            Finding::risks(message, why)
                .fix(server.provider.place_on(place), fix)
                .advice("end idle sessions, give --jobs a small number, or raise it (restart)"),
        );
    }
    Ok(found)
}
