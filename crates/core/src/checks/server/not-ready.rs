//! The server is stopped, or busy with something that takes it away.

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
    let message = format!("server `{}` is in state {}", id.name(), server.state.as_deref()?);
    Some(Finding::blocks(message, why).at(id, server.state_pointer.clone()).fix(Fix::advice(
        "start the server, or wait until its state is Ready, then capture and check again",
    )))
}
