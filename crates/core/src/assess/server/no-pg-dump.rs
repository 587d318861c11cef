//! No pg_dump that fits both servers.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts) -> Found {
    let Err(none) = &facts.tool else { return Ok(Vec::new()) };
    let message = format!("no pg_dump fits both servers: {}", none.why);
    let why = "schemas are read by it, and it has to be at least as new as the source";
    Ok(vec![Finding::blocks(message, why).advice(none.help.clone())])
}
