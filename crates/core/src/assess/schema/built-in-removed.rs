//! Things made with functions, columns or types of PostgreSQL itself that the target lacks.

use std::collections::BTreeMap;

use crate::assess::facts::{Census, Database, Facts, Object};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let mut users: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for one in database.objects(Census::Removed)? {
        users.entry(&one.detail).or_default().push(one);
    }
    // A view of all columns lacks many of them at once.
    let mut lacking: BTreeMap<Vec<&str>, (Vec<&str>, Vec<&Object>)> = BTreeMap::new();
    for (what, these) in users {
        let names = these.iter().map(|one| one.name.as_str()).collect();
        let (all, objects) = lacking.entry(names).or_default();
        all.push(what);
        *objects = these;
    }
    let finding = |(names, (what, objects)): (Vec<&str>, (Vec<&str>, Vec<&Object>))| {
        let message = format!(
            "PostgreSQL {} has no {}, which is used by {}",
            facts.target.major(),
            some_of(&what),
            some_of(&names)
        );
        let drops = objects.iter().map(|one| one.sql.clone()).filter(|sql| !sql.is_empty());
        Finding::blocks(message, "the statement that makes it fails there")
            .fixes(Place::Source, drops)
            .advice("or make it anew on the source without that")
    };
    Ok(lacking.into_iter().map(finding).collect())
}
