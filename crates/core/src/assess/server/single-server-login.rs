//! Logins that lose the name of their server.

use crate::assess::facts::Facts;
use crate::assess::provider::Provider;
use crate::assess::{Finding, Found};

pub(super) fn find(facts: &Facts) -> Found {
    if facts.source.provider != Provider::AzureSingle
        || facts.target.provider == Provider::AzureSingle
    {
        return Ok(Vec::new());
    }
    let message = "applications log in to the source as `user@server`, to the target as `user`";
    let why = "Single Server's gateway finds the server by the part after the @; roles and databases \
               have no such part and are carried as they are";
    let advice = "change host and user of every connection string at the cutover";
    Ok(vec![Finding::note(message, why).advice(advice)])
}
