//! Roles: carried from source to target by statements that may be run again, and compared.

mod compare;
mod read;
mod statements;

use std::collections::{BTreeSet, HashMap};

use flexway_core::migrate::RoleReport;

use crate::ask::{Outcome, failed, query_one, text};
use crate::catalog::is_superuser;
use crate::{PgError, Session};

pub(crate) use compare::differences;
use read::{Role, Roles};
use statements::{Kind, Login, Step};

/// Creates the source's roles on the target, or brings in line what stands there; then memberships.
pub(crate) fn copy(source: &mut Session, target: &mut Session) -> Outcome<RoleReport> {
    let wanted = read::roles(source)?;
    let present = read::roles(target)?;
    let login = login(target)?;
    let standing: HashMap<&str, &Role> =
        present.all.iter().map(|role| (role.name.as_str(), role)).collect();
    let mut report = RoleReport::default();
    for role in &wanted.all {
        let earlier = standing.get(role.name.as_str()).copied();
        if is_own_business(role, earlier, &login, &mut report) {
            continue;
        }
        let list = if earlier.is_some() { &mut report.kept } else { &mut report.created };
        list.push(role.name.clone());
        for step in statements::of_role(role, earlier, &login) {
            perform(target, step, &mut report)?;
        }
    }
    for step in statements::of_everybody(&wanted) {
        perform(target, step, &mut report)?;
    }
    note_passwords(&wanted, &mut report);
    grant_memberships(target, &wanted, &login, &mut report)?;
    Ok(report)
}

fn login(target: &mut Session) -> Outcome<Login> {
    let row = query_one(target, "ask who the login is", "SELECT current_user")?;
    Ok(Login {
        name: text(&row, 0).to_owned(),
        is_superuser: is_superuser(target)?,
        version: target.version().number,
    })
}

/// The bootstrap superuser of the same name is each server's own, and so is the login that this
/// move uses on the target: changing it could lock the move out.
fn is_own_business(
    role: &Role,
    earlier: Option<&Role>,
    login: &Login,
    report: &mut RoleReport,
) -> bool {
    if role.is_bootstrap && earlier.is_some_and(|earlier| earlier.is_bootstrap) {
        return true;
    }
    if role.name != login.name {
        return false;
    }
    report.kept.push(role.name.clone());
    report.notes.push(format!(
        "role {} is the login of this move on the target: its attributes and password were left as they are",
        role.name
    ));
    true
}

/// Runs one step; what the target's login may not do becomes a note where the step says so.
fn perform(target: &mut Session, step: Step, report: &mut RoleReport) -> Outcome<()> {
    let Err(error) = target.execute(&step.sql) else {
        return Ok(());
    };
    match step.kind {
        Kind::Optional(note) if is_refusal(&error) => {
            report.notes.push(format!("{note}: {error}"));
            Ok(())
        }
        Kind::Optional(what) | Kind::Needed(what) => Err(failed(&what, &error)),
    }
}

/// Whether the server is there and says no, for want of rights or since it knows no such thing.
fn is_refusal(error: &PgError) -> bool {
    error.code().is_some_and(|code| !code.starts_with("57") && !code.starts_with("08"))
}

fn note_passwords(wanted: &Roles, report: &mut RoleReport) {
    if wanted.has_passwords {
        return;
    }
    let count = wanted.all.iter().filter(|role| role.can_login).count();
    if count > 0 {
        report.notes.push(format!(
            "the source's login may not read password verifiers (pg_authid): {count} roles that log in \
             need a new password \
             on the target, or a superuser as source login"
        ));
    }
}

/// Grants memberships, those first whose grantor already may: each round does what the one before
/// made possible.
fn grant_memberships(
    target: &mut Session,
    wanted: &Roles,
    login: &Login,
    report: &mut RoleReport,
) -> Outcome<()> {
    let carried: BTreeSet<&str> = wanted.all.iter().map(|role| role.name.as_str()).collect();
    let mut open: Vec<Step> = wanted
        .memberships
        .iter()
        .filter(|membership| membership.member != login.name)
        .map(|membership| statements::of_membership(membership, &carried, login))
        .collect();
    loop {
        let before = open.len();
        let mut refused = Vec::new();
        for step in open {
            match target.execute(&step.sql) {
                Ok(()) => {}
                Err(error) if is_refusal(&error) => refused.push((step, error)),
                Err(error) => return Err(failed(step.kind.what(), &error)),
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        if refused.len() == before {
            let notes =
                refused.iter().map(|(step, error)| format!("{}: {error}", step.kind.what()));
            report.notes.extend(notes);
            return Ok(());
        }
        open = refused.into_iter().map(|(step, _)| step).collect();
    }
}
