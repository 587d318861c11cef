//! The server is stopped, or busy with something that takes it away.

use crate::finding::{Finding, Fix};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let state = path.to.state.as_deref().filter(|state| !state.eq_ignore_ascii_case("ready"))?;
    let message = format!("server `{}` is in state {state}", path.to_id.name());
    let why = "a server listens only while its state is Ready";
    Some(Finding::blocks(message, why).at(&path.to_id, path.to.state_pointer.clone()).fix(
        Fix::advice(
            "start the server, or wait until its state is Ready, then capture and check again",
        ),
    ))
}
