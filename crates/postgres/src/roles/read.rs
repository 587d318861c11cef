//! What a server says about its roles.

use std::collections::BTreeSet;

use super::needed;
use super::parameters::{self, ParameterGrant};
use super::services::SERVICE_ROLES;
use crate::Session;
use crate::ask::{Outcome, flag, optional, query, query_one, text};
use crate::pool::prepare;
use crate::schema::tablespaces::Tablespaces;

/// Roles of a server, by name.
pub(super) struct Roles {
    /// All that users made, and the bootstrap superuser.
    pub(super) all: Vec<Role>,
    /// Grants of roles to these roles.
    pub(super) memberships: Vec<Membership>,
    /// Rights of these roles, and of everybody, on settings of the server.
    pub(super) parameters: BTreeSet<ParameterGrant>,
    /// `ALTER ROLE ALL SET`: name and value.
    pub(super) everybody: Vec<(String, String)>,
    /// Whether verifiers were readable.
    pub(super) has_passwords: bool,
    /// Server version number.
    pub(super) version: u32,
}

impl Roles {
    /// Drops settings that name a tablespace which the target lacks; gives a sentence about each.
    pub(super) fn forget_tablespaces(&mut self, there: &Tablespaces) -> Vec<String> {
        let mut notes = Vec::new();
        let mut forget = |settings: &mut Vec<(String, String)>, whose: &str| {
            settings.retain(|(name, value)| {
                let is_absent = there.lack(name, value);
                if is_absent {
                    notes.push(there.note(name, whose));
                }
                !is_absent
            });
        };
        forget(&mut self.everybody, "all roles");
        for role in &mut self.all {
            forget(&mut role.settings, &format!("role {}", role.name));
        }
        notes
    }
}

/// Names of roles that log in through a directory of their service.
pub(super) fn outside(session: &mut Session) -> Outcome<BTreeSet<String>> {
    let sql = "SELECT r.rolname FROM pg_roles r WHERE EXISTS (SELECT 1 FROM pg_shseclabel l \
               WHERE l.objoid = r.oid AND l.classoid = 'pg_authid'::regclass \
               AND l.provider = 'pgaadauth') \
               OR EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid \
               AND pg_get_userbyid(m.roleid) IN ('rds_iam', 'cloudsqliamuser', \
               'cloudsqliamserviceaccount'))";
    let rows = query(session, "find roles of outside directories", sql)?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

/// One role. Has no `Debug`, since it holds the verifier.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) is_superuser: bool,
    pub(super) inherits: bool,
    pub(super) can_create_roles: bool,
    pub(super) can_create_databases: bool,
    pub(super) can_login: bool,
    pub(super) can_replicate: bool,
    pub(super) bypasses_row_security: bool,
    /// -1 for none.
    pub(super) connection_limit: String,
    /// In UTC, or `infinity`.
    pub(super) valid_until: Option<String>,
    /// SCRAM or MD5 verifier.
    pub(super) password: Option<String>,
    pub(super) comment: Option<String>,
    /// Security labels: provider and text. That of a service's directory is the service's.
    pub(super) labels: Vec<(String, String)>,
    /// Made by initdb; owns the system.
    pub(super) is_bootstrap: bool,
    /// Settings of the role in all databases: name and value.
    pub(super) settings: Vec<(String, String)>,
}

impl Role {
    /// When the password ends, if ever: no `VALID UNTIL` and `infinity` are the same.
    pub(super) fn expires(&self) -> Option<&str> {
        self.valid_until.as_deref().filter(|until| *until != "infinity")
    }
}

/// A role granted to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Membership {
    pub(super) role: String,
    pub(super) member: String,
    pub(super) is_admin: bool,
    /// INHERIT and SET, which a grant has since 16.
    pub(super) options: Option<(bool, bool)>,
    /// Who granted it, unless that was the bootstrap superuser; known since 16.
    pub(super) grantor: Option<String>,
}

/// Reads the roles of the source that these databases need, with settings and memberships; all roles
/// and the settings of everybody when no database is named.
pub(super) fn roles_of(session: &mut Session, databases: &[String]) -> Outcome<Roles> {
    let mut roles = roles(session)?;
    if !databases.is_empty() {
        let needed = needed::of_databases(session, databases)?;
        roles.all.retain(|role| needed.contains(&role.name));
        roles.memberships.retain(|membership| needed.contains(&membership.member));
        roles.parameters.retain(|grant| needed.contains(&grant.role));
    }
    Ok(roles)
}

/// Reads roles, settings and memberships.
pub(super) fn roles(session: &mut Session) -> Outcome<Roles> {
    prepare(session, "UTF8")?;
    let what = "read the roles";
    let row = query_one(session, what, "SELECT has_table_privilege('pg_authid', 'SELECT')")?;
    let has_passwords = flag(&row, 0);
    let password = if has_passwords {
        "(SELECT a.rolpassword FROM pg_authid a WHERE a.oid = r.oid)"
    } else {
        "NULL"
    };
    let hidden = SERVICE_ROLES.map(|name| format!("'{name}'")).join(", ");
    let ours = |oid: &str| {
        format!("pg_get_userbyid({oid}) !~ '^pg_' AND pg_get_userbyid({oid}) NOT IN ({hidden})")
    };
    let rows = query(
        session,
        what,
        &format!(
            "SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, \
             r.rolreplication, \
                    r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil, {password}, \
                    shobj_description(r.oid, 'pg_authid'), r.oid = 10 \
             FROM pg_roles r WHERE {} ORDER BY 1",
            ours("r.oid")
        ),
    )?;
    let mut roles = Roles {
        all: rows.iter().map(role).collect(),
        memberships: memberships(session, &ours("m.member"))?,
        parameters: parameters::read(session, ours)?,
        everybody: Vec::new(),
        has_passwords,
        version: session.version().number,
    };
    read_settings(session, &mut roles)?;
    read_labels(session, &mut roles)?;
    Ok(roles)
}

fn role(row: &crate::Row) -> Role {
    let owned = |index: usize| optional(row, index).map(str::to_owned);
    Role {
        name: text(row, 0).to_owned(),
        is_superuser: flag(row, 1),
        inherits: flag(row, 2),
        can_create_roles: flag(row, 3),
        can_create_databases: flag(row, 4),
        can_login: flag(row, 5),
        can_replicate: flag(row, 6),
        bypasses_row_security: flag(row, 7),
        connection_limit: text(row, 8).to_owned(),
        valid_until: owned(9),
        password: owned(10),
        comment: owned(11),
        labels: Vec::new(),
        is_bootstrap: flag(row, 12),
        settings: Vec::new(),
    }
}

fn memberships(session: &mut Session, condition: &str) -> Outcome<Vec<Membership>> {
    let is_newer = session.version().number >= 160_000;
    let options = if is_newer {
        "m.inherit_option, m.set_option, CASE WHEN m.grantor <> 10 THEN pg_get_userbyid(m.grantor) END"
    } else {
        "NULL, NULL, NULL"
    };
    let rows = query(
        session,
        "read the memberships of roles",
        &format!(
            "SELECT pg_get_userbyid(m.roleid), pg_get_userbyid(m.member), m.admin_option, {options} \
             FROM pg_auth_members m WHERE {condition} ORDER BY 1, 2, 6 NULLS FIRST"
        ),
    )?;
    Ok(rows
        .iter()
        .map(|row| Membership {
            role: text(row, 0).to_owned(),
            member: text(row, 1).to_owned(),
            is_admin: flag(row, 2),
            options: is_newer.then(|| (flag(row, 3), flag(row, 4))),
            grantor: optional(row, 5).map(str::to_owned),
        })
        .collect())
}

fn read_settings(session: &mut Session, roles: &mut Roles) -> Outcome<()> {
    let rows = query(
        session,
        "read the settings of roles",
        "SELECT r.rolname, unnest(s.setconfig) FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid \
         = s.setrole \
         WHERE s.setdatabase = 0 ORDER BY 1, 2",
    )?;
    for row in &rows {
        let Some((name, value)) = text(row, 1).split_once('=') else { continue };
        let setting = (name.to_owned(), value.to_owned());
        match optional(row, 0) {
            None => roles.everybody.push(setting),
            Some(owner) => {
                if let Some(role) = roles.all.iter_mut().find(|role| role.name == owner) {
                    role.settings.push(setting);
                }
            }
        }
    }
    Ok(())
}

fn read_labels(session: &mut Session, roles: &mut Roles) -> Outcome<()> {
    let sql = "SELECT r.rolname, l.provider, l.label FROM pg_shseclabel l JOIN pg_roles r ON r.oid = l.objoid \
               WHERE l.classoid = 'pg_authid'::regclass AND l.provider <> 'pgaadauth' ORDER BY 1, 2";
    for row in &query(session, "read the security labels of roles", sql)? {
        let label = (text(row, 1).to_owned(), text(row, 2).to_owned());
        if let Some(role) = roles.all.iter_mut().find(|role| role.name == text(row, 0)) {
            role.labels.push(label);
        }
    }
    Ok(())
}
