//! The port is that of the connection pooler, and the source does not run one.

use crate::estate::server::ServerKind;
use crate::finding::{Finding, Fix};
use crate::trace::PORT;
use crate::trace::{self, Path};

pub(super) fn find(path: &Path) -> Option<Finding> {
    if path.to.kind != ServerKind::Flexible
        || path.port != trace::POOLER_PORT
        || path.listens() != Ok(false)
    {
        return None;
    }
    let message = format!(
        "server `{}` does not run its pooler, which listens on port {}",
        path.to_id.name(),
        path.port
    );
    let why = "port 6432 is PgBouncer's; PostgreSQL itself listens on 5432";
    let setting = path.to_id.child("configurations", "pgbouncer.enabled");
    let finding = match path.to.has_no_pooler() {
        true => Finding::blocks(message, format!("{why}, which the tier Burstable does not offer"))
            .at(&path.to_id, path.estate.locate(&path.to_id, "", "sku")),
        false => {
            Finding::blocks(message, why).at(&setting, path.estate.locate(&setting, "", "value"))
        }
    };
    Some(finding.fix(Fix::advice(format!(
        "use port {PORT}: a move needs sessions of its own, which a pooler may not keep"
    ))))
}
