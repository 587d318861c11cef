//! Memberships that the login of a move needs for itself.

use std::collections::BTreeSet;

use super::carrier::Carrier;
use super::read::Role;
use super::statements::{Kind, Step};
use crate::ask::{Outcome, flag, query_one};
use crate::{quote_ident, quote_literal};

/// Makes the login a member of the roles that own something, unless it is already: only a member may
/// give objects to a role. What was added for the move is said, with the statement that takes it
/// back.
pub(super) fn join(carrier: &mut Carrier<'_>, owners: &BTreeSet<String>) -> Outcome<()> {
    if carrier.login.is_superuser {
        return Ok(());
    }
    let mut joined = Vec::new();
    let (wanted, login) = (carrier.wanted, carrier.login);
    for role in wanted.all.iter().filter(|role| owners.contains(&role.name)) {
        // The bootstrap superuser is each server's own; nobody else is made a member of it. The
        // source's is an ordinary role on a target whose own has another name.
        let is_own = |one: &Role| one.name == role.name && one.is_bootstrap;
        let is_bootstrap = carrier.present.all.iter().any(is_own);
        if is_bootstrap || role.name == login.name || may_act_for(carrier, &role.name)? {
            continue;
        }
        let options = if login.version >= 160_000 { " WITH INHERIT TRUE, SET TRUE" } else { "" };
        let (name, member) = (quote_ident(&role.name), quote_ident(&login.name));
        let sql = format!("GRANT {name} TO {member}{options}");
        let what = format!(
            "make the login a member of role {}, which it must be to create objects of that owner",
            role.name
        );
        if carrier.perform(Step { sql, kind: Kind::Optional(what) })? {
            joined.push(role.name.as_str());
        }
    }
    if !joined.is_empty() {
        let quoted: Vec<String> = joined.iter().map(|name| quote_ident(name)).collect();
        carrier.report.notes.push(format!(
            "the login {} was made a member of {}, which it must be to create what they own and to \
             compare it; to take that back after the move: REVOKE {} FROM {}",
            login.name,
            joined.join(", "),
            quoted.join(", "),
            quote_ident(&login.name)
        ));
    }
    Ok(())
}

/// Whether the login can become the role and has its rights. Since 16 a membership may lack either.
fn may_act_for(carrier: &mut Carrier<'_>, role: &str) -> Outcome<bool> {
    let role = quote_literal(role);
    let kind = if carrier.login.version >= 160_000 { "SET" } else { "MEMBER" };
    let sql = format!("SELECT pg_has_role({role}, '{kind}') AND pg_has_role({role}, 'USAGE')");
    let row = query_one(carrier.target, "ask which roles the login is a member of", &sql)?;
    Ok(flag(&row, 0))
}
