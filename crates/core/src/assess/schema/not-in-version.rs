//! Things that the target's version does not take any more.

use crate::assess::facts::{Census, Database, Facts};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place, distinct};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let all = database.objects(Census::Unknown)?;
    let kinds = distinct(all.iter().map(|one| one.detail.as_str()));
    let of_kind = |kind: &str| {
        let these: Vec<_> = all.iter().filter(|one| one.detail == kind).collect();
        let names: Vec<&str> = these.iter().map(|one| one.name.as_str()).collect();
        let message =
            format!("PostgreSQL {} takes no {kind}: {}", facts.target.major(), some_of(&names));
        let drops = these.iter().map(|one| one.sql.clone());
        Finding::blocks(message, "the statement that makes it fails there")
            .fixes(Place::Source, drops)
            .advice("or make it anew on the source in a way that the target takes")
    };
    Ok(kinds.into_iter().map(of_kind).collect())
}
