//! The server is stopped, or busy with something that takes it away.

use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let is_down = |state: &Option<String>| {
        state.as_deref().is_some_and(|state| !state.eq_ignore_ascii_case("ready"))
    };
    let (id, server, why) = match path.from.filter(|from| is_down(&from.state)) {
        _ if is_down(&path.to.state) => {
            (&path.to_id, &*path.to, "a server listens only while its state is Ready")
        }
        Some(from) => (&path.from_id, from, "the copier runs inside that server"),
        None => return None,
    };
    let state = server.state.as_deref()?;
    let advice = match state.to_ascii_lowercase().as_str() {
        "stopped" | "stopping" if server.kind == ServerKind::Flexible => {
            format!("start the server: `az postgres flexible-server start --ids {id}`")
        }
        "dropping" => "the server is being deleted: name another one".to_owned(),
        "inaccessible" => "give the server access to its encryption key again".to_owned(),
        "disabled" => {
            "look at the server's page in the portal: the service has switched it off".to_owned()
        }
        _ => "start the server, or wait until its state is Ready, then capture and check again"
            .to_owned(),
    };
    let message = format!("server `{}` is in state {state}", id.name());
    let finding = Finding::blocks(message, why).at(id, server.state_pointer.clone());
    Some(finding.fix(Fix::advice(advice)))
}
