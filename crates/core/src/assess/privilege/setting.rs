//! Settings that the target's login may give to nobody.

use crate::assess::facts::{Census, Database, Facts, Object};
use crate::assess::finding::some_of;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts, database: &Database) -> Found {
    let login = &facts.target.login.name;
    let told = |all: &[Object]| {
        let names: Vec<String> =
            all.iter().map(|one| format!("{} of {}", one.detail, one.name)).collect();
        format!("the target's login {login} may not give {}", some_of(&names))
    };
    let mut found = Vec::new();
    let of_functions = database.objects(Census::ForbiddenToFunctions)?;
    if !of_functions.is_empty() {
        let why = "a function is created with its settings";
        found.push((Finding::blocks(told(of_functions), why), of_functions));
    }
    let of_database = database.objects(Census::ForbiddenToDatabase)?;
    if !of_database.is_empty() {
        let why = "it is not carried, and the comparison calls the database different";
        found.push((Finding::risks(told(of_database), why), of_database));
    }
    let mended = |(finding, all): (Finding, &[Object])| {
        finding.fixes(Place::Source, all.iter().map(|one| one.sql.clone())).advice(
            "or have a superuser of the target, from 15 on, GRANT SET ON PARAMETER to the login",
        )
    };
    Ok(found.into_iter().map(mended).collect())
}
