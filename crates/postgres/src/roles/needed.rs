//! Which roles of a server chosen databases cannot do without.

use std::collections::BTreeSet;

use crate::ask::{Outcome, query, text};
use crate::{Session, quote_literal};

/// Names of the roles that own something in these databases, appear in their grants, default
/// privileges, policies or settings, and of the roles that those are members of. The bootstrap
/// superuser is always one: every database holds things of its.
///
/// Source: PostgreSQL 18, "pg_shdepend"; what the bootstrap superuser owns is not listed there.
pub(super) fn of_databases(
    session: &mut Session,
    databases: &[String],
) -> Outcome<BTreeSet<String>> {
    let names: Vec<String> = databases.iter().map(|name| quote_literal(name)).collect();
    let sql = format!(
        "WITH RECURSIVE chosen AS (SELECT oid FROM pg_database WHERE datname IN ({})), \
         needed (role) AS ( \
           SELECT 10::oid \
           UNION SELECT s.refobjid FROM pg_shdepend s JOIN chosen d ON s.dbid = d.oid \
             OR s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid \
             WHERE s.refclassid = 'pg_authid'::regclass \
           UNION SELECT s.setrole FROM pg_db_role_setting s JOIN chosen d ON s.setdatabase = d.oid \
             WHERE s.setrole <> 0 \
           UNION SELECT m.roleid FROM pg_auth_members m JOIN needed n ON m.member = n.role) \
         SELECT rolname FROM pg_roles r JOIN needed n ON r.oid = n.role",
        names.join(", ")
    );
    let rows = query(session, "find the roles that the databases need", &sql)?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}

/// Names of the roles that own something in these databases, in any when none is named.
pub(super) fn owners(session: &mut Session, databases: &[String]) -> Outcome<BTreeSet<String>> {
    let names: Vec<String> = databases.iter().map(|name| quote_literal(name)).collect();
    let is_chosen = match names.as_slice() {
        [] => "true".to_owned(),
        names => format!("d.datname IN ({})", names.join(", ")),
    };
    let sql = format!(
        "SELECT DISTINCT r.rolname FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid \
         JOIN pg_database d ON s.dbid = d.oid \
           OR s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid \
         WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND {is_chosen} \
         UNION SELECT rolname FROM pg_roles WHERE oid = 10"
    );
    let rows = query(session, "find the roles that own something", &sql)?;
    Ok(rows.iter().map(|row| text(row, 0).to_owned()).collect())
}
