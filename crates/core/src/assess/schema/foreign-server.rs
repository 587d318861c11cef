//! Foreign servers.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::ForeignServers)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("foreign servers are carried with their options: {}", some_of(&names));
    let why = "the target has to reach the same hosts, by the same names; rows of foreign tables stay where \
               they are";
    let finding = Finding::note(message, why);
    Ok(vec![finding])
}
