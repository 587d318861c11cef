//! Roles: carried from source to target by statements that may be run again, and compared.

mod carrier;
mod compare;
mod needed;
mod own;
mod parameters;
mod read;
mod services;
mod statements;

use flexway_core::assess::facts;
use flexway_core::migrate::RoleReport;

use crate::Session;
use crate::ask::{Outcome, query_one, run, text};
use crate::catalog::is_superuser;
use crate::schema::tablespaces::Tablespaces;

pub(crate) use compare::differences;
pub(crate) use services::{SERVICE_ROLES, Strangers};
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
    run(target, "finish carrying the roles", "COMMIT")?;
    Ok(report)
}

/// The roles that [`copy`] would carry.
pub(crate) fn to_carry(source: &mut Session, databases: &[String]) -> Outcome<Vec<facts::Role>> {
    let outside = read::outside(source)?;
    let read::Roles { all, memberships, .. } = read::roles_of(source, databases)?;
    let role = |role: read::Role| facts::Role {
        is_external: outside.contains(&role.name),
        groups: memberships
            .iter()
            .filter(|one| one.member == role.name)
            .map(|one| one.role.clone())
            .collect(),
        name: role.name,
        is_superuser: role.is_superuser,
        can_replicate: role.can_replicate,
        bypasses_row_security: role.bypasses_row_security,
        can_login: role.can_login,
        may_become: true,
        may_join: true,
        verifier: role.password.map(|verifier| match verifier.starts_with("md5") {
            true => "md5".to_owned(),
            false => "scram".to_owned(),
        }),
    };
    Ok(all.into_iter().map(role).collect())
}

fn login(target: &mut Session) -> Outcome<Login> {
    let row = query_one(target, "ask who the login is", "SELECT current_user")?;
    Ok(Login {
        name: text(&row, 0).to_owned(),
        is_superuser: is_superuser(target)?,
        version: target.version().number,
    })
}
