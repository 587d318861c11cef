//! Databases of the source that could not be looked into.

use crate::assess::facts::Facts;
use crate::assess::finding::quoted;
use crate::assess::{Finding, Found, Place};

/// insufficient_privilege, as it stands in the server's words.
const NO_RIGHT: &str = "42501";

pub(super) fn find(facts: &Facts) -> Found {
    let all = facts.unopened.iter();
    Ok(all
        .map(|(name, error)| {
            let message =
                format!("database {name} could not be looked into: failed to {}", error.what);
            let mut finding =
                Finding::blocks(message, error.why.clone()).advice(error.help.clone());
            if error.why.contains(NO_RIGHT) {
                let (database, login) = (quoted(name), quoted(&facts.source.login.name));
                let grant = format!("GRANT CONNECT ON DATABASE {database} TO {login}");
                finding = finding.fix(Place::Source, grant);
            }
            finding.database = Some(name.clone());
            finding
        })
        .collect())
}
