//! A private source and a target with a private endpoint: a runtime server has to copy.

use crate::finding::{Finding, Fix};
use crate::trace::{Access, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    let is_private = path.to_access == Ok(Access::Private);
    if path.start.is_some() || !is_private || path.from_access != Ok(Access::PublicWithEndpoint) {
        return None;
    }
    let message = format!(
        "source `{}` has private access and target `{}` is reached through a private endpoint: the copier needs a \
         runtime server",
        path.to_id.name(),
        path.from_id.name()
    );
    let why = "a private endpoint lets connections in, never out, so the target cannot dial into the source's network";
    Some(
        Finding::blocks(message, why)
            .at(&path.from_id, path.estate.locate(&path.from_id, "", "privateEndpointConnections"))
            .fix(Fix::advice(
                "create a flexible server inside a network that reaches both, name it as `migrationRuntimeResourceId`, and \
                 check it with `--copier ID`; or copy through a relay host: `flexway migrate --copier relay`",
            )),
    )
}
