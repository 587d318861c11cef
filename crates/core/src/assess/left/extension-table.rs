//! Rows of tables that belong to an extension.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::MemberTables)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> =
        all.iter().map(|one| format!("{} of {}", one.name, one.detail)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let message = format!(
        "tables that belong to extensions are not carried, nor their rows: {}",
        some_of(&names)
    );
    let why = "an extension makes its tables itself, and only those that it names as its configuration are moved; a table \
               that ALTER EXTENSION ... ADD TABLE made a member is not made on the target";
    let finding = Finding::risks(message, why)
        .fixes(Place::Source, all.iter().map(|one| one.sql.clone()))
        .advice("take out only what is your own: tables that the extension makes and fills by itself come with it");
    Ok(vec![finding])
}
