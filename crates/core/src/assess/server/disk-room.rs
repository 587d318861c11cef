//! How much room the target needs.

use crate::assess::facts::Facts;
use crate::assess::provider::Provider;
use crate::assess::{Finding, Found, Place};

pub(super) fn find(facts: &Facts) -> Found {
    let bytes: u64 = facts.databases.iter().map(|one| one.size_bytes).sum();
    if bytes == 0 {
        return Ok(Vec::new());
    }
    // Write-ahead log and sorts of index builds come on top.
    let wanted = bytes + bytes / 4;
    let message = format!("the target needs room for {} MB", wanted.div_ceil(1_000_000));
    let why = "the databases and a quarter more for write-ahead log and index builds; SQL does not \
               tell how much room a server has";
    let finding = Finding::note(message, why);
    Ok(vec![match facts.target.provider {
        Provider::Azure => finding.fix(
            Place::Shell,
            "az postgres flexible-server show -g <group> -n <server> --query storage.storageSizeGb",
        ),
        _ => finding.advice("look at the disk of the target"),
    }])
}
