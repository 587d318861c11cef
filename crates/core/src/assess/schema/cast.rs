//! Casts of users.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Casts)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let message = format!("database {} has casts of its own: {}", database.name, some_of(&names));
    let why = "Flexway carries them; Azure's own service refuses them";
    let finding = Finding::note(message, why);
    Ok(vec![finding])
}
