//! A private source and a target with a private endpoint: a runtime server has to copy.

use crate::estate::server::Migration;
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::trace::{Access, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let is_private = path.to_access == Ok(Access::Private);
    if path.start.is_some() || !is_private || path.from_access != Ok(Access::PublicWithEndpoint) {
        return None;
    }
    let (from, to) = (path.from_id.name(), path.to_id.name());
    let message = format!(
        "server `{to}` has private access and the copier's server `{from}` is reached through a private endpoint: a runtime \
         server has to copy"
    );
    let why = "a private endpoint lets connections in, never out, so the copier cannot dial into the other server's network";
    let place = path.estate.locate(&path.from_id, "", "privateEndpointConnections");
    let finding = Finding::blocks(message, why).at(&path.from_id, place);
    Some(finding.fix(match named(path) {
        Some((migration, runtime)) => Fix::advice(format!(
            "migration `{}` names runtime server `{}`: check the path from there with `--copier {runtime}`",
            migration.name(),
            runtime.name()
        )),
        None => Fix::advice(
            "create a flexible server inside a network that reaches both, name it as `migrationRuntimeResourceId`, and \
             check it with `--copier ID`; or copy through a relay host: `flexway migrate --copier relay`",
        ),
    }))
}

/// The runtime server that a migration of this pair names, with the migration.
fn named<'p>(path: &Path<'p>) -> Option<(&'p ResourceId, &'p ResourceId)> {
    let mut migrations = path.estate.children::<Migration>(&path.from_id);
    migrations.find_map(|(id, one)| {
        let is_of_pair = one.source.as_ref().is_none_or(|source| *source == path.to_id);
        Some((id, one.runtime.as_ref().filter(|_| is_of_pair)?))
    })
}
