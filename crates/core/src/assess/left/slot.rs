//! Logical replication slots.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Slots)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> =
        all.iter().map(|one| format!("{} ({})", one.name, one.detail)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let message = format!("logical replication slots are not carried: {}", some_of(&names));
    let why = "each is a place in the write-ahead log of its own server: who reads from it misses what is written to the target";
    let finding = Finding::risks(message, why).advice(
        "create them on the target before anybody writes there, and point their readers to it",
    );
    Ok(vec![finding])
}
