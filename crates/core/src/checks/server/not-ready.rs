//! The server is stopped, or busy with something that takes it away.

use crate::estate::server::{Server, ServerKind};
use crate::finding::{Finding, Fix};
use crate::id::ResourceId;
use crate::shell::quoted;
use crate::trace::Path;

/// One finding for each end that does not run.
pub(super) fn find(path: &Path) -> Vec<Finding> {
    let copier = path.from.map(|from| (&path.from_id, from, "the copier runs inside that server"));
    let listens = "a server listens only while its state is Ready";
    let servers = [Some((&path.to_id, &*path.to, listens)), copier];
    let down = servers.into_iter().flatten().filter_map(|(id, server, why)| down(id, server, why));
    machines(path).chain(down).collect()
}

fn down(id: &ResourceId, server: &Server, why: &str) -> Option<Finding> {
    let state = server.state.as_deref().filter(|state| !state.eq_ignore_ascii_case("ready"))?;
    let advice = match state.to_ascii_lowercase().as_str() {
        "stopped" | "stopping" if server.kind == ServerKind::Flexible => {
            let id = quoted(id.as_str());
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

/// The machine of a relay host, and the one that is dialled, where they do not run.
fn machines(path: &Path) -> impl Iterator<Item = Finding> {
    let relay = path.start.as_ref().and_then(|start| start.stopped(path.estate));
    let ends = [
        path.stopped_machine().map(|one| (one, "nothing listens on a machine that does not run")),
        relay.map(|one| (one, "the copier runs on that machine")),
    ];
    ends.into_iter().flatten().map(|((id, machine, state), why)| {
        let finding = Finding::blocks(format!("machine `{}` is {state}", id.name()), why);
        let advice = format!("start the machine: `az vm start --ids {}`", quoted(id.as_str()));
        finding.at(id, machine.power_pointer.clone()).fix(Fix::advice(advice))
    })
}
