//! The server is stopped, or busy with something that takes it away.

use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let is_down = |state: &Option<String>| {
        state.as_deref().is_some_and(|state| !state.eq_ignore_ascii_case("ready"))
    };
    let (id, server, why) = match (is_down(&path.to.state), is_down(&path.from.state)) {
        (true, _) => (&path.to_id, &*path.to, "a server listens only while its state is Ready"),
        (false, true) => (&path.from_id, path.from, "the copier runs inside that server"),
        (false, false) => return None,
    };
    let message = format!("server `{}` is in state {}", id.name(), server.state.as_deref()?);
    Some(Finding::blocks(message, why).at(id, server.state_pointer.clone()).fix(Fix::advice(
        "start the server, or wait until its state is Ready, then capture and check again",
    )))
}
