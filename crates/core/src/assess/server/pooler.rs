//! A pooler between the move and a server.

use crate::assess::facts::Facts;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts) -> Found {
    let servers = [("source", &facts.source), ("target", &facts.target)];
    let pooled = servers.into_iter().filter(|(_, server)| server.has_pooler);
    Ok(pooled
        .map(|(side, server)| {
            let message = format!("a pooler answers for the {side} {}", server.facts.label);
            let why = "the process that serves queries is not the one that the login named; a pooler \
                       that changes servers between transactions loses snapshots and settings";
            let advice = "give the server's own host and port (on Azure port 5432 instead of 6432)";
            Finding::blocks(message, why).advice(advice)
        })
        .collect())
}
