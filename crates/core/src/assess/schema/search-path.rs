//! Functions that find what they call by `search_path`, which is empty where a move needs them.

use std::collections::BTreeMap;

use crate::assess::facts::{Census, Database, Facts, Object};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place, distinct};

pub(super) fn find(_: &Facts, database: &Database) -> Found {
    let mut functions: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for one in database.objects(Census::PathDependent)? {
        functions.entry(&one.detail).or_default().push(one);
    }
    let finding = |(function, callers): (&str, Vec<&Object>)| {
        let names: Vec<&str> = callers.iter().map(|one| one.name.as_str()).collect();
        let fixes = distinct(callers.iter().map(|one| one.sql.as_str()));
        Finding::risks(
            format!(
                "{function} seems to find by search_path what it calls, for {}",
                some_of(&names)
            ),
            "search_path is empty when that is made on the target: then the function fails",
        )
        .fixes(Place::Source, fixes.into_iter().map(str::to_owned))
        .advice("or name schemas in full in its body")
    };
    Ok(functions.into_iter().map(finding).collect())
}
