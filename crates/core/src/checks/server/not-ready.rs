//! The server is stopped, or busy with something that takes it away.

use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    if let Some(finding) = machine(path) {
        return Some(finding);
    }
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

/// The machine of a relay host, or the one that is dialled, does not run.
fn machine(path: &Path) -> Option<Finding> {
    let relay = path.start.as_ref().and_then(|start| start.stopped(path.estate));
    let ((id, machine, state), why) = match (path.stopped_machine(), relay) {
        (Some(found), _) => (found, "nothing listens on a machine that does not run"),
        (None, Some(found)) => (found, "the copier runs on that machine"),
        (None, None) => return None,
    };
    let finding = Finding::blocks(format!("machine `{}` is {state}", id.name()), why);
    let advice = format!("start the machine: `az vm start --ids {id}`");
    Some(finding.at(id, machine.power_pointer.clone()).fix(Fix::advice(advice)))
}
