//! Tablespaces.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Tablespaces)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("tablespaces are not carried: {}", some_of(&names));
    let why = "they are a matter of a server's disks; what lies in them goes to the default tablespace of the \
               target's database";
    let finding = Finding::risks(message, why);
    Ok(vec![finding])
}
