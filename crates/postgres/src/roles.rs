//! Roles: carried from source to target by statements that may be run again, and compared.

mod carrier;
mod compare;
mod needed;
mod own;
mod parameters;
mod read;
mod statements;

use flexway_core::migrate::RoleReport;

use crate::Session;
use crate::ask::{Outcome, query_one, run, text};
use crate::catalog::{is_superuser, left_behind};
use crate::schema::tablespaces::Tablespaces;

pub(crate) use compare::differences;
use statements::Login;
pub(crate) use statements::list_elements;

/// Creates on the target the roles that these databases of the source need, all when none is named,
/// with their memberships. A role that stands there is brought in line with `overwrite`, and left as
/// it is without. All of it is one transaction: after a failure nothing was changed.
pub(crate) fn copy(
    source: &mut Session,
    target: &mut Session,
    databases: &[String],
    overwrite: bool,
) -> Outcome<RoleReport> {
    let mut wanted = read::roles_of(source, databases)?;
    let there = Tablespaces::read(target)?;
    let not_carried = wanted.forget_tablespaces(&there);
    let owners = needed::owners(source, databases)?;
    let mut present = read::roles(target)?;
    present.forget_tablespaces(&there);
    let login = login(target)?;
    run(target, "begin to carry the roles", "BEGIN")?;
    let mut carrier = carrier::Carrier {
        target,
        wanted: &wanted,
        present: &present,
        login: &login,
        overwrite,
        report: RoleReport::default(),
    };
    carrier.roles()?;
    carrier.everybody(databases.is_empty())?;
    carrier.memberships()?;
    parameters::carry(&mut carrier)?;
    own::join(&mut carrier, &owners)?;
    let mut report = carrier.report;
    report.notes.extend(not_carried);
    report.notes.extend(left_behind::notes(source, databases)?);
    run(target, "finish carrying the roles", "COMMIT")?;
    Ok(report)
}

/// Whether a role of this name is carried: one that users made.
pub(crate) fn is_carried(name: &str) -> bool {
    !name.starts_with("pg_") && !read::SERVICE_ROLES.contains(&name)
}

fn login(target: &mut Session) -> Outcome<Login> {
    let row = query_one(target, "ask who the login is", "SELECT current_user")?;
    Ok(Login {
        name: text(&row, 0).to_owned(),
        is_superuser: is_superuser(target)?,
        version: target.version().number,
    })
}
