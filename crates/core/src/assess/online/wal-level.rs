//! A source that does not log what decoding needs.

use crate::assess::facts::Facts;
use crate::assess::provider::Provider;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let source = &facts.source;
    match source.setting("wal_level")? {
        Some("logical") | None => return Ok(Vec::new()),
        Some(_) => {}
    }
    let message = format!("wal_level of the source {} is not logical", source.facts.label);
    let fix = match source.provider {
        Provider::Rds => source.provider.set_parameter("rds.logical_replication", "1"),
        Provider::CloudSql => source.provider.set_parameter("cloudsql.logical_decoding", "on"),
        Provider::AlloyDb => source.provider.set_parameter("alloydb.logical_decoding", "on"),
        Provider::AzureSingle => {
            source.provider.set_parameter("azure.replication_support", "logical")
        }
        Provider::Azure | Provider::Own => source.provider.set_parameter("wal_level", "logical"),
    };
    let finding =
        Finding::blocks(message, "changes can be decoded only from a log that has them whole")
            .fix(source.provider.place_on(Place::Source), fix)
            .advice("restart the source after that; --mode offline needs nothing");
    Ok(vec![finding])
}
