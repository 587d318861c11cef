//! Grants on settings of the server (`GRANT SET ON PARAMETER`), which servers have since 15.

use std::collections::BTreeSet;

use flexway_core::migrate::Difference;

use super::carrier::Carrier;
use super::read::Roles;
use super::statements::{Kind, Step};
use crate::ask::{Outcome, flag, query, text};
use crate::{Session, quote_ident};

/// First version that has them.
const SINCE: u32 = 150_000;

/// What stands for everybody where a role is named.
const PUBLIC: &str = "PUBLIC";

/// One right on one setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ParameterGrant {
    /// A role's name, or [`PUBLIC`].
    pub(super) role: String,
    parameter: String,
    /// `SET` or `ALTER SYSTEM`.
    right: String,
    may_grant: bool,
}

impl ParameterGrant {
    fn words(&self) -> String {
        format!("{} on parameter {}", self.right, self.parameter)
    }

    fn sql(&self) -> String {
        let parameter: Vec<String> = self.parameter.split('.').map(quote_ident).collect();
        let role = if self.role == PUBLIC { PUBLIC.to_owned() } else { quote_ident(&self.role) };
        let option = if self.may_grant { " WITH GRANT OPTION" } else { "" };
        format!("GRANT {} ON PARAMETER {} TO {role}{option}", self.right, parameter.join("."))
    }
}

/// Reads what was granted to users' roles. The bootstrap superuser has all rights anyway.
pub(super) fn read(
    session: &mut Session,
    is_ours: impl Fn(&str) -> String,
) -> Outcome<BTreeSet<ParameterGrant>> {
    if session.version().number < SINCE {
        return Ok(BTreeSet::new());
    }
    let sql = format!(
        "SELECT CASE WHEN a.grantee = 0 THEN '{PUBLIC}' ELSE pg_get_userbyid(a.grantee) END, \
                p.parname, a.privilege_type, bool_or(a.is_grantable) \
         FROM pg_parameter_acl p, aclexplode(p.paracl) a \
         WHERE a.grantee <> 10 AND (a.grantee = 0 OR {}) GROUP BY 1, 2, 3",
        is_ours("a.grantee")
    );
    let rows = query(session, "read the grants on settings", &sql)?;
    let grant = |row: &crate::Row| ParameterGrant {
        role: text(row, 0).to_owned(),
        parameter: text(row, 1).to_owned(),
        right: text(row, 2).to_owned(),
        may_grant: flag(row, 3),
    };
    Ok(rows.iter().map(grant).collect())
}

/// Gives them to roles that were created or may be brought in line; says what was not given.
pub(super) fn carry(carrier: &mut Carrier) -> Outcome<()> {
    let (wanted, present) = (carrier.wanted, carrier.present);
    for grant in wanted.parameters.difference(&present.parameters) {
        let words = format!("grant {} to {}", grant.words(), grant.role);
        let has_stood = carrier.present.all.iter().any(|role| role.name == grant.role);
        let why = if carrier.login.version < SINCE {
            "the target's version knows no such grants".to_owned()
        } else if (has_stood || grant.role == PUBLIC) && !carrier.overwrite {
            format!("it stood on the target; to do that: {}", grant.sql())
        } else {
            let step = Step { sql: grant.sql(), kind: Kind::Optional(words) };
            if !carrier.perform(step)? {
                carrier.mark(&grant.role);
            }
            continue;
        };
        carrier.report.notes.push(format!("did not {words}: {why}"));
        carrier.mark(&grant.role);
    }
    Ok(())
}

/// Grants that carried roles have on one side only.
pub(super) fn differences(wanted: &Roles, present: &Roles) -> Vec<Difference> {
    let carried: BTreeSet<&str> =
        wanted.all.iter().map(|role| role.name.as_str()).chain([PUBLIC]).collect();
    let difference = |grant: &ParameterGrant, detail: &str| Difference {
        kind: "role",
        name: grant.role.clone(),
        detail: format!("{} {detail}", grant.words()),
    };
    let missing = wanted
        .parameters
        .difference(&present.parameters)
        .map(|grant| difference(grant, "is missing or differs on the target"));
    // One that differs in its grant option is in both differences; one line says it.
    let known: BTreeSet<String> =
        wanted.parameters.iter().map(|grant| format!("{} {}", grant.role, grant.words())).collect();
    let extra = present
        .parameters
        .difference(&wanted.parameters)
        .filter(|grant| carried.contains(grant.role.as_str()) && grant.role != PUBLIC)
        .filter(|grant| !known.contains(&format!("{} {}", grant.role, grant.words())))
        .map(|grant| difference(grant, "is on the target only"));
    missing.chain(extra).collect()
}
