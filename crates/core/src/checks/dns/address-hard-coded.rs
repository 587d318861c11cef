//! The migration names the source by an address that the source does not have.

use std::net::Ipv4Addr;

use crate::estate::server::Migration;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let mut migrations = path.estate.children::<Migration>(&path.from_id);
    let (id, migration, given) = migrations.find_map(|(id, one)| {
        let given: Ipv4Addr = one.source_name.as_deref()?.parse().ok()?;
        (one.source.as_ref() == Some(&path.to_id)).then_some((id, one, given))
    })?;
    let mut addresses = path.endpoints.iter().filter_map(|view| view.addresses.as_ref().ok());
    if addresses.any(|list| list.contains(&given)) {
        return None;
    }
    let message = format!("migration `{}` dials the source by the address {given}", id.name());
    let why = "the service uses that address whatever the name would lead to, and no private endpoint of the source has it";
    Some(
        Finding::blocks(message, why)
            .possible()
            .at(id, migration.name_pointer.clone())
            .fix(Fix::advice(format!("let the migration dial {}", path.server_name()))),
    )
}
