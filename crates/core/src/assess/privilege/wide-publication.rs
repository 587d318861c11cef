//! Publications of all tables, which not every login may create.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::provider::Power;
use crate::assess::{Found, power};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let what = (Census::WidePublications, Power::WidePublication);
    power::lacking(facts, database, what, "publications of all tables")
}
