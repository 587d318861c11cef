//! A private source and a target with a private endpoint: a runtime server has to copy.

use crate::finding::{Finding, Fix};
use crate::trace::{Access, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let is_private = path.to_access == Ok(Access::Private);
    let is_outside = path.start.is_none() && path.from_access == Ok(Access::PublicWithEndpoint);
    if !is_private || !is_outside || path.runtime_named().is_some() {
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
    Some(finding.fix(Fix::advice(
        "create a flexible server inside a network that reaches both, name it as `migrationRuntimeResourceId`, and \
         check it with `--copier ID`; or copy through a relay host: `flexway migrate --copier relay`",
    )))
}
