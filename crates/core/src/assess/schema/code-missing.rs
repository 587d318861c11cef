//! Functions in C and internal ones whose code the target does not have.

use std::collections::BTreeMap;

use crate::assess::facts::{Census, Database, Facts, Object};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let mut refused: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for one in database.objects(Census::Code)? {
        refused.entry(&one.detail).or_default().push(one);
    }
    let finding = |(why, functions): (&str, Vec<&Object>)| {
        let names: Vec<&str> = functions.iter().map(|one| one.name.as_str()).collect();
        let message = format!("the target lacks the code of {}: {why}", some_of(&names));
        let why = "such a function is a name of code inside the server or a library; the statement that \
                   makes it fails there";
        Finding::blocks(message, why)
            .fixes(Place::Source, functions.iter().map(|one| one.sql.clone()))
            .advice(
                "or install the library, built for the target's version, on the target's machine",
            )
    };
    Ok(refused.into_iter().map(finding).collect())
}
