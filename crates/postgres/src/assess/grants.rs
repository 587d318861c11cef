//! Rights on what comes with PostgreSQL, where somebody changed them: pg_dump carries the change.

use flexway_core::assess::facts::{Known, Object};

use super::ask;
use crate::ask::Outcome;
use crate::catalog::trees::USERS_OID_MIN;
use crate::roles::{SERVICE_ROLES, Strangers};
use crate::{Session, quote_literal};

/// First version that remembers the rights which it came with; pg_dump carries none before.
const SINCE: u32 = 90_600;

/// What has rights: kind, class, oid, number of a column, its schema, words for it in statements, the
/// column in brackets, rights as they are, and rights without any grant.
const KINDS: [&str; 3] = [
    "SELECT 'signature', 'pg_proc'::regclass, p.oid, 0, p.pronamespace, 'FUNCTION', \
     p.oid::regprocedure::text, '', p.proacl, acldefault('f', p.proowner) FROM pg_proc p",
    "SELECT 'relation', 'pg_class'::regclass, c.oid, 0, c.relnamespace, 'TABLE', c.oid::regclass::text, \
     '', c.relacl, acldefault('r', c.relowner) FROM pg_class c",
    "SELECT 'column', 'pg_class'::regclass, c.oid, a.attnum::int, c.relnamespace, 'TABLE', \
     c.oid::regclass::text, format(' (%I)', a.attname), a.attacl, acldefault('c', c.relowner) \
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid",
];

/// The query of those that concern roles of users, and `PUBLIC`: name, role, statement.
pub(super) fn of_users(version: u32) -> Option<String> {
    let services = SERVICE_ROLES.map(|name| format!("'{name}'")).join(", ");
    changed(version).map(|changed| {
        format!(
            "SELECT name, role, mend FROM ({changed}) g WHERE grantee = 0 OR grantee >= {USERS_OID_MIN} \
             AND pg_get_userbyid(grantee) NOT IN ({services}) ORDER BY 1, 2"
        )
    })
}

/// Roles of the source's service with rights in its database that the target lacks. Name: the role; detail: how many things.
pub(super) fn of_services(here: &mut Session, there: &mut Session) -> Outcome<Known<Vec<Object>>> {
    let strangers = Strangers::between(here, there)?;
    let list: Vec<String> = strangers.names().map(quote_literal).collect();
    if list.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let sql = format!(
        "SELECT r.rolname, concat(count(*), CASE count(*) WHEN 1 THEN ' thing' ELSE ' things' END), '' \
         FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid JOIN pg_database d \
         ON s.dbid = d.oid OR s.dbid = 0 AND s.classid = 'pg_database'::regclass AND s.objid = d.oid \
         WHERE d.datname = current_database() AND s.refclassid = 'pg_authid'::regclass \
         AND s.deptype = 'a' AND r.rolname IN ({}) GROUP BY 1 ORDER BY 1",
        list.join(", ")
    );
    let rows = ask(here, "the rights of the service's roles", &sql)?;
    Ok(rows.map(|rows| rows.iter().map(super::object).collect()))
}

/// The query of all changes: kind, oid and number as [`super::built_ins`] has them, name, role, and the
/// statement that takes the change back. `None` where none is carried.
pub(super) fn changed(version: u32) -> Option<String> {
    let of_system = format!("o.oid < {USERS_OID_MIN} AND o.schema = 'pg_catalog'::regnamespace");
    (version >= SINCE).then(|| changed_where(&of_system))
}

/// As [`changed`], with the class, for members of extensions.
pub(super) fn changed_of_extensions(version: u32) -> Option<String> {
    let is_member = "EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = o.class AND e.objid = o.oid \
                     AND e.deptype = 'e')";
    (version >= SINCE).then(|| changed_where(is_member))
}

fn changed_where(condition: &str) -> String {
    let rights = |acl: &str| {
        format!("SELECT a.grantee, a.privilege_type AS privilege FROM aclexplode({acl}) a")
    };
    let now = rights("o.acl");
    let first = rights("coalesce(i.initprivs, o.standard)");
    format!(
        "SELECT o.kind, o.class, o.oid, o.number, o.name || o.columns AS name, r.role, x.grantee, \
             concat(x.verb, ' ', string_agg(x.privilege || o.columns, ', ' ORDER BY x.privilege), \
              ' ON ', o.word, ' ', o.name, ' ', x.preposition, ' ', r.role) AS mend \
             FROM ({kinds}) AS o (kind, class, oid, number, schema, word, name, columns, acl, standard) \
             LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid \
              AND i.objsubid = o.number, \
             LATERAL (SELECT 'REVOKE' AS verb, 'FROM' AS preposition, g.* \
              FROM ({now} EXCEPT {first}) g \
              UNION ALL SELECT 'GRANT', 'TO', g.* FROM ({first} EXCEPT {now}) g) x, \
             LATERAL (SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' \
              ELSE quote_ident(pg_get_userbyid(x.grantee)) END AS role) r \
             WHERE o.acl IS NOT NULL AND {condition} \
             GROUP BY o.kind, o.class, o.oid, o.number, o.word, o.name, o.columns, x.verb, x.preposition, \
              x.grantee, r.role",
        kinds = KINDS.join(" UNION ALL ")
    )
}
