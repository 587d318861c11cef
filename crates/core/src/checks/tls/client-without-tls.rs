//! The migration of this pair connects without TLS, and the source requires it.

use crate::estate::Missing;
use crate::estate::server::{Migration, ServerKind, Setting};
use crate::finding::{Finding, Fix, Severity};
use crate::trace::Path;

pub(super) fn find(path: &Path) -> Option<Finding> {
    let mut migrations = path.estate.children::<Migration>(&path.from_id);
    // Of the modes only this one never turns to TLS: `Allow` does when the server insists.
    let (id, migration) = migrations.find(|(_, one)| {
        one.source.as_ref() == Some(&path.to_id)
            && one.tls_mode.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("Disable"))
    })?;
    let unseen = match requires(path) {
        Ok(true) => None,
        Ok(false) => return None,
        Err(missing) => Some(missing),
    };
    let message = format!(
        "migration `{}` connects with sslMode Disable, and `{}` takes no connection without TLS",
        id.name(),
        path.to_id.name()
    );
    let why = "the server ends every connection that does not ask for TLS, with words that look like a missing firewall rule; the \
               path itself may be open";
    // It is no gate of the network: packets arrive.
    let finding = Finding { severity: Severity::Risks, ..Finding::blocks(message, why) };
    let fix = Fix::advice("give the migration `\"sslMode\": \"Require\"`");
    Some(finding.unless(unseen.as_ref()).at(id, &migration.mode_pointer).fix(fix))
}

fn requires(path: &Path) -> Result<bool, Missing> {
    match path.to.kind {
        ServerKind::Single => {
            path.to.enforces_tls.ok_or_else(|| Missing::field(&path.to_id, "sslEnforcement"))
        }
        ServerKind::Flexible => {
            let id = path.to_id.child("configurations", "require_secure_transport");
            let value = path.estate.get::<Setting>(&id)?.value.as_deref();
            let value = value.ok_or_else(|| Missing::field(&id, "value"))?;
            Ok(value.eq_ignore_ascii_case("on"))
        }
        ServerKind::Host => Ok(false),
    }
}
