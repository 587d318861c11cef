//! Settings that name a tablespace which the target lacks.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let mut found = Vec::new();
    for one in database.objects(Census::TablespaceSettings)? {
        if facts.target.tablespaces.contains(&one.sql) {
            continue;
        }
        let message = format!("the setting {} of {} is not carried", one.detail, one.name);
        let why = format!("it names the tablespace {}, which the target does not have", one.sql);
        found.push(Finding::risks(message, why));
    }
    Ok(found)
}
