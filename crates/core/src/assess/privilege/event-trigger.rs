//! Event triggers, which not every login may create.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::provider::Power;
use crate::assess::{Found, power};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let what = (Census::EventTriggers, Power::EventTrigger);
    power::lacking(facts, database, what, "event triggers")
}
