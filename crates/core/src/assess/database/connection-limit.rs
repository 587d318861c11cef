//! Databases that take fewer sessions than a move holds.

use crate::assess::facts::{Database, Facts};
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};
use crate::format::things;

/// One job holds one session on each side beside the one that pins the snapshot, and `pg_dump` has its own.
const NEEDED: u32 = 4;
/// As many as the most jobs that are used unasked may want.
const AMPLE: u32 = 16;

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let is_free = facts.source.facts.is_superuser && facts.target.facts.is_superuser;
    let Some(limit) = database.connection_limit.filter(|limit| !is_free && *limit < AMPLE) else {
        return Ok(Vec::new());
    };
    let taken = things(u64::from(limit), "connection");
    let message =
        format!("database {} takes {taken} of logins that are no superusers", database.name);
    let why =
        "the target's database gets the same limit; each job holds a session, and pg_dump one more";
    let finding = match limit < NEEDED {
        true => Finding::blocks(message, why),
        false => Finding::risks(message, why),
    };
    let fix = format!("ALTER DATABASE {} CONNECTION LIMIT -1", quoted(&database.name));
    Ok(vec![
        finding
            .fix(Place::Source, fix)
            .advice("give both databases the limit when the move is over"),
    ])
}
